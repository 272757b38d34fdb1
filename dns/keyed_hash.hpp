#pragma once
// The one hash for whatever others choose: names, addresses, what is made of them. Keyed, so that nobody outside can
// choose what collides (attacks: hash flooding).
#include <cstdint>
#include <span>

#include "dns/name.hpp"

namespace redoubt::dns {

/// key: secret; one of its own for each purpose (resolver/derived_key.hpp), where one use could give away another.
/// SipHash-2-4 (RFC 9018 §4.4 has it for cookies). std::bit_cast to eight octets gives them in its own order.
std::uint64_t keyed_hash(std::span<const std::uint8_t> octets, const HashKey& key);

}  // namespace redoubt::dns
