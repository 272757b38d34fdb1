#pragma once
// Where clients' queries go: the resolver, as the stream server sees it.
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "dns/address.hpp"
#include "dns/name.hpp"

namespace redoubt::transport {

using ListenerId = std::uint32_t;
/// Numbers a query for as long as this process lives; never used again.
using AskId = std::uint64_t;
enum class Protocol : std::uint8_t { tcp, tls, https };

class ClientAuthorities;

/// What is spoken at a listener. path: of DoH. clients: whose certificates clients may, or must, show there; null: they
/// are asked for none.
struct ListenerManner {
  Protocol protocol;
  std::string path{};
  std::shared_ptr<const ClientAuthorities> clients{};
  bool operator==(const ListenerManner&) const = default;
};

/// name: of the certificate that the client has shown; null: it has shown none.
struct Origin {
  ListenerId listener;
  Protocol protocol;
  dns::Endpoint client;
  std::shared_ptr<const dns::Name> name{};
};

/// Its members do not call back into the server.
class QueryTaker {
 public:
  virtual ~QueryTaker() = default;
  /// False: not now. The server keeps the query, takes no more of them, and offers it again at resume() or
  /// resend_all().
  virtual bool ask(AskId id, const Origin& origin, std::span<const std::uint8_t> query) = 0;
  /// Nobody waits for that answer any more.
  virtual void withdraw(AskId id) = 0;
};

}  // namespace redoubt::transport
