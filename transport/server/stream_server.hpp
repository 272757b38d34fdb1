#pragma once
// All client connections of this process: who may have one, how long, and which answer belongs to whom.
#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "transport/counters.hpp"
#include "transport/limits.hpp"
#include "transport/server/acceptor.hpp"
#include "transport/server/admitted_clients.hpp"
#include "transport/server/ask_table.hpp"
#include "transport/server/client_table.hpp"
#include "transport/server/connection.hpp"
#include "transport/server/deadlines.hpp"
#include "transport/server/handshake_rates.hpp"
#include "transport/tls/server_tls.hpp"

namespace redoubt::transport {

class StreamServer : private ConnectionHost {
 public:
  /// Of one read of a connection, at most.
  static constexpr std::size_t read_octets = 16 * 1024;

  /// All of them outlive the server. tls: null where only plain TCP is spoken.
  StreamServer(Executor executor, QueryTaker& taker, Counters& counters, ServerTls* tls = nullptr);
  ~StreamServer() override;
  StreamServer(const StreamServer&) = delete;
  StreamServer& operator=(const StreamServer&) = delete;

  /// Numbers of connections count for new ones, times and everything else at once.
  void use(const Limits& limits);
  /// Takes connections from this socket, which listens already. False when it cannot be used.
  bool listen(ListenerId listener, ListenerManner manner, Socket listening);
  /// What that listener's connections speak from now on. Those that are there go on as they began, but where other
  /// clients are let in by their certificates: then they are answered what they asked, and closed.
  void set_manner(ListenerId listener, ListenerManner manner);
  /// Its connections are answered what they asked, then closed.
  void drop_listener(ListenerId listener);
  /// A connection that is already there.
  void adopt(ListenerId listener, const ListenerManner& manner, Accepted accepted);
  bool listens(ListenerId listener) const { return acceptors_.contains(listener); }

  /// An answer; an empty one closes the client's connection. An unknown id is old news and ignored. leave: for this
  /// client, to be answered from here.
  void give(AskId id, std::span<const std::uint8_t> answer, const std::optional<Leave>& leave = {});
  /// Of answers that are kept, octets in all.
  void keep_answers(std::size_t octets) { near_.resize(octets); }
  /// What the resolver left to us is withdrawn.
  void forget_answers() { near_.forget(); }
  /// The resolver takes queries again.
  void resume();
  /// The resolver is a new one and knows of no query.
  void resend_all();

  /// Accepts nothing and takes no query any more; `done` once all that was asked is answered, or after `patience`.
  void stop(std::chrono::milliseconds patience, Callback done);

  std::size_t connections() const { return connections_.size(); }
  std::size_t waiting_queries() const { return asks_.size(); }
  std::size_t waiting_octets() const { return asks_.octets(); }
  /// Connections that are idle and have given back what memory they can.
  std::size_t resting() const { return deadlines_.resting(); }
  std::size_t queued_octets() const { return queued_octets_; }

 private:
  // ConnectionHost
  const Limits& limits() const override { return limits_; }
  std::span<std::uint8_t> read_buffer() override { return read_buffer_; }
  bool takes_queries() const override;
  void wait_for_room(Connection& connection) override;
  AskId ask(Connection& connection, const Incoming& query) override;
  std::span<const std::uint8_t> known(Connection& connection, const Incoming& query) override;
  void expect(Connection& connection, std::span<const std::span<const std::uint8_t>> messages) override;
  void withdraw(AskId id) override;
  void flush_soon(Connection& connection) override;
  void resume_soon(Connection& connection) override;
  bool note_queued(std::ptrdiff_t octets) override;
  void start_wait(Wait kind, Connection& connection) override;
  void stop_wait(Wait kind, Connection& connection) override;
  void said_all(Connection& connection) override;
  void gone(Connection& connection, CloseReason reason) override;

  std::unique_ptr<ByteStream> stream_of(const ListenerManner& manner, Accepted& accepted);
  std::unique_ptr<MessageFraming> framing_of(const ListenerManner& manner) const;
  bool make_room_for(const dns::IpAddress& client);
  bool close_longest_waiting();
  bool busy() const;
  std::chrono::milliseconds time_of(Wait kind) const;
  void flush_all();
  void let_proceed();
  void expire();
  void close_late(Wait kind, Clock::time_point now);
  void look_again_by(Clock::time_point when);
  void let_rest();
  void schedule();
  void drain_if(const std::function<bool(const Connection&)>& concerned);
  void end_stop_if_answered();
  void end_stop();

  Executor executor_;
  Counters& counters_;
  ServerTls* tls_;
  Limits limits_;
  HandshakeRates handshakes_;
  std::size_t queued_octets_ = 0;
  AskTable asks_;
  NearAnswers near_;
  AdmittedClients admitted_;
  ClientTable clients_;
  Deadlines deadlines_;
  std::unordered_map<const Connection*, std::shared_ptr<Connection>> connections_;
  std::map<ListenerId, std::unique_ptr<Acceptor>> acceptors_;
  std::map<ListenerId, ListenerManner> manners_;
  std::vector<std::shared_ptr<Connection>> to_flush_;
  std::deque<std::weak_ptr<Connection>> waiting_for_room_;
  std::array<std::uint8_t, read_octets> read_buffer_{};
  Timer deadline_;
  std::optional<Clock::time_point> deadline_at_;
  Timer resting_;
  bool rest_due_ = false;
  Timer stopping_;
  Callback stopped_;
  /// Work that is posted to the loop looks here whether the server is still there.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace redoubt::transport
