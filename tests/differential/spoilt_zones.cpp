#include "tests/differential/spoilt_zones.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <random>

#include "tests/sim/signed_world.hpp"
#include "tests/sim/zone_text.hpp"

namespace redoubt::differential {

namespace {

using dnssec::Algorithm;
using signing::DenialBy;
using signing::TestKey;
using signing::Twist;
using sim::find_records;
using sim::name_from_text;
using sim::spoil_signature;
using sim::strip_signature;
using Records = std::vector<dns::Record>;

constexpr std::uint32_t day = 86'400;
constexpr std::array algorithms{Algorithm::rsa_sha256,        Algorithm::rsa_sha512, Algorithm::ecdsa_p256_sha256,
                                Algorithm::ecdsa_p384_sha384, Algorithm::ed25519,    Algorithm::ed448};

class Maker {
 public:
  Maker(std::uint64_t seed, std::uint32_t now) : dice_{seed}, now_{now}, good_{now - day, now + 20 * day} {
    for (const Algorithm algorithm : algorithms) {
      for (std::uint8_t i = 0; i < 3; ++i)
        keys_[algorithm].push_back(TestKey::make(algorithm, static_cast<std::uint8_t>(i + 1)));
    }
  }
  Internet make(unsigned count);

 private:
  struct Draft {
    std::string apex;
    signing::ZoneSigning signing;
    Records records{};  ///< signed
    Records ds{};       ///< for its parent
    std::string kind = "sound";
    std::string qname{};
    std::string qtype{};
  };
  using Spoil = std::function<void(Maker&, Draft&)>;
  struct Way {
    const char* kind;
    Spoil before;  ///< changes how it is signed
    Spoil after;   ///< changes what is signed, or the DS
  };
  static const std::vector<Way>& ways();

  unsigned roll(unsigned sides) { return static_cast<unsigned>(dice_() % sides); }
  Draft draft(const std::string& apex);
  void sign(Draft& zone);
  /// The one RRset's signature, made anew with a lie in it.
  void twist(Draft& zone, const std::string& owner, const std::string& type, const Twist& lie,
             signing::Times times) const {
    strip_signature(zone.records, owner, type);
    Records set;
    for (const dns::Record* record : find_records(zone.records, owner, type)) set.push_back(*record);
    if (!set.empty())
      zone.records.push_back(signing::sign_set(zone.signing.keys.front(), name_from_text(zone.apex), set, times, lie));
  }

  std::mt19937_64 dice_;
  std::uint32_t now_;
  signing::Times good_;
  std::map<Algorithm, std::vector<TestKey>> keys_;
};

bool is_denial(const dns::Record& record) { return record.type == dns::type::nsec || record.type == dns::type::nsec3; }
bool is_signature_over_denial(const dns::Record& record) {
  if (record.type != dns::type::rrsig) return false;
  const int covered = record.rdata[0] << 8 | record.rdata[1];
  return covered == dns::type::nsec.value || covered == dns::type::nsec3.value;
}

const std::vector<Maker::Way>& Maker::ways() {
  const auto nothing = [](Maker&, Draft&) {};
  static const std::vector<Way> all{
      {"sound", nothing, nothing},
      {"all signatures expired",
       [](Maker& m, Draft& z) {
         z.signing.times = {m.now_ - 30 * day, m.now_ - 5 * day};
       },
       nothing},
      {"no signature valid yet",
       [](Maker& m, Draft& z) {
         z.signing.times = {m.now_ + 5 * day, m.now_ + 30 * day};
       },
       nothing},
      {"revoked key", [](Maker&, Draft& z) { z.signing.keys.front() = z.signing.keys.front().with_flags(257 | 128); },
       nothing},
      {"key without the zone bit",
       [](Maker&, Draft& z) { z.signing.keys.front() = z.signing.keys.front().with_flags(1); }, nothing},
      {"idle keys", [](Maker& m, Draft& z) { z.signing.idle_keys.push_back(m.keys_[Algorithm::ed25519][2]); }, nothing},
      {"two keys that sign",
       [](Maker& m, Draft& z) { z.signing.keys.push_back(m.keys_[Algorithm::ecdsa_p256_sha256][2]); }, nothing},
      {"51 iterations",
       [](Maker&, Draft& z) {
         z.signing.denial = DenialBy::nsec3;
         z.signing.iterations = 51;
       },
       nothing},
      {"2000 iterations",
       [](Maker&, Draft& z) {
         z.signing.denial = DenialBy::nsec3;
         z.signing.iterations = 2000;
       },
       nothing},
      {"opt-out",
       [](Maker&, Draft& z) {
         z.signing.denial = DenialBy::nsec3;
         z.signing.opt_out = true;
       },
       nothing},
      {"an altered signature", nothing, [](Maker&, Draft& z) { spoil_signature(z.records, z.qname, z.qtype); }},
      {"a stripped signature", nothing, [](Maker&, Draft& z) { strip_signature(z.records, z.qname, z.qtype); }},
      {"altered address", nothing,
       [](Maker&, Draft& z) {
         for (auto* r : find_records(z.records, "www." + z.apex, "A")) r->rdata.back() ^= 1;
       }},
      {"one expired signature", nothing,
       [](Maker& m, Draft& z) {
         m.twist(z, z.qname, z.qtype, {}, {m.now_ - 30 * day, m.now_ - 6 * day});
       }},
      {"one signature not valid yet", nothing,
       [](Maker& m, Draft& z) {
         m.twist(z, z.qname, z.qtype, {}, {m.now_ + 6 * day, m.now_ + 30 * day});
       }},
      {"a signature that ends before it begins", nothing,
       [](Maker& m, Draft& z) {
         m.twist(z, z.qname, z.qtype, {}, {m.now_ + 9 * day, m.now_ - 9 * day});
       }},
      {"the parent's signer", nothing,
       [](Maker& m, Draft& z) { m.twist(z, z.qname, z.qtype, {.signer = name_from_text("test.")}, m.good_); }},
      {"fewer labels", nothing, [](Maker& m, Draft& z) { m.twist(z, z.qname, z.qtype, {.labels = 2}, m.good_); }},
      {"more labels", nothing, [](Maker& m, Draft& z) { m.twist(z, z.qname, z.qtype, {.labels = 9}, m.good_); }},
      {"another tag", nothing, [](Maker& m, Draft& z) { m.twist(z, z.qname, z.qtype, {.tag = 4711}, m.good_); }},
      {"another algorithm in the signature", nothing,
       [](Maker& m, Draft& z) { m.twist(z, z.qname, z.qtype, {.algorithm = 200}, m.good_); }},
      {"keys with an altered signature", nothing,
       [](Maker&, Draft& z) { spoil_signature(z.records, z.apex, "DNSKEY"); }},
      {"keys without signature", nothing, [](Maker&, Draft& z) { strip_signature(z.records, z.apex, "DNSKEY"); }},
      {"no keys", nothing,
       [](Maker&, Draft& z) { std::erase_if(z.records, [](const auto& r) { return r.type == dns::type::dnskey; }); }},
      {"a SOA with an altered signature", nothing, [](Maker&, Draft& z) { spoil_signature(z.records, z.apex, "SOA"); }},
      {"no denial records", nothing,
       [](Maker&, Draft& z) {
         std::erase_if(z.records, [](const auto& r) { return is_denial(r) || is_signature_over_denial(r); });
       }},
      {"denials without signatures", nothing,
       [](Maker&, Draft& z) { std::erase_if(z.records, is_signature_over_denial); }},
      {"denials with altered signatures", nothing,
       [](Maker&, Draft& z) {
         for (auto& r : z.records)
           if (is_signature_over_denial(r)) r.rdata.back() ^= 1;
       }},
      {"altered denials", nothing,
       [](Maker&, Draft& z) {
         for (auto& r : z.records)
           if (is_denial(r)) r.rdata.back() ^= 0x10;
       }},
      {"no DS", nothing, [](Maker&, Draft& z) { z.ds.clear(); }},
      {"a wrong digest", nothing, [](Maker&, Draft& z) { z.ds.front().rdata.back() ^= 1; }},
      {"DS of a key that is not there", nothing, [](Maker&, Draft& z) { z.ds.front().rdata[0] ^= 1; }},
      {"DS of an unknown algorithm", nothing, [](Maker&, Draft& z) { z.ds.front().rdata[2] = 200; }},
      {"DS of an unknown digest", nothing, [](Maker&, Draft& z) { z.ds.front().rdata[3] = 200; }},
      {"unknown DS beside a good one", nothing,
       [](Maker&, Draft& z) {
         z.ds.push_back(z.ds.front());
         z.ds.back().rdata[2] = 200;
       }},
      {"wrong DS beside a good one", nothing,
       [](Maker&, Draft& z) {
         z.ds.push_back(z.ds.front());
         z.ds.back().rdata.back() ^= 1;
       }},
      {"a good signature beside a bad one", nothing,
       [](Maker&, Draft& z) {
         Records more;
         for (const auto& r : z.records)
           if (r.type == dns::type::rrsig && r.owner == name_from_text(z.qname)) {
             more.push_back(r);
             more.back().rdata.back() ^= 1;
           }
         z.records.insert(z.records.begin(), more.begin(), more.end());
       }},
      {"one record more than was signed", nothing,
       [](Maker&, Draft& z) {
         const auto found = find_records(z.records, "www." + z.apex, "A");
         if (!found.empty()) {
           dns::Record more = *found.front();
           more.rdata.back() ^= 7;
           z.records.push_back(more);
         }
       }},
  };
  return all;
}

Maker::Draft Maker::draft(const std::string& apex) {
  const Algorithm algorithm = algorithms[roll(algorithms.size())];
  Draft zone{.apex = apex, .signing = {.keys = {keys_[algorithm][roll(2)]}, .times = good_}};
  if (roll(2) == 0) {
    zone.signing.denial = DenialBy::nsec3;
    zone.signing.iterations = static_cast<std::uint16_t>(roll(3) * roll(4));
    zone.signing.salt.assign(roll(9), static_cast<std::uint8_t>(roll(256)));
  }
  const std::array<std::pair<const char*, const char*>, 10> questions{{{"www.", "A"},
                                                                       {"www.", "TXT"},
                                                                       {"nothing.", "A"},
                                                                       {"x.wild.", "A"},
                                                                       {"x.wild.", "TXT"},
                                                                       {"alias.", "A"},
                                                                       {"x.old.", "A"},
                                                                       {"ent.", "A"},
                                                                       {"sub.", "DS"},
                                                                       {"host.sub.", "A"}}};
  const auto& [label, type] = questions[roll(3) == 0 ? 0 : roll(questions.size())];
  zone.qname = label + apex;
  zone.qtype = type;
  return zone;
}

void Maker::sign(Draft& zone) {
  const dns::Name apex = name_from_text(zone.apex);
  std::string text =
      "@ 900 SOA ns host 1 3600 600 86400 900\n@ NS ns\nns A 127.0.0.3\nwww A 192.0.2.80\n"
      "alias CNAME www\n*.wild A 192.0.2.7\ndeep.ent A 192.0.2.8\nold DNAME new\nx.new A 192.0.2.9\nsub NS "
      "ns.sub\nns.sub A 127.0.0.3\n";
  for (unsigned i = roll(12); i > 0; --i) text += fmt::format("h{} A 192.0.2.{}\n", roll(1000), roll(250));
  zone.records = signing::sign_zone(apex, sim::records_from_text(text, apex), zone.signing);
  zone.ds = {signing::ds_record(apex, zone.signing.keys.front())};
}

Internet Maker::make(unsigned count) {
  Internet internet;
  Records below_test;
  for (unsigned i = 0; i < count; ++i) {
    Draft zone = draft(fmt::format("z{}.test.", i));
    const Way& way = ways()[roll(5) == 0 ? 0 : roll(static_cast<unsigned>(ways().size()))];
    way.before(*this, zone);
    sign(zone);
    way.after(*this, zone);
    const bool hashed = zone.signing.denial == DenialBy::nsec3;
    internet.probes.push_back(
        {zone.qname, zone.qtype, way.kind,
         fmt::format("algorithm {}, {}", zone.signing.keys.front().algorithm(),
                     hashed ? fmt::format("NSEC3 {} {}", zone.signing.iterations, zone.signing.salt.size()) : "NSEC")});
    const dns::Name apex = name_from_text(zone.apex);
    internet.zones.push_back(std::make_shared<const sim::Zone>(apex, zone.records));
    // What is below the unsigned cut.
    internet.zones.push_back(std::make_shared<const sim::Zone>(name_from_text("sub." + zone.apex),
                                                               "@ NS ns\nns A 127.0.0.3\nhost A 192.0.2.5\n"));
    for (auto& record :
         sim::records_from_text(fmt::format("{} NS ns.{}\nns.{} A 127.0.0.3\n", zone.apex, zone.apex, zone.apex)))
      below_test.push_back(record);
    below_test.insert(below_test.end(), zone.ds.begin(), zone.ds.end());
  }
  const dns::Name test = name_from_text("test.");
  const TestKey key = keys_[Algorithm::ed25519].front();
  signing::ZoneSigning plain{.keys = {key}, .times = good_};
  for (auto& record : sim::records_from_text("@ 900 SOA ns host 1 3600 600 86400 900\n@ NS ns\nns A 127.0.0.2\n", test))
    below_test.push_back(record);
  internet.test = std::make_shared<const sim::Zone>(test, signing::sign_zone(test, below_test, plain));
  Records root = sim::records_from_text(
      "@ 900 SOA ns host 1 3600 600 86400 900\n@ NS ns\nns A 127.0.0.1\ntest NS ns.test\nns.test A 127.0.0.2\n",
      dns::Name{});
  root.push_back(signing::ds_record(test, key));
  internet.root = std::make_shared<const sim::Zone>(dns::Name{}, signing::sign_zone(dns::Name{}, root, plain));
  const auto ds = dnssec::ds_rdata(dns::Name{}, key.dnskey(), dnssec::DsDigest::sha256);
  std::string digest;
  for (std::size_t i = 4; i < ds.size(); ++i) digest += fmt::format("{:02X}", ds[i]);
  internet.anchor = fmt::format(". IN DS {} {} 2 {}", key.tag(), key.algorithm(), digest);
  return internet;
}

}  // namespace

Internet make_internet(std::uint64_t seed, unsigned count, std::uint32_t now) { return Maker{seed, now}.make(count); }

}  // namespace redoubt::differential
