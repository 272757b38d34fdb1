#pragma once
// TLS towards servers (RFC 7858, RFC 8484): who they have to be, what they said last time, and the streams themselves.
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "dns/address.hpp"
#include "transport/counters.hpp"
#include "transport/net/byte_stream.hpp"
#include "transport/tls/openssl.hpp"

namespace redoubt::transport {

/// SHA-256 of a SubjectPublicKeyInfo (RFC 7858 §4.2).
using KeyPin = std::array<std::uint8_t, 32>;

/// Who a server has to be (RFC 8310 §5). With pins: the holder of one of these keys, whoever signed its certificate.
/// With a name: somebody whom the authorities certify as that. With neither, anybody, for which `anybody` has to be
/// said: encrypted, and open to whoever sits on the way.
struct ServerIdentity {
  std::string name;
  std::vector<KeyPin> pins;
  bool anybody = false;
  std::string path{};  ///< of DNS over HTTPS; empty: it speaks DNS over TLS
  bool operator==(const ServerIdentity&) const = default;
};

/// What a request of HTTP calls that server: its name, else its address; with a port that is not the usual one.
std::string authority_of(const dns::Endpoint& server, const ServerIdentity& identity);

/// Where authorities speak TLS, if they do (RFC 9539 §3).
inline constexpr std::uint16_t dot_port = 853;
/// Servers whose last session is kept for a resumption; beyond that one is given up for another.
inline constexpr std::size_t max_client_sessions = 4096;

struct ClientTrust {
  std::map<dns::Endpoint, ServerIdentity> servers;
  std::vector<std::vector<std::uint8_t>> authorities;  ///< certificates, DER
  /// Servers at this port that are not among those may be anybody: encryption for its own sake. 0: none.
  std::uint16_t strangers_at = 0;
  bool operator==(const ClientTrust&) const = default;
};

class ClientTls {
 public:
  /// Outlives the streams, and counters outlive it.
  explicit ClientTls(Counters& counters) : counters_{counters} {}
  ~ClientTls();
  ClientTls(const ClientTls&) = delete;
  ClientTls& operator=(const ClientTls&) = delete;

  /// For streams from now on. What servers gave for a resumption under the former trust is dropped.
  void use(ClientTrust trust);
  const ClientTrust& trust() const { return trust_; }
  /// anybody: whether a stranger would do.
  bool speaks_with(const dns::Endpoint& server, bool anybody) const {
    return trust_.servers.contains(server) ||
           (anybody && trust_.strangers_at != 0 && server.port == trust_.strangers_at);
  }
  bool speaks_https_with(const dns::Endpoint& server) const {
    const auto known = trust_.servers.find(server);
    return known != trust_.servers.end() && !known->second.path.empty();
  }
  /// A stream on that connected socket. Nothing is written to it before the server has shown who it is. Null for a
  /// server of which nobody said who it has to be.
  std::unique_ptr<ByteStream> connect(const dns::Endpoint& server, Socket socket, bool anybody = false);
  /// Servers whose next handshake may be short.
  std::size_t sessions() const { return sessions_.size(); }

 private:
  using Session = std::unique_ptr<SSL_SESSION, Release<SSL_SESSION_free>>;

  SslContextPointer fresh_context();
  static int verify(X509_STORE_CTX* store, void*);
  static int keep_session(SSL* ssl, SSL_SESSION* session);

  Counters& counters_;
  ClientTrust trust_;
  SslContextPointer context_;
  std::map<dns::Endpoint, Session> sessions_;  ///< the newest of each; used once (RFC 8446 §C.4)
};

}  // namespace redoubt::transport
