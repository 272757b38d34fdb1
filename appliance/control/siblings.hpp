#pragma once
// control's side of its channels to resolver and transport: the snapshot, statistics, and what the API asks of the
// resolver. Each request has a deadline; its callback is called once, with nothing when no answer came. All on one
// event loop.
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "appliance/channel/async_channel.hpp"
#include "appliance/channel/control_resolver.hpp"
#include "appliance/channel/control_transport.hpp"
#include "appliance/channel/roles.hpp"

namespace redoubt::control {

/// Requests that may wait for the siblings at once: as many as there can be API clients, twice.
inline constexpr std::size_t max_requests_waiting = 256;
/// Of one trace; further ones are not listened to.
inline constexpr std::size_t max_trace_steps_heard = 1000;

class Siblings {
 public:
  template <class T>
  using Then = std::function<void(std::optional<T>)>;
  /// trouble is empty when that role now uses that generation.
  using OnTaken = std::function<void(channel::Role role, std::uint64_t generation, const std::string& trouble)>;
  /// A role's channel came (fresh, so it has no snapshot yet) or went.
  using OnAttachment = std::function<void(channel::Role role, bool attached)>;

  Siblings(boost::asio::io_context& loop, OnTaken on_taken, OnAttachment on_attachment);

  /// Resolver and transport; keykeeper talks to Certificates.
  void attach(channel::Role role, channel::Channel channel);
  bool attached(channel::Role role) const;

  /// False when that role is not there to take it.
  bool use_snapshot(channel::Role role, std::uint64_t generation, int memfd);
  void ask_statistics(channel::Role role, std::chrono::milliseconds patience, Then<std::vector<std::uint64_t>> then);
  void show_cache(channel::ShowCache request, std::chrono::milliseconds patience, Then<channel::CacheShown> then);
  void flush_cache(channel::FlushCache request, std::chrono::milliseconds patience, Then<channel::CacheFlushed> then);
  void resolve(std::vector<std::uint8_t> query, std::chrono::milliseconds patience,
               Then<std::vector<std::uint8_t>> then);
  /// From servers, although the cache may have it.
  void resolve_afresh(std::vector<std::uint8_t> query, std::chrono::milliseconds patience,
                      Then<std::vector<std::uint8_t>> then);

  /// on_step: each step as it comes, before `then`, which comes once and last: with nothing when the resolver ended
  /// meanwhile or took too long.
  using OnStep = std::function<void(const channel::TraceStep&)>;
  void trace(channel::TraceFor request, std::chrono::milliseconds patience, OnStep on_step, Then<channel::Traced> then);
  void ask_upstreams(channel::AskUpstreams request, std::chrono::milliseconds patience, Then<channel::Upstreams> then);

  /// What came of certificates.
  void on_certificate_taken(std::function<void(const channel::CertificateTaken&)> then) {
    certificate_taken_ = std::move(then);
  }
  /// False when transport is not there to take it.
  bool use_certificate(const channel::UseCertificate& certificate);

  /// The root zone's records, which hold for so long from now. False when the resolver is not there to take it.
  bool use_local_root(std::chrono::seconds time, int memfd);
  bool drop_local_root();

  /// False when the resolver is not there to take it.
  bool use_kept_cache(const channel::UseKeptCache& message, int memfd);
  bool write_kept_cache(const channel::WriteKeptCache& message, int memfd);
  void on_kept_cache_written(std::function<void(const channel::KeptCacheWritten&)> then) {
    kept_cache_written_ = std::move(then);
  }
  /// Called around each message that flushes: before it is sent, and after.
  void on_flush(std::function<void()> before, std::function<void()> after) {
    before_flush_ = std::move(before);
    after_flush_ = std::move(after);
  }

  /// What comes of transfers, until one ends, is closed, or transport goes.
  struct TransferEvents {
    std::function<void(const channel::TransferMessage&)> message;
    std::function<void(const channel::TransferEnded&)> ended;
  };
  void on_transfers(TransferEvents events) { transfer_events_ = std::move(events); }
  /// The transfer's id; nothing when transport is not there to take it.
  std::optional<channel::RequestId> open_transfer(const dns::Endpoint& server, std::chrono::milliseconds patience,
                                                  std::vector<std::uint8_t> query);
  void continue_transfer(channel::RequestId id);
  void close_transfer(channel::RequestId id);

 private:
  void resolve(channel::ResolveFor request, std::chrono::milliseconds patience, Then<std::vector<std::uint8_t>> then);
  using Answer = std::variant<channel::Statistics, channel::CacheShown, channel::CacheFlushed, channel::ResolvedFor,
                              channel::Traced, channel::Upstreams>;
  struct Waiting {
    channel::Role role;
    OnStep on_step;  ///< of a trace; else empty
    std::size_t steps = 0;
    std::function<void(std::optional<Answer>)> then;
    std::unique_ptr<boost::asio::steady_timer> deadline;
  };
  struct Sibling {
    channel::Role role;
    channel::AsyncChannel channel;
  };

  Sibling* find(channel::Role role);
  void hear(Sibling& sibling, const channel::Received& received);
  void lose(Sibling& sibling, const char* why);
  void answer(channel::Role role, channel::RequestId id, Answer answer);
  void give_up(channel::RequestId id);
  template <class Message, class Result, class Extract>
  void ask(channel::Role role, Message message, std::chrono::milliseconds patience, Then<Result> then, Extract extract,
           OnStep on_step = nullptr);
  void give_up_all(channel::Role role);
  void add_step(channel::Role role, const channel::TraceStep& step);

  boost::asio::io_context& loop_;
  OnTaken on_taken_;
  OnAttachment on_attachment_;
  Sibling resolver_;
  Sibling transport_;
  /// Grows across the lives of the process, so that a late answer to a former life is known as old news.
  channel::RequestId next_id_ =
      static_cast<channel::RequestId>(std::chrono::steady_clock::now().time_since_epoch().count());
  std::map<channel::RequestId, Waiting> waiting_;
  TransferEvents transfer_events_;
  std::function<void(const channel::CertificateTaken&)> certificate_taken_;
  std::function<void(const channel::KeptCacheWritten&)> kept_cache_written_;
  std::function<void()> before_flush_;
  std::function<void()> after_flush_;
};

}  // namespace redoubt::control
