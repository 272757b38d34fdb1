#include "transport/tls/server_tls.hpp"

#include <utility>

namespace redoubt::transport {

std::string ServerTls::use(const CertificateChain& chain) {
  auto dot = ServerContext::make(Protocol::tls, chain, tickets_);
  if (!dot) return dot.error();
  auto doh = ServerContext::make(Protocol::https, chain, tickets_);
  if (!doh) return doh.error();
  dot_ = *std::move(dot);
  doh_ = *std::move(doh);
  return {};
}

std::unique_ptr<ByteStream> ServerTls::accept(Protocol protocol, Socket socket) {
  if (!ready()) return nullptr;
  SslPointer ssl = (protocol == Protocol::https ? doh_ : dot_)->open();
  if (!ssl) return nullptr;
  return std::make_unique<TlsStream>(std::move(socket), std::move(ssl), &signer_, counters_);
}

}  // namespace redoubt::transport
