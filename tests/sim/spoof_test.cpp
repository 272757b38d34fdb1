// Replies that are none (attacks P01, P10, P11, P18, D08).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/sim/world.hpp"
#include "tests/sim/zone_text.hpp"

namespace redoubt::sim {

using testing::Contains;
using testing::ElementsAre;
using Octets = std::vector<std::uint8_t>;

/// A reply to the query that says 192.0.2.66, as a forger would make it who has seen the query.
Octets forged(const Heard& heard) {
  dns::Message message;
  message.header.id = heard.query.header.id;
  message.header.response = true;
  message.header.authoritative = true;
  message.question = heard.query.question;
  message.answer = records_from_text("www.shop.com. A 192.0.2.66");
  return message.to_wire();
}

struct Forgery {
  const char* name;
  Octets (*make)(const Heard& heard, Octets honest);
  bool from_elsewhere = false;
};
void PrintTo(const Forgery& forgery, std::ostream* out) { *out << forgery.name; }

Octets changed(const Heard& heard, std::size_t offset, std::uint8_t flip) {
  Octets octets = forged(heard);
  octets[offset] = static_cast<std::uint8_t>(octets[offset] ^ flip);
  return octets;
}

class Spoof : public testing::TestWithParam<Forgery> {
 protected:
  static void spoof(World& world) {
    world.site("shop.com.", "192.0.2.1").behaves(beside(5ms, GetParam().make, GetParam().from_elsewhere));
  }
};

TEST_P(Spoof, is_waited_past_until_the_real_reply_comes) {
  World world;
  spoof(world);
  const Answer answer = world.ask("www.shop.com.");
  EXPECT_THAT(answer.answer(), ElementsAre("www.shop.com. A 192.0.2.80")) << world.trace();
  EXPECT_EQ(world.internet().packets_to("192.0.2.1"), 1U) << "asked again\n" << world.trace();
}

TEST_P(Spoof, has_teeth_without_matching) {
  World world;
  world.internet().match_replies(false);
  spoof(world);
  const Answer answer = world.ask("www.shop.com.");
  EXPECT_TRUE(answer.answer() != std::vector<std::string>{"www.shop.com. A 192.0.2.80"} ||
              world.internet().packets_to("192.0.2.1") != 1U);
}

INSTANTIATE_TEST_SUITE_P(
    Forgeries, Spoof,
    testing::Values(Forgery{"wrong_id", [](const Heard& heard, Octets) { return changed(heard, 0, 1); }},
                    Forgery{"wrong_id_low", [](const Heard& heard, Octets) { return changed(heard, 1, 128); }},
                    Forgery{"is_a_query", [](const Heard& heard, Octets) { return changed(heard, 2, 0x80); }},
                    Forgery{"other_opcode", [](const Heard& heard, Octets) { return changed(heard, 2, 0x20); }},
                    Forgery{"no_question_counted", [](const Heard& heard, Octets) { return changed(heard, 5, 1); }},
                    Forgery{"two_questions_counted", [](const Heard& heard, Octets) { return changed(heard, 5, 3); }},
                    Forgery{"other_name", [](const Heard& heard, Octets) { return changed(heard, 13, 1); }},
                    Forgery{"other_case", [](const Heard& heard, Octets) { return changed(heard, 13, 0x20); }},
                    Forgery{"other_type", [](const Heard& heard, Octets) { return changed(heard, 12 + 14 + 1, 16); }},
                    Forgery{"other_class", [](const Heard& heard, Octets) { return changed(heard, 12 + 14 + 3, 2); }},
                    Forgery{"header_alone_of_another",
                            [](const Heard&, Octets) { return Octets{0, 1, 0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0}; }},
                    Forgery{"eleven_octets",
                            [](const Heard&, Octets honest) { return Octets(honest.begin(), honest.begin() + 11); }},
                    Forgery{"nothing_at_all", [](const Heard&, Octets) { return Octets{}; }},
                    Forgery{"cut_in_the_question",
                            [](const Heard&, Octets honest) { return Octets(honest.begin(), honest.begin() + 20); }},
                    Forgery{"from_another_port", [](const Heard& heard, Octets) { return forged(heard); }, true}),
    [](const testing::TestParamInfo<Forgery>& one) { return one.param.name; });

TEST(Spoofing, many_wrong_replies_move_the_question_to_tcp) {
  World world;
  Server& server = world.site("shop.com.", "192.0.2.1");
  for (int i = 0; i < 200; ++i) {
    server.behaves(beside(1ms, [](const Heard& heard, Octets) { return changed(heard, 0, 1); }));
  }
  const Answer answer = world.ask("www.shop.com.");
  EXPECT_THAT(answer.answer(), ElementsAre("www.shop.com. A 192.0.2.80")) << world.trace();
  EXPECT_EQ(world.internet().heard().back().transport, UpstreamTransport::tcp) << world.trace();
}

TEST(Spoofing, server_that_loses_the_case_is_asked_by_tcp) {
  World world{{.seed = 2}};  // one that does not draw lower case for all ten letters, as one in 1024 does
  world.site("shop.com.", "192.0.2.1").behaves(loses_case());
  const Answer answer = world.ask("www.shop.com.");
  EXPECT_THAT(answer.answer(), ElementsAre("www.shop.com. A 192.0.2.80")) << world.trace();
  EXPECT_EQ(world.internet().heard().back().transport, UpstreamTransport::tcp);
}

TEST(Spoofing, queries_differ_in_id_and_case) {
  World world;
  std::string zone;
  for (int i = 0; i < 200; ++i) zone += "abcdefgh" + std::to_string(i) + " A 192.0.2.5\n";
  world.site("shop.com.", "192.0.2.1", zone);
  std::set<std::uint16_t> ids;
  std::set<std::string> cases;
  for (int i = 0; i < 200; ++i) world.ask("abcdefgh" + std::to_string(i) + ".shop.com.");
  for (const Heard& heard : world.internet().heard()) {
    ids.insert(heard.query.header.id);
    cases.emplace(heard.wire.begin() + 13, heard.wire.begin() + 21);
  }
  EXPECT_GT(ids.size(), 190U);
  EXPECT_GT(cases.size(), 120U) << "of 256 that eight letters have";
}

TEST(Spoofing, names_go_out_in_lower_case_when_the_setting_is_off) {
  World world{{.case_randomisation = false}};
  world.settings().minimisation = resolver::Minimisation::off;
  world.site("shop.com.", "192.0.2.1");
  world.ask("wWw.sHoP.cOm.");
  for (const Heard& heard : world.internet().heard()) EXPECT_EQ(heard.query.question->name.to_text(), "www.shop.com.");
}

TEST(Spoofing, server_that_answers_in_lower_case_is_understood_when_the_setting_is_off) {
  World world{{.case_randomisation = false}};
  world.site("shop.com.", "192.0.2.1").behaves(edits([](const Heard&, dns::Message& message) {
    message.question->name = message.question->name.lowercased();
  }));
  EXPECT_EQ(world.ask("WWW.shop.com.").rcode(), dns::Rcode::noerror);
  EXPECT_EQ(world.internet().packets_to("192.0.2.1"), 1U) << "no move to TCP";
}

TEST(Spoofing, queries_to_servers_ask_for_no_recursion_and_carry_nothing_of_the_client) {
  World world;
  world.site("shop.com.", "192.0.2.1");
  dns::Query query = World::query("www.shop.com.");
  query.header.checking_disabled = true;
  query.edns->client_subnet = dns::ClientSubnet{1, 24, 0, {192, 0, 2}};
  query.edns->cookie = dns::Cookie{};
  world.ask_at_once({query});
  for (const Heard& heard : world.internet().heard()) {
    EXPECT_FALSE(heard.query.header.recursion_desired);
    ASSERT_TRUE(heard.query.edns.has_value());
    EXPECT_EQ(heard.query.edns->udp_payload, 1232U);
    EXPECT_FALSE(heard.query.edns->client_subnet.has_value());
    ASSERT_TRUE(heard.query.edns->cookie.has_value());
    EXPECT_NE(heard.query.edns->cookie->client, query.edns->cookie->client);
  }
}

}  // namespace redoubt::sim
