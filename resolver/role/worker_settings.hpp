#pragma once
// From the snapshot to what workers use: the only place in the resolver that knows the snapshot's schema.
#include <cstdint>
#include <memory>

#include "appliance/snapshot/snapshot.hpp"
#include "resolver/role/worker.hpp"

namespace redoubt::resolver {

/// What the role itself needs of a snapshot.
struct RoleSettings {
  std::shared_ptr<const WorkerSettings> worker;
  std::uint64_t generation = 0;
  std::uint32_t workers = 1;
  std::uint64_t cache_octets = 0;  ///< of cache.size, what packets and proofs leave
  std::uint64_t proof_octets = 0;
  std::uint32_t datagram_listeners = 0;
};

/// Every value is checked again, for control may be hostile; a snapshot that makes no sense is refused with one line
/// that says why.
std::expected<RoleSettings, std::string> settings_from(const snapshot::Mapped& snapshot);

}  // namespace redoubt::resolver
