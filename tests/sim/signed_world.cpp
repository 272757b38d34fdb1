#include "tests/sim/signed_world.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "tests/sim/zone_text.hpp"

namespace redoubt::sim {

namespace {

constexpr std::uint32_t day = 86'400;

std::uint8_t seed_of(const std::string& apex) {
  unsigned sum = 7;
  for (const char c : apex) sum = sum * 31 + static_cast<unsigned char>(c);
  return static_cast<std::uint8_t>(sum % 250 + 1);
}

bool is_over(const dns::Record& record, const dns::Name& owner, dns::RrType type) {
  return record.type == dns::type::rrsig && record.owner == owner &&
         (record.rdata[0] << 8 | record.rdata[1]) == type.value;
}

}  // namespace

signing::Times SignedWorld::times() { return {0U - day, 30 * day}; }

signing::ZoneSigning SignedWorld::signing_of(const std::string& apex, signing::DenialBy denial) {
  return {
      .keys = {signing::TestKey::make(dnssec::Algorithm::ed25519, seed_of(apex))}, .times = times(), .denial = denial};
}

SignedWorld::SignedWorld(signing::DenialBy denial) : denial_{denial} {
  const std::array<std::pair<const char*, const char*>, 3> tops{
      {{".", "198.51.100.1"}, {"com.", "198.51.100.2"}, {"net.", "198.51.100.3"}}};
  for (const auto& [apex, address] : tops)
    sites_[apex] = {.address = address, .text = "", .signing = signing_of(apex, denial)};
  resolver::Settings& settings = world_.settings();
  settings.validation.enabled = true;
  const dns::Record anchor = signing::ds_record(dns::Name{}, sites_["."].signing->keys.front());
  settings.validation.anchors.push_back({dns::Name{}, {{anchor.rdata}, {}}});
}

SignedSite& SignedWorld::site(const std::string& apex, const std::string& address, const std::string& more) {
  return sites_[apex] = {.address = address, .text = "www A 192.0.2.80\n" + more, .signing = signing_of(apex, denial_)};
}

std::vector<dns::Record> SignedWorld::records_of(const dns::Name& apex, const SignedSite& site) const {
  std::string text = site.text + "\n@ 900 SOA ns host 1 3600 600 86400 900\n@ NS ns\nns A " + site.address + "\n";
  std::vector<dns::Record> delegations;
  for (const auto& [name, child] : sites_) {
    const dns::Name zone = name_from_text(name);
    if (!zone.is_strictly_below(apex)) continue;
    const bool has_nearer = std::ranges::any_of(sites_, [&](const auto& other) {
      const dns::Name between = name_from_text(other.first);
      return between.is_strictly_below(apex) && zone.is_strictly_below(between);
    });
    if (has_nearer) continue;
    const std::string server = fmt::format("ns.{}", name);
    text += fmt::format("{} NS {}\n{} A {}\n", name, server, server, child.address);
    if (!child.ds.empty()) {
      delegations.insert(delegations.end(), child.ds.begin(), child.ds.end());
    } else if (child.signing && child.has_ds) {
      delegations.push_back(signing::ds_record(zone, child.signing->keys.front()));
    }
  }
  std::vector<dns::Record> records = records_from_text(text, apex);
  records.insert(records.end(), delegations.begin(), delegations.end());
  if (site.signing) records = signing::sign_zone(apex, std::move(records), *site.signing);
  if (site.spoil) site.spoil(records);
  return records;
}

void SignedWorld::publish() {
  published_ = true;
  std::map<std::string, Server> servers;
  for (const auto& [name, site] : sites_) {
    const dns::Name apex = name_from_text(name);
    servers[site.address].serves(std::make_shared<const Zone>(apex, records_of(apex, site)));
  }
  for (const auto& [name, site] : sites_) {
    for (const Behaviour& behaviour : site.behaviours) servers[site.address].behaves(behaviour);
  }
  for (auto& [address, server] : servers) world_.internet().server(address) = std::move(server);
}

Answer SignedWorld::ask(std::string_view name, std::string_view type, bool cd) {
  if (!published_) publish();
  dns::Query query = World::query(name, type);
  query.header.checking_disabled = cd;
  query.edns->dnssec_ok = true;
  return world_.ask(query);
}

std::vector<dns::Record*> find_records(std::vector<dns::Record>& records, std::string_view owner,
                                       std::string_view type) {
  std::vector<dns::Record*> found;
  for (dns::Record& record : records) {
    if (record.owner == name_from_text(owner) && record.type == type_from_text(type)) found.push_back(&record);
  }
  return found;
}

void spoil_signature(std::vector<dns::Record>& records, std::string_view owner, std::string_view type) {
  for (dns::Record& record : records) {
    if (is_over(record, name_from_text(owner), type_from_text(type))) record.rdata.back() ^= 1;
  }
}

void strip_signature(std::vector<dns::Record>& records, std::string_view owner, std::string_view type) {
  std::erase_if(
      records, [&](const dns::Record& record) { return is_over(record, name_from_text(owner), type_from_text(type)); });
}

}  // namespace redoubt::sim
