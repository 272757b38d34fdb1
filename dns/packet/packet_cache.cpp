#include "dns/packet/packet_cache.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>
#include <utility>

#include "dns/header.hpp"
#include "dns/keyed_hash.hpp"
#include "dns/packet/kept_answer.hpp"
#include "dns/packet/packet_index.hpp"

namespace redoubt::dns {

namespace {

using Instant = PacketCache::Instant;

/// A pair of lines of the index, which has 24 slots, for so many octets of the whole: nearly three quarters of the
/// slots are taken when nothing but short names with an address fill it.
constexpr std::size_t octets_for_a_pair = 896;
constexpr std::size_t question_tail_octets = 4;  // type and class
constexpr std::size_t record_head_octets = 10;   // type, class, TTL, length
constexpr std::size_t ttl_octets = 4;
constexpr std::size_t max_ttls = 255;
constexpr std::uint16_t pointer_to_question = 0xc000 | header_octets;  // to its name (RFC 1035 §4.1.4)
constexpr std::size_t least_octets = 64U << 10;
constexpr std::size_t most_octets = std::size_t{8} << 30;

/// One part of so many is for the memory of questions that came once.
constexpr std::size_t share_of_strangers = 64;
constexpr std::size_t most_stranger_rows = 65'536 / 8;
constexpr std::uint16_t response_bit = 0x8000;
constexpr std::uint16_t truncated_bit = 0x0200;
constexpr std::uint16_t recursion_bits = 0x0180;  // RD, which was set, and RA
constexpr std::uint16_t authentic_bit = 0x0020;
constexpr std::uint16_t checking_disabled_bit = 0x0010;

std::uint16_t u16(const std::uint8_t* at) { return static_cast<std::uint16_t>(at[0] << 8 | at[1]); }
std::uint32_t u32(const std::uint8_t* at) { return std::uint32_t{u16(at)} << 16 | u16(at + 2); }
std::uint8_t* put16(std::uint8_t* at, unsigned value) {
  at[0] = static_cast<std::uint8_t>(value >> 8);
  at[1] = static_cast<std::uint8_t>(value);
  return at + 2;
}
void put32(std::uint8_t* at, std::uint32_t value) {
  put16(at, value >> 16);
  put16(at + 2, value & 0xffff);
}

std::uint8_t variant_of(const QueryGlance& glance) { return glance.key().back(); }

/// What a walk over an answer of ours finds in it.
struct Layout {
  std::array<std::uint16_t, max_ttls> ttl_offsets;  // from the start of the body
  std::size_t ttls = 0;
  std::uint32_t least_ttl = 0;
  std::size_t body_octets = 0;
};

/// Behind the name at `at`; 0 when there is none.
std::size_t behind_name(std::span<const std::uint8_t> body, std::size_t at) {
  while (at < body.size()) {
    const std::uint8_t label = body[at];
    if (label == 0) return at + 1;
    if (label >= 0xc0) return at + 2;
    if (label > max_label_octets) return 0;
    at += 1U + label;
  }
  return 0;
}

Instant kept_at(const KeptAnswer& kept) { return Instant{std::chrono::duration_cast<Instant::duration>(kept.kept_at)}; }
std::chrono::seconds serve_for(const KeptAnswer& kept) { return std::chrono::seconds{kept.serve_for}; }

/// Answers and authorities; what follows is the OPT.
std::optional<Layout> lay_out(std::span<const std::uint8_t> body, std::size_t records) {
  if (records == 0 || records > max_ttls) return std::nullopt;
  Layout layout;
  layout.least_ttl = UINT32_MAX;
  std::size_t at = 0;
  for (; layout.ttls < records; ++layout.ttls) {
    at = behind_name(body, at);
    if (at == 0 || body.size() < at + record_head_octets) return std::nullopt;
    layout.ttl_offsets[layout.ttls] = static_cast<std::uint16_t>(at + 4);
    layout.least_ttl = std::min(layout.least_ttl, u32(&body[at + 4]));
    at += record_head_octets + u16(&body[at + 8]);
    if (at > body.size()) return std::nullopt;
  }
  layout.body_octets = at;
  return layout;
}

/// What kept_answer.hpp calls terse.
bool is_terse(std::span<const std::uint8_t> body, const KeptAnswer::Counts& counts, RrType type) {
  return counts.answers == 1 && counts.authorities == 0 && u16(body.data()) == pointer_to_question &&
         u16(&body[2]) == type.value && u16(&body[4]) == rr_class::in.value;
}

constexpr std::size_t option_head_octets = 4;  // code and length

/// Whether these octets are nothing at all, or an OPT whose options are of the kinds that are made afresh each time.
bool is_plain_opt(std::span<const std::uint8_t> opt) {
  if (opt.empty()) return true;
  if (opt.size() < plain_opt_octets || opt[0] != 0 || u16(&opt[1]) != type::opt.value ||
      u16(&opt[9]) != opt.size() - plain_opt_octets)
    return false;
  for (auto options = opt.subspan(plain_opt_octets); !options.empty();) {
    if (options.size() < option_head_octets) return false;
    const auto code = static_cast<OptionCode>(u16(options.data()));
    const std::size_t octets = option_head_octets + u16(&options[2]);
    if ((code != OptionCode::cookie && code != OptionCode::padding) || octets > options.size()) return false;
    options = options.subspan(octets);
  }
  return true;
}

}  // namespace

std::size_t pad_answer(std::span<std::uint8_t> room, std::size_t octets, std::size_t opt_at, std::size_t block) {
  const std::size_t wanted = (octets + option_head_octets + block - 1) / block * block;
  const std::size_t whole = std::min(wanted, room.size());
  if (whole < octets + option_head_octets) return octets;
  std::uint8_t* const at = put16(put16(&room[octets], static_cast<unsigned>(OptionCode::padding)),
                                 static_cast<unsigned>(whole - octets - option_head_octets));
  std::fill(at, room.data() + whole, std::uint8_t{0});
  put16(&room[opt_at + 9], static_cast<unsigned>(whole - opt_at - plain_opt_octets));
  return whole;
}

/// The index first, the ring behind it, in one piece from the system.
struct PacketCache::Memory {
  static std::unique_ptr<Memory> make(std::size_t octets) {
    if (octets < least_octets) return nullptr;
    octets = std::min(octets, most_octets);
    const std::size_t pairs = octets / octets_for_a_pair;
    const std::size_t units = (octets - pairs * sizeof(PacketIndex::Pair)) / ring_unit;
    void* piece = mmap(nullptr, octets, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (piece == MAP_FAILED) return nullptr;
    return std::unique_ptr<Memory>{new Memory{piece, octets, pairs, static_cast<RingPlace>(units)}};
  }
  ~Memory() { munmap(piece_, octets_); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  /// The index must be empty again, and it gives its pages back.
  void clear() {
    if (ring.used() == 0) return;
    if (madvise(piece_, octets_, MADV_DONTNEED) != 0)
      std::fill_n(static_cast<PacketIndex::Pair*>(piece_), index.pairs(), PacketIndex::Pair{});
    index.clear();
    ring.clear();
  }

  PacketIndex index;
  AnswerRing ring;

 private:
  Memory(void* piece, std::size_t octets, std::size_t pairs, RingPlace units)
      : index{static_cast<PacketIndex::Pair*>(piece), pairs},
        ring{reinterpret_cast<std::uint32_t*>(static_cast<PacketIndex::Pair*>(piece) + pairs), units},
        piece_{piece},
        octets_{octets} {}
  void* piece_;
  std::size_t octets_;
};

PacketCache::PacketCache(std::size_t octets, const HashKey& key)
    : key_{key},
      memory_{Memory::make(octets - octets / share_of_strangers)},
      strangers_(std::clamp<std::size_t>(octets / share_of_strangers / sizeof(StrangerRow), 1, most_stranger_rows)) {}

PacketCache::~PacketCache() = default;

void PacketCache::clear() {
  if (memory_) memory_->clear();
}

std::size_t PacketCache::octets() const {
  if (!memory_ || memory_->ring.used() == 0) return 0;
  return strangers_.size() * sizeof(StrangerRow) + memory_->index.pairs() * sizeof(PacketIndex::Pair) +
         std::size_t{memory_->ring.used()} * ring_unit;
}

std::uint64_t PacketCache::hash_of(const QueryGlance& glance) const { return keyed_hash(glance.key(), key_); }

void PacketCache::fetch_place(std::uint64_t hash) const {
  if (memory_) memory_->index.fetch(hash);
}

void PacketCache::fetch_answer(std::uint64_t hash) {
  RingPlace place = 0;
  if (!memory_ || !memory_->index.find(hash, place, [](RingPlace) { return true; })) return;
  // A short answer begins in one line of the processor's cache and ends in the next.
  const auto* const head = reinterpret_cast<const std::uint8_t*>(&memory_->ring.at(place));
  __builtin_prefetch(head, 1);
  __builtin_prefetch(head + 64);
}

/// Whether it is the answer to what is asked, and still to be served.
bool PacketCache::is_of(const KeptAnswer& kept, std::uint64_t hash, const QueryGlance& glance) {
  return kept.hash == static_cast<std::uint32_t>(hash) && kept.type == glance.type.value &&
         kept.variant == variant_of(glance) && std::ranges::equal(kept.name(), glance.lower_name());
}

bool PacketCache::find_place(const QueryGlance& glance, std::uint64_t hash, RingPlace& place) const {
  const AnswerRing& ring = memory_->ring;
  return memory_->index.find(hash, place, [&](RingPlace at) { return is_of(ring.at(at), hash, glance); });
}

namespace {

/// kept's head is written.
void write_tail(KeptAnswer& kept, const KeptAnswer::Counts& counts, const Layout& layout,
                std::span<const std::uint8_t> name, std::span<const std::uint8_t> body) {
  std::uint8_t* at = kept.tail();
  if (kept.is_terse != 0) {
    at = std::ranges::copy(name, at).out;
    at = std::copy_n(&body[layout.ttl_offsets[0]], ttl_octets, at);
    std::ranges::copy(body.subspan(KeptAnswer::terse_gap + ttl_octets), at);
    return;
  }
  std::memcpy(at, &counts, sizeof counts);
  const std::size_t table_octets = KeptAnswer::table_octets(false, counts.records());
  std::memcpy(at + sizeof counts, layout.ttl_offsets.data(), table_octets - sizeof counts);
  at = std::ranges::copy(name, at + table_octets).out;
  std::ranges::copy(body, at);
}

/// Behind the question at `at`, with TTLs that are less by age.
std::uint8_t* put_body(const KeptAnswer& kept, std::uint32_t age, std::uint8_t* at) {
  const auto body = kept.body();
  if (kept.is_terse != 0) {
    at = put16(put16(put16(at, pointer_to_question), kept.type), rr_class::in.value);
    put32(at, u32(body.data()) - age);
    const auto rdata = body.subspan(ttl_octets);
    return std::ranges::copy(rdata, put16(at + ttl_octets, static_cast<unsigned>(rdata.size()))).out;
  }
  std::uint8_t* const end = std::ranges::copy(body, at).out;
  const std::size_t ttls = kept.counts().records();
  for (std::size_t i = 0; i < ttls; ++i) {
    std::uint8_t* const ttl = at + (ttls == 1 ? behind_name(body, 0) + 4 : kept.ttl_offset(i));
    put32(ttl, u32(ttl) - age);
  }
  return end;
}

}  // namespace

PacketCache::Served PacketCache::find(const QueryGlance& glance, std::uint64_t hash,
                                      std::span<const std::uint8_t> query, Instant now, std::span<std::uint8_t> room) {
  if (!memory_) return {};
  RingPlace place = 0;
  if (!find_place(glance, hash, place)) return {};
  KeptAnswer* const kept = &memory_->ring.at(place);
  const auto age = std::chrono::ceil<std::chrono::seconds>(now - kept_at(*kept)).count();
  if (age < 0 || age > kept->serve_for) return {};
  const std::size_t question_octets = std::size_t{glance.name_octets} + question_tail_octets;
  const std::size_t octets =
      header_octets + question_octets + kept->sent_octets() + (glance.edns ? plain_opt_octets : 0);
  if (octets > room.size()) return {};
  kept->visited = 1;

  const bool tells_secure = kept->secure != 0 && (glance.dnssec_ok || glance.authentic);  // RFC 6840 §5.7, §5.8
  std::uint8_t* at = std::copy_n(query.data(), 2, room.data());                           // the id
  at = put16(at, response_bit | recursion_bits | (tells_secure ? authentic_bit : 0U) |
                     (glance.checking_disabled ? checking_disabled_bit : 0U) | kept->rcode);
  at = put16(at, 1);
  at = put16(at, kept->counts().answers);
  at = put16(at, kept->counts().authorities);
  at = put16(at, glance.edns ? 1 : 0);
  at = std::copy_n(query.data() + header_octets, question_octets, at);
  at = put_body(*kept, static_cast<std::uint32_t>(age), at);
  if (glance.edns) std::ranges::copy(plain_opt(glance.dnssec_ok), at);
  return {octets, static_cast<Rcode>(kept->rcode), kept->secure != 0, std::chrono::seconds{kept->serve_for - age}};
}

std::chrono::seconds PacketCache::keep(const QueryGlance& glance, std::span<const std::uint8_t> answer,
                                       const Terms& terms, Instant now) {
  const std::size_t question_end = header_octets + glance.name_octets + question_tail_octets;
  if (!memory_ || answer.size() < question_end) return {};
  const std::uint16_t flags = u16(&answer[2]);
  const std::uint16_t answers = u16(&answer[6]);
  const std::uint16_t authorities = u16(&answer[8]);
  if ((flags & truncated_bit) != 0 || answers > UINT8_MAX || authorities > UINT8_MAX) return {};
  const auto layout = lay_out(answer.subspan(question_end), std::size_t{answers} + authorities);
  if (!layout || !is_plain_opt(answer.subspan(question_end + layout->body_octets))) return {};
  // Eighteen hours, which a field of 16 bits can say, are long enough for a copy.
  const std::int64_t serve_for =
      std::min({std::int64_t{layout->least_ttl} - 1 - std::max<std::int64_t>(terms.lead.count(), 0),
                std::int64_t{terms.most.count()}, std::int64_t{UINT16_MAX}});
  const KeptAnswer::Counts counts{static_cast<std::uint8_t>(answers), static_cast<std::uint8_t>(authorities)};
  const auto body = answer.subspan(question_end, layout->body_octets);
  const bool terse = is_terse(body, counts, glance.type);
  const std::size_t body_octets = body.size() - (terse ? KeptAnswer::terse_gap : 0);
  const std::size_t table_octets = KeptAnswer::table_octets(terse, counts.records());
  const std::size_t units = KeptAnswer::units_for(table_octets, glance.name_octets, body_octets);
  if (serve_for <= 0 || units * ring_unit > max_entry_octets) return {};

  const std::uint64_t hash = hash_of(glance);
  if (terms.admission == Admission::at_second_time && !has_come_before(hash)) return {};
  RingPlace place = 0;
  if (find_place(glance, hash, place)) memory_->index.take_out(static_cast<std::uint32_t>(hash), place);
  place = make_room(units, now);
  KeptAnswer& kept = memory_->ring.at(place);
  kept = {.body_octets = static_cast<std::uint16_t>(body_octets & 0x7fffU),
          .is_terse = static_cast<std::uint16_t>(terse ? 1U : 0U),
          .name_octets = glance.name_octets,
          .variant = static_cast<std::uint8_t>(variant_of(glance) & 3U),
          .rcode = static_cast<std::uint8_t>(flags & 0xfU),
          .secure = static_cast<std::uint8_t>(terms.secure ? 1U : 0U),
          .visited = 0,
          .serve_for = static_cast<std::uint16_t>(serve_for),
          .type = glance.type.value,
          .hash = static_cast<std::uint32_t>(hash),
          .kept_at = std::chrono::floor<KeptTime>(now.time_since_epoch())};
  write_tail(kept, counts, *layout, glance.lower_name(), body);
  memory_->index.put(hash, place, memory_->ring);
  return std::chrono::seconds{serve_for};
}

bool PacketCache::has_come_before(std::uint64_t hash) {
  const auto tag = static_cast<std::uint32_t>(hash >> 32) | 1U;  // zero: nobody
  StrangerRow& row = strangers_[hash % strangers_.size()];
  const auto found = std::ranges::find(row, tag);
  const bool came = found != row.end();
  std::shift_right(row.begin(), came ? found + 1 : row.end(), 1);
  row.front() = tag;
  return came;
}

/// What leaves the ring leaves the index; what was asked for since it was last the oldest stays.
RingPlace PacketCache::make_room(std::size_t units, Instant now) {
  AnswerRing& ring = memory_->ring;
  PacketIndex& index = memory_->index;
  return ring.make(
      units,
      [&](RingPlace from, KeptAnswer& oldest, bool may_stay) {
        if (!index.has(oldest.hash, from)) return false;  // another has taken its slot
        const bool stays = may_stay && oldest.visited != 0 && now - kept_at(oldest) < serve_for(oldest);
        oldest.visited = 0;
        if (!stays) index.take_out(oldest.hash, from);
        return stays;
      },
      [&](RingPlace from, RingPlace to) { index.move(ring.at(to).hash, from, to); });
}

}  // namespace redoubt::dns
