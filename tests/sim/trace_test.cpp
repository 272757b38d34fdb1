// What an operator is told of a resolution.
#include "resolver/trace.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>

#include "tests/sim/world.hpp"
#include "tests/sim/zone_text.hpp"

namespace redoubt::sim {

using resolver::TraceEvent;
using resolver::TraceKind;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::UnorderedElementsAre;

class Listener final : public resolver::Trace {
 public:
  void note(TraceEvent event) override { events.push_back(std::move(event)); }
  /// "zone server transport question: verdict" of each exchange.
  std::vector<std::string> exchanges() const {
    std::vector<std::string> lines;
    for (const TraceEvent& event : events) {
      if (event.kind != TraceKind::exchange) continue;
      lines.push_back(event.zone.to_text() + " " + event.server->to_text() + " " +
                      (event.transport == UpstreamTransport::udp ? "udp " : "tcp ") + event.question.name.to_text() +
                      ": " + event.verdict);
    }
    return lines;
  }
  /// "zone server verdict" of each server that is put aside.
  std::vector<std::string> aside() const {
    std::vector<std::string> lines;
    for (const TraceEvent& event : events) {
      if (event.kind != TraceKind::aside) continue;
      lines.push_back(event.server ? event.zone.to_text() + " " + event.server->to_text() + " " + event.verdict
                                   : event.verdict);
    }
    return lines;
  }
  std::vector<TraceEvent> events;
};

class TraceTest : public testing::Test {
 protected:
  TraceTest() { world_.site("shop.com.", "192.0.2.1", "alias CNAME www\n"); }
  World world_;
  Listener listener_;
};

TEST_F(TraceTest, tells_each_server_and_what_it_said) {
  const auto outcome = world_.trace(World::query("www.shop.com."), listener_);
  EXPECT_EQ(outcome->rcode, dns::Rcode::noerror);
  EXPECT_THAT(listener_.exchanges(), ElementsAre(". 198.51.100.1 udp com.: referral to com., 1 server",
                                                 "com. 198.51.100.2 udp shop.com.: referral to shop.com., 1 server",
                                                 "shop.com. 192.0.2.1 udp www.shop.com.: answer of 1 record"));
  EXPECT_EQ(listener_.events.back().kind, TraceKind::end);
  EXPECT_EQ(listener_.events.back().verdict, "NOERROR");
  for (const TraceEvent& event : listener_.events) {
    if (event.kind == TraceKind::exchange) {
      EXPECT_EQ(event.took, 20ms);
      EXPECT_FALSE(event.server_name.is_root());
    }
  }
}

TEST_F(TraceTest, of_what_is_known_is_short_unless_it_is_to_be_fresh) {
  world_.ask("www.shop.com.");
  world_.trace(World::query("www.shop.com."), listener_);
  EXPECT_THAT(listener_.exchanges(), ElementsAre());
  EXPECT_EQ(listener_.events.front().kind, TraceKind::cache);
  world_.trace(World::query("www.shop.com."), listener_, true);
  EXPECT_EQ(listener_.exchanges().size(), 1U);
}

TEST_F(TraceTest, tells_troubles_and_other_ways) {
  world_.internet().server("192.0.2.1").behaves(truncates());
  world_.trace(World::query("alias.shop.com."), listener_);
  EXPECT_THAT(listener_.exchanges().at(2), HasSubstr("udp alias.shop.com.: truncated; asked again by TCP"));
  EXPECT_THAT(listener_.exchanges().at(3),
              HasSubstr("tcp alias.shop.com.: alias to www.shop.com.: answer of 1 record"));
}

TEST_F(TraceTest, tells_why_it_failed) {
  world_.internet().server("192.0.2.1").behaves(silent());
  const auto outcome = world_.trace(World::query("www.shop.com."), listener_);
  EXPECT_EQ(outcome->rcode, dns::Rcode::servfail);
  EXPECT_THAT(listener_.exchanges().back(), HasSubstr("no answer in time"));
  EXPECT_THAT(listener_.events.back().verdict, HasSubstr("at delegation shop.com."));
}

TEST_F(TraceTest, tells_of_servers_whose_address_is_looked_up) {
  world_.delegate("com.", "bank.com. NS ns.bank.net.");
  world_.site("bank.net.", "192.0.2.2", "");
  world_.internet().server("192.0.2.2").serves(world_.zone("bank.com.", "@ NS ns.bank.net.\nwww A 192.0.2.80\n"));
  world_.trace(World::query("www.bank.com."), listener_);
  const auto looked_up = std::ranges::find(listener_.events, TraceKind::look_up, &TraceEvent::kind);
  ASSERT_NE(looked_up, listener_.events.end());
  EXPECT_EQ(looked_up->question.name, dns::Name::literal("ns.bank.net."));
  EXPECT_TRUE(std::ranges::any_of(listener_.events, [](const TraceEvent& event) { return event.depth == 1; }));
}

TEST_F(TraceTest, names_servers_that_are_put_aside_and_says_why_and_for_how_long) {
  world_.delegate("com.", "shop.com. NS ns2.shop.com.\nns2.shop.com. A 192.0.2.2");
  world_.internet().server("192.0.2.1").behaves(says(dns::Rcode::refused));
  world_.internet().server("192.0.2.2").behaves(edits([](const Heard&, dns::Message& message) {
    message.header.authoritative = false;
    message.answer.clear();
    message.authority = records_from_text(". NS a.root.");
  }));
  world_.internet().server("192.0.2.2").serves(world_.zone("shop.com.", "@ NS ns2\nwww A 192.0.2.80\n"));
  for (const char* name : {"a.shop.com.", "b.shop.com.", "c.shop.com.", "d.shop.com."}) world_.ask(name);
  world_.trace(World::query("www.shop.com."), listener_);
  EXPECT_THAT(
      listener_.aside(),
      UnorderedElementsAre(
          MatchesRegex("shop.com. 192.0.2.1 put aside for [0-9]+ s more after [3-9] failures in a row: REFUSED"),
          "shop.com. 192.0.2.2 put aside for 60 s more: lame: it does not serve the zone"));
}

TEST_F(TraceTest, names_eight_servers_that_are_put_aside_and_counts_the_others) {
  std::string delegation;
  for (int i = 1; i <= 11; ++i) {
    const std::string address = "192.0.2." + std::to_string(100 + i);
    delegation +=
        "bank.com. NS n" + std::to_string(i) + ".bank.com.\nn" + std::to_string(i) + ".bank.com. A " + address + "\n";
    for (int k = 0; k < 3; ++k)
      world_.shared().servers.failed(*dns::IpAddress::from_text(address), dns::Name::literal("bank.com."),
                                     world_.clock().now(), "no answer in time");
  }
  world_.delegate("com.", delegation);
  world_.trace(World::query("www.bank.com."), listener_);
  const auto aside = listener_.aside();
  ASSERT_EQ(aside.size(), 9U);
  EXPECT_THAT(aside.front(), HasSubstr("put aside for 5 s more after 3 failures in a row: no answer in time"));
  EXPECT_EQ(aside.back(), "and 3 more servers of bank.com.");
}

TEST_F(TraceTest, names_forwarders_that_are_put_aside) {
  world_.serve("10.0.0.1", "corp.example.", "www A 10.0.0.80\n").behaves(silent());
  world_.serve("10.0.0.2", "corp.example.", "www A 10.0.0.80\n");
  resolver::Route route;
  route.zone = dns::Name::literal("corp.example.");
  route.order = resolver::UpstreamOrder::configured;
  for (const char* server : {"10.0.0.1", "10.0.0.2"}) route.to.push_back(*dns::Endpoint::from_text(server, 53));
  world_.settings().routes = resolver::Routes{{route}};
  world_.use();
  for (const char* name : {"a.corp.example.", "b.corp.example.", "c.corp.example."}) world_.ask(name);
  world_.trace(World::query("www.corp.example."), listener_);
  EXPECT_THAT(listener_.aside(), ElementsAre(MatchesRegex("corp.example. 10.0.0.1 10.0.0.1@53: put aside for 1 s more: "
                                                          "(no answer in time|others answered first)")));
}

TEST_F(TraceTest, tells_of_forwarders_too) {
  world_.serve("10.0.0.1", "corp.example.", "www A 10.0.0.80\n").behaves(says(dns::Rcode::refused));
  world_.serve("10.0.0.2", "corp.example.", "www A 10.0.0.80\n");
  resolver::Route route;
  route.zone = dns::Name::literal("corp.example.");
  route.order = resolver::UpstreamOrder::configured;
  for (const char* server : {"10.0.0.1", "10.0.0.2"}) route.to.push_back(*dns::Endpoint::from_text(server, 53));
  world_.settings().routes = resolver::Routes{{route}};
  world_.use();
  const auto outcome = world_.trace(World::query("www.corp.example."), listener_);
  EXPECT_EQ(outcome->rcode, dns::Rcode::noerror);
  EXPECT_THAT(listener_.exchanges(), ElementsAre("corp.example. 10.0.0.1 udp www.corp.example.: 10.0.0.1@53: REFUSED",
                                                 "corp.example. 10.0.0.2 udp www.corp.example.: answer of 1 record"));
}

}  // namespace redoubt::sim
