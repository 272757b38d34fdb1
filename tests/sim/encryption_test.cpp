// Authorities that speak TLS although nobody has said so (RFC 9539).
#include <gtest/gtest.h>

#include "tests/sim/world.hpp"

namespace redoubt::sim {

constexpr std::string_view server = "192.0.2.1";

/// By TLS alone.
Behaviour by_tls(std::function<void(Reaction&)> change) {
  return [change = std::move(change)](const Heard& heard, Reaction& reaction) {
    if (heard.transport == UpstreamTransport::tls) change(reaction);
  };
}
Behaviour takes_no_tls() {
  return by_tls([](Reaction& reaction) {
    reaction.deliveries.clear();
    reaction.fault = resolver::NetworkFault::refused;
  });
}
Behaviour never_answers_by_tls() {
  return by_tls([](Reaction& reaction) { reaction.deliveries.clear(); });
}
Behaviour refuses_by_tls() {
  return edits([](const Heard& heard, dns::Message& message) {
    if (heard.transport != UpstreamTransport::tls) return;
    message.answer.clear();
    message.set_rcode(dns::Rcode::refused);
  });
}

class EncryptionTest : public testing::Test {
 protected:
  EncryptionTest() {
    world_.settings().opportunistic_tls = true;
    world_.site("shop.com.", server, "mail A 192.0.2.25\nnews A 192.0.2.26\nforum A 192.0.2.27\nblog A 192.0.2.28\n");
  }
  Server& shop() { return world_.internet().server(server); }
  /// What it answers, with all that is under way besides come to its end.
  Answer settled(std::string_view name) {
    Answer answer = world_.ask(name);
    world_.run_for(10s);
    return answer;
  }
  std::vector<UpstreamTransport> ways_of(std::string_view name) {
    std::vector<UpstreamTransport> ways;
    for (const Heard& one : world_.internet().heard()) {
      if (one.server.address == *dns::IpAddress::from_text(server) &&
          one.query.question->name == dns::Name::literal(name))
        ways.push_back(one.transport);
    }
    return ways;
  }
  World world_;
};

using enum resolver::UpstreamTransport;
using Ways = std::vector<UpstreamTransport>;

TEST_F(EncryptionTest, servers_are_tried_beside_the_first_answer_and_asked_by_tls_from_then_on) {
  EXPECT_EQ(settled("www.shop.com.").answer().size(), 1U);
  EXPECT_EQ(ways_of("www.shop.com."), (Ways{udp, tls})) << world_.trace();
  EXPECT_EQ(settled("mail.shop.com.").answer().size(), 1U);
  EXPECT_EQ(settled("news.shop.com.").answer().size(), 1U);
  EXPECT_EQ(ways_of("mail.shop.com."), (Ways{tls}));
  EXPECT_EQ(ways_of("news.shop.com."), (Ways{tls}));
  for (const Heard& one : world_.internet().heard()) {
    EXPECT_EQ(one.server.port, one.transport == tls ? 853 : 53);
    if (one.transport != tls) continue;
    EXPECT_EQ(one.wire.size() % 128, 0U) << "padded, as RFC 8467 has it";
  }
}

TEST_F(EncryptionTest, nobody_is_tried_without_the_setting) {
  world_.settings().opportunistic_tls = false;
  settled("www.shop.com.");
  settled("mail.shop.com.");
  for (const Heard& one : world_.internet().heard()) EXPECT_EQ(one.transport, udp);
}

TEST_F(EncryptionTest, who_does_not_speak_it_is_tried_once_a_day) {
  for (const auto& behaviour : {takes_no_tls(), never_answers_by_tls(), refuses_by_tls()}) {
    World world;
    world.settings().opportunistic_tls = true;
    world.site("shop.com.", server, "mail A 192.0.2.25\nnews A 192.0.2.26\n");
    world.internet().server(server).behaves(behaviour);
    const auto tries = [&] {
      return std::ranges::count_if(world.internet().heard(), [](const Heard& one) {
        return one.transport == tls && one.server.address == *dns::IpAddress::from_text(server);
      });
    };
    EXPECT_EQ(world.ask("www.shop.com.").answer().size(), 1U);
    world.run_for(10s);
    EXPECT_EQ(tries(), 1);
    EXPECT_LT(world.ask("mail.shop.com.").took, 100ms) << "nobody waits for it";
    world.run_for(10s);
    EXPECT_EQ(tries(), 1);
    world.pass(25h);
    EXPECT_EQ(world.ask("news.shop.com.").answer().size(), 1U);
    world.run_for(10s);
    EXPECT_EQ(tries(), 2);
  }
}

/// What operators are shown counts those that are asked by TLS, from when until when they are.
TEST_F(EncryptionTest, how_many_speak_it_is_told) {
  const auto counts = [&] { return world_.shared().encryption.counts(world_.clock().now()); };
  EXPECT_EQ(counts().speaking, 0U);
  settled("www.shop.com.");
  EXPECT_EQ(counts().speaking, 3U) << "the root's, that of com and the shop's";
  EXPECT_EQ(counts().under_way, 0U);
  world_.pass(73h);
  EXPECT_EQ(counts().speaking, 0U);
  settled("mail.shop.com.");
  const std::size_t speaking = counts().speaking;
  EXPECT_GE(speaking, 1U);
  shop().behaves(takes_no_tls());
  settled("news.shop.com.");
  EXPECT_EQ(counts().speaking, speaking - 1);
}

TEST_F(EncryptionTest, who_stops_speaking_it_is_asked_in_the_clear_at_once) {
  settled("www.shop.com.");
  shop().behaves(takes_no_tls());
  const Answer answer = settled("mail.shop.com.");
  EXPECT_EQ(answer.answer().size(), 1U);
  EXPECT_LT(answer.took, 200ms);
  EXPECT_EQ(ways_of("mail.shop.com."), (Ways{tls, udp}));
  settled("news.shop.com.");
  EXPECT_EQ(ways_of("news.shop.com."), (Ways{udp}));
}

TEST_F(EncryptionTest, who_has_nothing_to_say_by_it_is_asked_in_the_clear) {
  settled("www.shop.com.");
  shop().behaves(refuses_by_tls());
  EXPECT_EQ(settled("mail.shop.com.").answer().size(), 1U);
  EXPECT_EQ(ways_of("mail.shop.com."), (Ways{tls, udp}));
}

TEST_F(EncryptionTest, what_is_cut_short_by_it_is_asked_for_in_the_clear) {
  settled("www.shop.com.");
  shop().behaves(edits([](const Heard& heard, dns::Message& message) {
    if (heard.transport != tls) return;
    message.answer.clear();
    message.header.truncated = true;
  }));
  EXPECT_EQ(settled("mail.shop.com.").answer().size(), 1U);
  EXPECT_EQ(ways_of("mail.shop.com."), (Ways{tls, udp}));
}

/// What a server by TLS does not know says nothing of the one in the clear.
TEST_F(EncryptionTest, who_knows_no_edns_by_it_gets_it_in_the_clear) {
  settled("www.shop.com.");
  shop().behaves(edits([](const Heard& heard, dns::Message& message) {
    if (heard.transport != tls) return;
    message.answer.clear();
    message.edns.reset();
    message.set_rcode(dns::Rcode::formerr);
  }));
  EXPECT_EQ(settled("mail.shop.com.").answer().size(), 1U);
  const Heard& last = world_.internet().heard().back();
  EXPECT_EQ(last.transport, udp);
  EXPECT_TRUE(last.query.edns);
}

TEST_F(EncryptionTest, want_of_our_own_means_is_not_held_against_a_server) {
  settled("www.shop.com.");
  std::optional<resolver::NetworkFault> want;
  shop().behaves([&want](const Heard& heard, Reaction& reaction) {
    if (heard.transport != tls || !want) return;
    reaction.deliveries.clear();
    reaction.fault = *want;
  });
  want = resolver::NetworkFault::no_resources;
  EXPECT_EQ(settled("mail.shop.com.").answer().size(), 1U);
  EXPECT_EQ(ways_of("mail.shop.com."), (Ways{tls, udp}));
  want = resolver::NetworkFault::interrupted;
  EXPECT_EQ(settled("forum.shop.com.").answer().size(), 1U);
  EXPECT_EQ(ways_of("forum.shop.com."), (Ways{tls, udp}));
  want = std::nullopt;
  settled("news.shop.com.");
  EXPECT_EQ(ways_of("news.shop.com."), (Ways{tls}));
}

TEST_F(EncryptionTest, cookies_of_the_clear_are_neither_sent_nor_lost_by_it) {
  settled("www.shop.com.");
  settled("mail.shop.com.");
  for (const Heard& one : world_.internet().heard()) {
    EXPECT_FALSE(one.transport == tls && one.query.edns && one.query.edns->cookie);
  }
}

TEST_F(EncryptionTest, what_was_found_out_is_believed_for_three_days) {
  settled("www.shop.com.");
  world_.pass(71h);
  settled("mail.shop.com.");  // which makes it three days from here
  EXPECT_EQ(ways_of("mail.shop.com."), (Ways{tls}));
  world_.pass(71h);
  settled("news.shop.com.");
  EXPECT_EQ(ways_of("news.shop.com."), (Ways{tls}));
  world_.pass(73h);
  settled("forum.shop.com.");
  EXPECT_EQ(ways_of("forum.shop.com."), (Ways{udp, tls}));
}

/// Sites at these addresses that all are asked at once, and of which none says a word by TLS.
/// returns  how often each address was tried
std::map<dns::IpAddress, int> tried_of(World& world, const std::vector<std::string>& addresses) {
  std::vector<dns::Query> queries;
  for (const std::string& address : addresses) {
    const std::string name = "site" + std::to_string(queries.size()) + ".com.";
    world.site(name, address);
    world.internet().server(address).behaves(never_answers_by_tls());
    queries.push_back(World::query("www." + name));
  }
  world.internet().forget_trace();
  for (const Answer& answer : world.ask_at_once(queries)) EXPECT_EQ(answer.answer().size(), 1U);
  world.run_for(3s);  // each attempt lasts four
  std::map<dns::IpAddress, int> tried;
  for (const Heard& one : world.internet().heard()) {
    if (one.transport == tls && std::ranges::find(addresses, one.server.address.to_text()) != addresses.end())
      ++tried[one.server.address];
  }
  for (const auto& [address, times] : tried) EXPECT_EQ(times, 1) << address.to_text();
  return tried;
}

/// Addresses without number (attacks: a zone that delegates to whoever is to be troubled): so many attempts at a time,
/// and one for each address.
TEST_F(EncryptionTest, attempts_are_bounded_at_a_time_and_for_each_server) {
  std::vector<std::string> addresses;
  for (int i = 1; i <= 200; ++i) addresses.push_back("203.0." + std::to_string(i) + ".1");
  const auto tried = tried_of(world_, addresses);
  EXPECT_LE(tried.size(), resolver::Encryption::most_probes);
  EXPECT_GT(tried.size(), resolver::Encryption::most_probes / 2);
}

/// One network full of addresses that say nothing does not keep servers elsewhere from being tried.
TEST_F(EncryptionTest, a_network_of_mute_servers_has_a_share_of_the_attempts) {
  std::vector<std::string> addresses;
  for (int i = 1; i <= 60; ++i) addresses.push_back("203.0.113." + std::to_string(i));
  for (int i = 1; i <= 60; ++i) addresses.push_back("2001:db8:5:" + std::to_string(i) + "::1");
  const auto tried = tried_of(world_, addresses);
  EXPECT_EQ(tried.size(), 2 * resolver::Encryption::most_of_network);
  settled("www.shop.com.");
  EXPECT_EQ(ways_of("www.shop.com."), (Ways{udp, tls}));
}

}  // namespace redoubt::sim
