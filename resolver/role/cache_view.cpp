#include "resolver/role/cache_view.hpp"

#include <algorithm>

#include "resolver/role/machine_clock.hpp"

namespace redoubt::resolver {

namespace {

/// Leaves room in the message for the envelope.
constexpr std::size_t max_shown_octets = channel::max_message_octets - 1024;
/// Name, numbers and counts of one entry; and the length in front of each RDATA.
constexpr std::size_t entry_octets = 300;

channel::CacheEntryKind kind_of(EntryKind kind) {
  switch (kind) {
    case EntryKind::data:
      return channel::CacheEntryKind::data;
    case EntryKind::no_data:
      return channel::CacheEntryKind::no_data;
    case EntryKind::no_name:
      return channel::CacheEntryKind::no_name;
    case EntryKind::failure:
      return channel::CacheEntryKind::failure;
  }
  return channel::CacheEntryKind::failure;
}

}  // namespace

channel::CacheShown show_cache(const Shared& shared, const channel::ShowCache& request) {
  const Instant now = MachineClock::now();
  channel::CacheShown reply{request.id, false, {}};
  const std::size_t limit = std::min(request.limit, channel::max_cache_entries_shown);
  std::size_t octets = 0;
  for (ShownEntry& shown : shared.cache.show(request.name, request.below, limit, now, reply.more)) {
    const auto left = std::chrono::ceil<std::chrono::seconds>(shown.found.expires - now).count();
    channel::CacheEntry entry{shown.name,
                              shown.type,
                              kind_of(shown.found.kind),
                              static_cast<std::uint8_t>(shown.found.rank),
                              static_cast<std::uint32_t>(std::max<std::int64_t>(left, 0)),
                              {}};
    octets += entry_octets;
    if (shown.found.kind == EntryKind::data) {
      for (const auto rdata : shown.found.rrset->rdata()) {
        octets += rdata.size() + 4;
        entry.rdata.emplace_back(rdata.begin(), rdata.end());
      }
    }
    if (octets > max_shown_octets) {
      reply.more = true;
      break;
    }
    reply.entries.push_back(std::move(entry));
  }
  return reply;
}

}  // namespace redoubt::resolver
