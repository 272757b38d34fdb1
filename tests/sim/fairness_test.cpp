// One client, one zone or one server that takes all it can get, and what is left for the others (attacks D15, D16, D17,
// F03).
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/sim/bystander.hpp"

namespace redoubt::sim {

using testing::HasSubstr;

TEST(Fairness, random_names_under_one_zone_cost_its_servers_two_hundred_a_second_and_others_nothing) {
  World world;
  world.site("victim.com.", "192.0.2.1");
  world.site("calm.net.", "192.0.2.9", anything);
  world.ask("www.victim.com.");
  Bystander bystander{world, "calm.net."};
  int name = 0;
  std::vector<std::size_t> heard{world.internet().packets_to("192.0.2.1")};
  std::size_t refused = 0;
  attack(world, bystander, 6s, [&](int step) {
    for (int i = 0; i < 4; ++i) {
      const dns::IpAddress source =
          dns::IpAddress::v4({10, 0, static_cast<std::uint8_t>(name >> 8), static_cast<std::uint8_t>(name)});
      world.send(World::query(fmt::format("r{}.victim.com.", name++)), source, [&](std::optional<Answer> answer) {
        if (!answer || answer->rcode() != dns::Rcode::servfail) return;
        ++refused;
        EXPECT_THAT(answer->error(), HasSubstr("limit denials-per-zone reached at zone victim.com."));
      });
    }
    if (step % 1000 == 999) heard.push_back(world.internet().packets_to("192.0.2.1"));
  });
  for (std::size_t second = 2; second < heard.size(); ++second) EXPECT_LE(heard[second] - heard[second - 1], 202U);
  EXPECT_LE(heard[1] - heard[0], 402U);
  EXPECT_GE(refused, 22'000U) << "of 24,000";
  EXPECT_EQ(bystander.answered(), bystander.asked());
  EXPECT_LE(bystander.slowest(), quiet() * 2);
  EXPECT_EQ(world.ask("www.victim.com.").rcode(), dns::Rcode::noerror) << "what is cached is not touched";
  world.run_for(1s);
  EXPECT_EQ(world.ask("late.victim.com.").rcode(), dns::Rcode::nxdomain) << "and afterwards all is as before";
}

TEST(Fairness, names_that_exist_have_no_such_limit) {
  World world;
  world.site("busy.com.", "192.0.2.1", anything);
  world.site("calm.net.", "192.0.2.9", anything);
  Bystander bystander{world, "calm.net."};
  int name = 0;
  std::size_t answered = 0;
  attack(world, bystander, 2s, [&](int) {
    for (int i = 0; i < 2; ++i) {
      world.send(
          World::query(fmt::format("r{}.busy.com.", name++)), client_at("10.0.0.1"),
          [&](std::optional<Answer> answer) { answered += answer && answer->rcode() == dns::Rcode::noerror ? 1 : 0; });
    }
  });
  world.run_for(1s);
  EXPECT_EQ(answered, 4000U);
}

TEST(Fairness, one_clients_random_names_leave_half_of_the_zones_rate_to_others) {
  World world;
  world.site("victim.com.", "192.0.2.1");
  world.ask("www.victim.com.");
  int name = 0;
  std::size_t others = 0;
  for (int step = 0; step < 3000; ++step) {
    world.send(World::query(fmt::format("r{}.victim.com.", name++)), client_at("10.0.0.1"),
               [](std::optional<Answer>) {});
    if (step % 100 == 0) {
      world.send(
          World::query(fmt::format("o{}.victim.com.", step)), client_at("10.0.0.2"),
          [&](std::optional<Answer> answer) { others += answer && answer->rcode() == dns::Rcode::nxdomain ? 1 : 0; });
    }
    world.run_for(1ms);
  }
  world.run_for(1s);
  EXPECT_EQ(others, 30U);
}

TEST(Fairness, few_clients_random_names_in_a_registrys_zone_keep_nobody_from_the_names_in_it) {
  World world;
  std::string registered;
  for (int i = 0; i < 30; ++i) registered += fmt::format("n{0} NS ns.n{0}\nns.n{0} A 192.0.2.7\n", i);
  world.site("co.com.", "192.0.2.1", registered);
  for (int i = 0; i < 30; ++i) world.serve("192.0.2.7", fmt::format("n{}.co.com.", i), "@ NS ns\nwww A 192.0.2.80");
  int name = 0;
  std::size_t found = 0;
  for (int step = 0; step < 3000; ++step) {
    for (const char* source : {"10.0.0.1", "10.0.0.2", "10.0.0.3"}) {
      world.send(World::query(fmt::format("r{}.co.com.", name++)), client_at(source), [](std::optional<Answer>) {});
    }
    if (step % 100 == 50) {
      world.send(World::query(fmt::format("www.n{}.co.com.", step / 100)), client_at("10.0.0.9"),
                 [&](std::optional<Answer> answer) { found += answer && !answer->message.answer.empty() ? 1 : 0; });
    }
    world.run_for(1ms);
  }
  world.run_for(1s);
  EXPECT_EQ(found, 30U);
  EXPECT_LE(world.internet().packets_to("192.0.2.1"), 800U) << "and its servers are as well protected as before";
}

TEST(Fairness, three_thousand_lookups_that_never_end_hold_their_share_of_places_and_no_more) {
  World world;
  world.site("slow.com.", "192.0.2.1").behaves(silent());
  world.site("calm.net.", "192.0.2.9", anything);
  Bystander bystander{world, "calm.net."};
  std::size_t most = 0;
  std::size_t told = 0;
  int name = 0;
  attack(world, bystander, 3s, [&](int) {
    world.send(World::query(fmt::format("r{}.slow.com.", name++)), client_at("10.0.0.1"),
               [&](std::optional<Answer> answer) {
                 told += answer && answer->error().find("limit ") != std::string::npos ? 1 : 0;
               });
    most = std::max(most, world.shared().flights.in_flight());
  });
  EXPECT_LE(most, 400U) << "a tenth of 4,000";
  EXPECT_GT(most, 100U) << "the attack was none";
  EXPECT_GT(told, 2000U);
  EXPECT_EQ(bystander.answered(), bystander.asked());
  EXPECT_LE(bystander.slowest(), quiet() * 2);
}

TEST(Fairness, one_source_with_a_zone_for_each_question_holds_its_share_too) {
  World world;
  std::string cuts;
  for (int zone = 0; zone < 3000; ++zone)
    cuts += fmt::format("z{0}.com. NS ns.z{0}.com.\nns.z{0}.com. A 10.{1}.{2}.1\n", zone, zone / 250, zone % 250);
  world.delegate("com.", cuts);
  world.site("calm.net.", "192.0.2.9", anything);
  Bystander bystander{world, "calm.net."};
  std::size_t most = 0;
  int zone = 0;
  attack(world, bystander, 3s, [&](int) {
    world.send(World::query(fmt::format("www.z{}.com.", zone++)), client_at("2001:db8:0:1::1"),
               [](std::optional<Answer>) {});
    most = std::max(most, world.shared().flights.in_flight());
  });
  EXPECT_LE(most, 200U + 10U) << "a twentieth of 4,000, and the bystander's";
  EXPECT_GE(most, 200U);
  EXPECT_EQ(bystander.answered(), bystander.asked());
  EXPECT_LE(bystander.slowest(), quiet() * 2);
}

TEST(Fairness, one_servers_exchanges_are_bounded_and_another_server_is_asked_instead) {
  World world;
  world.limit("exchanges-per-server", 5);
  world.limit("denials-per-zone", 100'000);
  world.delegate("com.",
                 "two.com. NS a.two.com.\ntwo.com. NS b.two.com.\na.two.com. A 192.0.2.1\nb.two.com. A 192.0.2.2");
  const auto zone = world.zone("two.com.", "@ NS a\n@ NS b\n* A 192.0.2.80");
  for (const char* server : {"192.0.2.1", "192.0.2.2"}) world.internet().server(server) = Server{}.serves(zone);
  world.ask("first.two.com.");
  std::vector<dns::Query> queries;
  for (int i = 0; i < 30; ++i) queries.push_back(World::query(fmt::format("n{}.two.com.", i)));
  std::size_t served = 0;
  for (const Answer& answer : world.ask_at_once(queries)) {
    if (answer.rcode() == dns::Rcode::noerror) {
      ++served;
    } else {
      EXPECT_THAT(answer.error(), HasSubstr("limit exchanges-per-server reached"));
    }
  }
  EXPECT_EQ(served, 10U) << "five at each";
  EXPECT_EQ(world.ask("n29.two.com.").rcode(), dns::Rcode::noerror) << "it is not held against the name";
  EXPECT_EQ(world.shared().server_places.holders(), 0U);
  EXPECT_EQ(world.shared().zone_places.holders(), 0U);
}

TEST(Fairness, places_at_one_zone_are_bounded_and_say_so) {
  World world;
  world.limit("resolutions-per-zone", 10);
  world.site("shop.com.", "192.0.2.1", anything);
  world.ask("first.shop.com.");
  std::vector<dns::Query> queries;
  for (int i = 0; i < 30; ++i) queries.push_back(World::query(fmt::format("n{}.shop.com.", i)));
  std::size_t served = 0;
  for (const Answer& answer : world.ask_at_once(queries)) {
    if (answer.rcode() == dns::Rcode::noerror)
      ++served;
    else
      EXPECT_THAT(answer.error(), HasSubstr("limit resolutions-per-zone reached at zone shop.com."));
  }
  EXPECT_EQ(served, 10U);
}

TEST(Fairness, stale_records_are_given_where_a_limit_is_in_the_way) {
  World world;
  world.settings().stale = 24h;
  world.limit("denials-per-zone", 10);
  world.site("shop.com.", "192.0.2.1", "x 1 A 192.0.2.7");
  world.ask("x.shop.com.");
  world.run_for(2s);
  for (int i = 0; i < 30; ++i) world.ask(fmt::format("n{}.shop.com.", i));
  const Answer answer = world.ask("x.shop.com.");
  EXPECT_THAT(answer.answer(), testing::ElementsAre("x.shop.com. A 192.0.2.7"));
  EXPECT_THAT(answer.error(), HasSubstr("limit denials-per-zone"));
  world.run_for(2s);
  EXPECT_EQ(world.ask("x.shop.com.").error(), "") << "the servers are not to blame: no recheck timer runs";
}

TEST(Fairness, answers_that_a_server_held_back_do_not_leave_in_one_pulse) {
  for (const bool equal : {false, true}) {
    World world;
    world.site("bomb.com.", "192.0.2.1").behaves(silent());
    world.site("calm.net.", "192.0.2.9", anything);
    Bystander bystander{world, "calm.net."};
    const Instant begun = world.clock().now();
    std::vector<Instant> left;
    std::size_t late = 0;
    std::size_t most = 0;
    int name = 0;
    attack(world, bystander, 7s, [&](int step) {
      for (int i = 0; i < (step < 1000 ? 5 : 0); ++i) {
        const Instant sent = world.clock().now();
        const std::string wanted = equal ? "big.bomb.com." : fmt::format("r{}.bomb.com.", name++);
        world.send(World::query(wanted, "TXT"), client_at("10.0.0.1"), [&, sent](std::optional<Answer> answer) {
          if (!answer) return;
          left.push_back(world.clock().now());
          if (world.clock().now() - sent > 1900ms) ++late;
        });
      }
      most = std::max(most, world.shared().waiting.count());
    });
    EXPECT_LE(most, 1000U + 10U);
    EXPECT_LE(largest_pulse(left), 100U) << equal;
    EXPECT_EQ(late, 0U);
    EXPECT_EQ(bystander.answered(), bystander.asked());
    EXPECT_GT(world.clock().now() - begun, 6s);
    EXPECT_EQ(world.shared().waiting.count(), 0U);
  }
}

TEST(Fairness, a_site_of_a_hundred_thousand_addresses_is_one_client) {
  World world;
  world.site("slow.com.", "192.0.2.1").behaves(silent());
  world.site("calm.net.", "192.0.2.9", anything);
  Bystander bystander{world, "calm.net.", "2001:db8:1::1"};
  std::size_t most = 0;
  std::uint32_t host = 0;
  attack(world, bystander, 3s, [&](int) {
    for (int i = 0; i < 3; ++i, ++host) {
      const auto source = client_at(fmt::format("2001:db8:0:{:x}::{:x}", 0x100 + host % 0x100, host));
      world.send(World::query(fmt::format("r{}.slow.com.", host)), source, [](std::optional<Answer>) {});
    }
    most = std::max(most, world.shared().flights.in_flight());
  });
  EXPECT_LE(most, 210U);
  EXPECT_EQ(bystander.answered(), bystander.asked());
}

}  // namespace redoubt::sim
