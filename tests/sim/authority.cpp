#include "tests/sim/authority.hpp"

#include <algorithm>

#include "dns/rdata.hpp"
#include "tests/sim/zone_text.hpp"

namespace redoubt::sim {

namespace {

constexpr int longest_chain = 40;  // aliases that an honest server follows inside its own zone

dns::Name wildcard_below(const dns::Name& name) {
  const std::uint8_t star = '*';
  return *name.prepended({&star, 1});
}

}  // namespace

Zone::Zone(dns::Name apex, std::string_view text) : Zone{apex, records_from_text(text, apex)} {}

Zone::Zone(dns::Name apex, std::vector<dns::Record> records) : apex_{apex} {
  for (dns::Record& record : records) {
    sets_[{record.owner, record.type.value}].push_back(std::move(record));
  }
  if (find(apex_, dns::type::soa) == nullptr) {
    sets_[{apex_, dns::type::soa.value}] = records_from_text("@ 900 SOA ns host 1 3600 600 86400 900", apex_);
  }
}

const std::vector<dns::Record>* Zone::find(const dns::Name& name, dns::RrType type) const {
  const auto at = sets_.find({name, type.value});
  return at == sets_.end() ? nullptr : &at->second;
}

/// Empty non-terminals exist too; the owners of NSEC3 records do not.
bool Zone::exists(const dns::Name& name) const {
  // In canonical order what is below a name stands right behind it.
  for (auto at = sets_.lower_bound({name, 0}); at != sets_.end() && at->first.first.is_at_or_below(name); ++at) {
    const bool is_hash = at->first.second == dns::type::nsec3.value || at->first.first.first_label().size() == 32;
    if (!is_hash) return true;
  }
  return false;
}

std::optional<dns::Name> Zone::cut_above(const dns::Question& question) const {
  const std::size_t labels = question.name.label_count();
  for (std::size_t count = apex_.label_count() + 1; count <= labels; ++count) {
    const dns::Name name = question.name.suffix(count);
    if (question.type == dns::type::ds && count == labels) break;
    if (find(name, dns::type::ns) != nullptr) return name;
  }
  return std::nullopt;
}

void Zone::refer(const dns::Name& cut, dns::Message& message) const {
  for (const dns::Record& ns : *find(cut, dns::type::ns)) {
    message.authority.push_back(ns);
    add_addresses_of(ns, message);
  }
}

void Zone::add_addresses_of(const dns::Record& ns, dns::Message& message) const {
  const dns::Name server = *dns::target_name(ns.type, ns.rdata);
  for (const dns::RrType type : {dns::type::a, dns::type::aaaa}) {
    const auto* addresses = find(server, type);
    if (addresses != nullptr) message.additional.insert(message.additional.end(), addresses->begin(), addresses->end());
  }
}

void Zone::deny(bool no_name, dns::Message& message) const {
  if (no_name) message.set_rcode(dns::Rcode::nxdomain);
  message.authority = *find(apex_, dns::type::soa);
}

bool Zone::answer_at(const dns::Name& source, const dns::Name& owner, dns::RrType type, dns::Message& message) const {
  const auto* records = find(source, type);
  if (records == nullptr) return false;
  for (dns::Record record : *records) {
    if (type == dns::type::ns) add_addresses_of(record, message);
    record.owner = owner;
    message.answer.push_back(std::move(record));
  }
  return true;
}

/// The DNAME above the name, and the CNAME it makes.
std::optional<dns::Name> Zone::alias_of(const dns::Name& name, dns::Message& message) const {
  for (std::size_t count = name.label_count(); count-- > apex_.label_count();) {
    const auto* dname = find(name.suffix(count), dns::type::dname);
    if (dname == nullptr) continue;
    message.answer.push_back(dname->front());
    const auto target =
        name.with_suffix_replaced(dname->front().owner, *dns::target_name(dns::type::dname, dname->front().rdata));
    if (!target) {
      message.set_rcode(dns::Rcode::yxdomain);
      return name;
    }
    const auto wire = target->wire();
    message.answer.push_back(
        {name, dns::type::cname, dns::rr_class::in, dname->front().ttl, {wire.begin(), wire.end()}});
    return target;
  }
  return std::nullopt;
}

void Zone::answer(const dns::Question& question, dns::Message& message) const {
  dns::Question current = question;
  for (int step = 0; step < longest_chain; ++step) {
    if (!current.name.is_at_or_below(apex_)) return;
    if (const auto cut = cut_above(current)) return refer(*cut, message);
    message.header.authoritative = true;
    dns::Name source = current.name;
    if (!exists(source)) {
      if (const auto target = alias_of(current.name, message)) {
        if (*target == current.name) return;
        current.name = *target;
        continue;
      }
      dns::Name encloser = source.parent();
      while (!exists(encloser)) encloser = encloser.parent();
      source = wildcard_below(encloser);
      if (!exists(source)) return deny(true, message);
    }
    if (answer_at(source, current.name, current.type, message)) return;
    if (!answer_at(source, current.name, dns::type::cname, message)) return deny(false, message);
    current.name = *dns::target_name(dns::type::cname, message.answer.back().rdata);
  }
}

dns::Message answer_from(const std::vector<std::shared_ptr<const Zone>>& zones, const dns::Message& query) {
  dns::Message message;
  message.header.id = query.header.id;
  message.header.response = true;
  message.header.opcode = query.header.opcode;
  message.header.recursion_desired = query.header.recursion_desired;
  message.question = query.question;
  if (query.edns) message.edns = dns::Edns{};
  const dns::Question& question = *query.question;
  const Zone* best = nullptr;
  for (const auto& zone : zones) {
    const bool encloses = question.type == dns::type::ds && !question.name.is_root()
                              ? question.name.is_strictly_below(zone->apex())
                              : question.name.is_at_or_below(zone->apex());
    if (encloses && (best == nullptr || zone->apex().label_count() > best->apex().label_count())) best = zone.get();
  }
  if (best == nullptr) {
    message.set_rcode(dns::Rcode::refused);
  } else {
    best->answer(question, message);
    if (query.edns && query.edns->dnssec_ok) best->add_proofs(question, message);
  }
  return message;
}

}  // namespace redoubt::sim
