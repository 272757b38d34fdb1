#pragma once
// One query to one server over one connection of its own: connect, send, read the one answer.
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "dns/address.hpp"
#include "transport/framing/frame_reader.hpp"
#include "transport/framing/output_queue.hpp"
#include "transport/net/byte_stream.hpp"
#include "transport/net/loop.hpp"

namespace redoubt::transport {

/// malformed: what came answers another question, or none. too_many: a limit of ours. bad_request: the query is none,
/// or the server cannot be reached in the way that was asked for.
enum class UpstreamFault : std::uint8_t {
  refused,
  unreachable,
  timed_out,
  closed_early,
  malformed,
  too_many,
  bad_request
};

using UpstreamResult = std::expected<std::vector<std::uint8_t>, UpstreamFault>;
using UpstreamDone = std::function<void(UpstreamResult)>;

class UpstreamExchange {
 public:
  /// done is called once, from the loop, and may destroy this object; never after that.
  UpstreamExchange(const Executor& executor, Socket connecting, std::vector<std::uint8_t> query,
                   Clock::time_point deadline, UpstreamDone done);

 private:
  void connected();
  void send();
  void read();
  void read_on();
  void take(std::span<const std::uint8_t> octets);
  void finish(UpstreamResult result);

  Socket connecting_;
  std::unique_ptr<ByteStream> stream_;
  Watch watch_;  // behind both: it goes first
  Timer deadline_;
  std::vector<std::uint8_t> query_;
  OutputQueue output_;
  FrameReader reader_;
  UpstreamDone done_;
};

/// What an error of connect(2) or of the connection means.
UpstreamFault fault_of(const std::error_code& error);

}  // namespace redoubt::transport
