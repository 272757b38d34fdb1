// The name servers of the bench's signed cases, by ECDSA with P-256 as most of the Internet's zones:
//
//   signed_authority ROOT TLD LEAF ZONES
//
// The root and "signed." on addresses of their own; on the third z0.signed., z1.signed. ... with www, "nsec.signed."
// and "nsec3.signed." with a thousand names, and two zones made to be costly: "jam.signed." (KeyTrap: 340 wrong
// signatures of a wildcard, by keys of one tag) and "deep.signed." (NSEC3 with 50 iterations and 64 octets of salt).
// Prints the root's DS, then "ready".
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "tests/signing/signed_records.hpp"
#include "tests/sim/served.hpp"
#include "tests/sim/signed_world.hpp"
#include "tests/sim/zone_text.hpp"

using namespace redoubt;

namespace {

using Records = std::vector<dns::Record>;
using signing::TestKey;
constexpr std::uint32_t day = 86'400;

struct Maker {
  TestKey key = TestKey::make(dnssec::Algorithm::ecdsa_p256_sha256);
  signing::Times times;
  std::string leaf;
  std::vector<std::shared_ptr<const sim::Zone>> leaves{};
  Records delegations{};

  std::string head(const std::string& address) const {
    return "@ 3600 SOA ns host 1 3600 600 86400 900\n@ NS ns\nns A " + address + "\n";
  }
  void delegate(const std::string& apex, const std::string& address, Records& to) const {
    for (auto& record : sim::records_from_text(fmt::format("{} NS ns.{}\nns.{} A {}\n", apex, apex, apex, address)))
      to.push_back(record);
    to.push_back(signing::ds_record(sim::name_from_text(apex), key));
  }
  Records sign(const std::string& apex, const std::string& text, signing::ZoneSigning how) const {
    const dns::Name name = sim::name_from_text(apex);
    how.keys = {key};
    how.times = times;
    return signing::sign_zone(name, sim::records_from_text(text, name), how);
  }
  void leaf_zone(const std::string& apex, const std::string& text, const signing::ZoneSigning& how = {}) {
    publish(apex, sign(apex, head(leaf) + text, how));
  }
  void publish(const std::string& apex, Records records) {
    leaves.push_back(std::make_shared<const sim::Zone>(sim::name_from_text(apex), std::move(records)));
    delegate(apex, leaf, delegations);
  }
};

/// Keys of one tag, and very many signatures of a wildcard that are by none of them (CVE-2023-50387).
Records jammed(const Maker& maker) {
  const std::string apex = "jam.signed.";
  Records records = maker.sign(apex, maker.head(maker.leaf) + "* A 192.0.2.1\n", {});
  Records set{*sim::find_records(records, apex, "DNSKEY").front()};
  for (std::uint8_t i = 1; set.size() < 30 && i < 250; ++i) {
    dns::Record twin = set.front();
    twin.rdata[4] = static_cast<std::uint8_t>(twin.rdata[4] + i);
    twin.rdata[6] = static_cast<std::uint8_t>(twin.rdata[6] - i);
    if (dnssec::key_tag(twin.rdata) == maker.key.tag()) set.push_back(twin);
  }
  sim::strip_signature(records, apex, "DNSKEY");
  records.insert(records.end(), set.begin() + 1, set.end());
  records.push_back(signing::sign_set(maker.key, sim::name_from_text(apex), set, maker.times));
  const dns::Record good =
      signing::sign_set(maker.key, sim::name_from_text(apex),
                        Records{*sim::find_records(records, "*." + apex, "A").front()}, maker.times);
  sim::strip_signature(records, "*." + apex, "A");
  for (unsigned i = 0; i < 340; ++i) {
    records.push_back(good);
    records.back().rdata.back() ^= static_cast<std::uint8_t>(1 + i % 255);
    records.back().rdata[records.back().rdata.size() - 2] ^= static_cast<std::uint8_t>(i >> 8);
  }
  return records;
}

}  // namespace

int main(int count, char** words) {
  if (count != 5) {
    fmt::print(stderr, "usage: signed_authority ROOT TLD LEAF ZONES\n");
    return 2;
  }
  const auto now = static_cast<std::uint32_t>(
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count());
  Maker maker{.times = {now - day, now + 20 * day}, .leaf = words[3]};
  const auto zones = std::strtoul(words[4], nullptr, 10);
  for (unsigned long i = 0; i < zones; ++i) maker.leaf_zone(fmt::format("z{}.signed.", i), "www A 192.0.2.1\n");
  std::string hosts;
  for (int i = 0; i < 1000; ++i) hosts += fmt::format("host{} A 192.0.2.9\n", i);
  maker.leaf_zone("nsec.signed.", hosts);
  maker.leaf_zone("nsec3.signed.", hosts, {.denial = signing::DenialBy::nsec3});
  maker.leaf_zone("deep.signed.", "www A 192.0.2.1\n",
                  {.denial = signing::DenialBy::nsec3, .iterations = 50, .salt = signing::Octets(64, 0x55)});
  maker.publish("jam.signed.", jammed(maker));

  const dns::Name tld = sim::name_from_text("signed.");
  Records below = sim::records_from_text(maker.head(words[2]), tld);
  below.insert(below.end(), maker.delegations.begin(), maker.delegations.end());
  signing::ZoneSigning plain{.keys = {maker.key}, .times = maker.times};
  const auto signed_tld = std::make_shared<const sim::Zone>(tld, signing::sign_zone(tld, below, plain));
  Records root = sim::records_from_text(maker.head(words[1]), dns::Name{});
  maker.delegate("signed.", words[2], root);
  const auto signed_root = std::make_shared<const sim::Zone>(dns::Name{}, signing::sign_zone(dns::Name{}, root, plain));

  sim::Servers servers{{{words[1], 53, {signed_root}}, {words[2], 53, {signed_tld}}, {words[3], 53, maker.leaves}}};
  const auto ds = dnssec::ds_rdata(dns::Name{}, maker.key.dnskey(), dnssec::DsDigest::sha256);
  std::string digest;
  for (std::size_t i = 4; i < ds.size(); ++i) digest += fmt::format("{:02X}", ds[i]);
  fmt::print("anchor . IN DS {} {} 2 {}\nready\n", maker.key.tag(), maker.key.algorithm(), digest);
  std::fflush(stdout);
  servers.serve();
}
