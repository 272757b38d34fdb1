// Entrance: a snapshot from a hostile control. Property: of what verifies, every field can be read; no part that
// readers follow is null.
#include "appliance/snapshot/snapshot.hpp"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "snapshot_generated.h"

namespace {

using namespace redoubt::snapshot;

std::uint64_t sum = 0;  // so that no read is optimised away

template <class T>
const T& there(const T* part) {
  if (part == nullptr) {
    std::fputs("a required part is missing\n", stderr);
    std::abort();
  }
  return *part;
}

void walk(const flat::Address& address) {
  for (const std::uint8_t octet : there(address.octets())) sum += octet;
  sum += address.v6();
}

void walk(const flat::Prefix& prefix) {
  walk(there(prefix.address()));
  sum += prefix.length();
}

void walk(const flat::Listener& listener) {
  walk(there(there(listener.at()).address()));
  sum += listener.id() + listener.at()->port() + listener.udp() + listener.tcp() + listener.tls() + listener.https();
  for (const char c : there(listener.path()).string_view()) sum += static_cast<unsigned char>(c);
}

void walk(const flat::RootServer& server) {
  for (const std::uint8_t octet : there(server.name())) sum += octet;
  for (const flat::Address* address : there(server.addresses())) walk(there(address));
}

void walk(const flat::Resolution& resolution) {
  for (const flat::RootServer* server : there(resolution.root_servers())) walk(there(server));
  for (const flat::Address* address : there(resolution.outgoing_addresses())) walk(there(address));
  for (const flat::Prefix* prefix : there(resolution.do_not_query())) walk(there(prefix));
  sum += resolution.first_port() + resolution.last_port() + resolution.port() + resolution.ipv4() + resolution.ipv6();
  sum += static_cast<std::uint64_t>(resolution.qname_minimisation()) + resolution.case_randomisation() +
         resolution.cookies();
}

void walk(const flat::Snapshot& snapshot) {
  for (const flat::Listener* listener : there(snapshot.listeners())) walk(there(listener));
  for (const flat::Prefix* prefix : there(there(snapshot.access()).allow())) walk(there(prefix));
  const flat::Cache& cache = there(snapshot.cache());
  sum += cache.size() + cache.min_ttl() + cache.max_ttl() + cache.negative_max_ttl() + cache.stale() + cache.prefetch();
  walk(there(snapshot.resolution()));
  for (const flat::Limit* limit : there(snapshot.limits())) {
    sum += there(limit).value() + there(limit->name()).size();
  }
  sum += snapshot.generation() + snapshot.workers();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // Memory from the allocator is aligned for the largest field, and the sanitizer watches its end.
  const auto memory = std::make_unique<std::uint8_t[]>(size);
  if (size != 0) std::memcpy(memory.get(), data, size);
  if (const flat::Snapshot* snapshot = verified({memory.get(), size})) walk(*snapshot);
  return 0;
}
