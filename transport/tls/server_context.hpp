#pragma once
// How we speak TLS to clients: versions, suites, certificate, tickets (RFC 9325). One for DoT and one for DoH.
#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "transport/server/query_taker.hpp"
#include "transport/tls/openssl.hpp"
#include "transport/tls/ticket_keys.hpp"

namespace redoubt::transport {

/// DER, the server's own first, then those that signed it.
using CertificateChain = std::vector<std::vector<std::uint8_t>>;

class ServerContext {
 public:
  /// protocol: tls or https. tickets: outlives the context. errors   one line: what is wrong with the chain
  static std::expected<std::shared_ptr<const ServerContext>, std::string> make(Protocol protocol,
                                                                               const CertificateChain& chain,
                                                                               TicketKeys& tickets);
  /// Of a connection that is about to shake hands.
  SslPointer open() const;

 private:
  explicit ServerContext(SslContextPointer context) : context_{std::move(context)} {}
  SslContextPointer context_;
};

}  // namespace redoubt::transport
