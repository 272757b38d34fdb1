#pragma once
// Where clients' queries go: the resolver, as the stream server sees it.
#include <cstdint>
#include <span>
#include <string>

#include "dns/address.hpp"

namespace redoubt::transport {

using ListenerId = std::uint32_t;
/// Numbers a query for as long as this process lives; never used again.
using AskId = std::uint64_t;
enum class Protocol : std::uint8_t { tcp, tls, https };

/// What is spoken at a listener. path: of DoH.
struct ListenerManner {
  Protocol protocol;
  std::string path{};
  bool operator==(const ListenerManner&) const = default;
};

struct Origin {
  ListenerId listener;
  Protocol protocol;
  dns::Endpoint client;
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
