#pragma once
// Exchanges with servers over streams: how many, with whom, from which address, over which connection. Connections stay
// open for the next exchange and carry several at a time (RFC 7766 §6.2.1).
#include <cstdint>
#include <map>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "transport/client/client_tls.hpp"
#include "transport/client/server_book.hpp"
#include "transport/client/upstream_connection.hpp"
#include "transport/counters.hpp"
#include "transport/limits.hpp"

namespace redoubt::transport {

/// to_anybody: by TLS, whoever the server is, where the trust allows that of strangers.
struct UpstreamRequest {
  UpstreamId id;
  Protocol protocol;
  dns::Endpoint server;
  std::chrono::milliseconds patience;
  std::vector<std::uint8_t> query;
  bool to_anybody = false;
};

class UpstreamPool : private ConnectionUser {
 public:
  UpstreamPool(Executor executor, Counters& counters);
  ~UpstreamPool() override;
  UpstreamPool(const UpstreamPool&) = delete;
  UpstreamPool& operator=(const UpstreamPool&) = delete;
  /// For exchanges from now on. sources: the addresses to come from; a family of which there is none leaves it to the
  /// kernel. trust: which servers may be asked by TLS, and who they have to be.
  void use(const Limits& limits, std::vector<dns::IpAddress> sources, ClientTrust trust = {});
  /// done comes once: from the loop, or at once when nothing can be begun. False, and no done, when that id lives.
  bool fetch(UpstreamRequest request, UpstreamDone done);
  /// No done any more; the connection goes on. An unknown id is old news.
  void abandon(UpstreamId id);
  void abandon_all();
  std::size_t exchanges() const { return exchanges_.size(); }
  /// In use and idle.
  std::size_t connections() const { return counters_.upstream_connections_open; }

 private:
  struct Running {
    Running(const Executor& executor, UpstreamServer asked, std::vector<std::uint8_t> octets, UpstreamDone callback)
        : server{asked}, query{std::move(octets)}, done{std::move(callback)}, deadline{executor} {}

    UpstreamServer server;
    std::vector<std::uint8_t> query;
    UpstreamDone done;
    Timer deadline;
    UpstreamConnection* connection = nullptr;
    bool repeated = false;
  };
  using Connections = std::vector<std::shared_ptr<UpstreamConnection>>;

  void answered(UpstreamConnection& connection, UpstreamId exchange, std::vector<std::uint8_t> answer) override;
  void failed(UpstreamConnection& connection, UpstreamId exchange, UpstreamFault fault) override;
  void ended(UpstreamConnection& connection, UpstreamFault fault) override;

  std::optional<UpstreamFault> place(UpstreamId id, Running& exchange);
  UpstreamConnection* one_with_room(const Running& exchange, Clock::time_point now) const;
  bool speaks_with(const UpstreamServer& server) const;
  std::unique_ptr<ClientFraming> framing_for(const UpstreamServer& server) const;
  UpstreamConnection::Speak speech_for(const UpstreamServer& server);
  std::expected<UpstreamConnection*, UpstreamFault> connect(const UpstreamServer& server, Clock::time_point now);
  bool close_longest_idle();
  void keep_one_idle(UpstreamConnection& connection);
  void forget(UpstreamConnection& connection);
  std::optional<dns::IpAddress> source_for(const dns::IpAddress& server);
  void timed_out(UpstreamId id);
  void conclude(UpstreamId id, UpstreamResult result);
  void tell(const UpstreamDone& done, UpstreamResult result);

  Executor executor_;
  Counters& counters_;
  Limits limits_;
  std::vector<dns::IpAddress> sources_;
  std::size_t next_source_ = 0;
  ServerBook book_;
  ClientTls tls_;
  std::unordered_map<UpstreamId, Running> exchanges_;
  std::map<UpstreamServer, Connections> connections_;  ///< open ones; no entry is empty
};

}  // namespace redoubt::transport
