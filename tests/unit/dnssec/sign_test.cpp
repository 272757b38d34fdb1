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
#include "tests/unit/dnssec/temporary_folder.hpp"

namespace redoubt::dnssec {
namespace {

using dns::Name;
using tests::has_program;
using tests::random_zone;
using tests::TemporaryFolder;

std::int64_t clock_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// Keys are costly to make; zones share them.
const std::vector<SigningKey>& keys_for(Algorithm algorithm, bool csk) {
  static std::map<std::pair<Algorithm, bool>, std::vector<SigningKey>> made;
  auto& keys = made[{algorithm, csk}];
  if (!keys.empty()) return keys;
  const auto add = [&](std::uint16_t flags, bool signs_keys, bool signs_zone) {
    for (;;) {
      auto key = PrivateKey::generate(algorithm, 1024);
      SigningKey one;
      one.dnskey = dnskey_rdata(flags, algorithm, key->public_key());
      one.tag = key_tag(one.dnskey);
      one.algorithm = algorithm;
      one.secret = std::make_shared<const PrivateKey>(std::move(*key));
      one.signs_keys = signs_keys;
      one.signs_zone = signs_zone;
      one.in_cds = signs_keys;
      if (!keys.empty() && keys.front().tag == one.tag) continue;
      keys.push_back(std::move(one));
      return;
    }
  };
  if (csk) {
    add(ksk_flags, true, true);
  } else {
    add(ksk_flags, true, false);
    add(zsk_flags, false, true);
  }
  return keys;
}

SignFileOptions options_for(const TemporaryFolder& folder) {
  SignFileOptions options;
  options.input = folder.file("zone");
  options.output = folder.file("zone.signed");
  options.origin = Name::literal("example");
  options.keys = keys_for(Algorithm::ecdsa_p256_sha256, true);
  options.now = clock_now();
  options.threads = 2;
  return options;
}

Zone load(const std::string& path) {
  auto zone = load_zone(path, {.origin = Name::literal("example")});
  EXPECT_TRUE(zone) << (zone ? "" : zone.error());
  return std::move(*zone);
}

ZoneVerdict verdict_of(const std::string& path, std::int64_t now) {
  return verify_zone(load(path), {.now = now, .threads = 2, .trusted_ds = {}});
}

std::string text_of(const ZoneVerdict& verdict) {
  std::string text;
  for (const ZoneFinding& finding : verdict.findings) text += finding.to_text() + "\n";
  return text;
}

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

struct Denial {
  const char* name;
  DenialKind kind;
  bool opt_out;
};
constexpr Denial denials[] = {
    {"NSEC", DenialKind::nsec, false}, {"NSEC3", DenialKind::nsec3, false}, {"opt-out", DenialKind::nsec3, true}};
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
    std::vector<dns::Record> records;
    const std::string text = folder.read("zone.signed");
    ASSERT_TRUE(dns::read_zone_text({.file = "", .text = text, .origin = Name{}},
                                    [&](dns::Record&& record) -> std::expected<void, std::string> {
                                      records.push_back(std::move(record));
                                      return {};
                                    }));
    EXPECT_TRUE(verify_zone_digest(Name::literal("example"), records));
  }
}

TEST(ZoneSigner, a_second_run_changes_nothing_until_something_is_due) {
  for (const DenialKind denial : {DenialKind::nsec, DenialKind::nsec3}) {
    const TemporaryFolder folder;
    folder.write("zone", random_zone(5));
    SignFileOptions options = options_for(folder);
    options.rules.denial = denial;
    options.rules.zonemd = denial == DenialKind::nsec3;
    const auto first = sign_file(options);
    ASSERT_TRUE(first);
    const std::string before = folder.read("zone.signed");
    options.now += 86400;
    const auto second = sign_file(options);
    ASSERT_TRUE(second) << second.error();
    EXPECT_FALSE(second->written);
    EXPECT_EQ(folder.read("zone.signed"), before);
    EXPECT_EQ(second->serial, first->serial);
    options.now += 7 * 86400 + 86400;  // past the refresh of the shortest ones
    const auto third = sign_file(options);
    ASSERT_TRUE(third) << third.error();
    EXPECT_TRUE(third->written);
    EXPECT_EQ(third->serial, first->serial + 1);
    EXPECT_TRUE(verdict_of(options.output, options.now).is_good());
  }
}

TEST(ZoneSigner, a_second_run_changes_nothing_where_names_have_capital_letters) {
  for (const DenialKind denial : {DenialKind::nsec, DenialKind::nsec3}) {
    const TemporaryFolder folder;
    folder.write("zone", "$TTL 300\n@ SOA NS Host 1 2 3 4 300\n@ NS NS\nNS A 192.0.2.1\nWwW A 192.0.2.2\n");
    SignFileOptions options = options_for(folder);
    options.origin = Name::literal("Sub.Example");
    options.rules.denial = denial;
    ASSERT_TRUE(sign_file(options));
    const std::string before = folder.read("zone.signed");
    ASSERT_TRUE(before.starts_with("Sub.Example. "));
    const auto second = sign_file(options);
    ASSERT_TRUE(second) << second.error();
    EXPECT_FALSE(second->was_due);
    EXPECT_EQ(second->counts.made, 0U);
    EXPECT_EQ(folder.read("zone.signed"), before);
  }
}

/// Each record's words with other blanks, the names under an $ORIGIN: a form that other tools write.
std::string in_another_form(const std::string& text) {
  std::string out = "$ORIGIN example.\n";
  std::istringstream lines{text};
  for (std::string line; std::getline(lines, line);) {
    const auto end = line.find(' ');
    std::string owner = line.substr(0, end);
    if (owner == "example.") {
      owner = "@";
    } else {
      owner.resize(owner.size() - std::string_view{".example."}.size());
    }
    out += owner + "\t" + line.substr(end + 1) + "\n";
  }
  return out;
}

/// The last step of a roll to another algorithm: the state must not say that it is done while the old ones are there.
TEST(ZoneSigner, signatures_of_a_key_that_stops_signing_go) {
  for (const Denial& denial : denials) {
    for (const bool zonemd : {false, true}) {
      const TemporaryFolder folder;
      folder.write("zone", random_zone(8));
      SignFileOptions options = options_for(folder);
      options.rules.denial = denial.kind;
      options.rules.opt_out = denial.opt_out;
      options.rules.zonemd = zonemd;
      SigningKey leaving = keys_for(Algorithm::ed25519, true).front();
      leaving.published = leaving.signs_keys = leaving.in_cds = false;
      options.keys.push_back(leaving);
      const auto first = sign_file(options);
      ASSERT_TRUE(first) << first.error();
      ASSERT_NE(folder.read("zone.signed").find("RRSIG SOA 15 "), std::string::npos);
      EXPECT_FALSE(sign_file(options)->was_due);
      options.keys.pop_back();
      const auto second = sign_file(options);
      ASSERT_TRUE(second) << second.error();
      EXPECT_TRUE(second->written);
      EXPECT_EQ(second->serial, first->serial + 1);
      EXPECT_EQ(second->counts.made, zonemd ? 2U : 1U) << "the SOA's, and the digest's";
      const Zone zone = load(options.output);
      for (const ZoneNode& node : zone.nodes()) {
        const ZoneSet* signatures = zone.find(node, dns::type::rrsig);
        if (signatures == nullptr) continue;
        for (const OctetView rdata : signatures->rdata()) EXPECT_NE(rdata[2], 15) << node.name().to_text();
      }
      EXPECT_FALSE(sign_file(options)->was_due);
    }
  }
}

TEST(ZoneSigner, the_digests_own_signature_is_renewed_before_it_ends) {
  const TemporaryFolder folder;
  folder.write("zone", random_zone(8));
  SignFileOptions options = options_for(folder);
  options.rules.zonemd = true;
  options.rules.jitter = std::chrono::seconds{0};
  ASSERT_TRUE(sign_file(options));
  const std::string good = folder.read("zone.signed");
  // The same zone, with a ZONEMD that was signed for two days only.
  SignFileOptions short_lived = options;
  short_lived.output = folder.file("short.signed");
  short_lived.rules.lifetime = std::chrono::days{2};
  short_lived.rules.refresh = std::chrono::days{1};
  ASSERT_TRUE(sign_file(short_lived));
  const auto last_line = [](const std::string& text) { return text.rfind('\n', text.size() - 2) + 1; };
  const std::string other = folder.read("short.signed");
  ASSERT_TRUE(other.substr(last_line(other)).find(" IN RRSIG ZONEMD ") != std::string::npos);
  for (const bool as_written : {true, false}) {
    const std::string mixed = good.substr(0, last_line(good)) + other.substr(last_line(other));
    folder.write("zone.signed", as_written ? mixed : in_another_form(mixed));
    const auto result = sign_file(options);
    ASSERT_TRUE(result) << result.error();
    EXPECT_TRUE(result->written);
    EXPECT_GT(result->earliest_expiration, static_cast<std::uint32_t>(options.now + 5 * 86400));
    EXPECT_TRUE(verdict_of(options.output, options.now).is_good());
  }
}

TEST(ZoneSigner, one_changed_record_costs_few_signatures) {
  const TemporaryFolder folder;
  std::string text = "$TTL 300\n@ SOA ns host 1 2 3 4 300\n@ NS ns\nns A 192.0.2.1\n";
  for (int i = 0; i < 200; ++i) text += "h" + std::to_string(i) + " A 192.0.2." + std::to_string(i) + "\n";
  folder.write("zone", text);
  SignFileOptions options = options_for(folder);
  ASSERT_TRUE(sign_file(options));
  folder.write("zone", text + "h7 A 192.0.2.250\n");
  const auto changed = sign_file(options);
  ASSERT_TRUE(changed);
  EXPECT_EQ(changed->counts.made, 2U);  // h7's addresses, and the SOA with its new serial
  folder.write("zone", text + "h7 A 192.0.2.250\nnew A 192.0.2.251\n");
  const auto added = sign_file(options);
  ASSERT_TRUE(added);
  EXPECT_EQ(added->counts.made, 4U);  // the address, its NSEC, the NSEC before it, the SOA
  folder.write("zone", text);
  const auto removed = sign_file(options);
  ASSERT_TRUE(removed);
  EXPECT_EQ(removed->counts.made, 3U);  // h7's addresses, the NSEC that leads on, the SOA
  EXPECT_TRUE(verdict_of(options.output, options.now).is_good()) << text_of(verdict_of(options.output, options.now));
}

TEST(ZoneSigner, a_removed_glue_record_is_noticed_though_nothing_signs_it) {
  const TemporaryFolder folder;
  const std::string text =
      "$TTL 300\n@ SOA ns host 1 2 3 4 300\n@ NS ns\nns A 192.0.2.1\nsub NS ns.sub\nns.sub A 192.0.2.2\n";
  folder.write("zone", text + "ns.sub AAAA 2001:db8::1\n");
  const SignFileOptions options = options_for(folder);
  ASSERT_TRUE(sign_file(options));
  folder.write("zone", text);
  const auto result = sign_file(options);
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->written);
  EXPECT_EQ(folder.read("zone.signed").find("AAAA"), std::string::npos);
}

TEST(ZoneSigner, signing_in_place_keeps_what_is_good) {
  const TemporaryFolder folder;
  folder.write("zone", random_zone(11));
  SignFileOptions options = options_for(folder);
  options.output = options.input;
  const auto first = sign_file(options);
  ASSERT_TRUE(first);
  const auto second = sign_file(options);
  ASSERT_TRUE(second);
  EXPECT_FALSE(second->was_due);
  EXPECT_EQ(second->counts.made, 0U);
}

TEST(ZoneSigner, an_earlier_output_of_another_form_is_kept_as_well) {
  for (const Denial& denial : denials) {
    for (unsigned seed = 300; seed < 330; ++seed) {
      const TemporaryFolder folder;
      folder.write("zone", random_zone(seed));
      SignFileOptions options = options_for(folder);
      options.rules.denial = denial.kind;
      options.rules.opt_out = denial.opt_out;
      options.rules.zonemd = seed % 3 == 0;
      const auto first = sign_file(options);
      ASSERT_TRUE(first) << first.error();
      const std::string other = in_another_form(folder.read("zone.signed"));
      folder.write("zone.signed", other);
      const auto second = sign_file(options);
      ASSERT_TRUE(second) << second.error();
      EXPECT_FALSE(second->was_due) << denial.name << " seed " << seed << "\n" << other;
      EXPECT_EQ(second->counts.made, 0U);
      EXPECT_EQ(second->earliest_expiration, first->earliest_expiration);
      EXPECT_EQ(folder.read("zone.signed"), other);
    }
  }
}

/// What an earlier version has good stays, wherever the change is, and the result is as good as one that is all new.
TEST(ZoneSigner, random_changes_are_signed_and_the_rest_is_kept) {
  for (const Denial& denial : denials) {
    for (unsigned seed = 400; seed < 440; ++seed) {
      const std::string what = std::string{denial.name} + " seed " + std::to_string(seed);
      const TemporaryFolder folder;
      folder.write("zone", random_zone(seed));
      SignFileOptions options = options_for(folder);
      options.rules.denial = denial.kind;
      options.rules.opt_out = denial.opt_out;
      options.rules.zonemd = seed % 3 == 0;
      ASSERT_TRUE(sign_file(options)) << what;
      folder.write("zone", random_zone(seed) + "new" + std::to_string(seed) + ".Example. A 192.0.2.7\n");
      const auto second = sign_file(options);
      ASSERT_TRUE(second) << what << second.error();
      EXPECT_TRUE(second->written) << what;
      EXPECT_GT(second->counts.kept, 0U) << what;
      EXPECT_LT(second->counts.made, 10U) << what;
      EXPECT_TRUE(verdict_of(options.output, options.now).is_good())
          << text_of(verdict_of(options.output, options.now));
      folder.write("zone", random_zone(seed + 1000));  // another zone altogether
      const auto third = sign_file(options);
      ASSERT_TRUE(third) << what << third.error();
      EXPECT_TRUE(verdict_of(options.output, options.now).is_good())
          << text_of(verdict_of(options.output, options.now));
    }
  }
}

TEST(ZoneSigner, types_that_servers_do_not_know_yet_are_written_by_number) {
  const TemporaryFolder folder;
  folder.write("zone",
               "$TTL 300\n@ SOA ns host 1 2 3 4 300\n@ NS ns\nns A 192.0.2.1\n"
               "child._dsync DSYNC CDS NOTIFY 5359 agent.example.\n");
  const SignFileOptions options = options_for(folder);
  const auto first = sign_file(options);
  ASSERT_TRUE(first) << first.error();
  const std::string output = folder.read("zone.signed");
  EXPECT_TRUE(output.contains("child._dsync.example. 300 IN TYPE66 \\# 20 003b0114ef056167656e74076578616d706c6500\n"))
      << output;
  EXPECT_TRUE(output.contains(" RRSIG NSEC TYPE66\n")) << output;
  EXPECT_FALSE(output.contains(" DSYNC"));
  EXPECT_TRUE(output.contains(" RRSIG TYPE66 13")) << output;
  EXPECT_FALSE(sign_file(options)->was_due);
  expect_accepted_by_others(folder, "DSYNC", true, true);
}

TEST(EarlierText, every_name_is_found_in_any_order) {
  const TemporaryFolder folder;
  std::string text = "$TTL 300\n@ SOA ns host 1 2 3 4 300\n@ NS ns\nns A 192.0.2.1\n";
  for (int i = 0; i < 700; ++i) text += "h" + std::to_string(i) + " A 192.0.2.1\n";
  folder.write("zone", text);
  SignFileOptions options = options_for(folder);
  options.rules.denial = DenialKind::nsec3;
  ASSERT_TRUE(sign_file(options));
  const std::string output = folder.read("zone.signed");
  const auto earlier = EarlierText::index(output, Name::literal("example"));
  ASSERT_TRUE(earlier);
  const Zone zone = load(options.output);
  std::vector<std::size_t> order(zone.nodes().size());
  std::iota(order.begin(), order.end(), 0U);
  std::size_t sets = 0;
  for (const ZoneNode& node : zone.nodes()) {
    for (const ZoneSet& set : zone.sets(node)) sets += set.type == dns::type::rrsig ? 0 : 1;
  }
  EXPECT_EQ(earlier->set_count(), sets);
  EarlierText::Reader reader{*earlier};
  std::mt19937 random{7};
  for (int round = 0; round < 3; ++round) {
    for (const std::size_t k : order) {
      const ZoneNode& node = zone.nodes()[k];
      const Name owner = node.name();
      const bool is_hash = zone.find(node, dns::type::nsec3) != nullptr;
      std::size_t records = 0;
      for (const ZoneSet& set : zone.sets(node)) records += set.count();
      ASSERT_EQ(reader.at(owner, owner.to_text(), is_hash).size(), records) << owner.to_text();
      ASSERT_EQ(reader.at(owner, owner.to_text(), is_hash).size(), records) << owner.to_text();
      const Name absent = *Name::from_text("no." + owner.to_text());
      ASSERT_TRUE(reader.at(absent, absent.to_text(), is_hash).empty());
    }
    std::ranges::shuffle(order, random);
  }
}

TEST(EarlierText, what_is_not_as_signers_write_it_is_left_to_others) {
  const Name apex = Name::literal("example");
  const std::string head = "example. 300 IN SOA ns.example. host.example. 1 2 3 4 300\n";
  EXPECT_TRUE(EarlierText::index(head, apex));
  EXPECT_TRUE(EarlierText::index(head + "a.example. 300 IN A 192.0.2.1\n", apex));
  for (const char* more :
       {"a.example. 300 IN A 192.0.2.1", "a 300 IN A 192.0.2.1\n", " 300 IN A 192.0.2.1\n", "$TTL 5\n",
        "a.example. IN A 192.0.2.1\n", "a.example. 300 CH A 192.0.2.1\n", "a.example.\t300 IN A 192.0.2.1\n",
        "a.other. 300 IN A 192.0.2.1\n", "; nothing\n", "\n", "a.example. 300 IN\n", "EXAMPLE. 300 IN NS a.example.\n",
        "b.example. 300 IN A 192.0.2.1\na.example. 300 IN A 192.0.2.1\nb.example. 300 IN MX 1 a.example.\n"
        "a.example. 300 IN MX 1 a.example.\n",
        "a.example. 300 IN RRSIG A 13 2 300 x 20260101000000 1 example. AA==\n",
        "a.example. 300 IN RRSIG A 13 2 300 20269901000000 20260101000000 1 example. AA==\n",
        "a..example. 300 IN A 192.0.2.1\n",
        "a.example. 300 IN A 192.0.2.1\nexample. 300 IN ZONEMD 1 1 1 00\nb.example. 1 IN A 1.1.1.1\n"})
    EXPECT_FALSE(EarlierText::index(head + more, apex)) << more;
  EXPECT_FALSE(EarlierText::index("", apex));
  EXPECT_FALSE(EarlierText::index("a.example. 300 IN A 192.0.2.1\n", apex));
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

/// Every record of a signed zone counts: without any one of them, or with any octet of it changed, the verifier
/// objects.
TEST(ZoneVerifier, every_damage_is_found) {
  for (const DenialKind denial : {DenialKind::nsec, DenialKind::nsec3}) {
    const TemporaryFolder folder;
    folder.write("zone",
                 "$TTL 300\n@ SOA ns host 1 2 3 4 300\n@ NS ns\nns A 192.0.2.1\n*.w TXT \"x\"\nsafe NS ns.safe\n"
                 "safe DS 1 13 2 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\nsub NS ns.sub\n"
                 "a.b.c A 192.0.2.3\nd DNAME e\n");
    SignFileOptions options = options_for(folder);
    options.rules.denial = denial;
    options.rules.cds = false;
    ASSERT_TRUE(sign_file(options));
    std::vector<dns::Record> records;
    const std::string text = folder.read("zone.signed");
    ASSERT_TRUE(dns::read_zone_text({.file = "", .text = text, .origin = Name{}},
                                    [&](dns::Record&& record) -> std::expected<void, std::string> {
                                      records.push_back(std::move(record));
                                      return {};
                                    }));
    const auto faults_of = [&](const std::vector<dns::Record>& list) -> std::uint64_t {
      ZoneBuilder builder{Name::literal("example")};
      for (const dns::Record& record : list) EXPECT_TRUE(builder.add(record));
      const auto zone = std::move(builder).finish();
      if (!zone) return 1;  // no SOA: nothing more to say
      return verify_zone(*zone, {.now = options.now, .trusted_ds = {}}).faults;
    };
    EXPECT_EQ(faults_of(records), 0U);
    std::mt19937 random{8};
    for (std::size_t i = 0; i < records.size(); ++i) {
      const std::string shown = dns::record_to_text(records[i]);
      const bool unsigned_ns = records[i].type == dns::type::ns && !(records[i].owner == Name::literal("example"));
      auto damaged = records;
      damaged.erase(damaged.begin() + static_cast<std::ptrdiff_t>(i));
      EXPECT_NE(faults_of(damaged), 0U) << "without " << shown;
      if (unsigned_ns) continue;  // a delegation's NS is not signed (RFC 4035 §2.2)
      damaged = records;
      damaged[i].ttl = dns::Ttl::from_wire(damaged[i].ttl.seconds() + 1);
      if (records[i].type != dns::type::rrsig) {
        EXPECT_NE(faults_of(damaged), 0U) << "another TTL: " << shown;
      }
      for (int round = 0; round < 8; ++round) {
        damaged = records;
        auto& octet = damaged[i].rdata[random() % damaged[i].rdata.size()];
        octet = static_cast<std::uint8_t>(octet ^ 1U << random() % 8);
        if ((octet | 0x20) >= 'a' && (octet | 0x20) <= 'z')
          continue;  // it may be a letter of a name: case does not count
        EXPECT_NE(faults_of(damaged), 0U) << "damaged: " << shown << " to " << dns::record_to_text(damaged[i]);
      }
    }
    // Something that nobody signed.
    for (const char* extra :
         {"new.example. 300 IN A 192.0.2.1", "ns.example. 300 IN TXT \"x\"", "example. 300 IN TXT \"x\""}) {
      auto more = records;
      more.push_back(*dns::record_from_text(extra));
      EXPECT_NE(faults_of(more), 0U) << extra;
    }
  }
}

std::string zone_of_hosts(int hosts) {
  std::string text = "$TTL 300\n@ SOA ns host 1 2 3 4 300\n@ NS ns\nns A 192.0.2.1\n";
  for (int i = 0; i < hosts; ++i) text += "h" + std::to_string(i) + " A 192.0.2.1\n";
  return text;
}

/// A share that depends on where parts begin, or on the second of the run, may verify nothing at all.
TEST(ZoneVerifier, the_share_that_is_verified_is_the_same_at_any_time_and_in_any_part) {
  const TemporaryFolder folder;
  folder.write("zone", zone_of_hosts(1500));
  const SignFileOptions options = options_for(folder);
  ASSERT_TRUE(sign_file(options));
  constexpr std::size_t one_in = 50;
  for (int second = 0; second < 12; ++second) {
    const VerifyOptions verify{.now = options.now + 7 * second, .threads = 2, .one_in = one_in, .trusted_ds = {}};
    const auto checked = verify_in_parts(options.output, verify, 4096);
    ASSERT_TRUE(checked && *checked);
    const ZoneVerdict& verdict = (*checked)->verdict;
    const auto expected = static_cast<double>(verdict.signatures) / one_in;  // 60, give or take 8
    EXPECT_GT(static_cast<double>(verdict.verified), expected / 3) << second;
    EXPECT_LT(static_cast<double>(verdict.verified), expected * 2) << second;
  }
}

/// Whatever signed it: hardware errs, and a token is a program of somebody else's.
TEST(ZoneSigner, one_spoilt_new_signature_among_many_kept_ones_is_found) {
  const TemporaryFolder folder;
  folder.write("zone", zone_of_hosts(2000));
  SignFileOptions options = options_for(folder);
  options.checked_signatures = 20;
  ASSERT_TRUE(sign_file(options));
  const std::string before = folder.read("zone.signed");
  for (int second = 1; second <= 5; ++second) {
    folder.write("zone", zone_of_hosts(2000) + "h7 A 192.0.2.250\n");
    options.now += 1;
    bool is_spoilt = false;
    options.progress = [&](std::string_view step, std::size_t, std::size_t) {
      if (step != "checking") return;
      for (const auto& entry : std::filesystem::directory_iterator{folder.path()}) {
        const std::string name = entry.path().filename().string();
        if (!name.starts_with("zone.signed.new-")) continue;
        std::string text = folder.read(name);
        const auto line = text.find("\nh7.example. 300 IN RRSIG A ");
        ASSERT_NE(line, std::string::npos);
        char& digit = text[text.find('\n', line + 1) - 10];
        digit = digit == 'A' ? 'B' : 'A';
        folder.write(name, text);
        is_spoilt = true;
      }
    };
    const auto result = sign_file(options);
    ASSERT_TRUE(is_spoilt);
    ASSERT_FALSE(result) << "it was put out";
    EXPECT_NE(result.error().find("h7.example. A: the signature by key"), std::string::npos) << result.error();
    EXPECT_EQ(folder.read("zone.signed"), before);
  }
  options.progress = nullptr;
  const auto result = sign_file(options);
  ASSERT_TRUE(result) << result.error();
  EXPECT_EQ(result->counts.made, 2U);
  EXPECT_GT(result->verified, 4U);
  EXPECT_LT(result->verified, 80U) << "of the kept ones a sample";
}

TEST(ZoneVerifier, times_are_judged) {
  const TemporaryFolder folder;
  folder.write("zone", random_zone(21));
  const SignFileOptions options = options_for(folder);
  ASSERT_TRUE(sign_file(options));
  EXPECT_TRUE(verdict_of(options.output, options.now).is_good());
  EXPECT_FALSE(verdict_of(options.output, options.now - 2 * 3600).is_good());
  EXPECT_FALSE(verdict_of(options.output, options.now + 15 * 86400).is_good());
  const auto soon = verify_zone(load(options.output), {.now = options.now, .soon = 20 * 86400, .trusted_ds = {}});
  EXPECT_TRUE(soon.is_good());
  EXPECT_GT(soon.warnings, 0U);
}

TEST(ZoneVerifier, only_keys_of_the_parents_ds_count_when_it_is_known) {
  const TemporaryFolder folder;
  folder.write("zone", random_zone(22));
  const SignFileOptions options = options_for(folder);
  ASSERT_TRUE(sign_file(options));
  const Zone zone = load(options.output);
  const Octets ds = ds_rdata(Name::literal("example"), options.keys[0].dnskey, DsDigest::sha256);
  Octets other = ds;
  other.back() ^= 1;
  EXPECT_TRUE(verify_zone(zone, {.now = options.now, .trusted_ds = {ds}}).is_good());
  EXPECT_TRUE(verify_zone(zone, {.now = options.now, .trusted_ds = {other, ds}}).is_good());
  EXPECT_FALSE(verify_zone(zone, {.now = options.now, .trusted_ds = {other}}).is_good());
}

}  // namespace
}  // namespace redoubt::dnssec
