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
  static std::expected<std::shared_ptr<ServerContext>, std::string> make(Protocol protocol,
                                                                         const CertificateChain& chain,
                                                                         TicketKeys& tickets);
  /// The others, from which a client chooses by the name that it asks for (SNI, RFC 6066 §3): the first one whose
  /// certificate has that name counts, and else this one.
  void use_for_names(std::vector<std::shared_ptr<const ServerContext>> others);
  /// Whether the certificate is for that host. Whole labels of wildcards only.
  bool has_name(const std::string& host) const;
  /// Of a connection that is about to shake hands, during which it looks at this context: keep it as long.
  SslPointer open() const;

 private:
  explicit ServerContext(SslContextPointer context) : context_{std::move(context)} {}
  static int choose_by_name(SSL* ssl, int* alert, void* self);

  SslContextPointer context_;
  std::vector<std::shared_ptr<const ServerContext>> others_;
};

}  // namespace redoubt::transport
