#pragma once
// How cache.size is shared out between those who keep something of answers.
#include <cstdint>

namespace redoubt::snapshot {

/// For copies of answers as they were sent, in all processes: a quarter. The rest is for records and proofs.
constexpr std::uint64_t packet_octets(std::uint64_t cache_size) { return cache_size / 4; }
/// Of these transport has a quarter, for its streams; the workers of the resolver share the rest.
constexpr std::uint64_t packet_octets_of_transport(std::uint64_t cache_size) { return packet_octets(cache_size) / 4; }
constexpr std::uint64_t packet_octets_of_worker(std::uint64_t cache_size, std::uint32_t workers) {
  return (packet_octets(cache_size) - packet_octets_of_transport(cache_size)) / workers;
}

}  // namespace redoubt::snapshot
