#pragma once
// TLS for accepted connections: the certificate in force, the tickets, and who signs.
#include <memory>
#include <string>
#include <vector>

#include "transport/counters.hpp"
#include "transport/net/byte_stream.hpp"
#include "transport/tls/client_authorities.hpp"
#include "transport/tls/server_context.hpp"
#include "transport/tls/tls_stream.hpp"

namespace redoubt::transport {

class ServerTls {
 public:
  /// Both outlive it, and it outlives its streams.
  ServerTls(HandshakeSigner& signer, Counters& counters) : signer_{signer}, counters_{counters} {}
  /// One of `count` certificates, for connections from now on; those that stand keep theirs. That at place 0 is for all
  /// who ask for no other one's name. Empty, or what is wrong: then the former ones stay.
  std::string use(std::size_t place, std::size_t count, const CertificateChain& chain);
  std::string use(const CertificateChain& chain) { return use(0, 1, chain); }
  /// There is a certificate.
  bool ready() const { return dot_ != nullptr; }
  /// Null while there is none.
  std::unique_ptr<ByteStream> accept(const ListenerManner& manner, Socket socket);

 private:
  HandshakeSigner& signer_;
  Counters& counters_;
  TicketKeys tickets_;
  std::vector<CertificateChain> chains_;
  std::shared_ptr<const ServerContext> dot_;
  std::shared_ptr<const ServerContext> doh_;
};

}  // namespace redoubt::transport
