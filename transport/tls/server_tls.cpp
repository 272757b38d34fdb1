#include "transport/tls/server_tls.hpp"

#include <utility>

namespace redoubt::transport {

namespace {

/// All of one protocol: the first certificate's, which knows the others.
std::expected<std::shared_ptr<const ServerContext>, std::string> context_of(Protocol protocol,
                                                                            const std::vector<CertificateChain>& chains,
                                                                            TicketKeys& tickets) {
  auto first = ServerContext::make(protocol, chains.front(), tickets);
  if (!first) return std::unexpected{first.error()};
  std::vector<std::shared_ptr<const ServerContext>> others;
  for (std::size_t i = 1; i < chains.size(); ++i) {
    if (chains[i].empty()) continue;  // it has not come yet
    auto other = ServerContext::make(protocol, chains[i], tickets);
    if (!other) return std::unexpected{other.error()};
    others.push_back(*std::move(other));
  }
  (*first)->use_for_names(std::move(others));
  return std::shared_ptr<const ServerContext>{*std::move(first)};
}

}  // namespace

std::string ServerTls::use(std::size_t place, std::size_t count, const CertificateChain& chain) {
  if (place >= count) return "there is no such place";
  std::vector<CertificateChain> chains = chains_;
  chains.resize(count);
  chains[place] = chain;
  if (chains.front().empty()) {  // nobody is served before that one is here
    if (place == 0) return "there is no certificate";
    chains_ = std::move(chains);
    return {};
  }
  auto dot = context_of(Protocol::tls, chains, tickets_);
  if (!dot) return dot.error();
  auto doh = context_of(Protocol::https, chains, tickets_);
  if (!doh) return doh.error();
  chains_ = std::move(chains);
  dot_ = *std::move(dot);
  doh_ = *std::move(doh);
  return {};
}

std::unique_ptr<ByteStream> ServerTls::accept(const ListenerManner& manner, Socket socket) {
  if (!ready()) return nullptr;
  const auto& context = manner.protocol == Protocol::https ? doh_ : dot_;
  SslPointer ssl = context->open();
  if (!ssl || (manner.clients && !ClientAuthorities::set_up(*ssl, manner.clients))) return nullptr;
  return std::make_unique<TlsStream>(std::move(socket), std::move(ssl), &signer_, counters_, context);
}

}  // namespace redoubt::transport
