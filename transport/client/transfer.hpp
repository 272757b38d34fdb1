#pragma once
// One query, many answers: how whole zones come (RFC 5936). Messages are handed out one by one, when they are asked
// for: who takes them slowly slows the server down and fills nobody's memory.
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "dns/address.hpp"
#include "transport/client/upstream_fault.hpp"
#include "transport/framing/frame_reader.hpp"
#include "transport/framing/output_queue.hpp"
#include "transport/net/byte_stream.hpp"
#include "transport/net/loop.hpp"

namespace redoubt::transport {

class Transfer {
 public:
  using OnMessage = std::function<void(std::span<const std::uint8_t> message)>;
  using OnEnd = std::function<void(UpstreamFault fault)>;

  /// Both from the loop. on_message: once for the query and once for each next(); what is in the message nobody has
  /// looked at. on_end: once, and nothing after it; closed_early is how servers end a connection when they have said
  /// all, too. Either may destroy this object.
  Transfer(const Executor& executor, Socket connecting, std::span<const std::uint8_t> query, Clock::time_point deadline,
           OnMessage on_message, OnEnd on_end);
  /// Asks for one more message.
  void next();

 private:
  void connected();
  void send();
  void read();
  void read_on();
  void hand_out();
  void end(UpstreamFault fault);

  Socket connecting_;
  std::unique_ptr<ByteStream> stream_;
  Executor executor_;
  Watch watch_;  // behind both: it goes first
  Timer deadline_;
  Timer soon_;
  OutputQueue output_;
  FrameReader reader_;
  bool wanted_ = true;
  OnMessage on_message_;
  OnEnd on_end_;
};

/// Transfers under way at once; each holds a connection and one message.
inline constexpr std::size_t max_transfers = 4;

/// Those of one asker, by the ids that it chose.
class Transfers {
 public:
  using Id = std::uint64_t;

  explicit Transfers(Executor executor) : executor_{std::move(executor)} {}
  /// The addresses to come from; a family of which there is none leaves it to the kernel.
  void use(std::vector<dns::IpAddress> sources) { sources_ = std::move(sources); }
  /// on_end may come before this returns, when nothing can be begun: bad_request for what is no query, too_many.
  void open(Id id, const dns::Endpoint& server, std::chrono::milliseconds patience, std::span<const std::uint8_t> query,
            Transfer::OnMessage on_message, Transfer::OnEnd on_end);
  /// Unknown ids are old news.
  void next(Id id);
  void close(Id id) { running_.erase(id); }
  void close_all() { running_.clear(); }
  std::size_t running() const { return running_.size(); }

 private:
  Executor executor_;
  std::vector<dns::IpAddress> sources_;
  std::map<Id, std::unique_ptr<Transfer>> running_;
};

}  // namespace redoubt::transport
