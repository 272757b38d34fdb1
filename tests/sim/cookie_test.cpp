// DNS cookies towards servers (RFC 7873, attacks P16).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sim/world.hpp"

namespace redoubt::sim {

using testing::ElementsAre;

constexpr std::string_view server = "192.0.2.1";
constexpr std::size_t server_part = 16;

/// A server that knows cookies: it gives its part to whoever sends the client's. demanding: BADCOOKIE without it.
Behaviour bakes(bool demanding = false, std::uint8_t batch = 1) {
  return edits([=](const Heard& heard, dns::Message& message) {
    if (!heard.query.edns || !heard.query.edns->cookie) return;
    if (!message.edns) message.edns.emplace();
    const std::vector<std::uint8_t> ours(server_part, batch);
    message.edns->cookie = dns::Cookie{heard.query.edns->cookie->client, ours};
    if (!demanding || heard.transport != UpstreamTransport::udp || heard.query.edns->cookie->server == ours) return;
    message.answer.clear();
    message.authority.clear();
    message.set_rcode(dns::Rcode::badcookie);
  });
}

Behaviour strips_cookies() {
  return edits([](const Heard&, dns::Message& message) {
    if (message.edns) message.edns->cookie.reset();
  });
}

class CookieTest : public testing::Test {
 protected:
  CookieTest() { world_.site("shop.com.", server, "mail A 192.0.2.25\nnews A 192.0.2.26\nforum A 192.0.2.27\n"); }
  Server& shop() { return world_.internet().server(server); }
  std::vector<Heard> heard() {
    std::vector<Heard> by_shop;
    for (const Heard& one : world_.internet().heard()) {
      if (one.server.address == *dns::IpAddress::from_text(server)) by_shop.push_back(one);
    }
    return by_shop;
  }
  World world_;
};

TEST_F(CookieTest, is_sent_to_every_server_and_given_back) {
  shop().behaves(bakes());
  world_.ask("www.shop.com.");
  world_.ask("mail.shop.com.");
  const auto seen = heard();
  ASSERT_EQ(seen.size(), 2U);
  ASSERT_TRUE(seen[0].query.edns->cookie && seen[1].query.edns->cookie);
  EXPECT_TRUE(seen[0].query.edns->cookie->server.empty());
  EXPECT_EQ(seen[1].query.edns->cookie->server, std::vector<std::uint8_t>(server_part, 1));
  EXPECT_EQ(seen[0].query.edns->cookie->client, seen[1].query.edns->cookie->client);
  EXPECT_NE(world_.internet().heard().front().query.edns->cookie->client, seen[0].query.edns->cookie->client)
      << "another server, another cookie";
}

TEST_F(CookieTest, is_not_sent_when_the_setting_is_off) {
  world_.settings().cookies = false;
  world_.ask("www.shop.com.");
  for (const Heard& one : world_.internet().heard()) EXPECT_FALSE(one.query.edns->cookie);
}

TEST_F(CookieTest, servers_that_know_none_answer_as_ever) {
  EXPECT_EQ(world_.ask("www.shop.com.").packets, 3U);
  EXPECT_EQ(world_.ask("mail.shop.com.").packets, 1U);
}

/// A forger who knows id, port and case of the query, but not the cookie.
Behaviour forged(std::function<void(dns::Message&)> with) {
  return beside(5ms, [with](const Heard& heard, std::vector<std::uint8_t>) {
    dns::Message message = heard.query;
    message.header.response = message.header.authoritative = true;
    message.edns.emplace();
    message.answer = {
        {message.question->name, dns::type::a, dns::rr_class::in, dns::Ttl::from_wire(3600), {192, 0, 2, 66}}};
    with(message);
    std::vector<std::uint8_t> wire = message.to_wire();
    std::copy(heard.wire.begin() + 12,
              heard.wire.begin() + 12 + static_cast<std::ptrdiff_t>(message.question->name.wire().size()),
              wire.begin() + 12);
    return wire;
  });
}

TEST_F(CookieTest, a_forger_who_knows_all_but_the_cookie_is_not_believed) {
  shop().behaves(bakes());
  world_.ask("www.shop.com.");
  shop().behaves(forged([](dns::Message&) {}));
  EXPECT_THAT(world_.ask("mail.shop.com.").answer(), ElementsAre("mail.shop.com. A 192.0.2.25")) << world_.trace();
  shop().behaves(forged([](dns::Message& message) {
    message.edns->cookie = dns::Cookie{{1, 2, 3, 4, 5, 6, 7, 8}, {}};
  }));
  EXPECT_THAT(world_.ask("news.shop.com.").answer(), ElementsAre("news.shop.com. A 192.0.2.26")) << world_.trace();
}

TEST_F(CookieTest, the_forger_has_teeth_where_cookies_are_off) {
  world_.settings().cookies = false;
  shop().behaves(bakes());
  world_.ask("www.shop.com.");
  shop().behaves(forged([](dns::Message&) {}));
  EXPECT_THAT(world_.ask("mail.shop.com.").answer(), ElementsAre("mail.shop.com. A 192.0.2.66"));
}

TEST_F(CookieTest, a_wrong_one_counts_even_of_a_server_that_was_never_heard) {
  shop().behaves(forged([](dns::Message& message) {
    message.edns->cookie = dns::Cookie{{1, 2, 3, 4, 5, 6, 7, 8}, {}};
  }));
  EXPECT_THAT(world_.ask("mail.shop.com.").answer(), ElementsAre("mail.shop.com. A 192.0.2.25")) << world_.trace();
}

TEST_F(CookieTest, a_forged_formerr_takes_nothing_away) {
  shop().behaves(bakes());
  world_.ask("www.shop.com.");
  shop().behaves(forged([](dns::Message& message) {
    message.answer.clear();
    message.edns.reset();
    message.set_rcode(dns::Rcode::formerr);
  }));
  world_.ask("mail.shop.com.");
  for (const Heard& one : heard()) EXPECT_TRUE(one.query.edns) << "nobody got us to ask without EDNS";
}

TEST_F(CookieTest, a_server_that_lost_its_cookies_costs_one_more_question_by_tcp) {
  shop().behaves(bakes());
  world_.ask("www.shop.com.");
  shop().behaves(strips_cookies());
  const Answer answer = world_.ask("mail.shop.com.");
  EXPECT_THAT(answer.answer(), ElementsAre("mail.shop.com. A 192.0.2.25")) << world_.trace();
  EXPECT_EQ(answer.packets, 2U) << world_.trace();
  EXPECT_EQ(heard().back().transport, UpstreamTransport::tcp);
  EXPECT_EQ(world_.ask("news.shop.com.").packets, 1U) << "and then it is known";
  EXPECT_EQ(heard().back().transport, UpstreamTransport::udp);
}

TEST_F(CookieTest, a_server_that_demands_one_is_asked_again_with_it) {
  shop().behaves(bakes(true));
  const Answer answer = world_.ask("www.shop.com.");
  EXPECT_THAT(answer.answer(), ElementsAre("www.shop.com. A 192.0.2.80"));
  EXPECT_EQ(answer.packets, 4U) << world_.trace();
  EXPECT_EQ(world_.ask("mail.shop.com.").packets, 1U);
}

TEST_F(CookieTest, a_server_with_a_new_secret_is_asked_again_with_the_new_cookie) {
  shop().behaves(bakes(true, 1));
  world_.ask("www.shop.com.");
  shop() =
      Server{}.serves(world_.zone("shop.com.", "@ NS ns\nns A 192.0.2.1\nmail A 192.0.2.25\n")).behaves(bakes(true, 2));
  const Answer answer = world_.ask("mail.shop.com.");
  EXPECT_THAT(answer.answer(), ElementsAre("mail.shop.com. A 192.0.2.25")) << world_.trace();
  EXPECT_EQ(answer.packets, 2U) << world_.trace();
}

TEST_F(CookieTest, a_server_that_never_likes_one_is_asked_by_tcp) {
  shop().behaves(bakes()).behaves(edits([](const Heard& heard, dns::Message& message) {
    if (heard.transport == UpstreamTransport::udp) message.set_rcode(dns::Rcode::badcookie);
  }));
  const Answer answer = world_.ask("www.shop.com.");
  EXPECT_THAT(answer.answer(), ElementsAre("www.shop.com. A 192.0.2.80")) << world_.trace();
  EXPECT_EQ(world_.internet().packets_to(server), 3U) << world_.trace();
}

TEST_F(CookieTest, forty_lengths_of_malformed_cookies_do_no_harm) {
  for (std::size_t octets = 0; octets <= 45; ++octets) {
    World world;
    world.site("shop.com.", server, "mail A 192.0.2.25\n");
    world.internet().server(server).behaves([=](const Heard& heard, Reaction& reaction) {
      dns::Message message = *dns::Message::parse(reaction.deliveries.front().octets);
      if (!message.edns) message.edns.emplace();
      message.edns->cookie.reset();
      std::vector<std::uint8_t> data(octets);
      const auto& client = heard.query.edns && heard.query.edns->cookie ? heard.query.edns->cookie->client
                                                                        : std::array<std::uint8_t, 8>{};
      std::copy_n(client.begin(), std::min<std::size_t>(octets, 8), data.begin());
      message.edns->unknown.push_back({static_cast<std::uint16_t>(dns::OptionCode::cookie), data});
      std::vector<std::uint8_t> wire = message.to_wire();
      std::copy(heard.wire.begin() + 12, heard.wire.begin() + 12 + 15, wire.begin() + 12);
      reaction.deliveries.front().octets = wire;
    });
    const Answer answer = world.ask("mail.shop.com.");
    EXPECT_TRUE(answer.rcode() == dns::Rcode::noerror || answer.rcode() == dns::Rcode::servfail) << octets;
    EXPECT_LE(world.internet().packets_to(server), 4U) << octets << world.trace();
  }
}

}  // namespace redoubt::sim
