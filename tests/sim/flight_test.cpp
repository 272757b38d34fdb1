// Equal questions at once (attacks P02), and bounds on how many there may be.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sim/world.hpp"

namespace redoubt::sim {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Flight, a_thousand_equal_questions_are_one_exchange_each_step) {
  World world;
  world.site("shop.com.", "192.0.2.1");
  const auto answers = world.ask_at_once(std::vector<dns::Query>(1000, World::query("www.shop.com.")));
  EXPECT_EQ(world.internet().packets(), 3U) << world.trace();
  for (const Answer& answer : answers) EXPECT_THAT(answer.answer(), ElementsAre("www.shop.com. A 192.0.2.80"));
}

TEST(Flight, is_shared_whatever_case_and_flags_the_askers_use) {
  World world;
  world.site("shop.com.", "192.0.2.1");
  std::vector<dns::Query> queries;
  for (int i = 0; i < 64; ++i) {
    dns::Query query = World::query((i & 1) != 0 ? "WWW.shop.com." : "www.SHOP.com.");
    query.header.checking_disabled = (i & 2) != 0;
    query.header.authentic = (i & 4) != 0;
    query.edns->dnssec_ok = (i & 8) != 0;
    if ((i & 16) != 0) query.edns.reset();
    if ((i & 32) != 0 && query.edns)
      query.edns->client_subnet = dns::ClientSubnet{1, 24, 0, {static_cast<std::uint8_t>(i), 0, 2}};
    queries.push_back(query);
  }
  world.ask_at_once(queries);
  EXPECT_EQ(world.internet().packets(), 3U) << world.trace();
}

TEST(Flight, of_records_that_may_not_be_kept_is_shared_all_the_same) {
  World world;
  world.site("shop.com.", "192.0.2.1", "zero 0 A 192.0.2.7");
  const auto answers = world.ask_at_once(std::vector<dns::Query>(100, World::query("zero.shop.com.")));
  EXPECT_EQ(world.internet().packets(), 3U);
  for (const Answer& answer : answers) EXPECT_EQ(answer.rcode(), dns::Rcode::noerror);
}

TEST(Flight, that_fails_fails_for_all) {
  World world;
  world.site("shop.com.", "192.0.2.1").behaves(silent());
  const auto answers = world.ask_at_once(std::vector<dns::Query>(100, World::query("www.shop.com.")));
  for (const Answer& answer : answers) {
    EXPECT_EQ(answer.rcode(), dns::Rcode::servfail);
    EXPECT_NE(answer.error(), "");
  }
  EXPECT_LE(world.internet().packets(), 5U) << world.trace();
}

TEST(Flight, different_questions_beyond_the_bound_are_told_so_at_once) {
  World world;
  world.limit("resolutions", 10);
  world.site("shop.com.", "192.0.2.1");
  std::vector<dns::Query> queries;
  for (int i = 0; i < 30; ++i) queries.push_back(World::query("n" + std::to_string(i) + ".shop.com."));
  const auto answers = world.ask_at_once(queries);
  std::size_t refused = 0;
  for (const Answer& answer : answers) {
    if (answer.rcode() == dns::Rcode::nxdomain) continue;
    ++refused;
    EXPECT_EQ(answer.rcode(), dns::Rcode::servfail);
    EXPECT_THAT(answer.error(), HasSubstr("resolutions"));
  }
  EXPECT_EQ(refused, 20U);
  EXPECT_EQ(world.ask("n29.shop.com.").rcode(), dns::Rcode::nxdomain) << "being full is not held against the name";
  EXPECT_EQ(world.shared().flights.in_flight(), 0U);
}

TEST(Flight, those_who_wait_are_bounded_too) {
  World world;
  world.limit("waiting-queries", 10);
  world.site("shop.com.", "192.0.2.1");
  const auto answers = world.ask_at_once(std::vector<dns::Query>(50, World::query("www.shop.com.")));
  std::size_t served = 0;
  for (const Answer& answer : answers) served += answer.rcode() == dns::Rcode::noerror ? 1 : 0;
  EXPECT_EQ(served, 10U);
  EXPECT_EQ(world.shared().flights.waiting(), 0U);
}

TEST(Flight, settings_may_change_under_way) {
  World world;
  world.site("shop.com.", "192.0.2.1");
  world.ask("www.shop.com.");
  world.settings().negative_max_ttl = dns::Ttl::from_wire(7);
  world.use();
  EXPECT_EQ(world.ask("gone.shop.com.").message.authority.front().ttl.seconds(), 7U);
}

}  // namespace redoubt::sim
