#include "resolver/cache/packed_entry.hpp"

#include <algorithm>
#include <cstring>
#include <new>

namespace redoubt::resolver {

namespace {

/// Clients' hits that make an entry worth fetching again before it ends.
constexpr std::uint8_t popular = 2;
/// An entry's share of the index at its emptiest (entry_index.hpp).
constexpr std::size_t index_octets = 12;
/// RDATA of which the count stands in the tail.
constexpr std::uint16_t many = 3;
static_assert(sizeof(PackedEntry) == 32 && alignof(PackedEntry) == 4);

/// What a block of so many octets takes of the heap: its header, and up to the next sixteen.
constexpr std::size_t heap_octets(std::size_t octets) {
  return std::max<std::size_t>((octets + sizeof(void*) + 15) / 16 * 16, 32);
}

std::size_t octets_of(const SharedDelegation& delegation) {
  if (!delegation) return 0;
  std::size_t octets = sizeof(Delegation) + 48 + delegation->zone.heap_octets();
  for (const NameServer& server : delegation->servers) {
    octets += sizeof(NameServer) + server.name.heap_octets() + 16;
    octets += server.addresses.capacity() * sizeof(dns::IpAddress) + 16;
  }
  return octets;
}

/// Letters alone differ by that bit and have a case; a label's length is below them.
std::uint8_t lower(std::uint8_t octet) {
  return octet >= 'A' && octet <= 'Z' ? static_cast<std::uint8_t>(octet | 0x20U) : octet;
}

std::span<const std::uint8_t> set_of(const CacheDraft& draft) {
  return draft.data ? draft.data->packed() : draft.name.wire();
}

std::uint16_t count_of(const CacheDraft& draft) { return draft.data ? draft.data->head().count : std::uint16_t{0}; }

std::size_t lead_octets_for(bool has_companions, bool has_many) {
  return (has_companions ? sizeof(void*) : 0) + (has_many ? sizeof many : 0) + 1;
}

/// A denial's SOA ends with it, as a rule, and then needs no memory of its own.
bool packs_soa(const CacheDraft& draft) {
  return draft.kind != EntryKind::data && draft.beside && draft.beside->expires() == draft.expires;
}

bool needs_companions(const CacheDraft& draft) {
  return (draft.beside && !packs_soa(draft)) || draft.error || draft.delegation || draft.standing.evidence;
}

}  // namespace

struct PackedEntry::Companions {
  SharedRRset beside;
  std::shared_ptr<const dns::ExtendedError> error;
  SharedDelegation delegation;
  SharedEvidence evidence;
};

struct PackedEntry::SoaHead {
  dns::Ttl ttl;
  std::uint32_t octets;
  std::uint16_t count;
  std::uint8_t owner_octets;
};

namespace {

std::size_t piece_octets(const CacheDraft& draft, std::size_t soa_head) {
  return sizeof(PackedEntry) + lead_octets_for(needs_companions(draft), count_of(draft) >= many) +
         set_of(draft).size() + (packs_soa(draft) ? soa_head + draft.beside->packed().size() : 0);
}

/// What stands apart.
std::size_t apart_octets(const SharedRRset& beside, const std::shared_ptr<const dns::ExtendedError>& error,
                         const SharedDelegation& delegation, const SharedEvidence& evidence) {
  return (beside ? beside->octets() : 0) + (evidence ? evidence->octets() : 0) +
         (error ? sizeof(dns::ExtendedError) + error->text.size() + 32 : 0) + octets_of(delegation);
}

}  // namespace

std::size_t CacheDraft::octets() const {
  constexpr std::size_t soa_head = 12;
  constexpr std::size_t companions = 4 * 2 * sizeof(void*);
  std::size_t all = heap_octets(piece_octets(*this, soa_head)) + index_octets;
  if (needs_companions(*this))
    all += heap_octets(companions) +
           apart_octets(packs_soa(*this) ? nullptr : beside, error, delegation, standing.evidence);
  return all;
}

PackedEntry::PackedEntry(const CacheDraft& draft, std::uint32_t hash)
    : hash_{hash},
      ttl_{draft.data ? draft.data->ttl() : dns::Ttl{}},
      set_octets_{static_cast<std::uint16_t>(set_of(draft).size())},
      kind_{static_cast<std::uint8_t>(static_cast<unsigned>(draft.kind) & 3U)},
      rank_{static_cast<std::uint8_t>(static_cast<unsigned>(draft.rank) & 3U)},
      security_{static_cast<std::uint8_t>(static_cast<unsigned>(draft.standing.security) & 3U)},
      is_delegation_{draft.is_delegation()},
      has_companions_{needs_companions(draft)},
      has_soa_{packs_soa(draft)},
      visited_{0},
      visited_expired_{0},
      renewal_told_{0},
      hits_{0},
      count_{static_cast<std::uint8_t>(std::min(count_of(draft), many) & 3U)},
      type_{draft.type},
      expires_{draft.expires} {}

PackedEntry::Owned PackedEntry::make(const CacheDraft& draft, std::uint32_t hash) {
  static_assert(sizeof(SoaHead) == 12 && sizeof(Companions) == 4 * 2 * sizeof(void*));
  std::unique_ptr<Companions> companions;
  if (needs_companions(draft)) {
    companions = std::make_unique<Companions>(
        Companions{packs_soa(draft) ? nullptr : draft.beside, draft.error, draft.delegation, draft.standing.evidence});
  }
  void* piece = ::operator new(piece_octets(draft, sizeof(SoaHead)));
  if (!EntryLink::can_hold(piece)) {
    ::operator delete(piece);
    throw std::bad_alloc{};
  }
  auto* entry = ::new (piece) PackedEntry{draft, hash};
  auto* at = reinterpret_cast<std::uint8_t*>(entry + 1);  // the piece goes on behind the object
  if (companions) {
    Companions* given = companions.release();
    std::memcpy(at, static_cast<const void*>(&given), sizeof given);
    at += sizeof given;
  }
  if (entry->count_ == many) {
    const std::uint16_t count = count_of(draft);
    std::memcpy(at, &count, sizeof count);
    at += sizeof count;
  }
  *at++ = static_cast<std::uint8_t>(draft.name.wire().size());
  at = std::ranges::copy(set_of(draft), at).out;
  if (packs_soa(draft)) {
    const HeldRRset::Head head = draft.beside->head();
    const SoaHead soa{head.ttl, static_cast<std::uint32_t>(draft.beside->packed().size()), head.count,
                      head.owner_octets};
    std::memcpy(at, &soa, sizeof soa);
    std::ranges::copy(draft.beside->packed(), at + sizeof soa);
  }
  return Owned{entry};
}

void PackedEntry::Free::operator()(PackedEntry* entry) const {
  delete entry->companions();
  ::operator delete(entry);
}
static_assert(std::is_trivially_destructible_v<PackedEntry>);

PackedEntry::Companions* PackedEntry::companions() const {
  Companions* given = nullptr;
  if (has_companions_ != 0) std::memcpy(static_cast<void*>(&given), tail(), sizeof given);
  return given;
}

std::size_t PackedEntry::lead_octets() const { return lead_octets_for(has_companions_ != 0, count_ == many); }

std::uint16_t PackedEntry::count() const {
  if (count_ != many) return count_;
  std::uint16_t count = 0;
  std::memcpy(&count, tail() + (has_companions_ != 0 ? sizeof(void*) : 0), sizeof count);
  return count;
}

std::uint8_t PackedEntry::owner_octets() const { return tail()[lead_octets() - 1]; }

std::span<const std::uint8_t> PackedEntry::set() const { return {tail() + lead_octets(), set_octets_}; }

bool PackedEntry::is_of(const dns::Name& name) const {
  const auto wanted = name.wire();
  const auto ours = set().first(owner_octets());
  return std::ranges::equal(ours, wanted, {}, lower, lower);
}

dns::Name PackedEntry::name() const { return dns::Name::from_wire(set().first(owner_octets())).value_or(dns::Name{}); }

std::size_t PackedEntry::octets() const {
  std::size_t piece = sizeof(PackedEntry) + lead_octets() + set_octets_;
  if (has_soa_ != 0) {
    SoaHead soa;
    std::memcpy(&soa, set().data() + set_octets_, sizeof soa);
    piece += sizeof soa + soa.octets;
  }
  std::size_t all = heap_octets(piece) + index_octets;
  if (const Companions* given = companions())
    all += heap_octets(sizeof *given) + apart_octets(given->beside, given->error, given->delegation, given->evidence);
  return all;
}

SharedRRset PackedEntry::data() const {
  return HeldRRset::make({expires(), ttl_, type_, count(), owner_octets()}, set());
}

SharedRRset PackedEntry::soa() const {
  const Companions* given = companions();
  if (has_soa_ == 0) return given != nullptr ? given->beside : nullptr;
  const std::uint8_t* at = set().data() + set_octets_;
  SoaHead soa;
  std::memcpy(&soa, at, sizeof soa);
  return HeldRRset::make({expires(), soa.ttl, dns::type::soa, soa.count, soa.owner_octets},
                         {at + sizeof soa, soa.octets});
}

Found PackedEntry::found() const {
  Found found{.kind = kind(), .rank = rank(), .rrset = {}, .error = {}, .expires = expires()};
  found.standing.security = security();
  if (const Companions* given = companions()) {
    found.error = given->error;
    found.standing.evidence = given->evidence;
    if (kind() == EntryKind::data) found.made_by = given->beside;
  }
  found.rrset = kind() == EntryKind::data ? data() : soa();
  return found;
}

SharedDelegation PackedEntry::delegation() const { return is_delegation() ? companions()->delegation : nullptr; }

CacheDraft PackedEntry::draft() const {
  CacheDraft draft{.kind = kind(), .rank = rank(), .expires = expires(), .name = name(), .type = type_};
  draft.delegation = delegation();
  if (draft.is_delegation()) return draft;
  Found found = this->found();
  draft.data = kind() == EntryKind::data ? std::move(found.rrset) : nullptr;
  draft.beside = kind() == EntryKind::data ? std::move(found.made_by) : std::move(found.rrset);
  draft.error = std::move(found.error);
  draft.standing = std::move(found.standing);
  return draft;
}

void PackedEntry::forget_verdict() {
  const bool is_of_checking = kind() == EntryKind::failure && security() != Security::indeterminate;
  if (is_of_checking || security() == Security::bogus) expires_ = PackedInstant{Instant::min()};
  security_ = static_cast<std::uint8_t>(Security::indeterminate) & 3U;
}

bool PackedEntry::renewal_falls_due(Instant now) {
  if (hits_ < popular) ++hits_;
  if (hits_ < popular || renewal_told_ != 0 || kind() == EntryKind::failure) return false;
  using std::chrono::milliseconds;
  milliseconds whole{};
  if (kind() == EntryKind::data) {
    whole = std::chrono::seconds{ttl_.seconds()};
  } else {
    const SharedRRset timed = soa();
    if (!timed) return false;
    whole = std::chrono::seconds{timed->ttl().seconds()};
  }
  const milliseconds last = std::max(whole / 10, std::min(milliseconds{1000}, whole / 2));
  renewal_told_ = now >= expires() - last ? 1 : 0;
  return renewal_told_ != 0;
}

bool PackedEntry::outlives(Instant now, Duration kept) const {
  const bool is_kept = !is_delegation() && kind() != EntryKind::failure;
  return expires() > now || (is_kept && expires() > now - kept);
}

bool PackedEntry::superseded_by(const CacheDraft& other, Instant now) const {
  if (is_delegation() || other.is_delegation()) return is_delegation() && other.is_delegation();
  if (expires() <= now) {
    if (other.kind == EntryKind::failure) return false;
    if (is_alias() || other.is_alias()) return true;
  }
  return other.kind == EntryKind::no_name || kind() == EntryKind::no_name || type_ == other.type;
}

bool PackedEntry::is_checked_and_other_is_not(const CacheDraft& other) const {
  return security() != Security::indeterminate && other.standing.security == Security::indeterminate &&
         !is_delegation() && other.kind != EntryKind::failure;
}

}  // namespace redoubt::resolver
