// What of a name servers are shown (RFC 9156), and what a denial says of the names below (RFC 8020).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sim/world.hpp"

namespace redoubt::sim {

using resolver::Minimisation;
using resolver::NxdomainCut;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::string_view root_server = "198.51.100.1";
constexpr std::string_view com_server = "198.51.100.2";
constexpr std::string_view shop_server = "192.0.2.1";

class Minimised : public testing::Test {
 protected:
  Minimised() {
    world_.site(
        "shop.com.", shop_server,
        "a.b.c A 192.0.2.7\nx.b.c A 192.0.2.8\nalias CNAME www\nbelow.alias2 A 192.0.2.9\n*.wild A 192.0.2.10\n");
  }
  void mode(Minimisation mode, NxdomainCut cut = NxdomainCut::always) {
    world_.settings().minimisation = mode;
    world_.settings().nxdomain_cut = cut;
    world_.use();
  }
  /// The names and types that a server was asked for, in lower case.
  std::vector<std::string> shown_to(std::string_view server) const {
    std::vector<std::string> shown;
    for (const Heard& heard : world_.internet().heard()) {
      if (heard.server.address == *dns::IpAddress::from_text(server))
        shown.push_back(heard.query.question->name.lowercased().to_text() + " " +
                        dns::to_text(heard.query.question->type));
    }
    return shown;
  }
  mutable World world_;
};

TEST_F(Minimised, each_server_sees_one_label_more_than_it_serves_and_no_type) {
  EXPECT_THAT(world_.ask("a.b.c.shop.com.", "TXT").rcode(), dns::Rcode::noerror);
  EXPECT_THAT(shown_to(root_server), ElementsAre("com. A"));
  EXPECT_THAT(shown_to(com_server), ElementsAre("shop.com. A"));
  EXPECT_THAT(shown_to(shop_server), ElementsAre("c.shop.com. A", "b.c.shop.com. A", "a.b.c.shop.com. TXT"));
}

TEST_F(Minimised, an_ordinary_cold_name_costs_no_packet_more) {
  EXPECT_EQ(world_.ask("www.shop.com.").packets, 3U) << world_.trace();
  EXPECT_EQ(world_.ask("mail.shop.com.").packets, 1U) << world_.trace();
}

TEST_F(Minimised, a_warm_cache_costs_no_packet_more) {
  world_.ask("a.b.c.shop.com.");
  EXPECT_EQ(world_.ask("x.b.c.shop.com.").packets, 1U) << world_.trace();
}

TEST_F(Minimised, too_many_addresses_of_a_name_between_are_nobodys_trouble) {
  std::string crowd;
  for (int i = 0; i < 30; ++i) crowd += "crowd A 192.0.2." + std::to_string(100 + i) + "\n";
  world_.site("bank.com.", "192.0.2.2", crowd + "below.crowd A 192.0.2.9\n");
  world_.limit("records-per-rrset", 20);
  EXPECT_EQ(world_.ask("below.crowd.bank.com.").rcode(), dns::Rcode::noerror) << world_.trace();
  EXPECT_EQ(world_.ask("crowd.bank.com.").rcode(), dns::Rcode::servfail) << "the limit holds for who asks for them";
}

TEST_F(Minimised, off_shows_everything_to_everybody) {
  mode(Minimisation::off);
  world_.ask("a.b.c.shop.com.", "TXT");
  EXPECT_THAT(shown_to(root_server), ElementsAre("a.b.c.shop.com. TXT"));
  EXPECT_THAT(shown_to(shop_server), ElementsAre("a.b.c.shop.com. TXT"));
}

TEST_F(Minimised, a_question_for_a_delegation_signer_is_the_parents) {
  world_.ask("shop.com.", "DS");
  EXPECT_THAT(shown_to(com_server), ElementsAre("shop.com. DS"));
  EXPECT_THAT(shown_to(shop_server), IsEmpty());
}

TEST_F(Minimised, an_alias_on_the_way_is_not_followed) {
  world_.ask("x.alias.shop.com.");
  EXPECT_THAT(shown_to(shop_server), ElementsAre("alias.shop.com. A", "x.alias.shop.com. A"));
}

TEST_F(Minimised, wildcards_answer_as_they_do_without) {
  EXPECT_THAT(world_.ask("p.q.wild.shop.com.").answer(), ElementsAre("p.q.wild.shop.com. A 192.0.2.10"));
}

TEST_F(Minimised, a_name_of_a_hundred_and_twenty_labels_costs_thirteen_packets_at_most) {
  std::string name;
  for (int i = 0; i < 118; ++i) name += "a.";
  // Every part of the name exists, as an empty non-terminal.
  world_.internet().server(shop_server).behaves(edits([](const Heard&, dns::Message& message) {
    message.set_rcode(dns::Rcode::noerror);
    message.answer.clear();
  }));
  EXPECT_LE(world_.ask(name + "shop.com.").packets, 13U) << world_.trace();
}

/// Denies each empty non-terminal, as some old servers do.
Behaviour denies_what_is_empty() {
  return edits([](const Heard&, dns::Message& message) {
    if (message.answer.empty()) message.set_rcode(dns::Rcode::nxdomain);
  });
}

TEST_F(Minimised, relaxed_asks_whoever_denies_a_part_for_the_whole) {
  world_.internet().server(shop_server).behaves(denies_what_is_empty());
  mode(Minimisation::relaxed);
  EXPECT_THAT(world_.ask("a.b.c.shop.com.").answer(), ElementsAre("a.b.c.shop.com. A 192.0.2.7")) << world_.trace();
  EXPECT_THAT(world_.ask("x.b.c.shop.com.").answer(), ElementsAre("x.b.c.shop.com. A 192.0.2.8"))
      << "that denial of a part was not kept";
}

TEST_F(Minimised, strict_believes_whoever_denies_a_part) {
  world_.internet().server(shop_server).behaves(denies_what_is_empty());
  mode(Minimisation::strict);
  EXPECT_EQ(world_.ask("a.b.c.shop.com.").rcode(), dns::Rcode::nxdomain);
}

TEST_F(Minimised, relaxed_goes_round_servers_that_refuse_a_part) {
  mode(Minimisation::relaxed);
  world_.internet().server(shop_server).behaves([](const Heard& heard, Reaction& reaction) {
    if (heard.query.question->name.label_count() >= 5) return;
    says(dns::Rcode::refused)(heard, reaction);
  });
  const Answer answer = world_.ask("a.b.c.shop.com.");
  EXPECT_THAT(answer.answer(), ElementsAre("a.b.c.shop.com. A 192.0.2.7")) << world_.trace();
}

TEST_F(Minimised, dead_servers_are_not_asked_again_for_the_whole_name) {
  world_.internet().server(shop_server).behaves(silent());
  EXPECT_EQ(world_.ask("a.b.c.shop.com.").rcode(), dns::Rcode::servfail);
  EXPECT_LE(world_.internet().packets_to(shop_server), 3U) << world_.trace();
}

TEST_F(Minimised, a_server_that_likes_nothing_gets_four_packets_at_most) {
  world_.internet().server(shop_server).behaves(says(dns::Rcode::servfail));
  EXPECT_EQ(world_.ask("a.b.c.shop.com.").rcode(), dns::Rcode::servfail);
  EXPECT_LE(world_.internet().packets_to(shop_server), 4U) << world_.trace();
}

TEST_F(Minimised, a_top_level_domain_that_the_root_denies_costs_one_packet) {
  EXPECT_EQ(world_.ask("a.b.c.nonexistent.").rcode(), dns::Rcode::nxdomain);
  EXPECT_THAT(shown_to(root_server), ElementsAre("nonexistent. A"));
  EXPECT_EQ(world_.ask("other.nonexistent.", "MX").packets, 0U) << world_.trace();
}

TEST_F(Minimised, what_was_denied_denies_what_is_below) {
  mode(Minimisation::off);
  EXPECT_EQ(world_.ask("no.shop.com.").rcode(), dns::Rcode::nxdomain);
  const Answer below = world_.ask("a.b.no.shop.com.", "TXT");
  EXPECT_EQ(below.rcode(), dns::Rcode::nxdomain);
  EXPECT_EQ(below.packets, 0U);
  EXPECT_THAT(below.authority(), testing::SizeIs(1));
}

TEST_F(Minimised, a_denial_from_above_ends_when_its_own_time_is_up) {
  mode(Minimisation::off);
  world_.ask("no.shop.com.");
  world_.pass(800s);
  EXPECT_EQ(world_.ask("a.no.shop.com.").packets, 0U);
  world_.pass(101s);  // the SOA says 900
  EXPECT_GE(world_.ask("a.no.shop.com.").packets, 1U) << "not prolonged by what was derived from it";
}

TEST_F(Minimised, the_cut_is_as_wide_as_its_setting_says) {
  mode(Minimisation::off, NxdomainCut::root);
  world_.ask("no.shop.com.");
  EXPECT_EQ(world_.ask("a.no.shop.com.").packets, 1U);
  world_.ask("nonexistent.");
  EXPECT_EQ(world_.ask("a.nonexistent.").packets, 0U);
  mode(Minimisation::off, NxdomainCut::off);
  EXPECT_EQ(world_.ask("b.nonexistent.").packets, 1U);
}

TEST_F(Minimised, no_data_is_no_denial_of_what_is_below) {
  mode(Minimisation::off);
  EXPECT_EQ(world_.ask("b.c.shop.com.").rcode(), dns::Rcode::noerror);
  EXPECT_THAT(world_.ask("a.b.c.shop.com.").answer(), ElementsAre("a.b.c.shop.com. A 192.0.2.7"));
}

TEST_F(Minimised, a_denial_does_not_reach_into_a_zone_that_is_delegated_below_it) {
  mode(Minimisation::off);
  world_.internet().server(shop_server) = Server{}.serves(
      world_.zone("shop.com.", "@ NS ns\nns A 192.0.2.1\nsub.no NS ns.sub.no\nns.sub.no A 192.0.2.2\n"));
  world_.serve("192.0.2.2", "sub.no.shop.com.", "www A 192.0.2.80");
  world_.ask("www.sub.no.shop.com.");
  world_.internet().server(shop_server).behaves(edits_for("no.shop.com.", [](dns::Message& message) {
    message.set_rcode(dns::Rcode::nxdomain);
  }));
  EXPECT_EQ(world_.ask("no.shop.com.").rcode(), dns::Rcode::nxdomain);
  EXPECT_EQ(world_.ask("mail.sub.no.shop.com.").packets, 1U) << "its own servers know better";
}

}  // namespace redoubt::sim
