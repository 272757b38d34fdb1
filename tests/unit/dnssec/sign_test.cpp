#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <map>
#include <numeric>
#include <random>
#include <sstream>

#include "dns/text.hpp"
#include "dns/text_zone.hpp"
#include "dnssec/keys/durable_file.hpp"
#include "dnssec/keys/key_folder.hpp"
#include "dnssec/sign/denial.hpp"
#include "dnssec/sign/earlier_text.hpp"
#include "dnssec/sign/prepare.hpp"
#include "dnssec/verify/key_set.hpp"
#include "dnssec/zone/load.hpp"
#include "dnssec/zone/sign_file.hpp"
#include "dnssec/zone/verify_file.hpp"
#include "dnssec/zonemd.hpp"
#include "tests/unit/dnssec/random_zone.hpp"
#include "tests/unit/dnssec/sign_fixture.hpp"
#include "tests/unit/dnssec/temporary_folder.hpp"

namespace redoubt::dnssec {
namespace {

using namespace signing_fixture;

/// for_ldns: ldns-verify-zone is asked, too.
void expect_accepted_by_others(const TemporaryFolder& folder, const std::string& what, bool csk, bool for_ldns) {
  const std::string in_folder = "cd " + folder.path() + " && timeout 120 ";
  const auto accepts = [&](const std::string& command) {
    const bool good = std::system((in_folder + command + " >said 2>&1").c_str()) == 0;
    EXPECT_TRUE(good) << what << ": " << command << "\n" << folder.read("said") << "\n" << folder.read("zone");
  };
  if (for_ldns && has_program("ldns-verify-zone")) accepts("ldns-verify-zone zone.signed");
  if (has_program("dnssec-verify"))
    accepts(std::string{"dnssec-verify "} + (csk ? "-z " : "") + "-o example zone.signed");
  if (has_program("kzonecheck")) accepts("kzonecheck -o example -d on zone.signed");
}

constexpr Algorithm all_algorithms[] = {Algorithm::rsa_sha256, Algorithm::ecdsa_p256_sha256,
                                        Algorithm::ecdsa_p384_sha384, Algorithm::ed25519, Algorithm::ed448};

/// The check in parts says what the check of the whole zone says; ZONEMD is for the whole alone.
void expect_same_in_parts(const TemporaryFolder& folder, const std::string& what, const SignFileOptions& options) {
  const VerifyOptions verify{.now = options.now, .threads = 2, .trusted_ds = {}};
  const auto whole = verify_zone(load(folder.file("zone.signed")), verify);
  EXPECT_TRUE(whole.is_good()) << what << "\n" << text_of(whole);
  const auto in_parts = verify_in_parts(folder.file("zone.signed"), verify, 1);
  ASSERT_TRUE(in_parts) << in_parts.error();
  ASSERT_EQ(in_parts->has_value(), !options.rules.zonemd) << what << folder.read("zone.signed");
  if (!*in_parts) return;
  EXPECT_EQ((*in_parts)->verdict.verified, whole.verified) << what;
  EXPECT_EQ((*in_parts)->verdict.signatures, whole.signatures) << what;
  EXPECT_EQ((*in_parts)->verdict.earliest_expiration, whole.earliest_expiration) << what;
  EXPECT_EQ((*in_parts)->verdict.warnings, whole.warnings) << what;
}

class Unmeasured : public Effort {
 public:
  bool spend(Work, std::uint64_t) override { return true; }
};

/// What the resolver's own check of RRsets says, with the DS that a parent would have.
void expect_accepted_by_validator(const TemporaryFolder& folder, const std::string& what,
                                  const SignFileOptions& options) {
  const Zone zone = load(folder.file("zone.signed"));
  const ZoneNode& apex = zone.nodes().front();
  Unmeasured effort;
  const SignatureRules rules{.now = static_cast<std::uint32_t>(options.now)};
  Vouchers vouchers;
  for (const SigningKey& key : options.keys) {
    if (key.signs_keys) vouchers.ds.push_back(ds_rdata(zone.apex(), key.dnskey, DsDigest::sha256));
  }
  const ZoneSet* dnskey = zone.find(apex, dns::type::dnskey);
  const auto keys = check_keys(zone.apex(), dnskey->rdata(), dns::Ttl::from_wire(dnskey->ttl),
                               zone.find(apex, dns::type::rrsig)->rdata(), vouchers, rules, effort);
  ASSERT_TRUE(keys) << what;
  for (const ZoneNode& node : zone.nodes()) {
    const ZoneSet* signatures = zone.find(node, dns::type::rrsig);
    for (const ZoneSet& set : zone.sets(node)) {
      if (set.type == dns::type::rrsig || !(is_signed_set(node, set.type) || set.type == dns::type::nsec)) continue;
      const Name owner = node.name();
      ASSERT_NE(signatures, nullptr) << what << " " << owner.to_text();
      EXPECT_TRUE(check_signatures({owner, set.type, set.rdata()}, dns::Ttl::from_wire(set.ttl), signatures->rdata(),
                                   *keys->keys, rules, effort))
          << what << " " << owner.to_text() << " " << dns::to_text(set.type);
    }
  }
}

/// REDOUBT_RANDOM_ZONES sets how many zones each algorithm signs in each way, REDOUBT_RANDOM_FIRST the first seed.
TEST(ZoneSigner, random_zones_are_accepted_by_every_verifier) {
  const auto from_outside = [](const char* name, unsigned otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : static_cast<unsigned>(std::strtoul(text, nullptr, 10));
  };
  const unsigned zones = from_outside("REDOUBT_RANDOM_ZONES", 3);
  unsigned seed = from_outside("REDOUBT_RANDOM_FIRST", 1);
  for (const Algorithm algorithm : all_algorithms) {
    for (const Denial& denial : denials) {
      for (unsigned i = 0; i < zones; ++i, ++seed) {
        const bool csk = seed % 2 == 0;
        const std::string what = algorithm_to_text(static_cast<std::uint8_t>(algorithm)) + ", " + denial.name +
                                 ", seed " + std::to_string(seed);
        const TemporaryFolder folder;
        folder.write("zone", random_zone(seed));
        SignFileOptions options = options_for(folder);
        options.keys = keys_for(algorithm, csk);
        options.rules.denial = denial.kind;
        options.rules.opt_out = denial.opt_out;
        options.rules.zonemd = seed % 3 == 0;
        const auto result = sign_file(options);
        ASSERT_TRUE(result) << what << ": " << result.error() << folder.read("zone");
        EXPECT_TRUE(result->written);
        EXPECT_EQ(result->verified, result->counts.made) << what;
        expect_same_in_parts(folder, what, options);
        expect_accepted_by_validator(folder, what, options);
        // ldns-verify-zone 1.8.3 never ends on the ZONEMD of some zones with NSEC3.
        expect_accepted_by_others(folder, what, csk, !options.rules.zonemd || denial.kind == DenialKind::nsec);
        if (HasFailure()) return;
      }
    }
  }
}

TEST(ZoneSigner, the_digest_of_the_zone_is_the_one_that_the_other_module_computes) {
  for (const DenialKind denial : {DenialKind::nsec, DenialKind::nsec3}) {
    const TemporaryFolder folder;
    folder.write("zone", random_zone(99));
    SignFileOptions options = options_for(folder);
    options.rules.denial = denial;
    options.rules.zonemd = true;
    ASSERT_TRUE(sign_file(options));
    const std::vector<dns::Record> records = records_of(folder.read("zone.signed"));
    EXPECT_TRUE(verify_zone_digest(Name::literal("example"), records));
  }
}

TEST(ZoneSigner, types_that_servers_do_not_know_yet_are_written_by_number) {
  const TemporaryFolder folder;
  folder.write("zone",
               "$TTL 300\n@ SOA ns host 1 2 3 4 300\n@ NS ns\nns A 192.0.2.1\n"
               "child._dsync DSYNC CDS NOTIFY 5359 agent.example.\n"
               // Old ones that Knot has no names for, and mixed case where canonical form keeps or loses it.
               "x X25 311061700956\nw WKS 192.0.2.1 TCP 25\nt TALINK A B\nh HIP 2 2001 AwEAAQ== Rvs\n"
               "p PX 10 Map822 MapX400\nl LP 10 L64\ns SVCB 1 Svc alpn=\"a\\\\,b\"\ni IPSECKEY 10 3 2 Gate AQ==\n");
  const SignFileOptions options = options_for(folder);
  const auto first = sign_file(options);
  ASSERT_TRUE(first) << first.error();
  const std::string output = folder.read("zone.signed");
  EXPECT_TRUE(output.contains("child._dsync.example. 300 IN TYPE66 \\# 20 003b0114ef056167656e74076578616d706c6500\n"))
      << output;
  EXPECT_TRUE(output.contains(" RRSIG NSEC TYPE66\n")) << output;
  EXPECT_TRUE(output.contains(" TYPE19 RRSIG NSEC\n") && output.contains("x.example. 300 IN TYPE19 \\# 13 ")) << output;
  EXPECT_FALSE(output.contains(" DSYNC"));
  EXPECT_TRUE(output.contains(" RRSIG TYPE66 13")) << output;
  EXPECT_FALSE(sign_file(options)->was_due);
  expect_accepted_by_others(folder, "DSYNC", true, true);
}

TEST(ZoneSigner, expirations_are_spread_within_the_jitter) {
  const TemporaryFolder folder;
  std::string text = "$TTL 300\n@ SOA ns host 1 2 3 4 300\n@ NS ns\nns A 192.0.2.1\n";
  for (int i = 0; i < 300; ++i) text += "h" + std::to_string(i) + " A 192.0.2.1\n";
  folder.write("zone", text);
  const SignFileOptions options = options_for(folder);
  ASSERT_TRUE(sign_file(options));
  std::map<std::int64_t, unsigned> per_hour;
  const Zone zone = load(options.output);
  for (const ZoneNode& node : zone.nodes()) {
    const ZoneSet* signatures = zone.find(node, dns::type::rrsig);
    if (signatures == nullptr) continue;
    for (const OctetView rdata : signatures->rdata()) {
      const auto rrsig = Rrsig::parse(rdata);
      ASSERT_TRUE(rrsig);
      const std::int64_t left = rrsig->expiration - options.now;
      EXPECT_LE(left, options.rules.lifetime.count());
      EXPECT_GE(left, options.rules.lifetime.count() - options.rules.jitter.count());
      ++per_hour[left / 3600];
    }
  }
  EXPECT_GE(per_hour.size(), 20U);
  for (const auto& [hour, count] : per_hour) EXPECT_LT(count, 80U) << hour;
}

TEST(ZoneSigner, serials_never_go_back) {
  constexpr std::int64_t now = 1800000000;  // 2027-01-15
  EXPECT_EQ(next_serial(SerialRule::increment, 5, std::nullopt, now), 5U);
  EXPECT_EQ(next_serial(SerialRule::increment, 5, 9, now), 10U);
  EXPECT_EQ(next_serial(SerialRule::increment, 20, 9, now), 21U);
  EXPECT_EQ(next_serial(SerialRule::increment, 0xffffffff, 0xffffffff, now), 0U);
  EXPECT_EQ(next_serial(SerialRule::keep, 5, 9, now), 5U);
  EXPECT_EQ(next_serial(SerialRule::unixtime, 5, 9, now), 1800000000U);
  EXPECT_EQ(next_serial(SerialRule::unixtime, 5, 1800000000, now), 1800000001U);
  EXPECT_EQ(next_serial(SerialRule::date, 5, 9, now), 2027011500U);
  EXPECT_EQ(next_serial(SerialRule::date, 5, 2027011500, now), 2027011501U);
  EXPECT_EQ(next_serial(SerialRule::date, 2027011599, std::nullopt, now), 2027011599U);
}

/// attacks: the clock jumps.
TEST(ZoneSigner, a_clock_that_jumped_signs_nothing) {
  const TemporaryFolder folder;
  folder.write("zone", random_zone(3));
  SignFileOptions options = options_for(folder);
  ASSERT_TRUE(sign_file(options));
  const std::string before = folder.read("zone.signed");
  const std::int64_t now = options.now;
  for (const std::int64_t jump : {-365 * 86400, 365 * 86400}) {
    options.now = now + jump;
    EXPECT_FALSE(sign_file(options)) << jump;
    EXPECT_EQ(folder.read("zone.signed"), before);
  }
  options.clock_is_right = true;
  EXPECT_TRUE(sign_file(options));
}

TEST(ZoneSigner, a_fault_in_the_zone_leaves_the_old_output) {
  const TemporaryFolder folder;
  folder.write("zone", random_zone(4));
  SignFileOptions options = options_for(folder);
  ASSERT_TRUE(sign_file(options));
  const std::string before = folder.read("zone.signed");
  const auto fault_of = [&](const std::string& text) {
    folder.write("zone", text);
    const auto result = sign_file(options);
    EXPECT_FALSE(result);
    EXPECT_EQ(folder.read("zone.signed"), before);
    return result ? std::string{} : result.error().substr(result.error().rfind('/') + 1);
  };
  EXPECT_EQ(fault_of(""), "zone: there is no SOA in it");
  EXPECT_TRUE(fault_of("@ 1 SOA a b 1 2 3 4 5\n\n@ A 1.2.3\n").starts_with("zone:3: "));
  EXPECT_EQ(fault_of("@ 1 SOA a b 1 2 3 4 5\nother. 1 A 192.0.2.1\n"), "zone:2: other. is not in the zone example.");
  EXPECT_EQ(fault_of("@ 1 SOA a b 1 2 3 4 5\n@ 1 SOA a b 2 2 3 4 5\n"), "zone: more than one SOA at example.");
  options.max_zone_ttl = 1000;
  EXPECT_NE(fault_of("@ 1 SOA a b 1 2 3 4 5\n@ 1 NS a\na 1001 A 192.0.2.1\n").find("max-zone-ttl"), std::string::npos);
}

TEST(ZoneSigner, a_zone_without_apex_ns_is_not_put_out) {
  const TemporaryFolder folder;
  folder.write("zone", "@ 1 SOA a b 1 2 3 4 5\n");
  const auto result = sign_file(options_for(folder));
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().find("would not validate"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(folder.file("zone.signed")));
}

}  // namespace
}  // namespace redoubt::dnssec
