// A limit of the checks' work that is reached says nothing of the data: the question fails with the limit's name,
// nobody is told that the answer is bogus, and nothing that is remembered says so.
#include "tests/sim/hard_zones.hpp"

namespace redoubt::sim {
namespace {

using dns::Rcode;
using resolver::Limit;
using resolver::Security;
using testing::StartsWith;

/// A signature that fits stands behind so many that do not.
void put_good_signature_behind(std::vector<dns::Record>& records, std::string_view owner, std::string_view type,
                               std::size_t count) {
  const auto wanted = name_from_text(owner);
  const auto at = std::ranges::find_if(records, [&](const dns::Record& record) {
    return record.type == dns::type::rrsig && record.owner == wanted &&
           (record.rdata[0] << 8 | record.rdata[1]) == type_from_text(type).value;
  });
  const dns::Record good = *at;
  HardZones::jam(records, owner, type, count);
  records.push_back(good);
}

struct CheckLimits : HardZones {
  /// Nothing that is remembered says bogus.
  void expect_nothing_bogus_is_kept(std::string_view name) {
    World& world = internet.world();
    const Instant now = world.clock().now();
    for (const char* zone : {".", "com.", "shop.com.", "bank.com."}) {
      const auto trust = world.shared().trust.find(name_from_text(zone), now);
      EXPECT_TRUE(!trust || trust->kind != resolver::ZoneTrust::Kind::bogus) << zone << ' ' << trust->reason.text;
    }
    const auto kept = world.shared().cache.find(name_from_text(name), dns::type::a, now);
    EXPECT_TRUE(!kept || kept->standing.security != Security::bogus) << name;
  }
  static void expect_told(const resolver::Outcome& outcome, Limit limit) {
    EXPECT_TRUE(outcome.failed());
    EXPECT_FALSE(outcome.is_bogus());
    EXPECT_EQ(outcome.limit, limit);
    ASSERT_TRUE(outcome.error);
    EXPECT_EQ(outcome.error->code, dns::EdeCode::other);
    EXPECT_THAT(outcome.error->text, StartsWith("limit " + std::string{resolver::name_of(limit)} + " reached: "));
  }
  /// The limit and what was in its way are told, also in the trace; who wants it unchecked has it; and without the
  /// limit it is what it is.
  void expect_limit(Limit limit, std::string_view name, Rcode rcode = Rcode::noerror) {
    internet.publish();
    World& world = internet.world();
    Ears ears;
    const auto outcome = world.trace(World::query(name), ears);
    expect_told(*outcome, limit);
    EXPECT_THAT(ears.heard.back().verdict, StartsWith("limit " + std::string{resolver::name_of(limit)} + " reached: "));
    expect_nothing_bogus_is_kept(name);
    const Answer again = internet.ask(name);
    EXPECT_EQ(again.rcode(), Rcode::servfail);
    EXPECT_EQ(again.packets, 0U) << "that it failed is remembered";
    EXPECT_THAT(again.error(), StartsWith("0 limit "));
    EXPECT_EQ(internet.ask(name, "A", true).rcode(), rcode) << "who does not want it checked needs no check";
    for (const Limit each : {Limit::signature_checks, Limit::failed_signature_checks, Limit::nsec3_blocks,
                             Limit::signatures_of_rrset, Limit::keys_of_tag, Limit::ds_of_zone, Limit::denial_records})
      lift({each});
    world.use();
    world.pass(31s);
    const auto mended = world.trace(World::query(name), ears);
    EXPECT_EQ(mended->rcode, rcode) << (mended->error ? mended->error->text : "");
    EXPECT_EQ(mended->security, Security::secure);
  }
};

INSTANTIATE_TEST_SUITE_P(By, CheckLimits, both_denials, denial_name);

TEST_P(CheckLimits, signatures_of_an_rrset_that_were_not_looked_at_are_told) {
  spoil("shop.com.", [](auto& records) { put_good_signature_behind(records, "www.shop.com.", "A", 4); });
  internet.world().limit("failed-signature-checks", 100);
  expect_limit(Limit::signatures_of_rrset, "www.shop.com.");
}

TEST_P(CheckLimits, another_zones_signature_beside_them_takes_nothing_from_that) {
  spoil("shop.com.", [](auto& records) {
    put_good_signature_behind(records, "www.shop.com.", "A", 4);
    dns::Record other = records.back();
    constexpr std::ptrdiff_t signer = 18;  // RFC 4034 §3.1: behind the key tag
    constexpr std::ptrdiff_t first_label = 5;
    other.rdata.erase(other.rdata.begin() + signer, other.rdata.begin() + signer + first_label);
    records.push_back(other);
  });
  internet.world().limit("failed-signature-checks", 100);
  expect_limit(Limit::signatures_of_rrset, "www.shop.com.");
}

TEST_P(CheckLimits, signatures_of_keys_that_were_not_looked_at_are_told) {
  spoil("shop.com.", [](auto& records) { put_good_signature_behind(records, "shop.com.", "DNSKEY", 4); });
  internet.world().limit("failed-signature-checks", 100);
  expect_limit(Limit::signatures_of_rrset, "www.shop.com.");
}

TEST_P(CheckLimits, failed_checks_are_told) {
  spoil("shop.com.", [](auto& records) { put_good_signature_behind(records, "www.shop.com.", "A", 8); });
  internet.world().limit("signatures-per-rrset", 50);
  expect_limit(Limit::failed_signature_checks, "www.shop.com.");
}

TEST_P(CheckLimits, keys_of_one_tag_that_were_not_tried_are_told) {
  const signing::TestKey real = internet.at("shop.com.").signing->keys.front();
  spoil("shop.com.", [real](auto& records) { add_twins(records, real, 3); });
  internet.world().limit("failed-signature-checks", 100);
  expect_limit(Limit::keys_of_tag, "www.shop.com.");
}

TEST_P(CheckLimits, ds_that_were_not_looked_at_are_told) {
  put_good_ds_behind(12);
  expect_limit(Limit::ds_of_zone, "www.shop.com.");
}

TEST_P(CheckLimits, records_of_a_denial_that_were_not_looked_at_are_told) {
  pad_denials(GetParam() == signing::DenialBy::nsec ? 9 : 5);
  internet.world().limit("failed-signature-checks", 100);
  internet.world().limit("signature-checks", 1000);
  expect_limit(Limit::denial_records, "nothing.shop.com.", Rcode::nxdomain);
}

TEST_P(CheckLimits, hashes_that_were_not_computed_are_told) {
  if (GetParam() == signing::DenialBy::nsec) GTEST_SKIP() << "NSEC has no hashes";
  internet.at("shop.com.").signing->iterations = 50;
  internet.at("shop.com.").signing->salt.assign(64, 0x55);
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "a.";
  expect_limit(Limit::nsec3_blocks, deep + "shop.com.", Rcode::nxdomain);
}

TEST_P(CheckLimits, a_zone_behind_an_alias_that_there_were_no_checks_left_for_is_not_blamed) {
  internet.world().limit("signature-checks", 8);
  expect_limit(Limit::signature_checks, "away.shop.com.");
}

TEST_P(CheckLimits, a_zone_whose_own_keys_are_too_dear_is_not_checked_again_for_each_of_its_names) {
  internet.site("shop.com.", "192.0.2.1", "other A 192.0.2.9\n");
  spoil("shop.com.", [](auto& records) { jam(records, "shop.com.", "DNSKEY", 60); });
  const Bill first = bill("www.shop.com.");
  EXPECT_GE(first.failed, 4U);
  expect_told(*first.outcome, Limit::failed_signature_checks);
  Ears ears;
  const auto second = internet.world().trace(World::query("other.shop.com."), ears);
  expect_told(*second, Limit::failed_signature_checks);
  EXPECT_EQ(internet.world().spent(Limit::failed_signature_checks), 0U);
  EXPECT_TRUE(std::ranges::any_of(ears.heard, [](const resolver::TraceEvent& event) {
    return event.verdict.starts_with("remembered, ") && event.verdict.contains("not checked");
  }));
  expect_nothing_bogus_is_kept("other.shop.com.");
}

TEST_P(CheckLimits, what_was_found_bogus_before_time_ran_out_stays_so) {
  spoil("shop.com.", [](auto& records) { spoil_signature(records, "www.shop.com.", "A"); });
  int asked = 0;
  internet.at("shop.com.").behaviours.push_back([&asked](const Heard& heard, Reaction& reaction) {
    if (heard.query.question->name == name_from_text("www.shop.com.") && asked++ > 0) reaction = {};
  });
  internet.publish();
  Ears ears;
  const auto outcome = internet.world().trace(World::query("www.shop.com."), ears);
  EXPECT_GE(asked, 2);
  EXPECT_TRUE(outcome->is_bogus());
  ASSERT_TRUE(outcome->error);
  EXPECT_EQ(outcome->error->code, dns::EdeCode::dnssec_bogus);
}

TEST_P(CheckLimits, what_one_server_said_is_bogus_though_anothers_was_one_check_too_many) {
  // Three signatures that fail at each of two servers, and four may.
  spoil("shop.com.", [](auto& records) { jam(records, "www.shop.com.", "A", 3); });
  internet.publish();
  Ears ears;
  const auto outcome = internet.world().trace(World::query("www.shop.com."), ears);
  EXPECT_TRUE(outcome->is_bogus());
  ASSERT_TRUE(outcome->error);
  EXPECT_EQ(outcome->error->code, dns::EdeCode::dnssec_bogus);
  EXPECT_GT(internet.world().spent(Limit::failed_signature_checks), 3U) << "both were looked at";
}

TEST_P(CheckLimits, a_zones_keys_are_bogus_though_another_servers_were_one_check_too_many) {
  spoil("shop.com.", [](auto& records) { jam(records, "shop.com.", "DNSKEY", 3); });
  internet.publish();
  Ears ears;
  EXPECT_TRUE(internet.world().trace(World::query("www.shop.com."), ears)->is_bogus());
  EXPECT_GT(internet.world().spent(Limit::failed_signature_checks), 3U) << "both were looked at";
}

}  // namespace
}  // namespace redoubt::sim
