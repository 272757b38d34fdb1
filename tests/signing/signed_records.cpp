#include "tests/signing/signed_records.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "dnssec/base/nsec3_hash.hpp"

namespace redoubt::signing {

namespace {

using Key = std::pair<dns::Name, dns::RrType>;
using Sets = std::map<Key, std::vector<dns::Record>>;

class ZoneSigner {
 public:
  ZoneSigner(const dns::Name& apex, std::vector<dns::Record> records, const ZoneSigning& signing)
      : apex_{apex}, signing_{signing} {
    for (dns::Record& record : records) add(std::move(record));
    for (const TestKey& key : signing.keys) add(dnskey_record(apex, key));
    for (const TestKey& key : signing.idle_keys) add(dnskey_record(apex, key));
  }

  std::vector<dns::Record> run() {
    signing_.denial == DenialBy::nsec ? add_nsec() : add_nsec3();
    std::vector<dns::Record> out;
    for (const auto& [key, records] : sets_) {
      out.insert(out.end(), records.begin(), records.end());
      if (!is_signed(key.first, key.second)) continue;
      for (const TestKey& by : signing_.keys) out.push_back(sign_set(by, apex_, records, signing_.times));
    }
    return out;
  }

 private:
  void add(dns::Record record) { sets_[{record.owner, record.type}].push_back(std::move(record)); }
  bool has(const dns::Name& name, dns::RrType type) const { return sets_.contains({name, type}); }
  bool is_cut(const dns::Name& name) const { return !(name == apex_) && has(name, dns::type::ns); }
  bool is_below_cut(const dns::Name& name) const {
    for (dns::Name above = name; above.is_strictly_below(apex_);) {
      above = above.parent();
      if (is_cut(above)) return true;
    }
    return false;
  }
  bool is_signed(const dns::Name& name, dns::RrType type) const {
    if (is_below_cut(name)) return false;
    return !is_cut(name) || type == dns::type::ds || type == dns::type::nsec;
  }

  /// Names that the zone speaks for, with their types. A cut shows NS and DS alone.
  std::map<dns::Name, std::vector<dns::RrType>> names() const {
    std::map<dns::Name, std::vector<dns::RrType>> names;
    for (const auto& [key, records] : sets_) {
      if (is_below_cut(key.first)) continue;
      if (is_cut(key.first) && key.second != dns::type::ns && key.second != dns::type::ds) continue;
      names[key.first].push_back(key.second);
    }
    return names;
  }

  void add_nsec() {
    auto all = names();
    for (auto at = all.begin(); at != all.end(); ++at) {
      const auto next = std::next(at) == all.end() ? all.begin() : std::next(at);
      const auto wire = next->first.wire();
      Octets rdata{wire.begin(), wire.end()};
      at->second.push_back(dns::type::nsec);
      at->second.push_back(dns::type::rrsig);
      std::ranges::sort(at->second);
      dnssec::append_bitmap(rdata, at->second);
      add({at->first, dns::type::nsec, dns::rr_class::in, signing_.denial_ttl, std::move(rdata)});
    }
  }

  void add_nsec3() {
    auto all = names();
    for (auto at = all.begin(); at != all.end();) {
      const bool left_out = signing_.opt_out && is_cut(at->first) && !has(at->first, dns::type::ds);
      at = left_out ? all.erase(at) : std::next(at);
    }
    std::set<dns::Name> enclosers;  // empty non-terminals
    for (const auto& [name, types] : all) {
      for (dns::Name above = name; above.is_strictly_below(apex_); above = above.parent()) enclosers.insert(above);
    }
    for (const dns::Name& name : enclosers) all.try_emplace(name);
    dnssec::Nsec3Hasher hasher{signing_.salt, signing_.iterations};
    std::map<dnssec::Nsec3Hash, std::vector<dns::RrType>> hashed;
    for (auto& [name, types] : all) {
      if (name == apex_) types.push_back(dns::type::nsec3param);
      const bool has_signatures = !types.empty() && (!is_cut(name) || has(name, dns::type::ds));
      if (has_signatures) types.push_back(dns::type::rrsig);
      std::ranges::sort(types);
      hashed[*hasher.hash(name)] = types;
    }
    Octets parameters{dnssec::nsec3_sha1, static_cast<std::uint8_t>(signing_.opt_out ? 1 : 0)};
    dnssec::append_u16(parameters, signing_.iterations);
    parameters.push_back(static_cast<std::uint8_t>(signing_.salt.size()));
    dnssec::append_octets(parameters, signing_.salt);
    for (auto at = hashed.begin(); at != hashed.end(); ++at) {
      const auto next = std::next(at) == hashed.end() ? hashed.begin() : std::next(at);
      const std::string label = dnssec::base32hex(at->first);
      const auto owner = apex_.prepended({reinterpret_cast<const std::uint8_t*>(label.data()), label.size()});
      Octets rdata = parameters;
      rdata.push_back(static_cast<std::uint8_t>(next->first.size()));
      dnssec::append_octets(rdata, next->first);
      dnssec::append_bitmap(rdata, at->second);
      add({owner.value(), dns::type::nsec3, dns::rr_class::in, signing_.denial_ttl, std::move(rdata)});
    }
    Octets param = parameters;
    param[1] = 0;
    add({apex_, dns::type::nsec3param, dns::rr_class::in, dns::Ttl::from_wire(0), std::move(param)});
  }

  dns::Name apex_;
  const ZoneSigning& signing_;
  Sets sets_;
};

}  // namespace

std::vector<dns::Record> sign_zone(const dns::Name& apex, std::vector<dns::Record> records,
                                   const ZoneSigning& signing) {
  return ZoneSigner{apex, std::move(records), signing}.run();
}

}  // namespace redoubt::signing
