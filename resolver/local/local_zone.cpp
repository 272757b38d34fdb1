#include "resolver/local/local_zone.hpp"

#include <algorithm>
#include <utility>

#include "dns/rdata.hpp"

namespace redoubt::resolver {

namespace {

void append(std::vector<dns::Record>& section, const dns::RRset& set) {
  for (const auto rdata : set.rdata)
    section.push_back({set.owner, set.type, set.rr_class, set.ttl, {rdata.begin(), rdata.end()}});
}

/// By owner, type and RDATA: duplicates stand together.
std::vector<const dns::Record*> sorted(std::span<const dns::Record> records) {
  std::vector<const dns::Record*> order;
  order.reserve(records.size());
  for (const dns::Record& record : records) order.push_back(&record);
  std::ranges::sort(order, [](const dns::Record* a, const dns::Record* b) {
    if (const auto owners = a->owner <=> b->owner; owners != 0) return owners < 0;
    if (a->type != b->type) return a->type < b->type;
    return a->rdata < b->rdata;
  });
  return order;
}

}  // namespace

std::expected<LocalZone, std::string> LocalZone::make(dns::Name apex, std::span<const dns::Record> records,
                                                      Instant expires) {
  LocalZone zone{std::move(apex), expires};
  const dns::Record* before = nullptr;
  for (const dns::Record* record : sorted(records)) {
    if (record->rr_class != dns::rr_class::in || !record->owner.is_at_or_below(zone.apex_))
      return std::unexpected{"a record is not of this zone: " + record->owner.to_text()};
    if (record->owner.is_wildcard()) return std::unexpected{"wildcards are not known here: " + record->owner.to_text()};
    const bool same_set = before != nullptr && before->owner == record->owner && before->type == record->type;
    if (!same_set) zone.sets_.push_back({record->owner, record->type, record->rr_class, record->ttl, {}});
    dns::RRset& set = zone.sets_.back();
    set.ttl = std::min(set.ttl, record->ttl);
    if (!same_set || before->rdata != record->rdata) set.rdata.add(record->rdata);
    before = record;
  }
  const dns::RRset* soa = zone.find(zone.apex_, dns::type::soa);
  if (soa == nullptr || soa->rdata.count() != 1) return std::unexpected{std::string{"there is not one SOA"}};
  const auto parsed = dns::parse_soa(soa->rdata.at(0));
  if (!parsed) return std::unexpected{std::string{"its SOA is malformed"}};
  zone.serial_ = parsed->serial;
  return zone;
}

const dns::RRset* LocalZone::find(const dns::Name& owner, dns::RrType type) const {
  const auto at = std::partition_point(sets_.begin(), sets_.end(), [&](const dns::RRset& set) {
    const auto owners = set.owner <=> owner;
    return owners < 0 || (owners == 0 && set.type < type);
  });
  return at != sets_.end() && at->type == type && at->owner == owner ? &*at : nullptr;
}

bool LocalZone::exists(const dns::Name& name) const {
  // What is below a name follows it in canonical order (RFC 4034 §6.1).
  const auto at =
      std::partition_point(sets_.begin(), sets_.end(), [&](const dns::RRset& set) { return (set.owner <=> name) < 0; });
  return at != sets_.end() && at->owner.is_at_or_below(name);
}

/// The highest cut at or above the name; a DS question at the cut itself is the parent's to answer (RFC 4035 §3.1.4.1).
const dns::RRset* LocalZone::cut_above(const dns::Question& question) const {
  const std::size_t labels = question.name.label_count();
  for (std::size_t count = apex_.label_count() + 1; count <= labels; ++count) {
    if (count == labels && question.type == dns::type::ds) break;
    if (const dns::RRset* cut = find(question.name.suffix(count), dns::type::ns)) return cut;
  }
  return nullptr;
}

void LocalZone::refer(const dns::RRset& cut, dns::Message& message) const {
  append(message.authority, cut);
  for (const auto rdata : cut.rdata) {
    const auto server = dns::target_name(dns::type::ns, rdata);
    if (!server) continue;
    for (const dns::RrType type : {dns::type::a, dns::type::aaaa}) {
      if (const dns::RRset* glue = find(*server, type)) append(message.additional, *glue);
    }
  }
}

void LocalZone::append_signatures(std::vector<dns::Record>& section, const dns::Name& owner, dns::RrType type) const {
  const dns::RRset* rrsigs = find(owner, dns::type::rrsig);
  if (rrsigs == nullptr) return;
  for (const auto rdata : rrsigs->rdata) {
    const bool covers = rdata.size() > 2 && (rdata[0] << 8 | rdata[1]) == type.value;
    if (covers) section.push_back({owner, rrsigs->type, rrsigs->rr_class, rrsigs->ttl, {rdata.begin(), rdata.end()}});
  }
}

void LocalZone::append_nsec_at(dns::Message& message, const dns::Name& name) const {
  auto at = std::partition_point(sets_.begin(), sets_.end(), [&](const dns::RRset& set) { return set.owner <= name; });
  while (at != sets_.begin() && std::prev(at)->type != dns::type::nsec) --at;
  if (at == sets_.begin()) return;
  const dns::RRset& nsec = *std::prev(at);
  const bool is_there = std::ranges::any_of(message.authority, [&](const dns::Record& record) {
    return record.type == nsec.type && record.owner == nsec.owner;
  });
  if (is_there) return;
  append(message.authority, nsec);
  append_signatures(message.authority, nsec.owner, nsec.type);
}

void LocalZone::add_proofs(const dns::Question& question, dns::Message& message) const {
  if (!message.answer.empty()) {
    const dns::Record& first = message.answer.front();
    return append_signatures(message.answer, dns::Name{first.owner}, first.type);
  }
  if (!message.header.authoritative) {
    const dns::Name cut = message.authority.front().owner;
    const dns::RRset* ds = find(cut, dns::type::ds);
    if (ds == nullptr) return append_nsec_at(message, cut);
    append(message.authority, *ds);
    return append_signatures(message.authority, cut, dns::type::ds);
  }
  append_signatures(message.authority, apex_, dns::type::soa);
  append_nsec_at(message, question.name);
  if (message.rcode() != dns::Rcode::nxdomain) return;
  dns::Name encloser = question.name;
  while (!exists(encloser)) encloser = encloser.parent();
  static constexpr std::uint8_t star = '*';
  if (const auto wildcard = encloser.prepended({&star, 1})) append_nsec_at(message, *wildcard);
}

dns::Message LocalZone::answer(const dns::Question& question, bool dnssec) const {
  dns::Message message = plain_answer(question);
  if (dnssec) add_proofs(question, message);
  return message;
}

dns::Message LocalZone::plain_answer(const dns::Question& question) const {
  dns::Message message;
  message.header.response = true;
  message.question = question;
  if (const dns::RRset* cut = cut_above(question)) {
    refer(*cut, message);
    return message;
  }
  message.header.authoritative = true;
  const dns::RRset* data = find(question.name, question.type);
  if (data == nullptr && question.type != dns::type::cname) data = find(question.name, dns::type::cname);
  if (data != nullptr) {
    append(message.answer, *data);
    return message;
  }
  if (!exists(question.name)) message.set_rcode(dns::Rcode::nxdomain);
  append(message.authority, *find(apex_, dns::type::soa));
  return message;
}

}  // namespace redoubt::resolver
