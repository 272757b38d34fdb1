// How much work one question can be made to cost (attacks section 3, C05, C07).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sim/world.hpp"
#include "tests/sim/zone_text.hpp"

namespace redoubt::sim {

using testing::HasSubstr;

/// NXNSAttack: evil.com. refers to 200 server names in the victim's zone, none of which exists.
void many_servers_in(World& world) {
  world.site("victim.net.", "192.0.2.9");
  std::string servers;
  for (int i = 0; i < 200; ++i) servers += "sub NS fake" + std::to_string(i) + ".victim.net.\n";
  world.site("evil.com.", "192.0.2.66", servers);
}

TEST(Work, two_hundred_server_names_cost_the_victim_ten_packets_at_most) {
  World world;
  many_servers_in(world);
  const Answer answer = world.ask("www.sub.evil.com.");
  EXPECT_EQ(answer.rcode(), dns::Rcode::servfail);
  EXPECT_THAT(answer.error(), HasSubstr("nameserver-lookups"));
  EXPECT_LE(world.internet().packets_to("192.0.2.9"), 10U) << world.trace();
  EXPECT_GE(world.internet().packets_to("192.0.2.9"), 1U) << "the attack did not even begin";
}

TEST(Work, two_hundred_server_names_have_teeth_with_the_limit_raised) {
  World world;
  world.limit("nameserver-lookups", 20);
  world.limit("nameservers-kept", 40);
  many_servers_in(world);
  world.ask("www.sub.evil.com.");
  EXPECT_GT(world.internet().packets_to("192.0.2.9"), 10U) << world.trace();
}

TEST(Work, asked_again_at_once_costs_nothing) {
  World world;
  many_servers_in(world);
  world.ask("www.sub.evil.com.");
  EXPECT_EQ(world.ask("www.sub.evil.com.").packets, 0U);
}

/// Servers that never answer, each found by a lookup of its own.
void servers_that_never_answer(World& world) {
  std::string servers;
  std::string addresses;
  for (int i = 0; i < 13; ++i) {
    servers += "sub NS ns" + std::to_string(i) + ".evil.com.\n";
    for (int j = 0; j < 6; ++j)
      addresses += "ns" + std::to_string(i) + " A 203.0.113." + std::to_string(i * 6 + j) + "\n";
  }
  world.site("evil.com.", "192.0.2.66", servers + addresses);
}

TEST(Work, is_over_in_sixty_packets_and_five_seconds) {
  World world;
  servers_that_never_answer(world);
  const Answer answer = world.ask("www.sub.evil.com.");
  EXPECT_EQ(answer.rcode(), dns::Rcode::servfail);
  EXPECT_LE(answer.packets, 60U) << world.trace();
  EXPECT_LE(answer.took, 5s);
}

TEST(Work, spent_budget_is_told_and_remembered_for_a_moment) {
  World world;
  world.limit("upstream-queries", 10);
  servers_that_never_answer(world);
  const Answer answer = world.ask("www.sub.evil.com.");
  EXPECT_EQ(answer.rcode(), dns::Rcode::servfail);
  EXPECT_THAT(answer.error(), testing::StartsWith("0 limit upstream-queries reached"));
  EXPECT_EQ(answer.packets, 10U) << world.trace();
  const Answer again = world.ask("www.sub.evil.com.");
  EXPECT_EQ(again.packets, 0U);
  EXPECT_EQ(again.error(), answer.error());
  world.pass(6s);
  EXPECT_EQ(world.ask("www.sub.evil.com.").packets, 10U) << "forgotten after five seconds";
}

TEST(Work, spent_budget_is_held_against_no_server) {
  World world;
  world.limit("upstream-queries", 10);
  std::string referral;
  for (int i = 1; i <= 9; ++i) {
    referral += fmt::format("dark.com. NS ns{}.dark.com.\nns{}.dark.com. A 192.0.2.{}\n", i, i, 20 + i);
  }
  world.delegate("com.", referral);
  const auto failures = [&world] {
    std::uint32_t all = 0;
    for (const auto& row : world.shared().servers.recent(100, world.clock().now())) all += row.failures;
    return all;
  };
  world.ask("www.dark.com.");
  EXPECT_EQ(failures(), 8U) << "packets that were sent there, and no more\n" << world.trace();
}

TEST(Work, time_limit_is_told) {
  World world;
  world.limit("question-time", 1000);
  servers_that_never_answer(world);
  const Answer answer = world.ask("www.sub.evil.com.");
  EXPECT_THAT(answer.error(), HasSubstr("limit question-time reached"));
  EXPECT_LE(answer.took, 1s);
}

TEST(Work, spent_by_an_attacker_is_not_held_against_the_names_he_used_up_others_with) {
  World world;
  world.limit("upstream-queries", 12);
  // The last packet of the ledger is spent while the bank's server name is being looked up.
  world.site("bank.net.", "192.0.2.2");
  std::string servers;
  for (int i = 0; i < 9; ++i)
    servers += "sub NS ns.bank.net.\nsub NS dead" + std::to_string(i) + ".evil.com.\ndead" + std::to_string(i) +
               " A 203.0.113.1\n";
  world.site("evil.com.", "192.0.2.66", servers);
  for (int i = 0; i < 10; ++i) world.ask("n" + std::to_string(i) + ".sub.evil.com.");
  EXPECT_EQ(world.ask("ns.bank.net.").rcode(), dns::Rcode::noerror) << world.trace();
}

TEST(Work, one_address_behind_many_names_gets_three_packets) {
  World world;
  std::string text;
  for (int i = 0; i < 13; ++i) {
    const std::string server = "ns" + std::to_string(i) + ".shop.com.";
    text += "shop.com. NS " + server + "\n" + server + " A 192.0.2.1\n";
  }
  world.delegate("com.", text);
  world.serve("192.0.2.1", "shop.com.", "").behaves(silent());
  world.ask("www.shop.com.");
  EXPECT_LE(world.internet().packets_to("192.0.2.1"), 3U) << world.trace();
}

TEST(Work, a_thousand_servers_with_many_addresses_are_cut_to_the_limits) {
  World world;
  std::string text;
  for (int i = 0; i < 100; ++i) {
    const std::string server = "s" + std::to_string(i) + ".shop.com.";
    text += "shop.com. NS " + server + "\n";
    for (int j = 0; j < 10; ++j) text += server + " A 10.0." + std::to_string(i) + "." + std::to_string(j) + "\n";
  }
  world.delegate("com.", text);
  world.ask("www.shop.com.");
  const auto cut = world.shared().cache.deepest_delegation(name_from_text("shop.com."), world.clock().now());
  ASSERT_TRUE(cut);
  EXPECT_EQ(cut->zone, name_from_text("shop.com."));
  EXPECT_EQ(cut->servers.size(), 13U);
  for (const auto& server : cut->servers) EXPECT_LE(server.addresses.size(), 6U);
}

TEST(Work, rrset_of_two_hundred_records_is_refused_and_not_kept) {
  World world;
  std::string big;
  for (int i = 0; i < 200; ++i) big += "big A 203.0.113." + std::to_string(i) + "\n";
  world.site("shop.com.", "192.0.2.1", big);
  const Answer answer = world.ask("big.shop.com.");
  EXPECT_EQ(answer.rcode(), dns::Rcode::servfail);
  EXPECT_THAT(answer.error(), HasSubstr("records-per-rrset"));
  EXPECT_LE(world.internet().packets_to("192.0.2.1"), 2U);
}

TEST(Work, rrset_of_two_hundred_records_has_teeth_with_the_limit_raised) {
  World world;
  world.limit("records-per-rrset", 300);
  std::string big;
  for (int i = 0; i < 200; ++i) big += "big A 203.0.113." + std::to_string(i) + "\n";
  world.site("shop.com.", "192.0.2.1", big);
  EXPECT_EQ(world.ask("big.shop.com.").rcode(), dns::Rcode::noerror);
}

/// Every alias step brings 60 KiB with it.
void heavy_chain(World& world) {
  world.site("evil.com.", "192.0.2.66").behaves([](const Heard& heard, Reaction& reaction) {
    auto message = *dns::Message::parse(reaction.deliveries.front().octets);
    const dns::Name name = heard.query.question->name;
    if (heard.transport == UpstreamTransport::udp) {
      message.answer.clear();
      message.authority.clear();
      message.header.truncated = true;
      reaction.deliveries.front().octets = message.to_wire();
      return;
    }
    const auto step = std::atoi(name.to_text().c_str() + 1);
    message.set_rcode(dns::Rcode::noerror);
    message.authority.clear();
    message.answer = records_from_text(name.to_text() + " 0 CNAME n" + std::to_string(step + 1) + ".evil.com.");
    for (int i = 0; i < 30; ++i) {
      dns::Record ballast{name_from_text("ballast.evil.com."),
                          dns::RrType{65280},
                          dns::rr_class::in,
                          {},
                          std::vector<std::uint8_t>(2000, static_cast<std::uint8_t>(i))};
      message.additional.push_back(std::move(ballast));
    }
    reaction.deliveries.front().octets = message.to_wire();
  });
}

TEST(Work, octets_from_servers_are_counted) {
  World world;
  heavy_chain(world);
  const Answer answer = world.ask("n0.evil.com.");
  EXPECT_EQ(answer.rcode(), dns::Rcode::servfail);
  EXPECT_THAT(answer.error(), HasSubstr("upstream-octets"));
  EXPECT_LE(answer.packets, 6U) << world.trace();
}

TEST(Work, octets_from_servers_have_teeth_with_the_limit_raised) {
  World world;
  world.limit("upstream-octets", 10'000'000);
  heavy_chain(world);
  EXPECT_GT(world.ask("n0.evil.com.").packets, 15U) << world.trace();
}

TEST(Work, primitives_together_stay_in_one_ledger) {
  // Aliases, each into a zone with many server names without address, each of those in a zone of dead servers.
  World world;
  world.site("victim.net.", "192.0.2.9");
  std::string text;
  for (int i = 0; i < 12; ++i) {
    text += "a" + std::to_string(i) + ".z" + std::to_string(i) + " 0 CNAME a" + std::to_string(i + 1) + ".z" +
            std::to_string(i + 1) + ".evil.com.\n";
  }
  std::string cuts;
  for (int i = 0; i < 13; ++i) {
    for (int j = 0; j < 13; ++j)
      cuts += "z" + std::to_string(i) + " NS f" + std::to_string(i) + "x" + std::to_string(j) + ".victim.net.\n";
  }
  world.site("evil.com.", "192.0.2.66", text + cuts);
  const Answer answer = world.ask("a0.z0.evil.com.");
  EXPECT_EQ(answer.rcode(), dns::Rcode::servfail);
  EXPECT_LE(answer.packets, 60U);
  EXPECT_LE(world.internet().packets_to("192.0.2.9"), 10U) << world.trace();
}

}  // namespace redoubt::sim
