#include "resolver/role/local_root.hpp"

#include "appliance/snapshot/snapshot.hpp"
#include "dns/record_stream.hpp"

namespace redoubt::resolver {

namespace {

/// The root has some 25,000.
constexpr std::size_t max_records = 200'000;

}  // namespace

std::expected<std::shared_ptr<const LocalZone>, std::string> local_root_from(const channel::Descriptor& sealed,
                                                                             std::chrono::seconds time, Instant now) {
  const auto mapped = snapshot::SealedOctets::map(sealed);
  if (!mapped) return std::unexpected{mapped.error()};
  const auto records = dns::read_records(mapped->octets(), max_records);
  if (!records) return std::unexpected{std::string{dns::describe(records.error().fault)}};
  auto zone = LocalZone::make(dns::Name{}, *records, now + time);
  if (!zone) return std::unexpected{std::move(zone.error())};
  return std::make_shared<const LocalZone>(*std::move(zone));
}

std::shared_ptr<const WorkerSettings> with_local_root(const WorkerSettings& settings,
                                                      std::shared_ptr<const LocalZone> root, std::uint64_t number) {
  auto core = std::make_shared<Settings>(*settings.core);
  core->local_root = std::move(root);
  auto changed = std::make_shared<WorkerSettings>(settings);
  changed->core = std::move(core);
  changed->number = number;
  return changed;
}

}  // namespace redoubt::resolver
