// One signature of one RRset, twisted in every way there is: bogus each time, with the right reason.
#include "tests/sim/validation_fixture.hpp"
#include "tests/sim/zone_text.hpp"

namespace redoubt::sim {
namespace {

using signing::TestKey;
using signing::Twist;

constexpr std::uint32_t day = 86'400;
const dns::Name apex = dns::Name::literal("shop.com.");

/// What a signature says instead of the truth, correctly signed.
struct Lie {
  std::string name;
  Twist twist;
  signing::Times times = SignedWorld::times();
  int code = 6;
};

const std::vector<Lie> lies{
    {"labels_of_its_parent", {.labels = 2}, SignedWorld::times(), 12},
    {"labels_above_its_zone", {.labels = 1}, SignedWorld::times(), 10},
    {"no_labels", {.labels = 0}, SignedWorld::times(), 10},
    {"more_labels_than_the_name", {.labels = 4}, SignedWorld::times(), 10},
    {"the_parents_name", {.signer = dns::Name::literal("com.")}, SignedWorld::times(), 9},
    {"a_name_that_is_no_zone", {.signer = dns::Name::literal("www.shop.com.")}, SignedWorld::times(), 10},
    {"another_zones_name", {.signer = dns::Name::literal("bank.com.")}, SignedWorld::times(), 10},
    {"the_roots_name", {.signer = dns::Name{}}, SignedWorld::times(), 9},
    {"another_tag", {.tag = 4711}, SignedWorld::times(), 9},
    {"another_algorithm", {.algorithm = 13}, SignedWorld::times(), 9},
    {"an_unknown_algorithm", {.algorithm = 200}, SignedWorld::times(), 10},
    {"a_deleted_algorithm", {.algorithm = 1}, SignedWorld::times(), 10},
    {"times_that_are_over", {}, {0U - 30 * day, 0U - 5 * day}, 7},
    {"times_that_are_over_by_more_than_the_skew", {}, {0U - 10 * day, 0U - day - 60}, 7},
    {"times_to_come", {}, {5 * day, 30 * day}, 8},
    {"times_of_half_a_century_ahead", {}, {0x70000000, 0x70000000 + day}, 8},
    {"times_around_the_end_of_the_count", {}, {0x90000000, 0xfffe0000}, 7},
    {"an_end_before_its_beginning", {}, {10 * day, 0U - 10 * day}, 25}};

struct Spoilt : testing::TestWithParam<std::tuple<signing::DenialBy, Lie>> {
  SignedWorld internet{std::get<0>(GetParam())};
  const Lie& lie() const { return std::get<1>(GetParam()); }
  void SetUp() override {
    internet.site("shop.com.", "192.0.2.1", "alias CNAME www\n*.wild A 192.0.2.7\nold DNAME new.shop.com.\n");
    internet.site("bank.com.", "192.0.2.2");
  }
  /// Instead of the one there is. A lie about labels is signed as what it claims to be.
  void twist(const std::string& owner, const std::string& type) {
    const TestKey key = internet.at("shop.com.").signing->keys.front();
    internet.at("shop.com.").spoil = [owner, type, key, lie = lie()](std::vector<dns::Record>& records) {
      strip_signature(records, owner, type);
      std::vector<dns::Record> set;
      for (const dns::Record* record : find_records(records, owner, type)) set.push_back(*record);
      records.push_back(signing::sign_set(key, apex, set, lie.times, lie.twist));
    };
  }
  void twist_too(const std::string& owner, const std::string& type) {
    const auto before = internet.at("shop.com.").spoil;
    twist(owner, type);
    internet.at("shop.com.").spoil = [before, after = internet.at("shop.com.").spoil](std::vector<dns::Record>& all) {
      before(all);
      after(all);
    };
  }
  void expect_bogus(const std::string& name, const std::string& type) {
    for (int i = 0; i < 2; ++i) {
      const Answer answer = internet.ask(name, type);
      EXPECT_EQ(answer.rcode(), dns::Rcode::servfail) << name << '\n' << internet.world().trace();
      EXPECT_FALSE(answer.message.header.authentic);
      EXPECT_TRUE(answer.message.answer.empty());
      EXPECT_THAT(answer.error(), testing::Not(testing::IsEmpty()));
    }
  }
};

INSTANTIATE_TEST_SUITE_P(Says, Spoilt, testing::Combine(both_denials, testing::ValuesIn(lies)), [](const auto& one) {
  const bool nsec = std::get<0>(one.param) == signing::DenialBy::nsec;
  return std::get<1>(one.param).name + (nsec ? "_nsec" : "_nsec3");
});

TEST_P(Spoilt, an_addresss_signature) {
  twist("www.shop.com.", "A");
  expect_bogus("www.shop.com.", "A");
  const std::string error = internet.ask("www.shop.com.").error();
  EXPECT_THAT(error, testing::StartsWith(std::to_string(lie().code) + " "));
}

/// What keeps them out is that signatures are looked at, and nothing else: with that off each of them is believed.
TEST_P(Spoilt, signatures_have_teeth_where_nothing_is_validated) {
  internet.world().settings().validation.enabled = false;
  twist("www.shop.com.", "A");
  twist_too("alias.shop.com.", "CNAME");
  EXPECT_EQ(internet.ask("www.shop.com.").rcode(), dns::Rcode::noerror);
  EXPECT_FALSE(internet.ask("www.shop.com.").message.answer.empty());
  EXPECT_FALSE(internet.ask("alias.shop.com.").message.answer.empty());
}

TEST_P(Spoilt, an_aliass_signature) {
  twist("alias.shop.com.", "CNAME");
  expect_bogus("alias.shop.com.", "A");
}

TEST_P(Spoilt, a_dnames_signature) {
  twist("old.shop.com.", "DNAME");
  expect_bogus("www.old.shop.com.", "A");
}

TEST_P(Spoilt, the_keys_signature) {
  if (lie().twist.labels) return;  // the apex has as many labels as the zone: those lies are told above
  twist("shop.com.", "DNSKEY");
  expect_bogus("www.shop.com.", "A");
}

TEST_P(Spoilt, the_start_of_authoritys_signature) {
  if (lie().twist.labels) return;
  twist("shop.com.", "SOA");
  expect_bogus("nothing.shop.com.", "A");
}

}  // namespace
}  // namespace redoubt::sim
