#pragma once
// Who holds places that all have to share: a client's network, a zone, a server. Keyed hashes, for others choose what
// is hashed; two that share one by chance share their places, and no more.
#include <cstdint>

#include "dns/address.hpp"
#include "dns/name.hpp"

namespace redoubt::resolver {

enum class Holder : std::uint64_t { nobody = 0 };

/// Whether an address is certainly its client's own, for he shook hands (TCP) or sent a cookie of ours. What is asked
/// in a forged name takes nothing from whoever has proven his (attacks: the limiter turned on its victim).
enum class AddressProof : std::uint8_t { none, given };

/// One IPv4 address, or the /56 that a site is given in IPv6.
dns::IpAddress network_of(const dns::IpAddress& client);
Holder holder_of(const dns::IpAddress& address, const dns::HashKey& key);
Holder holder_of(const dns::IpAddress& address, AddressProof proof, const dns::HashKey& key);
Holder holder_of(const dns::Name& name, const dns::HashKey& key);
/// One client's doings in one zone.
Holder together(Holder one, Holder other);

/// For tables: it is a hash already.
struct HolderHash {
  std::size_t operator()(Holder holder) const { return static_cast<std::size_t>(holder); }
};

}  // namespace redoubt::resolver
