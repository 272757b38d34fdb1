// What is given out after it expired (RFC 8767), and what never is (attacks K07, C10).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sim/world.hpp"
#include "tests/sim/zone_text.hpp"

namespace redoubt::sim {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

namespace {

/// shop.com with www and more of TTL 60, already asked for, and stale records allowed for a day.
class Stale : public testing::Test {
 protected:
  Stale() {
    world.settings().stale = 24h;
    world.site("shop.com.", "192.0.2.1", more);
    for (const char* name : {"x.shop.com.", "alias.shop.com."}) world.ask(name);
  }
  void fall_silent() { world.internet().server("192.0.2.1").behaves(silent()); }
  void recover(std::string_view text = more) {
    world.internet().server("192.0.2.1") =
        Server{}.serves(world.zone("shop.com.", std::string{base} + std::string{text}));
  }

  static constexpr std::string_view base = "@ NS ns\nns A 192.0.2.1\n";
  static constexpr std::string_view more = "x 60 A 192.0.2.7\nalias 3600 CNAME x\n";
  World world;
};

}  // namespace

TEST_F(Stale, answer_is_given_when_the_servers_do_not_answer) {
  fall_silent();
  world.pass(61s);
  const Answer answer = world.ask("x.shop.com.");
  EXPECT_EQ(answer.rcode(), dns::Rcode::noerror);
  EXPECT_THAT(answer.answer(), ElementsAre("x.shop.com. A 192.0.2.7"));
  EXPECT_EQ(answer.ttl(), 30U);
  EXPECT_THAT(answer.error(), StartsWith("3 at delegation shop.com.: "));
  EXPECT_GT(answer.packets, 0U) << "not without trying";
  EXPECT_LE(answer.took, 1800ms);
}

TEST_F(Stale, answer_is_never_given_while_the_servers_answer) {
  world.pass(61s);
  recover("x 60 A 192.0.2.8\n");
  const Answer answer = world.ask("x.shop.com.");
  EXPECT_THAT(answer.answer(), ElementsAre("x.shop.com. A 192.0.2.8"));
  EXPECT_EQ(answer.error(), "");
}

TEST_F(Stale, answer_is_not_given_when_the_setting_is_zero) {
  world.settings().stale = 0s;
  world.use();
  fall_silent();
  world.pass(61s);
  EXPECT_EQ(world.ask("x.shop.com.").rcode(), dns::Rcode::servfail);
}

TEST_F(Stale, answer_comes_when_the_client_has_waited_long_enough_and_the_resolution_goes_on) {
  world.settings().stale_answer_after = 300ms;
  world.use();
  fall_silent();
  world.pass(61s);
  const Answer answer = world.ask("x.shop.com.");
  EXPECT_EQ(answer.took, 300ms);
  EXPECT_THAT(answer.error(), HasSubstr("not answered in time"));
  recover("x 60 A 192.0.2.8\n");
  const Answer second = world.ask("x.shop.com.");
  EXPECT_EQ(second.took, 0ms) << "who comes while it goes on does not wait again";
  EXPECT_EQ(second.ttl(), 30U);
  world.run_for(2s);
  const Answer fresh = world.ask("x.shop.com.");
  EXPECT_EQ(fresh.packets, 0U) << "the first client's question has refreshed the cache";
  EXPECT_THAT(fresh.answer(), ElementsAre("x.shop.com. A 192.0.2.8"));
  EXPECT_EQ(fresh.error(), "");
  EXPECT_EQ(world.shared().flights.in_flight(), 0U);
}

TEST_F(Stale, answers_come_to_all_who_wait_each_in_time) {
  for (const char* server : {"192.0.2.2", "192.0.2.3", "192.0.2.4"}) world.internet().server(server).behaves(silent());
  world.delegate("com.",
                 "big.com. NS a.big.com.\nbig.com. NS b.big.com.\nbig.com. NS c.big.com.\nbig.com. NS d.big.com.\n"
                 "a.big.com. A 192.0.2.2\nb.big.com. A 192.0.2.3\nc.big.com. A 192.0.2.4\nd.big.com. A 192.0.2.5");
  world.serve("192.0.2.5", "big.com.", "@ NS a\nwww 60 A 192.0.2.9");
  while (world.ask("www.big.com.").rcode() != dns::Rcode::noerror) world.pass(10s);
  world.internet().server("192.0.2.5").behaves(silent());
  world.pass(61s);
  const auto answers = world.ask_at_once(std::vector<dns::Query>(100, World::query("www.big.com.")));
  for (const Answer& answer : answers) {
    EXPECT_THAT(answer.answer(), ElementsAre("www.big.com. A 192.0.2.9"));
    EXPECT_EQ(answer.took, 1800ms);
  }
  world.run_for(10s);
  EXPECT_EQ(world.shared().flights.waiting(), 0U);
  EXPECT_EQ(world.shared().flights.in_flight(), 0U);
}

TEST_F(Stale, answer_costs_no_packet_and_no_wait_for_half_a_minute_after_a_failure) {
  fall_silent();
  world.pass(61s);
  world.ask("x.shop.com.");
  for (int i = 0; i < 9; ++i) {
    world.pass(3s);
    const Answer answer = world.ask("x.shop.com.");
    EXPECT_THAT(answer.answer(), ElementsAre("x.shop.com. A 192.0.2.7"));
    EXPECT_EQ(answer.packets, 0U);
    EXPECT_EQ(answer.took, 0ms);
    EXPECT_THAT(answer.error(), StartsWith("3 "));
  }
  recover();
  world.pass(4s);
  const Answer fresh = world.ask("x.shop.com.");
  EXPECT_EQ(fresh.packets, 1U);
  EXPECT_EQ(fresh.error(), "");
}

TEST_F(Stale, records_are_given_for_the_time_that_is_set_and_no_second_longer) {
  fall_silent();
  world.pass(60s + 24h - 2s);
  EXPECT_EQ(world.ask("x.shop.com.").rcode(), dns::Rcode::noerror);
  world.pass(3s);
  EXPECT_EQ(world.ask("x.shop.com.").rcode(), dns::Rcode::servfail);
}

TEST_F(Stale, denial_of_the_name_says_that_it_is_one) {
  EXPECT_EQ(world.ask("gone.shop.com.").rcode(), dns::Rcode::nxdomain);
  fall_silent();
  world.pass(2h);
  const Answer answer = world.ask("gone.shop.com.");
  EXPECT_EQ(answer.rcode(), dns::Rcode::nxdomain);
  EXPECT_THAT(answer.error(), StartsWith("19 "));
  EXPECT_EQ(answer.message.authority.front().ttl.seconds(), 30U);
}

TEST_F(Stale, denial_of_a_type_is_kept_too) {
  world.ask("x.shop.com.", "AAAA");
  fall_silent();
  world.pass(2h);
  const Answer answer = world.ask("x.shop.com.", "AAAA");
  EXPECT_EQ(answer.rcode(), dns::Rcode::noerror);
  EXPECT_THAT(answer.answer(), ElementsAre());
  EXPECT_THAT(answer.error(), StartsWith("3 "));
}

TEST_F(Stale, alias_before_a_fresh_target_comes_first) {
  world.ask("x.shop.com.");
  recover("x 7200 A 192.0.2.7\n");
  world.pass(3500s);
  EXPECT_EQ(world.ask("x.shop.com.").ttl(), 7200U);
  fall_silent();
  world.pass(101s);
  const Answer answer = world.ask("alias.shop.com.");
  EXPECT_THAT(answer.answer(), ElementsAre("alias.shop.com. CNAME x.shop.com.", "x.shop.com. A 192.0.2.7"));
  EXPECT_EQ(answer.message.answer[0].ttl.seconds(), 30U);
  EXPECT_GT(answer.message.answer[1].ttl.seconds(), 7000U) << "what is fresh keeps its own time";
}

TEST_F(Stale, target_behind_a_fresh_alias_comes_last) {
  fall_silent();
  world.pass(100s);
  const Answer answer = world.ask("alias.shop.com.");
  EXPECT_THAT(answer.answer(), ElementsAre("alias.shop.com. CNAME x.shop.com.", "x.shop.com. A 192.0.2.7"));
  EXPECT_GT(answer.message.answer[0].ttl.seconds(), 3490U);
  EXPECT_EQ(answer.message.answer[1].ttl.seconds(), 30U);
}

TEST_F(Stale, records_end_with_the_servers_word_that_they_are_gone) {
  struct Case {
    const char* name;
    const char* zone;
    dns::Rcode rcode;
  };
  for (const Case& now :
       {Case{"the name", "y A 192.0.2.7\n", dns::Rcode::nxdomain}, Case{"the type", "x TXT t\n", dns::Rcode::noerror},
        Case{"an alias instead", "x 0 CNAME nowhere\n", dns::Rcode::nxdomain},
        Case{"not to be kept", "x 0 A 192.0.2.8\n", dns::Rcode::noerror}}) {
    recover();
    world.shared().cache.flush(name_from_text("shop.com."), true);
    world.ask("x.shop.com.");
    world.pass(61s);
    recover(now.zone);
    EXPECT_EQ(world.ask("x.shop.com.").rcode(), now.rcode) << now.name;
    fall_silent();
    world.pass(3h);
    const Answer later = world.ask("x.shop.com.");
    for (const std::string& record : later.answer())
      EXPECT_THAT(record, testing::Not(HasSubstr("192.0.2.7"))) << now.name;
    world.pass(1min);
  }
}

TEST_F(Stale, records_end_with_a_denial_that_has_no_soa) {
  world.pass(61s);
  world.internet().server("192.0.2.1").behaves(edits([](const Heard&, dns::Message& message) {
    message.answer.clear();
    message.authority.clear();
    message.header.rcode_low = 3;
  }));
  EXPECT_EQ(world.ask("x.shop.com.").rcode(), dns::Rcode::nxdomain);
  fall_silent();
  world.pass(10s);
  EXPECT_EQ(world.ask("x.shop.com.").rcode(), dns::Rcode::servfail);
}

TEST_F(Stale, records_are_not_given_once_a_name_above_was_denied) {
  world.settings().minimisation = resolver::Minimisation::off;  // or b.deep.com would be known not to be empty
  world.use();
  world.site("deep.com.", "192.0.2.2", "a.b 60 A 192.0.2.7");
  world.ask("a.b.deep.com.");
  world.pass(61s);
  world.internet().server("192.0.2.2") = Server{}.serves(world.zone("deep.com.", "@ NS ns\nns A 192.0.2.2\n"));
  EXPECT_EQ(world.ask("b.deep.com.").rcode(), dns::Rcode::nxdomain);
  world.internet().server("192.0.2.2").behaves(silent());
  for (const Duration later : {Duration{1s}, Duration{1h}, Duration{20h}}) {
    world.pass(later);
    const Answer answer = world.ask("a.b.deep.com.");
    EXPECT_THAT(answer.answer(), ElementsAre());
  }
}

TEST_F(Stale, delegation_is_none_a_withdrawn_zone_is_gone_when_the_parents_ttl_is_up) {
  world.delegate("com.", "ghost.com. 60 NS ns.ghost.com.\nns.ghost.com. 60 A 192.0.2.6");
  Server& child = world.serve("192.0.2.6", "ghost.com.", "@ 86400 NS ns\nns 86400 A 192.0.2.6\nwww 10 A 192.0.2.7");
  EXPECT_EQ(world.ask("www.ghost.com.").rcode(), dns::Rcode::noerror);
  world.internet().server("198.51.100.2") = Server{}.serves(world.zone("com.", "@ 86400 NS ns\nns A 198.51.100.2\n"));
  for (int second = 1; second <= 60; second += 5) {
    world.pass(5s);
    for (const char* type : {"NS", "A", "AAAA"}) world.ask("ns.ghost.com.", type);
    world.ask("ghost.com.", "NS");
  }
  EXPECT_EQ(world.ask("www.ghost.com.").rcode(), dns::Rcode::nxdomain) << world.trace();
  child.behaves(silent());
  world.internet().server("198.51.100.2").behaves(silent());
  world.pass(2h);
  EXPECT_THAT(world.ask("www.ghost.com.").answer(), ElementsAre()) << "nor when the parent cannot be asked any more";
}

TEST_F(Stale, failures_are_told_as_failures) {
  fall_silent();
  EXPECT_EQ(world.ask("new.shop.com.").rcode(), dns::Rcode::servfail);
  world.pass(10s);
  const Answer answer = world.ask("new.shop.com.");
  EXPECT_EQ(answer.rcode(), dns::Rcode::servfail);
  EXPECT_GT(answer.packets, 0U) << "a failure is not kept longer than it was";
}

TEST_F(Stale, answer_is_given_when_there_are_too_many_resolutions) {
  world.limit("resolutions", 10);
  world.use();
  world.pass(61s);
  std::vector<dns::Query> queries;
  for (int i = 0; i < 10; ++i) queries.push_back(World::query("n" + std::to_string(i) + ".shop.com."));
  queries.push_back(World::query("x.shop.com."));
  const auto answers = world.ask_at_once(queries);
  EXPECT_THAT(answers.back().answer(), ElementsAre("x.shop.com. A 192.0.2.7"));
  EXPECT_THAT(answers.back().error(), HasSubstr("resolutions"));
}

TEST_F(Stale, answer_is_given_when_the_work_budget_is_spent) {
  world.limit("question-time", 1000);
  world.use();
  fall_silent();
  world.pass(61s);
  const Answer answer = world.ask("x.shop.com.");
  EXPECT_THAT(answer.answer(), ElementsAre("x.shop.com. A 192.0.2.7"));
  EXPECT_THAT(answer.error(), HasSubstr("limit question-time reached"));
  EXPECT_EQ(answer.took, 1000ms);
}

TEST_F(Stale, answers_keep_every_timer_in_every_combination) {
  const std::vector<Behaviour> troubles{silent(), says(dns::Rcode::servfail), talks_garbage()};
  for (const auto kept : {std::chrono::seconds{1h}, std::chrono::seconds{24h}, std::chrono::seconds{7 * 24h}}) {
    for (const auto timer : {0ms, 600ms, 1800ms}) {
      for (std::size_t trouble = 0; trouble < troubles.size(); ++trouble) {
        World one;
        one.settings().stale = kept;
        one.settings().stale_answer_after = timer;
        Server& server = one.site("shop.com.", "192.0.2.1", "x 60 A 192.0.2.7");
        one.ask("x.shop.com.");
        server.behaves(troubles[trouble]);
        for (int step = 0; step < 40; ++step) {
          one.run_for(step < 20 ? Duration{7s} : Duration{kept} / 18);
          const Duration age = one.clock().now() - VirtualClock::beginning;
          const Answer answer = one.ask("x.shop.com.");
          EXPECT_LE(answer.took, std::max<Duration>(1800ms, timer));
          if (answer.rcode() != dns::Rcode::noerror) continue;
          EXPECT_LE(age, 61s + kept);
          EXPECT_LE(answer.ttl(), 60U);
        }
        EXPECT_EQ(one.ask("x.shop.com.").rcode(), dns::Rcode::servfail);
      }
    }
  }
}

}  // namespace redoubt::sim
