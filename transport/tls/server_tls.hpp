#pragma once
// TLS for accepted connections: the certificate in force, the tickets, and who signs.
#include <memory>
#include <string>

#include "transport/counters.hpp"
#include "transport/net/byte_stream.hpp"
#include "transport/tls/server_context.hpp"
#include "transport/tls/tls_stream.hpp"

namespace redoubt::transport {

class ServerTls {
 public:
  /// Both outlive it, and it outlives its streams.
  ServerTls(HandshakeSigner& signer, Counters& counters) : signer_{signer}, counters_{counters} {}
  /// For connections from now on; those that stand keep theirs. Empty, or what is wrong: then the former one stays.
  std::string use(const CertificateChain& chain);
  /// There is a certificate.
  bool ready() const { return dot_ != nullptr; }
  /// Null while there is none.
  std::unique_ptr<ByteStream> accept(Protocol protocol, Socket socket);

 private:
  HandshakeSigner& signer_;
  Counters& counters_;
  TicketKeys tickets_;
  std::shared_ptr<const ServerContext> dot_;
  std::shared_ptr<const ServerContext> doh_;
};

}  // namespace redoubt::transport
