#include "resolver/forward/upstream.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "resolver/forward/abroad.hpp"
#include "resolver/forward/upstreams.hpp"

namespace redoubt::resolver {
namespace {

using namespace std::chrono_literals;
using Health = Upstream::Health;

constexpr Instant start{std::chrono::hours{1000}};
constexpr std::uint64_t long_queue = 1'000'000;

Upstream upstream() { return Upstream{*dns::Endpoint::from_text("192.0.2.1@53", 53)}; }

TEST(Upstream, patience_follows_what_nearly_all_answers_take) {
  Upstream server = upstream();
  EXPECT_EQ(server.standing(start).patience, 150ms) << "nobody knows yet";
  for (int i = 0; i < 100; ++i) server.answered(2ms);
  EXPECT_EQ(server.standing(start).patience, 20ms) << "never less";
  for (int i = 0; i < 100; ++i) server.answered(i % 2 == 0 ? 40ms : 60ms);
  EXPECT_GT(server.standing(start).patience, 60ms);
  EXPECT_LT(server.standing(start).patience, 120ms);
  for (int i = 0; i < 100; ++i) server.answered(2s);
  EXPECT_EQ(server.standing(start).patience, 400ms) << "never more";
}

TEST(Upstream, is_aside_after_three_misses_in_a_row_and_probed_by_one) {
  Upstream server = upstream();
  server.overtaken(start);
  server.timed_out(true, NetworkFault::timed_out, start);
  server.timed_out(false, NetworkFault::timed_out, start);
  EXPECT_EQ(server.standing(start).health, Health::well) << "one query that was overtaken and timed out is one miss";
  server.answered(20ms);
  for (int i = 0; i < 3; ++i) server.overtaken(start);
  EXPECT_EQ(server.standing(start).health, Health::aside);
  EXPECT_EQ(server.standing(start + 1s).health, Health::probe);
  EXPECT_EQ(server.standing(start + 1s).health, Health::aside) << "others wait for what the probe finds";
  server.timed_out(false, NetworkFault::timed_out, start + 1500ms);
  EXPECT_EQ(server.standing(start + 3s).health, Health::aside) << "longer than before";
  EXPECT_EQ(server.standing(start + 3500ms).health, Health::probe);
  server.answered(std::nullopt);
  EXPECT_EQ(server.standing(start + 3500ms).health, Health::well);
}

TEST(Upstream, rest_is_half_a_minute_at_most) {
  Upstream server = upstream();
  Instant now = start;
  for (int i = 0; i < 3; ++i) server.timed_out(false, NetworkFault::timed_out, now);
  for (int i = 0; i < 20; ++i) {
    now = server.figures(now).aside_until;
    ASSERT_EQ(server.standing(now).health, Health::probe);
    server.timed_out(false, NetworkFault::timed_out, now);
    EXPECT_LE(server.figures(now).aside_until - now, 30s);
  }
  EXPECT_EQ(server.figures(now).aside_until - now, 30s);
}

TEST(Upstream, those_under_way_when_it_went_aside_do_not_make_it_worse) {
  Upstream server = upstream();
  for (int i = 0; i < 500; ++i) server.overtaken(start);
  EXPECT_EQ(server.figures(start).aside_until, start + 1s);
}

/// Departures of all that may leave when as many as can be ask at each millisecond.
std::vector<Instant> departures(Upstream& server, std::uint32_t rate, int milliseconds, int at_once) {
  std::vector<Instant> all;
  for (int i = 0; i < milliseconds; ++i) {
    for (int j = 0; j < at_once; ++j) {
      const Instant now = start + i * 1ms;
      if (const auto at = server.reserve(rate, 1, now, now, long_queue)) all.push_back(*at);
    }
  }
  return all;
}

TEST(Upstream, never_gets_more_than_its_rate_and_a_fiftieth_in_any_second) {
  Upstream server = upstream();
  const auto all = departures(server, 1000, 5000, 10);
  std::size_t most = 0;
  for (std::size_t first = 0, last = 0; last < all.size(); ++last) {
    while (all[last] - all[first] >= 1s) ++first;
    most = std::max(most, last - first + 1);
  }
  EXPECT_LE(most, 1021U);
  EXPECT_GE(all.size(), 5000U) << "and no less than its rate";
}

TEST(Upstream, queue_is_first_come_first_served_and_bounded) {
  Upstream server = upstream();
  Instant before = start;
  int reserved = 0;
  while (const auto at = server.reserve(1000, 1, start, start + 10s, 100)) {
    EXPECT_GE(*at, before);
    before = *at;
    ++reserved;
  }
  EXPECT_GE(reserved, 120) << "what may leave at once, and a hundred in line";
  EXPECT_LE(reserved, 122);
  EXPECT_EQ(server.figures(start).waiting, 100U);
  EXPECT_FALSE(server.reserve(1000, 1, start, start + 10s, 100)) << "and what was refused has reserved nothing";
  EXPECT_EQ(server.figures(start).waiting, 100U);
  EXPECT_TRUE(server.reserve(1000, 1, start + 1ms, start + 10s, 100));
}

TEST(Upstream, what_could_not_leave_in_time_is_refused) {
  Upstream server = upstream();
  while (server.reserve(10, 1, start, start, long_queue)) {
  }
  EXPECT_FALSE(server.reserve(10, 1, start, start + 50ms, long_queue));
  EXPECT_TRUE(server.reserve(10, 1, start, start + 200ms, long_queue));
}

TEST(Upstreams, are_listed_each_once_even_before_they_were_asked) {
  Upstreams upstreams{dns::HashKey{1}};
  Route one{.zone = dns::Name::literal("a."), .to = {{*dns::IpAddress::from_text("192.0.2.1"), 53}}};
  Route two{.zone = dns::Name::literal("b."),
            .to = {{*dns::IpAddress::from_text("192.0.2.1"), 53}, {*dns::IpAddress::from_text("192.0.2.2"), 53}}};
  upstreams.at(one.to[0])->sent();
  const auto figures = upstreams.figures(Routes{{one, two}}, start);
  ASSERT_EQ(figures.size(), 2U);
  EXPECT_EQ(figures[0].queries, 1U);
  EXPECT_EQ(figures[1].queries, 0U);
}

TEST(Routes, longest_zone_at_or_above_the_name_counts) {
  const auto named = [](std::string_view zone) { return Route{.zone = dns::Name::literal(zone), .to = {}}; };
  const Routes routes{{named("example."), named("corp.example."), named("z.")}};
  EXPECT_EQ(routes.above(dns::Name::literal("www.corp.example."))->zone, dns::Name::literal("corp.example."));
  EXPECT_EQ(routes.above(dns::Name::literal("CORP.example."))->zone, dns::Name::literal("corp.example."));
  EXPECT_EQ(routes.above(dns::Name::literal("xcorp.example."))->zone, dns::Name::literal("example."));
  EXPECT_EQ(routes.above(dns::Name::literal("org.")), nullptr);
  EXPECT_EQ(routes.above(dns::Name{}), nullptr);
  EXPECT_EQ(routes.of({dns::Name::literal("corp.example."), dns::type::ds})->zone, dns::Name::literal("example."));
  EXPECT_TRUE(routes.any_below(dns::Name{}));
  EXPECT_TRUE(routes.any_below(dns::Name::literal("example.")));
  EXPECT_FALSE(routes.any_below(dns::Name::literal("corp.example.")));
}

TEST(Routes, one_server_has_the_lowest_rate_of_all_its_routes) {
  const dns::Endpoint server = *dns::Endpoint::from_text("192.0.2.1@53", 53);
  const Routes routes{{Route{.zone = dns::Name::literal("a."), .to = {server}, .max_rate = 1000},
                       Route{.zone = dns::Name::literal("b."), .to = {server}, .max_rate = 500},
                       Route{.zone = dns::Name::literal("c."), .to = {server}}}};
  for (const Route& route : routes.all()) EXPECT_EQ(route.max_rate, 500U);
}

TEST(Routes, changed_zones_are_those_that_came_went_or_moved) {
  const dns::Endpoint one = *dns::Endpoint::from_text("192.0.2.1@53", 53);
  const dns::Endpoint two = *dns::Endpoint::from_text("192.0.2.2@53", 53);
  const auto zone = [](std::string_view name, const dns::Endpoint& to) {
    return Route{.zone = dns::Name::literal(name), .to = {to}};
  };
  const auto changed = changed_zones(Routes{{zone("same.", one), zone("gone.", one), zone("moved.", one)}},
                                     Routes{{zone("same.", one), zone("new.", one), zone("moved.", two)}});
  EXPECT_EQ(changed, (std::vector<dns::Name>{dns::Name::literal("gone."), dns::Name::literal("moved."),
                                             dns::Name::literal("new.")}));
}

TEST(Abroad, question_comes_back_in_our_own_case_or_from_the_upstream) {
  Abroad abroad;
  const auto upstream = *dns::IpAddress::from_text("192.0.2.1");
  const auto stranger = *dns::IpAddress::from_text("192.0.2.99");
  const auto asked = [](std::string_view name) { return dns::Question{dns::Name::literal(name), dns::type::a}; };
  {
    const Abroad::Ticket ticket{abroad, asked("wWw.ExAmPle.CoM."), upstream};
    EXPECT_EQ(abroad.is_returning(asked("www.example.com."), stranger), Abroad::Return::no);
    EXPECT_FALSE(ticket.came_back());
    EXPECT_EQ(abroad.is_returning(asked("www.example.com."), upstream), Abroad::Return::perhaps);
    EXPECT_EQ(abroad.is_returning(asked("wWw.ExAmPle.CoM."), stranger), Abroad::Return::yes);
    EXPECT_TRUE(ticket.came_back());
    EXPECT_EQ(abroad.is_returning({dns::Name::literal("wWw.ExAmPle.CoM."), dns::type::aaaa}, upstream),
              Abroad::Return::no);
  }
  EXPECT_EQ(abroad.is_returning(asked("wWw.ExAmPle.CoM."), upstream), Abroad::Return::no) << "no longer out";
}

TEST(Abroad, case_that_others_have_too_tells_nothing) {
  Abroad abroad;
  const auto upstream = *dns::IpAddress::from_text("192.0.2.1");
  const auto stranger = *dns::IpAddress::from_text("192.0.2.99");
  for (const char* name : {"www.example.com.", "WWW.EXAMPLE.COM.", "aB.Cd."}) {
    const dns::Question question{dns::Name::literal(name), dns::type::a};
    const Abroad::Ticket ticket{abroad, question, upstream};
    EXPECT_EQ(abroad.is_returning(question, stranger), Abroad::Return::no) << name;
  }
}

}  // namespace
}  // namespace redoubt::resolver
