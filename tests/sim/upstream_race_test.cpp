// Several upstreams of one zone: who is asked first, who is raced, what they may get, and forwarders in a ring.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "tests/sim/world.hpp"
#include "tests/sim/zone_text.hpp"

namespace redoubt::sim {

using resolver::Route;
using resolver::UpstreamOrder;
using testing::HasSubstr;

namespace {

constexpr std::string_view one = "10.0.0.1";
constexpr std::string_view two = "10.0.0.2";
constexpr std::string_view everything = "* A 10.0.0.80\n* 5 TXT five\n";

dns::Endpoint at(std::string_view text) { return *dns::Endpoint::from_text(text, 53); }

Route route_to(std::vector<std::string_view> servers, UpstreamOrder order = UpstreamOrder::configured) {
  Route route;
  route.zone = name_from_text("corp.example.");
  route.order = order;
  for (const std::string_view server : servers) route.to.push_back(at(server));
  return route;
}

void use_route(World& world, Route route) {
  world.settings().routes = resolver::Routes{{std::move(route)}};
  world.use();
}

Server& forwarder(World& world, std::string_view address, Duration round_trip) {
  return world.serve(address, "corp.example.", everything).round_trip(round_trip);
}

std::string name(int i) { return "n" + std::to_string(i) + ".corp.example."; }

resolver::UpstreamFigures figures(World& world, std::string_view address) {
  for (const auto& row : world.shared().upstreams.figures(world.settings().routes, world.clock().now())) {
    if (row.at == at(address)) return row;
  }
  return {};
}

/// Nothing in [from, from + time); what was asked then is answered when it is over.
Behaviour stalls(Instant from, Duration time) {
  return [from, time](const Heard& heard, Reaction& reaction) {
    if (heard.when < from || heard.when >= from + time) return;
    for (Delivery& delivery : reaction.deliveries) delivery.after += from + time - heard.when;
  };
}

Behaviour loses(resolver::Random& random, std::uint32_t per_mille) {
  return [&random, per_mille](const Heard&, Reaction& reaction) {
    if (random.below(1000) < per_mille) reaction.deliveries.clear();
  };
}

}  // namespace

TEST(UpstreamRace, first_of_the_list_gets_all_when_it_answers) {
  World world;
  forwarder(world, one, 30ms);
  forwarder(world, two, 1ms);
  use_route(world, route_to({one, two}));
  for (int i = 0; i < 50; ++i) world.ask(name(i));
  EXPECT_EQ(world.internet().packets_to(one), 50U);
  EXPECT_EQ(world.internet().packets_to(two), 0U) << world.trace();
}

TEST(UpstreamRace, fastest_gets_nearly_all_and_the_other_is_tried_now_and_then) {
  World world;
  forwarder(world, one, 60ms);
  forwarder(world, two, 10ms);
  use_route(world, route_to({one, two}, UpstreamOrder::fastest));
  for (int i = 0; i < 1000; ++i) world.ask(name(i));
  EXPECT_GT(world.internet().packets_to(two), 950U);
  EXPECT_GT(world.internet().packets_to(one), 1U);
  EXPECT_LT(world.internet().packets_to(one), 60U);
}

TEST(UpstreamRace, one_that_got_faster_is_found) {
  World world;
  forwarder(world, one, 200ms);
  forwarder(world, two, 20ms);
  use_route(world, route_to({one, two}, UpstreamOrder::fastest));
  for (int i = 0; i < 100; ++i) world.ask(name(i));
  world.internet().server(one).round_trip(2ms);
  for (int i = 100; i < 2000; ++i) world.ask(name(i));
  const std::size_t before = world.internet().packets_to(one);
  for (int i = 2000; i < 2100; ++i) world.ask(name(i));
  EXPECT_GT(world.internet().packets_to(one) - before, 80U);
}

TEST(UpstreamRace, late_one_is_raced_by_the_next_after_what_it_usually_takes) {
  World world;
  forwarder(world, one, 10ms);
  forwarder(world, two, 10ms);
  use_route(world, route_to({one, two}));
  for (int i = 0; i < 20; ++i) world.ask(name(i));
  world.internet().server(one).behaves(silent());
  const Answer answer = world.ask("late.corp.example.");
  EXPECT_EQ(answer.rcode(), dns::Rcode::noerror);
  EXPECT_LE(answer.took, 40ms) << world.trace();
  EXPECT_EQ(answer.packets, 2U);
}

TEST(UpstreamRace, late_answer_after_all_is_dropped_and_says_that_its_upstream_is_there) {
  World world;
  forwarder(world, one, 10ms);
  forwarder(world, two, 10ms);
  use_route(world, route_to({one, two}));
  for (int i = 0; i < 20; ++i) world.ask(name(i));
  world.internet().server(one).round_trip(800ms);
  for (int i = 20; i < 23; ++i) world.ask(name(i));
  EXPECT_GT(figures(world, one).aside_until, world.clock().now());
  world.run_for(2s);
  EXPECT_EQ(figures(world, one).aside_until, resolver::Instant{});
  EXPECT_EQ(figures(world, one).answers, 23U);
  EXPECT_EQ(figures(world, one).overtaken, 3U);
  EXPECT_EQ(figures(world, one).timeouts, 0U);
}

TEST(UpstreamRace, dead_one_is_put_aside_and_probed_until_it_is_back) {
  World world;
  forwarder(world, one, 10ms).behaves(stalls(VirtualClock::beginning, 60s));
  forwarder(world, two, 10ms);
  use_route(world, route_to({one, two}));
  for (int i = 0; i < 500; ++i) {
    world.ask(name(i));
    world.run_for(100ms);
  }
  EXPECT_LE(world.internet().packets_to(one), 12U) << "three, and a probe each time that its rest is over";
  world.run_for(40s);
  for (int i = 500; i < 600; ++i) {
    world.ask(name(i));
    world.run_for(10ms);
  }
  EXPECT_GE(world.internet().packets_to(one), 90U) << "it has all of it again";
}

TEST(UpstreamRace, servfail_and_refused_send_the_question_to_the_next_at_once) {
  for (const dns::Rcode rcode : {dns::Rcode::servfail, dns::Rcode::refused, dns::Rcode::notimp}) {
    World world;
    forwarder(world, one, 10ms).behaves(says(rcode));
    forwarder(world, two, 10ms);
    use_route(world, route_to({one, two}));
    const Answer answer = world.ask("www.corp.example.");
    EXPECT_EQ(answer.rcode(), dns::Rcode::noerror);
    EXPECT_LE(answer.took, 30ms) << world.trace();
  }
}

TEST(UpstreamRace, servfail_does_not_put_an_upstream_aside_for_it_may_be_the_question_s_fault) {
  World world;
  forwarder(world, one, 10ms).behaves([](const Heard& heard, Reaction& reaction) {
    if (!heard.query.question->name.to_text().starts_with("bad")) return;
    says(dns::Rcode::servfail)(heard, reaction);
  });
  forwarder(world, two, 10ms);
  use_route(world, route_to({one, two}));
  for (int i = 0; i < 20; ++i) world.ask("bad" + name(i));
  const std::size_t before = world.internet().packets_to(two);
  world.ask("www.corp.example.");
  EXPECT_EQ(world.internet().packets_to(two), before);
}

TEST(UpstreamRace, raced_packets_are_charged_to_the_question) {
  World world;
  forwarder(world, one, 10ms).behaves(silent());
  forwarder(world, two, 10ms).behaves(silent());
  Route route = route_to({one, two});
  use_route(world, route);
  const Answer all = world.ask("a.corp.example.");
  EXPECT_EQ(all.rcode(), dns::Rcode::servfail);
  EXPECT_LE(all.packets, 6U) << "three for each";
  EXPECT_LE(all.took, 4500ms);
  EXPECT_THAT(all.error(), HasSubstr("no answer in time"));
  route.first = true;  // what the upstreams did not use is there for iteration
  use_route(world, route);
  world.limit("upstream-queries", 10);
  world.use();
  EXPECT_LE(world.ask("b.corp.example.").packets, 10U);
}

TEST(UpstreamRace, six_second_stall_and_loss_are_seen_by_no_client) {
  World world{{.cache_octets = 64U << 20}};
  forwarder(world, one, 2ms).behaves(loses(world.random(), 5)).behaves(stalls(VirtualClock::beginning + 5s, 6s));
  forwarder(world, two, 8ms).behaves(loses(world.random(), 5));
  use_route(world, route_to({one, two}, UpstreamOrder::fastest));
  std::vector<dns::Query> queries;
  for (int i = 0; i < 20'000; ++i) queries.push_back(World::query(name(i)));
  const auto answers = world.ask_in_turn(queries, 1ms);
  std::size_t lost = 0;
  std::vector<Duration> times;
  for (const Answer& answer : answers) {
    lost += answer.rcode() == dns::Rcode::noerror && !answer.message.answer.empty() ? 0 : 1;
    times.push_back(answer.took);
  }
  std::ranges::sort(times);
  const auto milliseconds = [](Duration time) { return std::chrono::duration<double, std::milli>(time).count(); };
  RecordProperty("p50_ms", std::to_string(milliseconds(times[10'000])));
  RecordProperty("p99_ms", std::to_string(milliseconds(times[19'800])));
  RecordProperty("worst_ms", std::to_string(milliseconds(times.back())));
  RecordProperty("packets", std::to_string(world.internet().packets()));
  std::printf("p50 %.1f ms, p99 %.1f ms, p99.9 %.1f ms, worst %.1f ms, %zu packets for 20000 queries\n",
              milliseconds(times[10'000]), milliseconds(times[19'800]), milliseconds(times[19'980]),
              milliseconds(times.back()), world.internet().packets());
  EXPECT_EQ(lost, 0U);
  EXPECT_LT(times.back(), 1s);
  EXPECT_LT(world.internet().packets(), 22'000U) << "and it costs few packets";
}

TEST(UpstreamRace, six_second_stall_has_teeth_with_that_upstream_alone) {
  World world;
  forwarder(world, one, 2ms).behaves(stalls(VirtualClock::beginning, 6s));
  use_route(world, route_to({one}));
  EXPECT_GE(world.ask("www.corp.example.").took, 1s);
}

namespace {

/// A cloud's endpoint: 1024 packets in each of its seconds, the rest is dropped without a word.
struct Endpoint {
  std::map<std::int64_t, std::size_t> seconds;
  std::size_t dropped = 0;
  Behaviour behaviour() {
    return [this](const Heard& heard, Reaction& reaction) {
      const auto second = std::chrono::duration_cast<std::chrono::seconds>(heard.when.time_since_epoch()).count();
      if (++seconds[second] <= 1024) return;
      ++dropped;
      reaction.deliveries.clear();
    };
  }
};

/// 5,000 queries a second for ten seconds, of two thousand names whose records live for five seconds.
std::vector<Answer> flood(World& world) {
  std::vector<dns::Query> queries;
  for (int i = 0; i < 50'000; ++i)
    queries.push_back(World::query(name(static_cast<int>(world.random().below(2000))), "TXT"));
  return world.ask_in_turn(queries, 200us);
}

}  // namespace

TEST(PacketBudget, endpoint_that_drops_past_1024_a_second_drops_nothing) {
  World world{{.cache_octets = 64U << 20}};
  Endpoint endpoint;
  forwarder(world, one, 2ms).behaves(endpoint.behaviour());
  Route route = route_to({one});
  route.max_rate = 1000;
  use_route(world, route);
  std::size_t lost = 0;
  Duration worst{};
  for (const Answer& answer : flood(world)) {
    lost += answer.rcode() == dns::Rcode::noerror && !answer.message.answer.empty() ? 0 : 1;
    worst = std::max(worst, answer.took);
  }
  std::printf("worst %.0f ms, %zu packets for 50000 queries\n",
              std::chrono::duration<double, std::milli>(worst).count(), world.internet().packets());
  EXPECT_EQ(endpoint.dropped, 0U);
  EXPECT_EQ(lost, 0U);
  EXPECT_GT(world.internet().packets(), 3000U) << "the endpoint was not even near its bound";
}

TEST(PacketBudget, endpoint_that_drops_past_1024_a_second_has_teeth_without_the_budget) {
  World world{{.cache_octets = 64U << 20}};
  Endpoint endpoint;
  forwarder(world, one, 2ms).behaves(endpoint.behaviour());
  use_route(world, route_to({one}));
  flood(world);
  EXPECT_GT(endpoint.dropped, 100U);
}

TEST(PacketBudget, full_queue_is_servfail_that_names_it_and_is_not_remembered) {
  World world;
  forwarder(world, one, 2ms);
  world.limit("upstream-queue", 20);
  Route route = route_to({one});
  route.max_rate = 50;
  use_route(world, route);
  std::vector<dns::Query> queries;
  for (int i = 0; i < 100; ++i) queries.push_back(World::query(name(i)));
  std::size_t answered = 0;
  for (const Answer& answer : world.ask_at_once(queries)) {
    if (answer.rcode() == dns::Rcode::noerror) {
      ++answered;
    } else {
      EXPECT_THAT(answer.error(), HasSubstr("max-rate of 50 packets a second"));
    }
  }
  EXPECT_EQ(answered, 21U) << "one at once, twenty in line";
  EXPECT_EQ(figures(world, one).refused, 79U);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(world.ask(name(i)).rcode(), dns::Rcode::noerror) << name(i);
}

TEST(PacketBudget, equal_questions_cost_one_packet) {
  World world;
  forwarder(world, one, 2ms);
  Route route = route_to({one});
  route.max_rate = 10;
  use_route(world, route);
  for (const Answer& answer : world.ask_at_once(std::vector<dns::Query>(500, World::query("www.corp.example."))))
    EXPECT_EQ(answer.rcode(), dns::Rcode::noerror);
  EXPECT_EQ(world.internet().packets(), 1U);
}

TEST(PacketBudget, what_one_upstream_may_not_get_goes_to_the_other) {
  World world;
  forwarder(world, one, 2ms);
  forwarder(world, two, 2ms);
  Route route = route_to({one, two});
  route.max_rate = 50;
  use_route(world, route);
  std::vector<dns::Query> queries;
  for (int i = 0; i < 2; ++i) queries.push_back(World::query(name(i)));
  for (const Answer& answer : world.ask_at_once(queries)) EXPECT_LE(answer.took, 10ms);
  EXPECT_EQ(world.internet().packets_to(two), 1U) << world.trace();
}

namespace {

/// A forwarder that hands everything back to us. It keeps the letters' case, or writes names its own way.
struct Mirror {
  World* world;
  std::string address;
  bool keeps_case;
  std::vector<Answer> answers;
  std::size_t asked = 0;

  Behaviour behaviour() {
    return [this](const Heard& heard, Reaction& reaction) {
      ++asked;
      dns::Query query = World::query(heard.query.question->name.to_text());
      query.question.type = heard.query.question->type;
      if (!keeps_case) query.question.name = query.question.name.lowercased();
      world->send(query, *dns::IpAddress::from_text(address), [this](std::optional<Answer> answer) {
        if (answer) answers.push_back(*std::move(answer));
      });
      says(dns::Rcode::servfail)(heard, reaction);
      for (Delivery& delivery : reaction.deliveries) delivery.after = 1s;
    };
  }
};

}  // namespace

TEST(ForwarderLoop, through_one_that_keeps_the_case_is_broken_at_once) {
  World world;
  Mirror mirror{&world, "10.0.0.77", true, {}, 0};  // it asks us from yet another address
  forwarder(world, one, 10ms).behaves(mirror.behaviour());
  use_route(world, route_to({one}));
  const Answer answer = world.ask("www.long-enough.corp.example.");
  ASSERT_FALSE(mirror.answers.empty());
  EXPECT_EQ(mirror.answers.front().rcode(), dns::Rcode::servfail);
  EXPECT_THAT(mirror.answers.front().error(), HasSubstr("forwarding loop"));
  EXPECT_EQ(answer.rcode(), dns::Rcode::servfail);
  EXPECT_THAT(answer.error(), HasSubstr("forwarding loop"));
  EXPECT_LE(answer.packets, 3U) << world.trace();
}

TEST(ForwarderLoop, through_one_that_loses_the_case_is_broken_within_a_second) {
  World world;
  Mirror mirror{&world, std::string{one}, false, {}, 0};
  forwarder(world, one, 10ms).behaves(mirror.behaviour());
  use_route(world, route_to({one}));
  const Answer answer = world.ask("www.long-enough.corp.example.");
  ASSERT_FALSE(mirror.answers.empty());
  EXPECT_THAT(mirror.answers.front().error(), HasSubstr("forwarding loop"));
  EXPECT_LE(answer.packets, 5U) << world.trace();
  EXPECT_THAT(answer.error(), HasSubstr("forwarding loop"));
}

TEST(ForwarderLoop, forged_query_of_an_upstream_ends_nothing) {
  World world;
  std::vector<Answer> forged;
  forwarder(world, one, 50ms).behaves([&](const Heard& heard, Reaction&) {
    dns::Query query = World::query(heard.query.question->name.lowercased().to_text());
    world.send(query, *dns::IpAddress::from_text(one), [&](std::optional<Answer> answer) {
      if (answer) forged.push_back(*std::move(answer));
    });
  });
  use_route(world, route_to({one}));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(world.ask("victim" + name(i)).rcode(), dns::Rcode::noerror);
  EXPECT_EQ(figures(world, one).aside_until, resolver::Instant{}) << "the upstream stays in use";
  world.run_for(1s);
  ASSERT_EQ(forged.size(), 20U);
  for (const Answer& answer : forged)
    EXPECT_EQ(answer.rcode(), dns::Rcode::noerror) << "a client on the upstream's own machine is served too";
}

}  // namespace redoubt::sim
