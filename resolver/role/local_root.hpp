#pragma once
// The root zone's local copy as control hands it over (RFC 8806).
#include <chrono>
#include <expected>
#include <memory>
#include <string>

#include "appliance/channel/channel.hpp"
#include "resolver/local/local_zone.hpp"
#include "resolver/role/worker.hpp"

namespace redoubt::resolver {

/// The zone in the sealed octets, which holds for so long from `now`. control verified it, but control may be hostile:
/// a stream that cannot be read, or is no zone, is refused with one phrase.
std::expected<std::shared_ptr<const LocalZone>, std::string> local_root_from(const channel::Descriptor& sealed,
                                                                             std::chrono::seconds time, Instant now);

/// The same settings with this zone in the root servers' place, null: with none, and with this number.
std::shared_ptr<const WorkerSettings> with_local_root(const WorkerSettings& settings,
                                                      std::shared_ptr<const LocalZone> root, std::uint64_t number);

}  // namespace redoubt::resolver
