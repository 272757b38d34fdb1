// Data that nobody asked the authority for (attacks B01-B08, B11). Each attack has its teeth: the check switched off
// lets it in.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sim/world.hpp"
#include "tests/sim/zone_text.hpp"

namespace redoubt::sim {

using testing::Contains;
using testing::ElementsAre;

struct Shape {
  const char* name;
  const char* answer;
  const char* authority;
  const char* additional;
  bool keeps_honest;   ///< the poison stands beside the honest records, not in their place
  const char* forged;  ///< what would be in the cache had it been believed
  const char* type;
};

void PrintTo(const Shape& shape, std::ostream* out) { *out << shape.name; }

class Poison : public testing::TestWithParam<Shape> {
 protected:
  /// evil.com. answers for www.evil.com. with poison in it; bank.net. is the victim, in another top-level zone.
  void poison(World& world) {
    const Shape& shape = GetParam();
    world.site("bank.net.", "192.0.2.2");
    world.site("evil.com.", "192.0.2.66", "other A 192.0.2.67")
        .behaves(edits_for("www.evil.com.", [shape](dns::Message& message) {
          if (!shape.keeps_honest) message.answer.clear();
          const auto add = [](std::vector<dns::Record>& section, const char* text) {
            for (dns::Record& record : records_from_text(text)) section.push_back(std::move(record));
          };
          add(message.answer, shape.answer);
          add(message.authority, shape.authority);
          add(message.additional, shape.additional);
        }));
    world.ask("www.evil.com.");
  }
};

TEST_P(Poison, finds_nothing_of_it_in_the_cache) {
  World world;
  poison(world);
  EXPECT_FALSE(world.cached(GetParam().forged, GetParam().type)) << world.trace();
}

TEST_P(Poison, victim_is_resolved_at_its_own_server) {
  World world;
  poison(world);
  world.ask("www.bank.net.");
  EXPECT_THAT(world.ask("www.bank.net.").answer(), ElementsAre("www.bank.net. A 192.0.2.80")) << world.trace();
  EXPECT_THAT(world.ask("other.evil.com.").answer(), ElementsAre("other.evil.com. A 192.0.2.67"))
      << "the zone itself still works\n"
      << world.trace();
}

TEST_P(Poison, does_not_touch_what_is_known_already) {
  World world;
  world.site("bank.net.", "192.0.2.2");
  world.ask("www.bank.net.");
  world.pass(100s);
  poison(world);
  const Answer answer = world.ask("www.bank.net.");
  EXPECT_EQ(answer.packets, 0U);
  EXPECT_LE(answer.ttl(), 3500U) << "raised";
  EXPECT_GE(answer.ttl(), 3498U);
  EXPECT_THAT(answer.answer(), ElementsAre("www.bank.net. A 192.0.2.80"));
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, Poison,
    testing::Values(
        Shape{"stranger_in_answer", "www.bank.net. A 192.0.2.66", "", "", true, "www.bank.net.", "A"},
        Shape{"parent_in_answer", "com. NS ns.evil.com.", "", "", true, "com.", "NS"},
        Shape{"root_in_answer", ". NS ns.evil.com.", "", "", true, ".", "NS"},
        Shape{"sibling_in_answer", "www.shop.com. A 192.0.2.66", "", "", true, "www.shop.com.", "A"},
        Shape{"own_name_not_asked", "extra.evil.com. A 192.0.2.66", "", "", true, "extra.evil.com.", "A"},
        Shape{"own_type_not_asked", "www.evil.com. TXT extra", "", "", true, "www.evil.com.", "TXT"},
        Shape{"stray_alias", "www.bank.net. CNAME www.evil.com.", "", "", true, "www.bank.net.", "CNAME"},
        Shape{"alias_in_authority", "", "www.bank.net. CNAME www.evil.com.", "", true, "www.bank.net.", "CNAME"},
        Shape{"delegation_beside_the_answer", "", "net. NS ns.evil.com.", "ns.evil.com. A 192.0.2.66", true, "net.",
              "NS"},
        Shape{"root_delegation_beside_the_answer", "", ". NS ns.evil.com.", "ns.evil.com. A 192.0.2.66", true, ".",
              "NS"},
        Shape{"own_delegation_beside_the_answer", "", "evil.com. NS ns.bank.net.", "ns.bank.net. A 192.0.2.66", true,
              "ns.bank.net.", "A"},
        Shape{"referral_upwards", "", "com. NS ns.evil.com.", "ns.evil.com. A 192.0.2.66", false, "com.", "NS"},
        Shape{"referral_sideways", "", "bank.net. NS ns.evil.com.", "ns.evil.com. A 192.0.2.66", false, "bank.net.",
              "NS"},
        Shape{"referral_to_itself", "", "evil.com. NS ns.evil.com.", "ns.evil.com. A 192.0.2.66", false, "evil.com.",
              "NS"},
        Shape{"referral_below_a_neighbour", "", "sub.evil.com. NS ns.evil.com.", "", false, "sub.evil.com.", "NS"},
        Shape{"two_referrals_at_once", "", "www.evil.com. NS ns.evil.com.\nevil.com. NS ns.evil.com.", "", false,
              "evil.com.", "NS"},
        Shape{"glue_for_nobody", "", "www.evil.com. NS ns.evil.com.", "www.bank.net. A 192.0.2.66", false,
              "www.bank.net.", "A"},
        Shape{"address_by_mx", "", "evil.com. MX 10 www.bank.net.", "www.bank.net. A 192.0.2.66", true, "www.bank.net.",
              "A"},
        Shape{"address_in_additional", "", "", "www.bank.net. A 192.0.2.66", true, "www.bank.net.", "A"},
        Shape{"dname_above", "net. DNAME evil.com.", "", "", true, "net.", "DNAME"}),
    [](const testing::TestParamInfo<Shape>& one) { return one.param.name; });

/// evil.com. says where bank.net. is, behind an alias of its own.
void forge_behind_alias(World& world) {
  world.site("bank.net.", "192.0.2.2");
  world.site("evil.com.", "192.0.2.66").behaves(edits_for("www.evil.com.", [](dns::Message& message) {
    message.answer = records_from_text("www.evil.com. CNAME www.bank.net.\nwww.bank.net. A 192.0.2.66");
  }));
}

TEST(Bailiwick, target_outside_the_zone_is_asked_for_at_its_own) {
  World world;
  forge_behind_alias(world);
  EXPECT_THAT(world.ask("www.evil.com.").answer(),
              ElementsAre("www.evil.com. CNAME www.bank.net.", "www.bank.net. A 192.0.2.80"))
      << world.trace();
}

TEST(Bailiwick, has_teeth_without_the_check_the_forgery_is_cached) {
  World world;
  world.settings().guards.bailiwick = false;
  forge_behind_alias(world);
  world.ask("www.evil.com.");
  EXPECT_THAT(world.ask("www.bank.net.").answer(), Contains("www.bank.net. A 192.0.2.66"));
}

/// evil.com. delegates to the bank's server name and says by itself where that is.
void forge_glue(World& world) {
  world.site("bank.net.", "192.0.2.2");
  world.serve("192.0.2.66", "sub.evil.com.", "www A 192.0.2.13");
  world.site("evil.com.", "192.0.2.65").behaves(edits_for("www.sub.evil.com.", [](dns::Message& message) {
    message.answer.clear();
    message.authority = records_from_text("sub.evil.com. NS ns.bank.net.");
    message.additional = records_from_text("ns.bank.net. A 192.0.2.66");
    message.header.authoritative = false;
    message.set_rcode(dns::Rcode::noerror);
  }));
}

TEST(Bailiwick, glue_outside_the_zone_is_looked_up_instead) {
  World world;
  forge_glue(world);
  world.ask("www.sub.evil.com.");
  EXPECT_EQ(world.internet().packets_to("192.0.2.66"), 0U) << world.trace();
  EXPECT_EQ(world.internet().packets_about("ns.bank.net."), 1U) << world.trace();
}

TEST(Bailiwick, has_teeth_without_the_check_the_glue_is_used) {
  World world;
  world.settings().guards.bailiwick = false;
  forge_glue(world);
  world.ask("www.sub.evil.com.");
  EXPECT_GT(world.internet().packets_to("192.0.2.66"), 0U) << world.trace();
}

TEST(Bailiwick, glue_is_never_an_answer) {
  World world;
  world.site("shop.com.", "192.0.2.1");
  world.ask("www.shop.com.");
  EXPECT_FALSE(world.cached("ns.shop.com.", "A"));
  EXPECT_EQ(world.ask("ns.shop.com.").packets, 1U) << "the zone itself is asked";
}

TEST(Bailiwick, child_cannot_prolong_its_delegation) {
  World world;
  world.site("shop.com.", "192.0.2.1", "x0 A 192.0.2.5");
  world.ask("www.shop.com.");
  // The zone says its own NS with a TTL of a day, again and again; the parent's said an hour.
  for (int minutes = 0; minutes < 60; minutes += 10) {
    world.ask("shop.com.", "NS");
    world.pass(10min);
  }
  world.internet().forget_trace();
  world.ask("mail.shop.com.");
  EXPECT_EQ(world.internet().packets_to("198.51.100.2"), 1U) << "com. must be asked again\n" << world.trace();
}

TEST(Bailiwick, grandchild_goes_when_its_grandparent_s_word_ends) {
  World world;
  world.site("evil.com.", "192.0.2.66", "sub 86400 NS ns.sub\nns.sub 86400 A 192.0.2.67");
  world.serve("192.0.2.67", "sub.evil.com.", "a A 192.0.2.9\nb A 192.0.2.9");
  world.pass(0s);
  world.ask("a.sub.evil.com.");
  world.pass(3601s);  // com. delegated evil.com. for an hour
  world.internet().forget_trace();
  world.ask("b.sub.evil.com.");
  EXPECT_EQ(world.internet().packets_to("198.51.100.2"), 1U) << world.trace();
}

TEST(Lame, server_that_refers_upwards_is_asked_once) {
  World world;
  world.site("shop.com.", "192.0.2.1").behaves(edits([](const Heard&, dns::Message& message) {
    message.answer.clear();
    message.header.authoritative = false;
    message.authority = records_from_text(". NS a.root.");
    message.additional = records_from_text("a.root. A 192.0.2.66");
  }));
  const Answer answer = world.ask("www.shop.com.");
  EXPECT_EQ(answer.rcode(), dns::Rcode::servfail);
  EXPECT_THAT(answer.error(), testing::HasSubstr("lame for shop.com."));
  EXPECT_LE(world.internet().packets_to("192.0.2.1"), 2U) << world.trace();
  EXPECT_EQ(world.internet().packets_to("192.0.2.66"), 0U);
}

TEST(Lame, for_one_zone_is_not_lame_for_another) {
  World world;
  world.site("bank.com.", "192.0.2.2");
  // The attacker delegates his zone to the bank's server, which knows nothing of it.
  world.delegate("com.", "evil.com. NS ns.evil.com.\nns.evil.com. A 192.0.2.2");
  for (int i = 0; i < 5; ++i) world.ask("n" + std::to_string(i) + ".evil.com.");
  EXPECT_FALSE(world.shared().servers.is_aside(*dns::IpAddress::from_text("192.0.2.2"), name_from_text("bank.com."),
                                               world.clock().now()));
  EXPECT_THAT(world.ask("www.bank.com.").answer(), ElementsAre("www.bank.com. A 192.0.2.80"));
}

}  // namespace redoubt::sim
