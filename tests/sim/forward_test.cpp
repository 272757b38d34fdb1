// Forward and stub zones: which servers are asked, and what their word is worth (attacks P14, B05).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sim/world.hpp"
#include "tests/sim/zone_text.hpp"

namespace redoubt::sim {

using resolver::Route;
using resolver::RouteKind;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace {

dns::Endpoint at(std::string_view text) { return *dns::Endpoint::from_text(text, 53); }

Route route(std::string_view zone, std::vector<std::string_view> servers, RouteKind kind = RouteKind::forward) {
  Route made;
  made.zone = name_from_text(zone);
  made.kind = kind;
  for (const std::string_view server : servers) made.to.push_back(at(server));
  return made;
}

void use_routes(World& world, std::vector<Route> routes) {
  world.settings().routes = resolver::Routes{std::move(routes)};
  world.use();
}

/// A resolver: it speaks of all of its zones without AA.
Server& forwarder(World& world, std::string_view address, std::string_view apex, std::string_view text) {
  return world.serve(address, apex, text).behaves(edits([](const Heard&, dns::Message& message) {
    message.header.authoritative = false;
    message.header.recursion_available = true;
  }));
}

constexpr std::string_view corp = "www A 10.0.0.80\nalias CNAME www\nlong CNAME alias\nout CNAME www.example.com.\n";

}  // namespace

TEST(Forward, zone_is_asked_of_its_forwarder_and_of_nobody_else) {
  World world;
  forwarder(world, "10.0.0.1", "corp.example.", corp);
  use_routes(world, {route("corp.example.", {"10.0.0.1"})});
  EXPECT_THAT(world.ask("www.corp.example.").answer(), ElementsAre("www.corp.example. A 10.0.0.80"));
  EXPECT_EQ(world.internet().packets(), 1U) << world.trace();
  EXPECT_TRUE(world.internet().heard().front().query.header.recursion_desired);
  EXPECT_EQ(world.ask("www.corp.example.").packets, 0U) << "cached";
}

TEST(Forward, what_became_of_the_questions_is_counted_by_zone_and_upstream) {
  World world;
  forwarder(world, "10.0.0.1", "corp.example.", corp);
  const Route corp_route = route("corp.example.", {"10.0.0.1"});
  const Route dead = route("dead.example.", {"10.0.0.9"});
  use_routes(world, {corp_route, dead});
  world.ask("www.corp.example.");
  world.ask("www.dead.example.");
  const resolver::Routes& routes = world.settings().routes;
  const auto zones = world.shared().upstreams.zone_figures(routes);
  ASSERT_EQ(zones.size(), 2U);
  EXPECT_EQ(zones[0].zone, corp_route.zone);
  EXPECT_EQ(zones[0].questions, 1U);
  EXPECT_EQ(zones[0].failures, 0U);
  EXPECT_EQ(zones[1].questions, 1U);
  EXPECT_EQ(zones[1].failures, 1U);
  const auto servers = world.shared().upstreams.figures(routes, world.clock().now());
  ASSERT_EQ(servers.size(), 2U);
  EXPECT_EQ(servers[0].queries, 1U);
  EXPECT_EQ(servers[0].answers, 1U);
  EXPECT_GE(servers[1].queries, 1U);
  EXPECT_EQ(servers[1].answers, 0U);
}

TEST(Forward, names_outside_go_by_iteration_without_recursion_desired) {
  World world;
  world.site("example.com.", "192.0.2.10");
  use_routes(world, {route("corp.example.", {"10.0.0.1"})});
  EXPECT_THAT(world.ask("www.example.com.").answer(), ElementsAre("www.example.com. A 192.0.2.80"));
  EXPECT_EQ(world.internet().packets_to("10.0.0.1"), 0U);
  EXPECT_FALSE(world.internet().heard().front().query.header.recursion_desired);
}

TEST(Forward, longest_zone_counts) {
  World world;
  forwarder(world, "10.0.0.1", ".", "www.corp.example. A 10.1.1.1\n");
  forwarder(world, "10.0.0.2", "corp.example.", corp);
  use_routes(world, {route(".", {"10.0.0.1"}), route("corp.example.", {"10.0.0.2"})});
  world.ask("www.corp.example.");
  EXPECT_EQ(world.internet().packets_to("10.0.0.2"), 1U) << world.trace();
  world.ask("www.elsewhere.");
  EXPECT_EQ(world.internet().packets_to("10.0.0.1"), 1U) << world.trace();
}

TEST(Forward, delegation_signer_of_the_zone_itself_is_asked_of_its_parent) {
  World world;
  world.site("example.com.", "192.0.2.10");
  use_routes(world, {route("example.com.", {"10.0.0.1"})});
  EXPECT_EQ(world.ask("example.com.", "DS").rcode(), dns::Rcode::noerror);
  EXPECT_EQ(world.internet().packets_to("10.0.0.1"), 0U) << world.trace();
}

TEST(Forward, upstream_may_be_where_no_delegation_may_lead) {
  World world;
  forwarder(world, "127.0.0.53", "corp.example.", corp);
  use_routes(world, {route("corp.example.", {"127.0.0.53@5353"})});
  EXPECT_EQ(world.ask("www.corp.example.").rcode(), dns::Rcode::noerror) << world.trace();
  EXPECT_EQ(world.internet().heard().front().server, at("127.0.0.53@5353"));
}

TEST(Forward, truncated_answer_is_asked_for_again_by_tcp) {
  World world;
  forwarder(world, "10.0.0.1", "corp.example.", corp).behaves(truncates());
  use_routes(world, {route("corp.example.", {"10.0.0.1"})});
  EXPECT_EQ(world.ask("www.corp.example.").rcode(), dns::Rcode::noerror) << world.trace();
  ASSERT_EQ(world.internet().packets(), 2U);
  EXPECT_EQ(world.internet().heard().back().transport, UpstreamTransport::tcp);
}

TEST(Forward, by_tcp_alone_where_it_is_told_so) {
  World world;
  forwarder(world, "10.0.0.1", "corp.example.", corp);
  Route by_tcp = route("corp.example.", {"10.0.0.1"});
  by_tcp.by_tcp = true;
  use_routes(world, {by_tcp});
  EXPECT_EQ(world.ask("www.corp.example.").rcode(), dns::Rcode::noerror);
  EXPECT_EQ(world.internet().heard().front().transport, UpstreamTransport::tcp);
  EXPECT_EQ(world.internet().packets(), 1U);
}

TEST(Forward, denials_without_authority_bit_are_kept) {
  World world;
  forwarder(world, "10.0.0.1", "corp.example.", corp);
  use_routes(world, {route("corp.example.", {"10.0.0.1"})});
  EXPECT_EQ(world.ask("none.corp.example.").rcode(), dns::Rcode::nxdomain);
  EXPECT_EQ(world.ask("none.corp.example.").packets, 0U);
  EXPECT_EQ(world.ask("www.corp.example.", "TXT").rcode(), dns::Rcode::noerror);
  EXPECT_EQ(world.ask("www.corp.example.", "TXT").packets, 0U);
}

TEST(Forward, each_link_of_a_chain_is_asked_for_itself) {
  World world;
  forwarder(world, "10.0.0.1", "corp.example.", corp);
  use_routes(world, {route("corp.example.", {"10.0.0.1"})});
  EXPECT_THAT(world.ask("long.corp.example.").answer(),
              ElementsAre("long.corp.example. CNAME alias.corp.example.", "alias.corp.example. CNAME www.corp.example.",
                          "www.corp.example. A 10.0.0.80"));
  EXPECT_EQ(world.internet().packets_about("alias.corp.example."), 1U) << world.trace();
  EXPECT_EQ(world.internet().packets_about("www.corp.example."), 1U) << world.trace();
}

TEST(Forward, forged_tail_of_a_chain_is_never_taken) {
  // A second fragment brings another address for the chain's end; the end's own question is answered honestly.
  World world;
  forwarder(world, "10.0.0.1", "corp.example.", corp)
      .behaves(edits_for("alias.corp.example.", [](dns::Message& message) {
        message.answer =
            records_from_text("alias.corp.example. CNAME www.corp.example.\nwww.corp.example. A 203.0.113.66\n");
      }));
  use_routes(world, {route("corp.example.", {"10.0.0.1"})});
  EXPECT_THAT(world.ask("alias.corp.example.").answer(),
              ElementsAre("alias.corp.example. CNAME www.corp.example.", "www.corp.example. A 10.0.0.80"));
  EXPECT_THAT(world.ask("www.corp.example.").answer(), ElementsAre("www.corp.example. A 10.0.0.80"));
}

TEST(Forward, forged_tail_of_a_chain_has_teeth_when_it_is_taken_whole) {
  World world;
  world.settings().guards.every_link = false;
  forwarder(world, "10.0.0.1", "corp.example.", corp)
      .behaves(edits_for("alias.corp.example.", [](dns::Message& message) {
        message.answer =
            records_from_text("alias.corp.example. CNAME www.corp.example.\nwww.corp.example. A 203.0.113.66\n");
      }));
  use_routes(world, {route("corp.example.", {"10.0.0.1"})});
  world.ask("alias.corp.example.");
  EXPECT_THAT(world.ask("www.corp.example.").answer(), ElementsAre("www.corp.example. A 203.0.113.66"));
}

TEST(Forward, alias_leads_out_of_the_zone_by_the_targets_own_route) {
  World world;
  world.site("example.com.", "192.0.2.10");
  forwarder(world, "10.0.0.1", "corp.example.", corp);
  forwarder(world, "10.0.0.1", "example.com.", "www A 203.0.113.66\n");
  use_routes(world, {route("corp.example.", {"10.0.0.1"})});
  EXPECT_THAT(world.ask("out.corp.example.").answer(),
              ElementsAre("out.corp.example. CNAME www.example.com.", "www.example.com. A 192.0.2.80"));
  EXPECT_EQ(world.internet().packets_to("10.0.0.1"), 1U) << world.trace();
}

/// MaginotDNS: beside what it was asked, the forwarder tells of the top-level domain.
void lie_about_the_top(Server& server) {
  server.behaves(edits([](const Heard&, dns::Message& message) {
    message.header.authoritative = true;
    const auto more = records_from_text("com. NS ns.evil.\nwww.example.com. A 203.0.113.66\nns.com. A 203.0.113.66\n");
    message.answer.insert(message.answer.end(), more.begin(), more.end());
    message.authority = records_from_text("com. NS ns.evil.\ncorp.example. NS ns.evil.\n");
    message.additional = records_from_text("ns.evil. A 203.0.113.66\nns.com. A 203.0.113.66\n");
  }));
}

TEST(Forward, what_a_forwarder_says_of_other_zones_is_used_nowhere) {
  World world;
  world.site("example.com.", "192.0.2.10");
  lie_about_the_top(forwarder(world, "10.0.0.1", "corp.example.", corp));
  use_routes(world, {route("corp.example.", {"10.0.0.1"})});
  for (const auto* name : {"www.corp.example.", "alias.corp.example.", "none.corp.example."}) world.ask(name);
  EXPECT_FALSE(world.cached("com.", "NS"));
  EXPECT_FALSE(world.cached("www.example.com.", "A"));
  EXPECT_FALSE(world.cached("ns.com.", "A"));
  EXPECT_FALSE(world.shared().cache.deepest_delegation(name_from_text("www.corp.example."), world.clock().now()));
  EXPECT_THAT(world.ask("www.example.com.").answer(), ElementsAre("www.example.com. A 192.0.2.80"));
  EXPECT_EQ(world.internet().packets_to("203.0.113.66"), 0U) << world.trace();
}

TEST(Forward, reply_of_a_server_that_does_not_resolve_is_no_answer) {
  World world;
  world.serve("10.0.0.1", "corp.example.", "sub NS ns.sub\nns.sub A 10.0.0.9\n");
  forwarder(world, "10.0.0.2", "corp.example.", "www.sub A 10.0.0.80\n");
  Route both = route("corp.example.", {"10.0.0.1", "10.0.0.2"});
  both.order = resolver::UpstreamOrder::configured;
  use_routes(world, {both});
  EXPECT_EQ(world.ask("www.sub.corp.example.").rcode(), dns::Rcode::noerror) << world.trace();
  EXPECT_EQ(world.internet().packets_to("10.0.0.9"), 0U);
}

TEST(Forward, zone_below_a_denied_name_still_answers) {
  World world;
  world.settings().nxdomain_cut = resolver::NxdomainCut::always;
  use_routes(world, {route("www.corp.nowhere.", {"10.0.0.1"})});
  forwarder(world, "10.0.0.1", "www.corp.nowhere.", "@ A 10.0.0.80\n");
  EXPECT_EQ(world.ask("corp.nowhere.").rcode(), dns::Rcode::nxdomain);
  EXPECT_EQ(world.ask("nowhere.").rcode(), dns::Rcode::nxdomain);
  EXPECT_EQ(world.ask("www.corp.nowhere.").rcode(), dns::Rcode::noerror) << world.trace();
}

TEST(Forward, alias_that_a_dname_makes_is_told_to_who_asks_for_the_alias) {
  World world;
  forwarder(world, "10.0.0.1", "corp.example.", "x DNAME y\na.y A 10.0.0.81");
  use_routes(world, {route("corp.example.", {"10.0.0.1"})});
  EXPECT_THAT(world.ask("a.x.corp.example.", "CNAME").answer(),
              ElementsAre("x.corp.example. DNAME y.corp.example.", "a.x.corp.example. CNAME a.y.corp.example."))
      << world.trace();
}

TEST(Forward, route_without_servers_says_so) {
  World world;
  use_routes(world, {route("corp.example.", {})});
  const Answer answer = world.ask("www.corp.example.");
  EXPECT_EQ(answer.rcode(), dns::Rcode::servfail);
  EXPECT_EQ(answer.packets, 0U);
  EXPECT_THAT(answer.error(), HasSubstr("no upstream is known"));
}

TEST(Forward, all_failing_is_servfail_that_names_zone_and_upstream) {
  World world;
  forwarder(world, "10.0.0.1", "corp.example.", corp).behaves(says(dns::Rcode::servfail));
  use_routes(world, {route("corp.example.", {"10.0.0.1"})});
  const Answer answer = world.ask("www.corp.example.");
  EXPECT_EQ(answer.rcode(), dns::Rcode::servfail);
  EXPECT_THAT(answer.error(), HasSubstr("forward zone corp.example.: 10.0.0.1@53: SERVFAIL"));
  EXPECT_EQ(answer.packets, 1U) << world.trace();
}

TEST(Forward, first_falls_back_to_iteration_when_all_fail) {
  World world;
  world.site("example.com.", "192.0.2.10");
  forwarder(world, "10.0.0.1", "example.com.", corp).behaves(says(dns::Rcode::refused));
  Route first = route("example.com.", {"10.0.0.1", "10.0.0.2"});
  first.first = true;
  use_routes(world, {first});
  EXPECT_THAT(world.ask("www.example.com.").answer(), ElementsAre("www.example.com. A 192.0.2.80")) << world.trace();
}

TEST(Forward, without_first_nothing_is_asked_of_the_internet) {
  World world;
  world.site("example.com.", "192.0.2.10");
  use_routes(world, {route("example.com.", {"10.0.0.1", "10.0.0.2"})});
  const Answer answer = world.ask("www.example.com.");
  EXPECT_EQ(answer.rcode(), dns::Rcode::servfail);
  EXPECT_LE(answer.packets, 9U);
  EXPECT_EQ(world.internet().packets_to("198.51.100.1"), 0U);
}

TEST(Forward, everything_leaves_the_root_in_peace) {
  World world;
  world.settings().prime = true;
  forwarder(world, "10.0.0.1", ".", "www.corp.example. A 10.0.0.80\n");
  use_routes(world, {route(".", {"10.0.0.1"})});
  EXPECT_EQ(world.ask("www.corp.example.").rcode(), dns::Rcode::noerror);
  world.run_for(1s);
  EXPECT_EQ(world.internet().packets_to("198.51.100.1"), 0U) << world.trace();
}

TEST(Stub, zone_is_asked_of_its_servers_without_recursion) {
  World world;
  world.serve("10.0.0.1", "lan.", corp);
  use_routes(world, {route("lan.", {"10.0.0.1"}, RouteKind::stub)});
  EXPECT_THAT(world.ask("alias.lan.").answer(), ElementsAre("alias.lan. CNAME www.lan.", "www.lan. A 10.0.0.80"));
  EXPECT_EQ(world.internet().packets(), 1U) << "an authority's chain within its zone is taken whole" << world.trace();
  EXPECT_FALSE(world.internet().heard().front().query.header.recursion_desired);
}

/// The stub zone's server answers for the target of its alias, which is somebody else's.
void tell_of_a_foreign_target(World& world) {
  world.site("example.com.", "192.0.2.10");
  world.serve("10.0.0.1", "lan.", "out CNAME www.example.com.\n")
      .behaves(edits([](const Heard&, dns::Message& message) {
        const auto more = records_from_text("www.example.com. A 203.0.113.66\n");
        message.answer.insert(message.answer.end(), more.begin(), more.end());
      }));
  use_routes(world, {route("lan.", {"10.0.0.1"}, RouteKind::stub)});
}

TEST(Stub, what_its_server_says_of_other_zones_is_used_nowhere) {
  World world;
  tell_of_a_foreign_target(world);
  world.ask("out.lan.");
  EXPECT_THAT(world.ask("www.example.com.").answer(), ElementsAre("www.example.com. A 192.0.2.80"));
}

TEST(Stub, what_its_server_says_of_other_zones_has_teeth_without_the_bailiwick) {
  World world;
  world.settings().guards.bailiwick = false;
  tell_of_a_foreign_target(world);
  world.ask("out.lan.");
  EXPECT_THAT(world.ask("www.example.com.").answer(), ElementsAre("www.example.com. A 203.0.113.66"));
}

TEST(Stub, its_delegations_are_followed) {
  World world;
  world.serve("10.0.0.1", "lan.", "sub NS ns.sub\nns.sub A 10.0.0.9\n");
  world.serve("10.0.0.9", "sub.lan.", "www A 10.0.0.80\nftp A 10.0.0.21\n");
  use_routes(world, {route("lan.", {"10.0.0.1"}, RouteKind::stub)});
  EXPECT_EQ(world.ask("www.sub.lan.").rcode(), dns::Rcode::noerror) << world.trace();
  world.ask("ftp.sub.lan.");
  EXPECT_EQ(world.internet().packets_to("10.0.0.1"), 1U) << "the cut below is known by then";
  EXPECT_EQ(world.internet().packets_to("198.51.100.1"), 0U);
}

TEST(Stub, lame_server_is_passed_over) {
  World world;
  world.serve("10.0.0.1", "other.", corp);
  world.serve("10.0.0.2", "lan.", corp);
  Route both = route("lan.", {"10.0.0.1", "10.0.0.2"}, RouteKind::stub);
  both.order = resolver::UpstreamOrder::configured;
  use_routes(world, {both});
  EXPECT_EQ(world.ask("www.lan.").rcode(), dns::Rcode::noerror) << world.trace();
}

}  // namespace redoubt::sim
