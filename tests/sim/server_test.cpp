// Servers that are slow, broken, dead, or say no.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sim/world.hpp"
#include "tests/sim/zone_text.hpp"

namespace redoubt::sim {

using testing::ElementsAre;
using testing::HasSubstr;

const std::vector<std::string> the_answer{"www.shop.com. A 192.0.2.80"};

/// shop.com. at 192.0.2.1 and 192.0.2.2, both honest until told otherwise.
void two_servers(World& world) {
  world.delegate(
      "com.",
      "shop.com. NS ns1.shop.com.\nshop.com. NS ns2.shop.com.\nns1.shop.com. A 192.0.2.1\nns2.shop.com. A 192.0.2.2");
  const auto zone = world.zone(
      "shop.com.", "@ NS ns1\n@ NS ns2\nns1 A 192.0.2.1\nns2 A 192.0.2.2\nwww A 192.0.2.80\nmail A 192.0.2.25");
  world.internet().server("192.0.2.1").serves(zone);
  world.internet().server("192.0.2.2").serves(zone);
}

TEST(Servers, dead_one_costs_one_time_out_and_the_next_answers) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    World world{{.seed = seed}};
    two_servers(world);
    world.internet().server("192.0.2.1").behaves(silent());
    const Answer answer = world.ask("www.shop.com.");
    EXPECT_EQ(answer.answer(), the_answer) << world.trace();
    EXPECT_LE(world.internet().packets_to("192.0.2.1"), 1U) << world.trace();
    EXPECT_LT(answer.took, 600ms) << world.trace();
  }
}

class Saying : public testing::TestWithParam<dns::Rcode> {};

TEST_P(Saying, no_makes_us_ask_the_next) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    World world{{.seed = seed}};
    two_servers(world);
    world.internet().server("192.0.2.1").behaves(says(GetParam()));
    const Answer answer = world.ask("www.shop.com.");
    EXPECT_EQ(answer.answer(), the_answer) << world.trace();
    EXPECT_LE(world.internet().packets_to("192.0.2.1"), 2U) << world.trace();
  }
}

TEST_P(Saying, no_by_all_is_servfail_that_names_server_and_code) {
  World world;
  two_servers(world);
  world.internet().server("192.0.2.1").behaves(says(GetParam()));
  world.internet().server("192.0.2.2").behaves(says(GetParam()));
  const Answer answer = world.ask("www.shop.com.");
  EXPECT_EQ(answer.rcode(), dns::Rcode::servfail);
  EXPECT_THAT(answer.error(), HasSubstr("at delegation shop.com.: 192.0.2."));
  EXPECT_THAT(answer.error(), HasSubstr(dns::to_text(GetParam())));
  EXPECT_LE(answer.packets, 6U) << world.trace();
}

INSTANTIATE_TEST_SUITE_P(Codes, Saying,
                         testing::Values(dns::Rcode::servfail, dns::Rcode::refused, dns::Rcode::notimp,
                                         dns::Rcode::formerr),
                         [](const auto& one) { return dns::to_text(one.param); });

TEST(Servers, all_dead_is_servfail_with_22_within_the_time_limit) {
  World world;
  two_servers(world);
  world.internet().server("192.0.2.1").behaves(silent());
  world.internet().server("192.0.2.2").behaves(silent());
  const Answer answer = world.ask("www.shop.com.");
  EXPECT_EQ(answer.rcode(), dns::Rcode::servfail);
  EXPECT_THAT(answer.error(), HasSubstr("shop.com."));
  EXPECT_LE(answer.took, 5s);
  EXPECT_LE(answer.packets, 8U) << world.trace();
}

TEST(Servers, unreachable_ones_are_given_up_without_waiting) {
  World world;
  two_servers(world);
  world.internet().server("192.0.2.1").behaves(unreachable());
  world.internet().server("192.0.2.2").behaves(unreachable());
  const Answer answer = world.ask("www.shop.com.");
  EXPECT_THAT(answer.error(), testing::StartsWith("22 at delegation shop.com.: 192.0.2."));
  EXPECT_THAT(answer.error(), HasSubstr("unreachable"));
  EXPECT_LT(answer.took, 1s);
}

TEST(Servers, time_outs_grow_from_try_to_try) {
  World world;
  world.site("shop.com.", "192.0.2.1").behaves(silent());
  world.ask("www.shop.com.");
  std::vector<Instant> tries;
  for (const Heard& heard : world.internet().heard()) {
    if (heard.server.address.to_text() == "192.0.2.1") tries.push_back(heard.when);
  }
  ASSERT_EQ(tries.size(), 3U) << world.trace();
  EXPECT_EQ(tries[1] - tries[0], 400ms);
  EXPECT_EQ(tries[2] - tries[1], 800ms);
}

TEST(Servers, slow_one_is_waited_for_on_the_second_try) {
  World world;
  world.site("shop.com.", "192.0.2.1").round_trip(600ms);
  EXPECT_EQ(world.ask("www.shop.com.").answer(), the_answer) << world.trace();
}

TEST(Servers, half_of_the_datagrams_lost_is_survived_mostly) {
  int answered = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    World world{{.seed = seed}};
    two_servers(world);
    world.internet().server("192.0.2.1").behaves(lossy(world.random(), 50));
    world.internet().server("192.0.2.2").behaves(lossy(world.random(), 50));
    answered += world.ask("www.shop.com.").rcode() == dns::Rcode::noerror ? 1 : 0;
  }
  EXPECT_GE(answered, 95) << "of 100; six tries at 1/2 each lose 1.6";
}

TEST(Servers, three_failures_put_one_aside_and_time_brings_it_back) {
  World world;
  two_servers(world);
  world.internet().server("192.0.2.1").behaves(silent());
  for (int i = 0; i < 20; ++i) world.ask("n" + std::to_string(i) + ".shop.com.");
  EXPECT_LE(world.internet().packets_to("192.0.2.1"), 3U) << world.trace();
  world.pass(61s);
  world.internet().forget_trace();
  for (int i = 20; i < 60; ++i) world.ask("n" + std::to_string(i) + ".shop.com.");
  EXPECT_GE(world.internet().packets_to("192.0.2.1"), 1U) << "never tried again";
}

TEST(Servers, fast_one_is_asked_most_and_slow_one_now_and_then) {
  World world;
  two_servers(world);
  world.internet().server("192.0.2.2").round_trip(180ms);
  for (int i = 0; i < 400; ++i) world.ask("n" + std::to_string(i) + ".shop.com.");
  EXPECT_GT(world.internet().packets_to("192.0.2.1"), 350U);
  EXPECT_GE(world.internet().packets_to("192.0.2.2"), 3U) << "who got faster would never be found";
}

TEST(Servers, as_fast_as_each_other_share_the_questions) {
  World world;
  two_servers(world);
  world.internet().server("192.0.2.2").round_trip(30ms);
  for (int i = 0; i < 200; ++i) world.ask("n" + std::to_string(i) + ".shop.com.");
  EXPECT_GT(world.internet().packets_to("192.0.2.1"), 60U);
  EXPECT_GT(world.internet().packets_to("192.0.2.2"), 60U);
}

TEST(Servers, truncated_reply_is_fetched_by_tcp) {
  World world;
  std::string big;
  for (int i = 0; i < 90; ++i) big += "big A 203.0.113." + std::to_string(i) + "\n";
  world.site("shop.com.", "192.0.2.1", big);
  const Answer answer = world.ask("big.shop.com.");
  EXPECT_EQ(answer.rcode(), dns::Rcode::noerror);
  EXPECT_EQ(world.internet().heard().back().transport, UpstreamTransport::tcp) << world.trace();
  EXPECT_TRUE(answer.message.header.truncated) << "1,460 octets do not fit the client's 1,232";
}

TEST(Servers, truncated_by_tcp_too_is_a_failure_after_two_packets) {
  World world;
  world.site("shop.com.", "192.0.2.1").behaves(truncates(true));
  const Answer answer = world.ask("www.shop.com.");
  EXPECT_EQ(answer.rcode(), dns::Rcode::servfail);
  EXPECT_THAT(answer.error(), HasSubstr("truncated even over TCP"));
  EXPECT_EQ(world.internet().packets_to("192.0.2.1"), 2U) << world.trace();
}

TEST(Servers, that_know_no_edns_are_asked_without) {
  World world;
  world.site("shop.com.", "192.0.2.1").behaves(knows_no_edns());
  EXPECT_EQ(world.ask("www.shop.com.").answer(), the_answer) << world.trace();
  EXPECT_FALSE(world.internet().heard().back().query.edns.has_value());
}

TEST(Servers, forged_formerr_is_forgotten_with_its_exchange) {
  World world;
  bool first = true;
  world.site("shop.com.", "192.0.2.1", "mail A 192.0.2.25").behaves([&first](const Heard& heard, Reaction& reaction) {
    if (std::exchange(first, false)) says(dns::Rcode::formerr)(heard, reaction);
  });
  EXPECT_EQ(world.ask("www.shop.com.").answer(), the_answer);
  world.ask("mail.shop.com.");
  EXPECT_TRUE(world.internet().heard().back().query.edns.has_value()) << world.trace();
}

TEST(Servers, garbage_by_udp_is_fetched_by_tcp_and_then_the_next_is_asked) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    World world{{.seed = seed}};
    two_servers(world);
    world.internet().server("192.0.2.1").behaves(talks_garbage());
    EXPECT_EQ(world.ask("www.shop.com.").answer(), the_answer) << world.trace();
    EXPECT_LE(world.internet().packets_to("192.0.2.1"), 2U) << world.trace();
  }
}

TEST(Servers, errors_in_rotation_cost_no_more_than_three_packets_each) {
  World world;
  int turn = 0;
  world.site("shop.com.", "192.0.2.1").behaves([&turn](const Heard& heard, Reaction& reaction) {
    constexpr std::array codes{dns::Rcode::formerr, dns::Rcode::notimp, dns::Rcode::badvers, dns::Rcode::refused};
    says(codes[static_cast<std::size_t>(turn++) % codes.size()])(heard, reaction);
  });
  EXPECT_EQ(world.ask("www.shop.com.").rcode(), dns::Rcode::servfail);
  EXPECT_LE(world.internet().packets_to("192.0.2.1"), 4U) << world.trace();
}

TEST(Servers, that_come_back_answer_again_when_the_failure_is_forgotten) {
  World world;
  bool down = true;
  world.site("shop.com.", "192.0.2.1").behaves([&down](const Heard& heard, Reaction& reaction) {
    if (down) silent()(heard, reaction);
  });
  EXPECT_EQ(world.ask("www.shop.com.").rcode(), dns::Rcode::servfail);
  down = false;
  world.pass(6s);
  EXPECT_EQ(world.ask("www.shop.com.").answer(), the_answer) << world.trace();
}

class NeverAsked : public testing::TestWithParam<const char*> {};

TEST_P(NeverAsked, gets_no_packet_and_the_other_server_answers) {
  World world;
  for (const char* range : {"0.0.0.0/8", "10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3", "203.0.113.7",
                            "::/127", "fe80::/10", "ff00::/8"}) {
    world.settings().do_not_query.push_back(*dns::Prefix::from_text(range));
  }
  const bool v6 = std::string_view{GetParam()}.find(':') != std::string_view::npos;
  world.delegate(
      "com.",
      std::string{"shop.com. NS ns1.shop.com.\nshop.com. NS ns2.shop.com.\nns1.shop.com. A 192.0.2.1\nns2.shop.com. "} +
          (v6 ? "AAAA " : "A ") + GetParam());
  world.serve("192.0.2.1", "shop.com.", "www A 192.0.2.80");
  EXPECT_EQ(world.ask("www.shop.com.").answer(), the_answer) << world.trace();
  EXPECT_EQ(world.internet().packets_to(GetParam()), 0U) << world.trace();
}

INSTANTIATE_TEST_SUITE_P(Ranges, NeverAsked,
                         testing::Values("0.0.0.0", "0.1.2.3", "127.0.0.1", "127.255.255.255", "10.1.2.3",
                                         "169.254.1.1", "224.0.0.1", "255.255.255.255", "203.0.113.7", "::", "::1",
                                         "::ffff:127.0.0.1", "::ffff:192.0.2.9", "fe80::1", "ff02::1"),
                         [](const auto& one) {
                           std::string name{one.param};
                           for (char& letter : name)
                             letter = std::isalnum(static_cast<unsigned char>(letter)) != 0 ? letter : '_';
                           return "address_" + name;
                         });

TEST(NeverAskedTeeth, without_the_list_the_address_is_asked) {
  World world;
  world.settings().do_not_query.clear();
  world.site("shop.com.", "127.0.0.1");
  world.ask("www.shop.com.");
  EXPECT_GT(world.internet().packets_to("127.0.0.1"), 0U);
}

TEST(NeverAskedAlone, glue_of_a_server_elsewhere_is_not_all_that_it_may_have) {
  World world;
  world.settings().ipv6 = false;
  world.delegate("com.", "shop.com. NS dns.host.com.\ndns.host.com. AAAA 2001:db8::1");
  world.site("host.com.", "192.0.2.5", "dns A 192.0.2.6");
  world.serve("192.0.2.6", "shop.com.", "@ NS dns.host.com.\nwww A 192.0.2.80");
  EXPECT_EQ(world.ask("www.shop.com.").answer(), the_answer) << world.trace();
}

TEST(NeverAskedAlone, leaves_a_servfail_that_says_so) {
  World world;
  world.site("shop.com.", "127.0.0.1");
  const Answer answer = world.ask("www.shop.com.");
  EXPECT_THAT(answer.error(), HasSubstr("address that may be asked"));
  EXPECT_EQ(world.internet().packets_to("127.0.0.1"), 0U);
}

}  // namespace redoubt::sim
