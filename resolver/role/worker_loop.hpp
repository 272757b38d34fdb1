#pragma once
// What stands behind a Worker: its thread's event loop and all that this thread alone touches. By file: worker.cpp
// (the thread and its settings), worker_datagrams.cpp (clients by UDP), worker_messages.cpp (streams, the operator),
// worker_answers.cpp (what both have in common).
#include <array>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <map>
#include <memory>
#include <thread>
#include <vector>

#include "dns/packet/packet_cache.hpp"
#include "resolver/desk.hpp"
#include "resolver/render/render.hpp"
#include "resolver/role/bookkeeping.hpp"
#include "resolver/role/client_claims.hpp"
#include "resolver/role/clock_watch.hpp"
#include "resolver/role/datagrams.hpp"
#include "resolver/role/listener_socket.hpp"
#include "resolver/role/system.hpp"
#include "resolver/role/uplink.hpp"
#include "resolver/role/worker.hpp"

namespace redoubt::resolver {

class Worker::Loop {
 public:
  Loop(Shared& shared, StreamRoad& road, std::shared_ptr<const WorkerSettings> settings);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  boost::asio::io_context& context() { return context_; }
  const WorkerCounters& counters() const { return counters_; }

  void use(std::shared_ptr<const WorkerSettings> settings);
  void take_socket(channel::ListenerId listener, channel::Descriptor socket);
  void drop_listener(channel::ListenerId listener);
  void log_to(QueryRing& ring) { books_.log_to(ring); }
  /// Whatever waits and was not told so for want of memory goes on.
  void look_for_arrivals();
  void ask(std::vector<channel::Ask> asks);
  void trace(Tracing tracing);
  void resolve_for(std::vector<std::uint8_t> query, Answered done);
  void resolve_afresh(std::span<const std::uint8_t> octets, Answered done);

 private:
  void run();
  /// Whatever changed may have changed answers.
  void renew_packets();

  // Clients by UDP.
  using SharedSocket = std::shared_ptr<ListenerSocket>;
  void await_datagrams(channel::ListenerId listener, const SharedSocket& socket);
  /// In the loop's next turn.
  void serve_soon(channel::ListenerId listener, const SharedSocket& socket);
  void serve_and_await(channel::ListenerId listener, const SharedSocket& socket);
  /// True: there may be more.
  bool serve(channel::ListenerId listener, int socket);
  /// All of a batch are looked at, and then each is served: what the second needs from memory is on its way meanwhile.
  void serve_batch(channel::ListenerId listener, std::size_t count);
  struct Look;
  void look(const Datagram& datagram, Look& look) const;
  /// Once those are answered who need none.
  void begin_resolutions();
  /// The answer of an earlier query, when it is this one's too.
  bool serve_again(const Look& look, const Datagram& datagram);
  /// The answer that stands in the room, or what goes in its place when too many such go there.
  std::size_t unless_amplified(std::span<const std::uint8_t> query, const Claim& claim, const dns::IpAddress& client,
                               std::span<std::uint8_t> room, std::size_t octets);
  /// Answers right into the batch when no resolution is needed, else starts one.
  void serve_datagram(channel::ListenerId listener, const Datagram& datagram, const Look& look);
  /// Never longer than what came: the address may be that of a victim. So there is no cookie, and a reason only where
  /// the query had room for it.
  void refuse_stranger(const dns::Query& query, const Datagram& datagram, const dns::IpAddress& client);
  Task<void> resolve_datagram(channel::ListenerId listener, dns::Query query, std::size_t query_octets, Claim claim,
                              ReturnPath path, WaitingRoom::Place place);
  /// Answers that took a resolution, together.
  void send_late();

  // Whole messages: of streams, of the operator.
  /// What is known at once joins the others that are; the rest goes to the road when it is there.
  void serve_stream(channel::Ask& ask);
  /// For a client whom the access list lets in. Where each answer has its line in a log, each has to come by here.
  std::optional<channel::Leave> leave_to_answer() const;
  static channel::Leave left_for(channel::Leave leave, std::chrono::seconds time, bool secure);
  /// The answer of an earlier query, by whatever transport: streams have room. What is asked for so often is left to
  /// transport from here on.
  bool serve_stream_again(const dns::QueryGlance& glance, const channel::Ask& ask, const Recipient& recipient);
  /// A whole message that came by a stream or from the operator.
  void answer_message(std::vector<std::uint8_t> octets, const Recipient& recipient, bool allowed, Answered done);
  Task<void> resolve_message(dns::Query query, Recipient recipient, WaitingRoom::Place place, Answered done);
  Task<void> resolve_traced(dns::Query query, Tracing tracing);
  Task<void> resolve_alone(dns::Query query, Answered done);
  static std::size_t block_for(const Recipient& recipient) { return recipient.encrypted ? padding_block : 0; }

  // For all of them.
  void begin_batch();
  std::size_t slip(const dns::Query& query, const Claim& claim, std::span<std::uint8_t> room);
  /// An answer from the record cache: the next asker gets it without all that. returns  for how long; zero: he does not
  std::chrono::seconds keep_packet(const dns::QueryGlance& glance, const Outcome& outcome,
                                   std::span<const std::uint8_t> answer);
  /// returns how long it took
  std::chrono::nanoseconds note_resolved(const dns::Query& query, const Outcome& outcome, Instant began);
  std::size_t put(const dns::Query& query, const Outcome& outcome, const Claim& claim, std::size_t limit, Instant now,
                  std::span<std::uint8_t> room, std::size_t block = 0);
  std::size_t put_fault(const dns::QueryError& error, std::span<std::uint8_t> room);
  static void note(const std::exception_ptr& trouble);
  /// A line in the log, if there is memory for it.
  static void tell_of(const char* what, const std::exception& trouble) noexcept;

  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_{context_.get_executor()};
  Shared* shared_;
  StreamRoad* road_;
  std::shared_ptr<const WorkerSettings> settings_;
  WorkerCounters counters_;
  ClientClaims claims_;
  SystemClock clock_;
  SystemRandom random_;
  Bookkeeping books_{counters_, random_};
  UpstreamDatagrams datagrams_;
  std::shared_ptr<FetchReturns> returns_ = std::make_shared<FetchReturns>(context_.get_executor());
  Uplink uplink_;
  Desk desk_;
  DatagramBatch batch_;
  DatagramBatch late_;
  channel::ListenerId late_listener_ = 0;
  bool late_is_posted_ = false;
  /// Where answers for streams are rendered, one after the other.
  std::vector<std::uint8_t> stream_room_ = std::vector<std::uint8_t>(dns::max_message_octets);
  std::vector<channel::Give> known_together_;
  /// Of the answer that a client of streams is being given: for how long a copy of it is served.
  struct {
    std::chrono::seconds time{};
    bool secure = false;
  } kept_;

  /// What is known of a datagram before anybody looks for its answer.
  struct Look {
    dns::QueryGlance glance;
    dns::Endpoint client;
    std::uint64_t hash;  // of the question, where that is plain
    bool is_ignored;
    bool is_allowed;
    bool is_plain;
  };
  std::array<Look, batch_size> looks_;
  std::vector<Task<void>> beginning_;  // of this batch
  Instant batch_began_{};
  ClockWatch clock_watch_;
  std::unique_ptr<dns::PacketCache> packets_;  // never null
  std::uint64_t flushes_seen_ = 0;
  const SharedOutcome refused_ = refused(dns::EdeCode::prohibited, "");
  const SharedOutcome refused_without_reason_ = [] {
    auto outcome = std::make_shared<Outcome>();
    outcome->rcode = dns::Rcode::refused;
    return outcome;
  }();

  std::map<channel::ListenerId, SharedSocket> listeners_;
  std::thread thread_;
};

}  // namespace redoubt::resolver
