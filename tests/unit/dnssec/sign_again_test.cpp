// Zones that are signed again: what is kept, and what is made anew.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <random>
#include <sstream>

#include "dns/rdata.hpp"
#include "dns/text.hpp"
#include "tests/unit/dnssec/sign_fixture.hpp"

namespace redoubt::dnssec {
namespace {

using namespace signing_fixture;

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

}  // namespace
}  // namespace redoubt::dnssec
