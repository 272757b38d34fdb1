// Zones that are signed to make validating hard: KeyTrap (CVE-2023-50387), the NSEC3 encloser attack (CVE-2023-50868)
// and their kin. Each shows what one question was charged.
#include "tests/sim/hard_zones.hpp"

namespace redoubt::sim {
namespace {

using dns::Rcode;
using resolver::Limit;
using signing::TestKey;

struct Work : HardZones {};

INSTANTIATE_TEST_SUITE_P(By, Work, both_denials, denial_name);

/// Who has others to serve does so between two verifications.
TEST_P(Work, each_check_has_turns_of_the_loop_of_its_own) {
  World& world = internet.world();
  world.settings().validation.aggressive = false;
  expect_secure("www.shop.com.");
  const auto turns_for = [&](Bill& bill) {
    world.shared().cache.flush(dns::Name::literal("nothing.shop.com."), true);
    const std::size_t before = world.turns();
    bill = this->bill("nothing.shop.com.");
    return world.turns() - before;
  };
  Bill first;
  Bill again;
  const std::size_t with_checks = turns_for(first);
  const std::size_t without = turns_for(again);
  EXPECT_EQ(first.outcome->security, resolver::Security::secure);
  EXPECT_EQ(again.outcome->security, resolver::Security::secure);
  EXPECT_EQ(first.queries, again.queries);
  EXPECT_GE(first.checks, 2U);
  EXPECT_EQ(again.checks, 0U) << "those that are known to be good are not checked again, and wait for nothing";
  EXPECT_GE(with_checks, without + 2 * first.checks);
}

TEST_P(Work, an_honest_name_costs_two_checks_a_zone) {
  const Bill bill = this->bill("www.shop.com.");
  EXPECT_EQ(bill.outcome->rcode, Rcode::noerror);
  EXPECT_EQ(bill.outcome->security, resolver::Security::secure);
  EXPECT_EQ(bill.checks, 6U) << "DNSKEY and DS, or the answer, of the root, com. and shop.com.";
  EXPECT_EQ(bill.failed, 0U);
}

TEST_P(Work, a_signature_that_was_good_is_not_checked_again) {
  ASSERT_EQ(bill("mm.nothing.shop.com.").outcome->rcode, Rcode::nxdomain);
  // Whatever is cached goes, also what is known of zones; not the names of good signatures.
  World& world = internet.world();
  world.pass(2h);
  const Bill again = this->bill("mm.nothing.shop.com.");
  EXPECT_EQ(again.outcome->rcode, Rcode::nxdomain);
  EXPECT_EQ(again.outcome->security, resolver::Security::secure);
  EXPECT_GE(again.queries, 2U);
  EXPECT_EQ(again.checks, 0U);
  // A good one over other data, and another one over the same data, are none of those.
  spoil("shop.com.", [](auto& records) { spoil_signature(records, "shop.com.", "SOA"); });
  world.pass(2h);
  const Bill bad = this->bill("mm.nothing.shop.com.");
  EXPECT_EQ(bad.outcome->rcode, Rcode::servfail);
  EXPECT_GE(bad.failed, 1U);
  spoil("shop.com.", [](auto& records) { find_records(records, "shop.com.", "SOA").front()->rdata.back() ^= 1; });
  world.pass(2h);
  EXPECT_EQ(this->bill("mm.nothing.shop.com.").outcome->rcode, Rcode::servfail);
}

TEST_P(Work, hundreds_of_wrong_signatures_are_not_all_tried) {
  spoil("shop.com.", [](auto& records) { jam(records, "www.shop.com.", "A", 340); });
  const Bill bill = this->bill("www.shop.com.");
  EXPECT_EQ(bill.outcome->rcode, Rcode::servfail);
  EXPECT_LE(bill.failed, 4U);
  EXPECT_LE(bill.checks, 24U);
}

TEST_P(Work, hundreds_of_keys_of_one_tag_are_not_all_tried) {
  auto& signing = *internet.at("shop.com.").signing;
  const TestKey real = signing.keys.front();
  spoil("shop.com.", [real](auto& records) {
    add_twins(records, real, 60);
    jam(records, "www.shop.com.", "A", 340);
  });
  const Bill bill = this->bill("www.shop.com.");
  EXPECT_EQ(bill.outcome->rcode, Rcode::servfail);
  EXPECT_GE(bill.failed, 4U) << "the keys were not tried at all";
  EXPECT_LE(bill.failed, 4U);
  EXPECT_LE(bill.checks, 24U);
}

TEST_P(Work, many_ds_records_are_not_all_looked_at) {
  std::vector<dns::Record> many;
  const dns::Record good =
      signing::ds_record(dns::Name::literal("shop.com."), internet.at("shop.com.").signing->keys.front());
  for (int i = 0; i < 90; ++i) {
    dns::Record wrong = good;
    wrong.rdata[10] = static_cast<std::uint8_t>(wrong.rdata[10] + i + 1);
    many.push_back(wrong);
  }
  internet.at("shop.com.").ds = many;
  const Bill bill = this->bill("www.shop.com.");
  EXPECT_EQ(bill.outcome->rcode, Rcode::servfail);
  EXPECT_LE(bill.checks, 24U);
}

/// Keys that the zone's good key vouches for and that are none, each with a signature over the address of www.
void add_broken_keys(std::vector<dns::Record>& records, const TestKey& real, std::size_t count) {
  const auto apex = dns::Name::literal("shop.com.");
  strip_signature(records, "shop.com.", "DNSKEY");
  std::vector<dns::Record> set;
  for (const dns::Record* key : find_records(records, "shop.com.", "DNSKEY")) set.push_back(*key);
  const std::vector<dns::Record> address{*find_records(records, "www.shop.com.", "A").front()};
  strip_signature(records, "www.shop.com.", "A");
  for (std::size_t i = 0; i < count; ++i) {
    dns::Record broken = set.front();
    broken.rdata.resize(broken.rdata.size() - 3);
    broken.rdata.back() = static_cast<std::uint8_t>(i);
    broken.rdata[6] = static_cast<std::uint8_t>(i >> 8);
    records.push_back(broken);
    set.push_back(broken);
    signing::Twist twist;
    twist.tag = dnssec::key_tag(broken.rdata);
    records.push_back(signing::sign_set(real, apex, address, SignedWorld::times(), twist));
  }
  records.push_back(signing::sign_set(real, apex, set, SignedWorld::times()));
}

TEST_P(Work, keys_that_are_none_are_counted_as_failures) {
  const TestKey real = internet.at("shop.com.").signing->keys.front();
  spoil("shop.com.", [real](auto& records) { add_broken_keys(records, real, 20); });
  const Bill guarded = this->bill("www.shop.com.");
  EXPECT_EQ(guarded.outcome->rcode, Rcode::servfail);
  EXPECT_EQ(guarded.failed, 4U) << "none of them is tried for nothing";
  EXPECT_LE(guarded.checks, 24U);
}

TEST_P(Work, without_the_limits_keys_that_are_none_cost_more) {
  const TestKey real = internet.at("shop.com.").signing->keys.front();
  spoil("shop.com.", [real](auto& records) { add_broken_keys(records, real, 20); });
  lift({Limit::failed_signature_checks, Limit::signatures_of_rrset, Limit::signature_checks});
  EXPECT_GT(this->bill("www.shop.com.").failed, 15U);
}

TEST_P(Work, without_the_limits_wrong_signatures_are_all_tried) {
  spoil("shop.com.", [](auto& records) { jam(records, "www.shop.com.", "A", 60); });
  lift({Limit::failed_signature_checks, Limit::signatures_of_rrset, Limit::signature_checks});
  EXPECT_GE(this->bill("www.shop.com.").failed, 60U);
}

TEST_P(Work, without_the_limit_keys_of_one_tag_are_all_tried) {
  const TestKey real = internet.at("shop.com.").signing->keys.front();
  spoil("shop.com.", [real](auto& records) {
    add_twins(records, real, 60);
    jam(records, "www.shop.com.", "A", 1);
  });
  lift({Limit::failed_signature_checks, Limit::keys_of_tag, Limit::signature_checks});
  EXPECT_GE(this->bill("www.shop.com.").failed, 60U);
}

TEST_P(Work, ds_beyond_the_limit_are_not_looked_at) {
  put_good_ds_behind(12);
  EXPECT_EQ(this->bill("www.shop.com.").outcome->rcode, Rcode::servfail) << "the good one stands behind eight others";
}

TEST_P(Work, without_the_limit_the_good_ds_is_come_to) {
  put_good_ds_behind(12);
  lift({Limit::ds_of_zone});
  EXPECT_EQ(this->bill("www.shop.com.").outcome->rcode, Rcode::noerror);
}

TEST_P(Work, without_the_limit_a_deep_name_is_hashed_to_its_end) {
  if (GetParam() == signing::DenialBy::nsec) return;
  auto& site = internet.site("shop.com.", "192.0.2.1");
  site.signing->iterations = 50;
  site.signing->salt.assign(64, 0x55);
  lift({Limit::nsec3_blocks});
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "a.";
  EXPECT_GT(this->bill(deep + "shop.com.").blocks, 4000U);
}

TEST_P(Work, iterations_above_the_limit_are_not_done) {
  if (GetParam() == signing::DenialBy::nsec) return;
  internet.at("shop.com.").signing->iterations = 51;
  EXPECT_EQ(this->bill("nothing.shop.com.").blocks, 0U);
}

TEST_P(Work, without_the_limit_of_iterations_hashes_are_computed) {
  if (GetParam() == signing::DenialBy::nsec) return;
  internet.at("shop.com.").signing->iterations = 150;
  internet.world().limit("nsec3-iterations", 150);
  lift({Limit::nsec3_blocks});
  EXPECT_GT(this->bill("nothing.shop.com.").blocks, 150U);
}

TEST_P(Work, a_deep_name_is_not_hashed_label_by_label_for_ever) {
  if (GetParam() == signing::DenialBy::nsec) return;
  internet.at("shop.com.").signing->iterations = 50;
  internet.at("shop.com.").signing->salt.assign(64, 0x55);
  internet.site("shop.com.", "192.0.2.1").signing->iterations = 50;
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "a.";
  const Bill bill = this->bill(deep + "shop.com.");
  EXPECT_EQ(bill.outcome->rcode, Rcode::servfail);
  EXPECT_LE(bill.blocks, 400U);
}

TEST_P(Work, padded_denials_are_not_checked_to_their_end) {
  pad_denials(GetParam() == signing::DenialBy::nsec ? 9 : 5);
  const Bill bill = this->bill("nothing.shop.com.");
  EXPECT_NE(bill.outcome->security, resolver::Security::secure);
  EXPECT_LE(bill.checks, 24U);
  EXPECT_LE(bill.failed, 4U);
}

TEST_P(Work, what_is_left_of_very_much_padding_has_no_signature_to_check) {
  pad_denials(60);
  const Bill bill = this->bill("nothing.shop.com.");
  EXPECT_EQ(bill.outcome->rcode, Rcode::servfail);
  EXPECT_LE(bill.checks, 24U);
}

TEST_P(Work, without_the_limits_padded_denials_are_checked_to_their_end) {
  pad_denials(GetParam() == signing::DenialBy::nsec ? 9 : 5);
  lift({Limit::denial_records, Limit::signature_checks, Limit::failed_signature_checks});
  EXPECT_GT(bill("nothing.shop.com.").failed, 8U);
}

TEST_P(Work, a_chain_of_signed_aliases_ends_at_the_limit) {
  std::string links;
  for (int i = 0; i < 9; ++i) links += "l" + std::to_string(i) + " CNAME l" + std::to_string(i + 1) + "\n";
  links += "l9 A 192.0.2.9\n";
  internet.site("shop.com.", "192.0.2.1", links);
  const Bill bill = this->bill("l0.shop.com.");
  EXPECT_EQ(bill.outcome->rcode, Rcode::noerror) << (bill.outcome->error ? bill.outcome->error->text : "");
  EXPECT_LE(bill.checks, 24U);
}

TEST_P(Work, what_one_question_has_spent_elsewhere_makes_no_zone_bogus) {
  // Aliases through a zone that spends the allowance of failures, to a zone with a spoilt signature beside a good one.
  internet.site("evil.com.", "192.0.2.66", "go CNAME www.bank.com.\n");
  spoil("evil.com.", [](auto& records) {
    std::vector<dns::Record> bad;
    for (const dns::Record& record : records) {
      const bool is_over = record.type == dns::type::rrsig && record.owner == dns::Name::literal("go.evil.com.") &&
                           (record.rdata[0] << 8 | record.rdata[1]) == dns::type::cname.value;
      for (std::uint8_t i = 1; is_over && i <= 3; ++i) {
        bad.push_back(record);
        bad.back().rdata.back() ^= i;
      }
    }
    records.insert(records.begin(), bad.begin(), bad.end());
  });
  spoil("bank.com.", [](auto& records) {
    std::vector<dns::Record> bad;
    for (const dns::Record& record : records) {
      if (record.type != dns::type::rrsig || (record.rdata[0] << 8 | record.rdata[1]) != dns::type::dnskey.value)
        continue;
      for (std::uint8_t i = 1; i <= 2; ++i) {
        bad.push_back(record);
        bad.back().rdata.back() ^= i;
      }
    }
    records.insert(records.begin(), bad.begin(), bad.end());
  });
  EXPECT_EQ(internet.ask("go.evil.com.").rcode(), Rcode::servfail) << trace();
  expect_secure("www.bank.com.");
}

TEST_P(Work, keys_are_fetched_once_whoever_asks_at_once) {
  std::string names;
  for (int i = 0; i < 100; ++i) names += "n" + std::to_string(i) + " A 192.0.2.9\n";
  internet.site("shop.com.", "192.0.2.1", names);
  internet.publish();
  internet.world().limit("resolutions-per-client", 1000);
  std::vector<dns::Query> queries;
  for (int i = 0; i < 100; ++i) queries.push_back(World::query("n" + std::to_string(i) + ".shop.com."));
  const std::vector<Answer> answers = internet.world().ask_at_once(queries);
  for (const Answer& answer : answers) EXPECT_EQ(answer.rcode(), Rcode::noerror) << answer.error();
  EXPECT_LE(answers.front().packets, 100U + 100U + 100U + 3U) << "the walk of each name, and three zones' keys once";
}

}  // namespace
}  // namespace redoubt::sim
