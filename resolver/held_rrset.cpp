#include "resolver/held_rrset.hpp"

#include <algorithm>
#include <new>

namespace redoubt::resolver {

namespace {
using Block = std::uint64_t;  // its alignment is what the object needs
static_assert(alignof(HeldRRset) <= alignof(Block));
static_assert(std::is_trivially_destructible_v<HeldRRset>);

constexpr std::size_t blocks_for(std::size_t octets) { return (octets + sizeof(Block) - 1) / sizeof(Block); }
/// The reference counts in front, the allocator's own header, and rounding.
constexpr std::size_t block_overhead = 48;
}  // namespace

SharedRRset HeldRRset::make(const dns::RRset& rrset, Instant expires) {
  const auto owner = rrset.owner.wire();
  const std::size_t tail = owner.size() + rrset.rdata.octets();
  auto storage = std::make_shared_for_overwrite<Block[]>(blocks_for(sizeof(HeldRRset) + tail));
  const Head head{.expires = expires,
                  .ttl = rrset.ttl,
                  .type = rrset.type,
                  .count = static_cast<std::uint16_t>(rrset.rdata.count()),
                  .owner_octets = static_cast<std::uint8_t>(owner.size())};
  auto* held = ::new (storage.get()) HeldRRset{head, static_cast<std::uint32_t>(tail)};
  auto* at = reinterpret_cast<std::uint8_t*>(held + 1);  // octets behind the object, in the same block
  at = std::ranges::copy(owner, at).out;
  for (const auto rdata : rrset.rdata) {
    *at++ = static_cast<std::uint8_t>(rdata.size() >> 8);
    *at++ = static_cast<std::uint8_t>(rdata.size() & 0xff);
    at = std::ranges::copy(rdata, at).out;
  }
  return {std::move(storage), held};
}

SharedRRset HeldRRset::make(const Head& head, std::span<const std::uint8_t> packed) {
  auto storage = std::make_shared_for_overwrite<Block[]>(blocks_for(sizeof(HeldRRset) + packed.size()));
  auto* held = ::new (storage.get()) HeldRRset{head, static_cast<std::uint32_t>(packed.size())};
  std::ranges::copy(packed, reinterpret_cast<std::uint8_t*>(held + 1));  // octets behind the object, in the same block
  return {std::move(storage), held};
}

dns::Name HeldRRset::owner() const { return dns::Name::from_wire({tail(), owner_octets_}).value_or(dns::Name{}); }

std::size_t HeldRRset::octets() const {
  return blocks_for(sizeof(HeldRRset) + tail_octets_) * sizeof(Block) + block_overhead;
}

}  // namespace redoubt::resolver
