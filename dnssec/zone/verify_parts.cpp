// A signed zone in parts. Whatever is not plainly good ends this, and the whole zone is read and judged at leisure.
#include <sys/stat.h>

#include <algorithm>
#include <deque>
#include <functional>

#include "dns/text_lines.hpp"
#include "dns/text_reading.hpp"
#include "dnssec/base/nsec3_hash.hpp"
#include "dnssec/sign/ordered_work.hpp"
#include "dnssec/zone/mapped_text.hpp"
#include "dnssec/zone/verify_file.hpp"
#include "dnssec/zone/verify_sets.hpp"

namespace redoubt::dnssec {

namespace {

using dns::Name;

constexpr std::size_t longest_part = 4 * 1024 * 1024;  // names below one label that have more text are read whole
constexpr std::size_t parts_ahead_per_thread = 2;

/// A name that the NSEC3 chain must have, or may have (`optional`: an unsigned delegation under opt-out).
struct HashedFact {
  Nsec3Hash hash;
  bool optional;
  std::uint64_t types;  // a digest of the bitmap
};

struct Nsec3Fact {
  Nsec3Hash hash;
  Nsec3Hash next;
  bool opt_out;
  std::uint64_t types;
};

/// What one part says.
struct Part {
  bool strange = false;
  ZoneVerdict verdict;
  std::bitset<256> ahead;
  std::optional<Name> first;  // of the names that are no hashes
  Name last;
  std::optional<Name> next;  // that the last NSEC leads to
  std::vector<HashedFact> names;
  std::vector<Nsec3Fact> links;
};

std::uint64_t digest_of(OctetView bitmap) {
  return std::hash<std::string_view>{}({reinterpret_cast<const char*>(bitmap.data()), bitmap.size()});
}

/// Where a text may be cut: before a line whose name differs from the one before in the label next to the apex, so that
/// no delegation is in one part and what lies below it in another.
class Cutter {
 public:
  Cutter(std::string_view text, const Name& apex, std::size_t part_octets)
      : text_{text}, part_octets_{part_octets}, suffix_{apex.is_root() ? "." : "." + apex.lowercased().to_text()} {}

  /// Nothing when a part would be too long.
  std::optional<std::vector<std::string_view>> cut(const MappedText& file) const {
    std::vector<std::string_view> parts;
    for (std::size_t at = 0; at < text_.size();) {
      const std::size_t end = boundary(at + part_octets_);
      if (end - at > longest_part) return std::nullopt;
      parts.push_back(text_.substr(at, end - at));
      file.release(text_.substr(0, end));  // a look at one line brings in many pages
      at = end;
    }
    return parts;
  }

 private:
  std::size_t boundary(std::size_t from) const {
    std::string before;
    for (std::size_t at = line_after(from); at < text_.size(); at = line_after(at)) {
      if (at > from + longest_part) return text_.size();
      std::string label = label_at(at);
      if (!label.empty() && !before.empty() && label != before) return at;
      before = std::move(label);
    }
    return text_.size();
  }

  std::size_t line_after(std::size_t at) const {
    if (at >= text_.size()) return text_.size();
    const auto end = text_.find('\n', at);
    return end == std::string_view::npos ? text_.size() : end + 1;
  }

  /// In lower case; empty when it cannot be told.
  std::string label_at(std::size_t at) const {
    const auto end = text_.find_first_of(" \t\n\\", at);
    if (end == std::string_view::npos || text_[end] == '\\' || text_[end] == '\n') return {};
    std::string owner{text_.substr(at, end - at)};
    for (char& c : owner) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
    if (owner.size() <= suffix_.size() || !owner.ends_with(suffix_)) return {};
    owner.resize(owner.size() - suffix_.size());
    const auto dot = owner.rfind('.');
    return dot == std::string::npos ? owner : owner.substr(dot + 1);
  }

  std::string_view text_;
  std::size_t part_octets_;
  std::string suffix_;
};

bool is_about_nsec3(const dns::Record& record) {
  if (record.type == dns::type::nsec3) return true;
  return record.type == dns::type::rrsig && record.rdata.size() > 1 &&
         (record.rdata[0] << 8 | record.rdata[1]) == dns::type::nsec3.value;
}

/// The records of one part: names, and NSEC3 records apart from them.
struct Records {
  Zone names;
  Zone hashed;
};
std::optional<Records> read_part(std::string_view text, const Name& apex) {
  ZoneBuilder names{apex};
  ZoneBuilder hashed{apex};
  dns::Surroundings around{apex, dns::ttl_unsaid, std::nullopt};
  dns::MasterFileLines lines{text};
  std::string owner;  // of the line before, which is in `around`
  for (;;) {
    const auto line = lines.next();
    if (!line) return std::nullopt;
    if (!*line) break;
    const std::string_view one = (*line)->text;
    const auto end = one.find(' ');
    if (end == 0 || end == std::string_view::npos || one[0] == '$' || one[end - 1] != '.') return std::nullopt;
    const bool same_owner = one.substr(0, end) == owner;
    auto record = dns::read_plain_line(same_owner ? one.substr(end) : one, around);
    if (!record) {
      auto slowly = dns::read_line(one, around);
      if (!slowly) return std::nullopt;
      record.emplace(std::move(*slowly));
    }
    // Which TTL a record without one has is said before it, and so perhaps in another part.
    if (record->ttl == dns::ttl_unsaid) return std::nullopt;
    if (!same_owner) {
      owner = one.substr(0, end);
      around.previous_owner = record->owner;
    }
    ZoneBuilder& builder = is_about_nsec3(*record) ? hashed : names;
    if (record->type == dns::type::zonemd || !builder.add(*record)) return std::nullopt;
  }
  auto first = std::move(names).finish_part();
  auto second = std::move(hashed).finish_part();
  if (!first || !second) return std::nullopt;
  return Records{std::move(*first), std::move(*second)};
}

class PartCheck {
 public:
  PartCheck(const KeyRing& ring, const VerifyOptions& options, bool is_nsec3)
      : ring_{ring}, options_{options}, is_nsec3_{is_nsec3} {}

  Part run(std::string_view text) {
    Part part;
    const auto records = read_part(text, ring_.apex);
    if (!records)
      return {
          .strange = true, .verdict = {}, .ahead = {}, .first = {}, .last = {}, .next = {}, .names = {}, .links = {}};
    Findings findings{part.verdict, options_.max_findings};
    SetVerification sets{ring_, options_, findings, part.verdict};
    before_ = ring_.apex;
    before_required_ = ring_.apex;
    for (const ZoneNode& node : records->names.nodes()) {
      sets.node(records->names, node);
      if (!take_node(records->names, node, part)) part.strange = true;
    }
    for (const ZoneNode& node : records->hashed.nodes()) {
      sets.node(records->hashed, node);
      if (!take_link(records->hashed, node, part)) part.strange = true;
    }
    if (!part.strange) sets.verify_signatures(1);
    part.ahead = sets.ahead();
    return part;
  }

 private:
  bool take_node(const Zone& zone, const ZoneNode& node, Part& part) {
    const Name name = node.name();
    if (!part.first) part.first = name;
    part.last = name;
    const ZoneSet* nsec = zone.find(node, dns::type::nsec);
    if (node.kind == NodeKind::occluded) return nsec == nullptr;
    types_.clear();
    for (const ZoneSet& set : zone.sets(node)) {
      const bool shown = node.kind == NodeKind::authoritative || set.type == dns::type::ns || set.type == dns::type::ds;
      if (shown && set.type != dns::type::rrsig && set.type != dns::type::nsec) types_.push_back(set.type);
    }
    const bool has_dname_at_apex = name == ring_.apex && zone.find(node, dns::type::dname) != nullptr;
    if (has_dname_at_apex) return false;
    return is_nsec3_ ? nsec == nullptr && take_hashed(zone, node, name, part) : take_nsec(nsec, name, part);
  }

  bool take_nsec(const ZoneSet* set, const Name& name, Part& part) {
    const auto nsec = set == nullptr || set->count() != 1 ? std::nullopt : Nsec::parse(*set->rdata().begin());
    if (!nsec || (part.next && !(*part.next == name))) return false;
    part.next = nsec->next;
    types_.push_back(dns::type::rrsig);
    types_.push_back(dns::type::nsec);
    return std::ranges::equal(bitmap(), nsec->types);
  }

  /// The name, and the empty ones above it that no name before had above it already.
  bool take_hashed(const Zone& zone, const ZoneNode& node, const Name& name, Part& part) {
    const bool optional = node.kind == NodeKind::cut && zone.find(node, dns::type::ds) == nullptr;
    if (!optional) types_.push_back(dns::type::rrsig);
    if (!add(name, optional, digest_of(bitmap()), part)) return false;
    Name& before = optional ? before_ : before_required_;
    for (std::size_t labels = name.label_count() - 1; labels > ring_.apex.label_count(); --labels) {
      const Name ancestor = name.suffix(labels);
      if (before.is_at_or_below(ancestor) || (optional && before_required_.is_at_or_below(ancestor))) break;
      if (!add(ancestor, optional, digest_of({}), part)) return false;
    }
    before = name;
    return true;
  }

  bool add(const Name& name, bool optional, std::uint64_t types, Part& part) {
    const auto hash = hasher_.hash(name);
    if (hash) part.names.push_back({*hash, optional, types});
    return hash.has_value();
  }

  bool take_link(const Zone& zone, const ZoneNode& node, Part& part) {
    const ZoneSet* set = zone.find(node, dns::type::nsec3);
    const Name owner = node.name();
    const auto hash = hash_of_owner(owner);
    const auto record = set == nullptr || set->count() != 1 ? std::nullopt : Nsec3::parse(*set->rdata().begin());
    if (!is_nsec3_ || !hash || !record || !(owner.parent() == ring_.apex)) return false;
    if (record->hash_algorithm != nsec3_sha1 || record->iterations != 0 || !record->salt.empty()) return false;
    Nsec3Fact fact{*hash, {}, record->is_opt_out(), digest_of(record->types)};
    if (record->next_hashed.size() != fact.next.size()) return false;
    std::ranges::copy(record->next_hashed, fact.next.begin());
    part.links.push_back(fact);
    return true;
  }

  const Octets& bitmap() {
    std::ranges::sort(types_);
    bitmap_.clear();
    append_bitmap(bitmap_, types_);
    return bitmap_;
  }

  const KeyRing& ring_;
  const VerifyOptions& options_;
  bool is_nsec3_;
  Nsec3Hasher hasher_;
  std::vector<dns::RrType> types_;
  Octets bitmap_;
  Name before_;
  Name before_required_;
};

/// The parts in order, and what only all of them together say.
class Whole {
 public:
  explicit Whole(const VerifyOptions& options) : findings_most_{options.max_findings} {}

  /// False when it is strange.
  bool take(Part&& part) {
    if (part.strange || part.verdict.faults != 0) return false;
    for (ZoneFinding& finding : part.verdict.findings) {
      if (verdict_.findings.size() < findings_most_) verdict_.findings.push_back(std::move(finding));
    }
    verdict_.warnings += part.verdict.warnings;
    verdict_.signatures += part.verdict.signatures;
    verdict_.verified += part.verdict.verified;
    const std::uint32_t earliest = part.verdict.earliest_expiration;
    if (earliest != 0 && (verdict_.earliest_expiration == 0 || is_before(earliest, verdict_.earliest_expiration)))
      verdict_.earliest_expiration = earliest;
    ahead_ |= part.ahead;
    if (part.first) {
      if (last_ && !(*last_ < *part.first)) return false;
      if (next_ && !(*next_ == *part.first)) return false;
      last_ = part.last;
      next_ = part.next;
    }
    names_.insert(names_.end(), part.names.begin(), part.names.end());
    links_.insert(links_.end(), part.links.begin(), part.links.end());
    return true;
  }

  std::optional<FileVerdict> finish(const Name& apex, bool is_nsec3) {
    const bool closed = is_nsec3 ? is_nsec3_closed() : next_ && *next_ == apex;
    if (!closed) return std::nullopt;
    Findings findings{verdict_, findings_most_};
    tell_ahead(apex, ahead_, findings);
    return FileVerdict{apex, std::move(verdict_)};
  }

 private:
  bool is_nsec3_closed() {
    const auto is_before = [](const Nsec3Fact& left, const Nsec3Fact& right) { return left.hash < right.hash; };
    if (links_.empty() || !std::ranges::is_sorted(links_, is_before)) return false;
    for (std::size_t k = 0; k < links_.size(); ++k) {
      if (links_[k].next != links_[k + 1 == links_.size() ? 0 : k + 1].hash) return false;
    }
    // Of one name twice (an empty one above several) the one that must be there comes first, and counts.
    std::ranges::sort(names_, [](const HashedFact& left, const HashedFact& right) {
      return left.hash == right.hash ? left.optional < right.optional : left.hash < right.hash;
    });
    std::size_t at = 0;
    std::size_t wanted = 0;
    const Nsec3Hash* before = nullptr;
    for (const HashedFact& name : names_) {
      if (before != nullptr && *before == name.hash) continue;
      before = &name.hash;
      while (at < links_.size() && links_[at].hash < name.hash) ++at;
      if (at < links_.size() && links_[at].hash == name.hash) {
        if (links_[at].types != name.types) return false;
        ++wanted;
      } else if (!name.optional || !links_[at == 0 ? links_.size() - 1 : at - 1].opt_out) {
        return false;
      }
    }
    return wanted == links_.size();
  }

  std::size_t findings_most_;
  ZoneVerdict verdict_;
  std::bitset<256> ahead_;
  std::optional<Name> last_;
  std::optional<Name> next_;
  // One of each for a name: a vector would be twice as large while it grows, at the time when memory is fullest.
  std::deque<HashedFact> names_;
  std::deque<Nsec3Fact> links_;
};

}  // namespace

std::expected<std::optional<FileVerdict>, std::string> verify_in_parts(const std::string& path,
                                                                       const VerifyOptions& options,
                                                                       std::size_t part_octets) {
  constexpr auto strange = std::nullopt;
  struct stat status {};  // before it is opened: a pipe gives what it has once, and that to load_zone()
  if (::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) return strange;
  const auto file = MappedText::open(path);
  if (!file) return std::unexpected{file.error()};
  const std::string_view text = file->text();
  const auto apex = Name::from_text(text.substr(0, std::min(text.find_first_of(" \t\n"), text.size())));
  if (!apex) return strange;
  const auto parts = Cutter{text, *apex, part_octets}.cut(*file);
  if (!parts || parts->empty()) return strange;
  const auto first = read_part(parts->front(), *apex);
  if (!first || first->names.nodes().empty() || !(first->names.nodes().front().name() == *apex)) return strange;
  const ZoneNode& at_apex = first->names.nodes().front();
  const ZoneSet* soa = first->names.find(at_apex, dns::type::soa);
  if (soa == nullptr || soa->count() != 1) return strange;
  Whole whole{options};
  Part head;  // what the keys themselves give
  Findings findings{head.verdict, options.max_findings};
  const KeyRing ring = KeyRing::of(first->names, findings);
  if (!whole.take(std::move(head))) return strange;
  const bool is_nsec3 = first->names.find(at_apex, dns::type::nsec3param) != nullptr;
  const unsigned threads = std::max(1U, options.threads);
  const bool good = in_order<Part>(
      parts->size(), threads, parts_ahead_per_thread * threads,
      [&](std::size_t k, unsigned) {
        Part part = PartCheck{ring, options, is_nsec3}.run((*parts)[k]);
        file->release((*parts)[k]);
        return part;
      },
      [&](Part&& part) { return whole.take(std::move(part)); });
  if (!good) return strange;
  return whole.finish(*apex, is_nsec3);
}

}  // namespace redoubt::dnssec
