// What validation may ask servers for (attacks: quota reset D11, false cuts D14), and what it makes of signatures that
// come without their data (B12).
#include <fmt/format.h>

#include <algorithm>
#include <random>

#include "tests/sim/validation_fixture.hpp"
#include "tests/sim/zone_text.hpp"

namespace redoubt::sim {
namespace {

using dns::Rcode;

struct Fetches : ValidationFixture {
  std::size_t asked_for(std::initializer_list<dns::RrType> types) {
    return static_cast<std::size_t>(std::ranges::count_if(internet.world().internet().heard(), [&](const Heard& heard) {
      return heard.query.question && std::ranges::find(types, heard.query.question->type) != types.end();
    }));
  }
};
INSTANTIATE_TEST_SUITE_P(EachDenial, Fetches, both_denials, denial_name);

/// Every combination of levels at which signatures are wrong: each makes the resolver ask once more, elsewhere if it
/// can.
struct Restarts : testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(EachSet, Restarts, testing::Range(0U, 32U));

TEST_P(Restarts, of_a_resolution_all_spend_one_ledger) {
  const unsigned levels = GetParam();
  SignedWorld internet;
  internet.site("shop.com.", "192.0.2.1", "a CNAME www.bank.com.\n");
  internet.site("bank.com.", "192.0.2.2", "");
  const auto spoil = [&](unsigned level, const std::string& apex, std::string owner, std::string type) {
    if ((levels >> level & 1) == 0) return;
    auto before = internet.at(apex).spoil;
    internet.at(apex).spoil = [=](auto& records) {
      if (before) before(records);
      spoil_signature(records, owner, type);
    };
  };
  spoil(0, "com.", "com.", "DNSKEY");
  spoil(1, "com.", "shop.com.", "DS");
  spoil(2, "shop.com.", "shop.com.", "DNSKEY");
  spoil(3, "shop.com.", "a.shop.com.", "CNAME");
  spoil(4, "bank.com.", "www.bank.com.", "A");
  const Answer first = internet.ask("a.shop.com.");
  EXPECT_EQ(first.rcode(), levels == 0 ? Rcode::noerror : Rcode::servfail) << first.error();
  EXPECT_LE(first.packets, 16U) << internet.world().trace();
  // Whoever asks again starts nothing again while the verdict is remembered.
  std::size_t more = 0;
  for (int i = 0; i < 5; ++i) more += internet.ask("a.shop.com.").packets;
  EXPECT_EQ(more, 0U);
}

TEST_P(Fetches, for_thirty_signed_zones_one_below_the_other_end_with_the_chains_limit) {
  std::string apex = "evil.com.";
  for (int i = 0; i < 30; ++i) {
    internet.site(apex, fmt::format("10.9.9.{}", i + 1), "");
    apex = fmt::format("l{}.{}", i, apex);
  }
  const Answer answer = internet.ask(fmt::format("www.{}", apex.substr(apex.find('.') + 1)));
  EXPECT_EQ(answer.rcode(), Rcode::servfail);
  EXPECT_LE(answer.packets, 60U) << "limit upstream-queries";
  EXPECT_LE(asked_for({dns::type::ds, dns::type::dnskey}), 32U) << trace();
}

TEST_P(Fetches, for_an_unsigned_answer_far_below_a_signed_zone_are_few) {
  std::string name = "x";
  for (int i = 0; i < 30; ++i) name = fmt::format("l{}.{}", i, name);
  internet.site("evil.com.", "192.0.2.66", fmt::format("{} A 192.0.2.9\n", name));
  spoil("evil.com.", [](auto& records) {
    std::erase_if(records, [](const dns::Record& record) {
      return record.type == dns::type::rrsig && (record.rdata[0] << 8 | record.rdata[1]) == dns::type::a.value;
    });
  });
  const Answer answer = internet.ask(name + ".evil.com.");
  EXPECT_EQ(answer.rcode(), Rcode::servfail) << "no cut is hidden there, so it should have been signed";
  EXPECT_LE(asked_for({dns::type::ds, dns::type::dnskey}), 16U) << trace();
}

TEST_P(Fetches, in_whatever_order_signatures_data_and_denials_are_asked_for_prove_nothing_alone) {
  // The zone's own signatures, as data of the type RRSIG, before, between and behind what they belong to.
  const std::vector<std::pair<std::string, std::string>> questions{
      {"www.shop.com.", "RRSIG"}, {"www.shop.com.", "A"},      {"www.shop.com.", "MX"},
      {"none.shop.com.", "A"},    {"none.shop.com.", "RRSIG"}, {"x.wild.shop.com.", "RRSIG"},
      {"x.wild.shop.com.", "A"},  {"shop.com.", "RRSIG"},      {"shop.com.", "DNSKEY"}};
  std::mt19937_64 random{12};
  for (int round = 0; round < 100; ++round) {
    internet.world().shared().cache.flush(dns::Name{}, true);
    auto order = questions;
    std::ranges::shuffle(order, random);
    for (const auto& [name, type] : order) {
      const Answer answer = internet.ask(name, type);
      if (type == "RRSIG") {
        EXPECT_FALSE(answer.message.header.authentic && !answer.message.answer.empty())
            << name << ": nobody signs these";
        continue;
      }
      ASSERT_TRUE(answer.message.header.authentic)
          << "round " << round << ' ' << name << ' ' << type << ' ' << answer.error();
      const bool exists = !name.starts_with("none.");
      ASSERT_EQ(answer.rcode(), exists ? Rcode::noerror : Rcode::nxdomain) << name << ' ' << type;
    }
  }
}

/// The data's own signatures are gone, and come as data of the type RRSIG alone.
TEST_P(Fetches, that_bring_signatures_without_their_data_make_no_other_answer_secure) {
  internet.publish();
  internet.ask("www.shop.com.", "RRSIG");
  spoil("shop.com.", [](auto& records) { strip_signature(records, "www.shop.com.", "A"); });
  internet.publish();
  const Answer answer = internet.ask("www.shop.com.");
  EXPECT_EQ(answer.rcode(), Rcode::servfail) << "signatures that were cached before vouch for nothing";
}

}  // namespace
}  // namespace redoubt::sim
