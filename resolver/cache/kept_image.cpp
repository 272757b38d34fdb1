#include "resolver/cache/kept_image.hpp"

#include <sodium.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "dns/rdata.hpp"
#include "dns/reader.hpp"

namespace redoubt::resolver {

namespace {

using std::chrono::milliseconds;

constexpr std::array<std::uint8_t, 8> magic{'R', 'D', 'B', 'T', 'K', 'E', 'P', 'T'};
constexpr std::uint16_t version = 1;
/// A reader of messages sees no more than 65,535 octets.
constexpr std::size_t most_content = 65'535;
constexpr std::size_t usual_content = most_content - ImageWriter::max_entry_octets;
constexpr std::size_t piece_head = 4 + std::tuple_size_v<ImageTag>;
/// Longer than any TTL is kept; what says more would overflow where clocks are added.
constexpr milliseconds longest{std::chrono::hours{24 * 400}};
constexpr std::uint8_t delegation_kind = 3;

// What an entry has beside its first part.
constexpr std::uint8_t has_visit = 1;
constexpr std::uint8_t has_beside = 2;
constexpr std::uint8_t has_evidence = 4;
constexpr std::uint8_t has_signatures = 8;
constexpr std::uint8_t has_note = 16;

void put_number(std::vector<std::uint8_t>& to, std::uint64_t value, unsigned octets) {
  while (octets-- != 0) to.push_back(static_cast<std::uint8_t>(value >> (8 * octets)));
}

void put_octets(std::vector<std::uint8_t>& to, std::span<const std::uint8_t> octets) {
  to.insert(to.end(), octets.begin(), octets.end());
}

ImageTag tag_of(const ImageKey& key, const ImageTag& before, std::uint64_t number,
                std::span<const std::uint8_t> content) {
  std::vector<std::uint8_t> head;
  put_number(head, number, 8);
  put_number(head, content.size(), 4);
  ImageTag tag;
  crypto_generichash_state state;
  crypto_generichash_init(&state, key.data(), key.size(), tag.size());
  crypto_generichash_update(&state, before.data(), before.size());
  crypto_generichash_update(&state, head.data(), head.size());
  crypto_generichash_update(&state, content.data(), content.size());
  crypto_generichash_final(&state, tag.data(), tag.size());
  return tag;
}

std::uint64_t milliseconds_of(WallTime time) {
  const auto count = std::chrono::duration_cast<milliseconds>(time.time_since_epoch()).count();
  return count < 0 ? 0 : static_cast<std::uint64_t>(count);
}

/// The wall time of an instant, by what both clocks say at that moment.
std::uint64_t wall_of(Instant instant, Moment moment) {
  const auto ahead = std::chrono::duration_cast<milliseconds>(instant - moment.now);
  return milliseconds_of(moment.wall + std::clamp(ahead, -longest, longest));
}

// --- writing

void put_set(std::vector<std::uint8_t>& to, const HeldRRset& set) {
  put_number(to, set.type().value, 2);
  put_number(to, set.ttl().seconds(), 4);
  put_number(to, set.head().count, 2);
  put_octets(to, set.packed());
}

/// One that may end at another time than its entry.
void put_timed_set(std::vector<std::uint8_t>& to, const HeldRRset& set, Instant entry_ends, Moment moment) {
  put_number(to, set.expires() == entry_ends ? 0 : wall_of(set.expires(), moment), 8);
  put_set(to, set);
}

void put_evidence(std::vector<std::uint8_t>& to, const Evidence& evidence, Instant ends, Moment moment) {
  if (evidence.signatures) put_timed_set(to, *evidence.signatures, ends, moment);
  put_number(to, evidence.proof.size(), 1);
  for (const SharedRRset& set : evidence.proof) put_timed_set(to, *set, ends, moment);
  if (!evidence.note) return;
  put_number(to, static_cast<std::uint16_t>(evidence.note->code), 2);
  const std::string_view text = std::string_view{evidence.note->text}.substr(0, 1000);
  put_number(to, text.size(), 2);
  for (const char letter : text) to.push_back(static_cast<std::uint8_t>(letter));
}

void put_delegation(std::vector<std::uint8_t>& to, const Delegation& cut, Moment moment) {
  put_number(to, cut.learned == Instant::min() ? 0 : wall_of(cut.learned, moment), 8);
  put_number(to, cut.servers.size(), 2);
  for (const NameServer& server : cut.servers) {
    put_octets(to, server.name.wire());
    put_number(to, server.addresses.size(), 1);
    for (const dns::IpAddress& address : server.addresses) {
      put_number(to, address.octets().size(), 1);
      put_octets(to, address.octets());
    }
  }
}

bool is_countable(const CacheDraft& draft) {
  if (draft.kind == EntryKind::failure) return false;
  if (draft.standing.evidence && draft.standing.evidence->proof.size() > 255) return false;
  if (!draft.is_delegation()) return true;
  if (draft.delegation->route != nullptr || draft.delegation->servers.size() > 65'535) return false;
  return std::ranges::all_of(draft.delegation->servers,
                             [](const NameServer& server) { return server.addresses.size() <= 255; });
}

void put_entry(std::vector<std::uint8_t>& to, const KeptEntry& entry, Moment moment) {
  const CacheDraft& draft = entry.draft;
  const Evidence* evidence = draft.standing.evidence.get();
  unsigned has = entry.visited ? has_visit : 0U;
  if (draft.beside) has |= has_beside;
  if (evidence != nullptr) has |= has_evidence;
  if (evidence != nullptr && evidence->signatures) has |= has_signatures;
  if (evidence != nullptr && evidence->note) has |= has_note;
  put_number(to, draft.is_delegation() ? delegation_kind : static_cast<std::uint8_t>(draft.kind), 1);
  put_number(to, has, 1);
  put_number(to, static_cast<std::uint8_t>(draft.rank), 1);
  put_number(to, static_cast<std::uint8_t>(draft.standing.security), 1);
  put_number(to, wall_of(draft.expires, moment), 8);
  if (draft.data) {
    put_set(to, *draft.data);
  } else {
    put_number(to, draft.type.value, 2);
    put_octets(to, draft.name.wire());
  }
  if (draft.beside) put_timed_set(to, *draft.beside, draft.expires, moment);
  if (evidence != nullptr) put_evidence(to, *evidence, draft.expires, moment);
  if (draft.is_delegation()) put_delegation(to, *draft.delegation, moment);
}

// --- reading

/// Reads the entries of one piece. Nothing of what it reads is believed: another process had it in its hands.
class EntryReader {
 public:
  EntryReader(std::span<const std::uint8_t> content, WallTime written, Moment moment)
      : work_{content.size()}, reader_{content, work_}, written_{milliseconds_of(written)}, moment_{moment} {}

  bool at_end() const { return reader_.ok() && reader_.left() == 0; }
  bool ok() const { return reader_.ok(); }
  KeptEntry entry();

 private:
  void refuse() { reader_.fail(dns::Fault::bad_rdata); }
  std::uint64_t u64() {
    const std::uint64_t high = reader_.u32();
    return high << 32U | reader_.u32();
  }
  /// An end: not before the image was written, and not for ever after.
  Instant end();
  SharedRRset set(Instant expires);
  SharedRRset timed_set(Instant entry_ends);
  SharedEvidence evidence(unsigned has, Instant ends);
  SharedDelegation delegation(const dns::Name& zone, Instant expires);

  dns::NameWork work_;
  dns::WireReader reader_;
  std::uint64_t written_;
  Moment moment_;
};

Instant EntryReader::end() {
  const std::uint64_t at = u64();
  const auto most = static_cast<std::uint64_t>(longest.count());
  if (at > std::numeric_limits<std::int64_t>::max() / 4 || at + most < written_ || at > written_ + most) {
    refuse();
    return moment_.now;
  }
  const auto left = static_cast<std::int64_t>(at) - static_cast<std::int64_t>(milliseconds_of(moment_.wall));
  return moment_.now + milliseconds{left};
}

SharedRRset EntryReader::set(Instant expires) {
  HeldRRset::Head head{
      .expires = expires, .ttl = {}, .type = dns::RrType{reader_.u16()}, .count = 0, .owner_octets = 0};
  head.ttl = dns::Ttl::from_wire(reader_.u32());
  head.count = reader_.u16();
  const dns::Name owner = reader_.uncompressed_name();
  head.owner_octets = static_cast<std::uint8_t>(owner.wire().size());
  std::vector<std::uint8_t> packed{owner.wire().begin(), owner.wire().end()};
  for (std::uint16_t i = 0; i < head.count && reader_.ok(); ++i) {
    const std::uint16_t length = reader_.u16();
    const auto rdata = reader_.octets(length);
    if (!reader_.ok() || !dns::is_valid_rdata(head.type, dns::rr_class::in, rdata)) {
      refuse();
      break;
    }
    put_number(packed, length, 2);
    put_octets(packed, rdata);
  }
  if (head.count == 0 || head.type == dns::RrType{}) refuse();
  return reader_.ok() ? HeldRRset::make(head, packed) : nullptr;
}

SharedRRset EntryReader::timed_set(Instant entry_ends) {
  dns::WireReader ahead = reader_;
  const bool as_entry = ahead.u32() == 0 && ahead.u32() == 0;
  Instant expires = entry_ends;
  if (as_entry) {
    reader_.octets(8);
  } else {
    expires = end();
  }
  return set(expires);
}

SharedEvidence EntryReader::evidence(unsigned has, Instant ends) {
  auto evidence = std::make_shared<Evidence>();
  if ((has & has_signatures) != 0) {
    evidence->signatures = timed_set(ends);
    if (evidence->signatures && evidence->signatures->type() != dns::type::rrsig) refuse();
  }
  const std::uint8_t count = reader_.u8();
  for (std::uint8_t i = 0; i < count && reader_.ok(); ++i) {
    SharedRRset set = timed_set(ends);
    if (!set) break;
    const dns::RrType type = set->type();
    if (type != dns::type::nsec && type != dns::type::nsec3 && type != dns::type::rrsig) refuse();
    evidence->proof.push_back(std::move(set));
  }
  if ((has & has_note) != 0) {
    const auto code = static_cast<dns::EdeCode>(reader_.u16());
    const auto text = reader_.octets(reader_.u16());
    evidence->note = dns::ExtendedError{code, {text.begin(), text.end()}};
  }
  return evidence;
}

SharedDelegation EntryReader::delegation(const dns::Name& zone, Instant expires) {
  Delegation cut{.zone = zone, .servers = {}, .expires = expires};
  const std::uint64_t learned = u64();
  const std::uint64_t wall = milliseconds_of(moment_.wall);
  const auto most = static_cast<std::uint64_t>(longest.count());
  if (learned != 0 && learned <= wall && wall - learned <= most)
    cut.learned = moment_.now - milliseconds{static_cast<std::int64_t>(wall - learned)};
  const std::uint16_t servers = reader_.u16();
  for (std::uint16_t i = 0; i < servers && reader_.ok(); ++i) {
    NameServer server{reader_.uncompressed_name(), {}};
    const std::uint8_t addresses = reader_.u8();
    for (std::uint8_t k = 0; k < addresses && reader_.ok(); ++k) {
      const auto address = dns::IpAddress::from_octets(reader_.octets(reader_.u8()));
      if (!address) refuse();
      server.addresses.push_back(address.value_or(dns::IpAddress{}));
    }
    cut.servers.push_back(std::move(server));
  }
  if (cut.servers.empty()) refuse();
  return reader_.ok() ? std::make_shared<const Delegation>(std::move(cut)) : nullptr;
}

KeptEntry EntryReader::entry() {
  KeptEntry entry;
  CacheDraft& draft = entry.draft;
  const std::uint8_t kind = reader_.u8();
  const std::uint8_t has = reader_.u8();
  const std::uint8_t rank = reader_.u8();
  const std::uint8_t security = reader_.u8();
  if (kind > delegation_kind || rank > 3 || security > 3 || has >= 32) refuse();
  entry.visited = (has & has_visit) != 0;
  draft.kind = kind == delegation_kind ? EntryKind::data : static_cast<EntryKind>(kind);
  draft.rank = static_cast<Rank>(rank & 3U);
  draft.standing.security = static_cast<Security>(security & 3U);
  draft.expires = end();
  if (!ok()) return entry;
  if (kind == static_cast<std::uint8_t>(EntryKind::data)) {
    draft.data = set(draft.expires);
    if (!draft.data) return entry;
    draft.name = draft.data->owner();
    draft.type = draft.data->type();
  } else {
    draft.type = dns::RrType{reader_.u16()};
    draft.name = reader_.uncompressed_name();
    // A name that does not exist, and a cut, are of no type.
    if ((kind == static_cast<std::uint8_t>(EntryKind::no_data)) != (draft.type != dns::RrType{})) refuse();
  }
  if ((has & has_beside) != 0) {
    draft.beside = timed_set(draft.expires);
    const dns::RrType wanted = draft.data ? dns::type::dname : dns::type::soa;
    if (kind == delegation_kind || (draft.data && draft.type != dns::type::cname)) refuse();
    if (draft.beside && draft.beside->type() != wanted) refuse();
  }
  if ((has & has_evidence) != 0) draft.standing.evidence = evidence(has, draft.expires);
  if (kind == delegation_kind) draft.delegation = delegation(draft.name, draft.expires);
  return entry;
}

}  // namespace

std::string_view describe(ImageFault fault) {
  switch (fault) {
    case ImageFault::short_image:
      return "it is cut short";
    case ImageFault::foreign:
      return "it is none, or of another version";
    case ImageFault::wrong_checksum:
      return "a checksum is wrong";
    case ImageFault::bad_entry:
      return "an entry cannot be read";
  }
  return {};
}

void append_piece(std::vector<std::uint8_t>& image, const ImageKey& key, std::uint64_t number,
                  std::span<const std::uint8_t> content, ImageTag& tag) {
  tag = tag_of(key, tag, number, content);
  put_number(image, content.size(), 4);
  put_octets(image, tag);
  put_octets(image, content);
}

ImageWriter::ImageWriter(const ImageKey& key, const SettingsDigest& settings, Moment moment, std::size_t octets)
    : key_{key}, moment_{moment}, most_{octets} {
  put_octets(content_, magic);
  put_number(content_, version, 2);
  put_number(content_, milliseconds_of(moment.wall), 8);
  put_octets(content_, settings);
  finish_piece();
}

void ImageWriter::finish_piece() {
  append_piece(finished_, key_, pieces_++, content_, tag_);
  octets_ += piece_head + content_.size();
  content_.clear();
}

bool ImageWriter::add(const KeptEntry& entry) {
  if (!is_countable(entry.draft)) return true;
  const std::size_t before = content_.size();
  put_entry(content_, entry, moment_);
  if (content_.size() - before > max_entry_octets) {
    content_.resize(before);
    return true;
  }
  if (octets_ + content_.size() + 2 * piece_head > most_) {
    content_.resize(before);
    return false;
  }
  ++entries_;
  if (content_.size() > usual_content) finish_piece();
  return true;
}

void ImageWriter::end() {
  if (!content_.empty()) finish_piece();
  finish_piece();
}

std::expected<std::span<const std::uint8_t>, ImageFault> ImageReader::piece() {
  const auto left = image_.subspan(at_);
  if (left.size() < piece_head) return std::unexpected{ImageFault::short_image};
  std::size_t length = 0;
  for (std::size_t i = 0; i < 4; ++i) length = length << 8U | left[i];
  if (length > most_content || left.size() - piece_head < length) return std::unexpected{ImageFault::short_image};
  const auto content = left.subspan(piece_head, length);
  const ImageTag tag = tag_of(key_, tag_, pieces_, content);
  if (sodium_memcmp(tag.data(), left.data() + 4, tag.size()) != 0) return std::unexpected{ImageFault::wrong_checksum};
  tag_ = tag;
  ++pieces_;
  at_ += piece_head + length;
  return content;
}

std::expected<ImageReader, ImageFault> ImageReader::open(std::span<const std::uint8_t> image, const ImageKey& key) {
  ImageReader reader{image, key};
  const auto head = reader.piece();
  if (!head) return std::unexpected{head.error()};
  dns::NameWork work{head->size()};
  dns::WireReader fields{*head, work};
  const auto begins = fields.octets(magic.size());
  const std::uint16_t found = fields.u16();
  const std::uint64_t high = fields.u32();
  const std::uint64_t written = high << 32U | fields.u32();
  const auto digest = fields.octets(reader.head_.settings.size());
  if (!fields.ok() || fields.left() != 0 || found != version || !std::ranges::equal(begins, magic) ||
      written > std::numeric_limits<std::int64_t>::max() / 4'000'000)
    return std::unexpected{ImageFault::foreign};
  reader.head_.written = WallTime{milliseconds{static_cast<std::int64_t>(written)}};
  std::ranges::copy(digest, reader.head_.settings.begin());
  return reader;
}

std::expected<bool, ImageFault> ImageReader::next(Moment moment, std::vector<KeptEntry>& entries) {
  const auto content = piece();
  if (!content) return std::unexpected{content.error()};
  if (content->empty()) return false;
  EntryReader reader{*content, head_.written, moment};
  while (!reader.at_end()) {
    KeptEntry entry = reader.entry();
    if (!reader.ok()) return std::unexpected{ImageFault::bad_entry};
    if (entry.draft.expires > moment.now) entries.push_back(std::move(entry));
  }
  return true;
}

}  // namespace redoubt::resolver
