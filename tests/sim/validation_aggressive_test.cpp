// Proofs that answer for more than the name they came for (RFC 8198).
#include <random>

#include "tests/sim/validation_fixture.hpp"
#include "tests/sim/zone_text.hpp"

namespace redoubt::sim {
namespace {

using dns::Rcode;
using signing::DenialBy;

struct Aggressive : ValidationFixture {
  std::mt19937 dice{7};
  std::string random_name(const std::string& apex) {
    std::string label;
    for (int i = 0; i < 12; ++i) label += static_cast<char>('a' + dice() % 26);
    return label + "." + apex;
  }
};

INSTANTIATE_TEST_SUITE_P(By, Aggressive, both_denials, denial_name);

TEST_P(Aggressive, a_flood_of_random_names_ends_here) {
  std::string names;
  for (int i = 0; i < 200; ++i) names += "host" + std::to_string(i) + " A 192.0.2.9\n";
  internet.site("shop.com.", "192.0.2.1", names);
  std::size_t first = 0;
  std::size_t later = 0;
  for (int i = 0; i < 5000; ++i) {
    const Answer answer = internet.ask(random_name("shop.com."));
    ASSERT_EQ(answer.rcode(), Rcode::nxdomain) << answer.error() << trace();
    ASSERT_TRUE(answer.message.header.authentic);
    (i < 1000 ? first : later) += answer.packets;
  }
  std::printf("%zu upstream queries for the first 1000 names, %zu for the next 4000\n", first, later);
  EXPECT_LE(later, 40U) << "fewer than 0.01 for each name";
}

TEST_P(Aggressive, its_answers_carry_their_proof_and_end_with_it) {
  ASSERT_EQ(internet.ask("zzy.shop.com.").rcode(), Rcode::nxdomain);
  ASSERT_EQ(internet.ask("zzz.shop.com.").packets, GetParam() == DenialBy::nsec ? 0U : 1U);
  internet.world().pass(10s);
  const Answer answer = internet.ask("zzx.shop.com.");
  if (GetParam() == DenialBy::nsec) {
    EXPECT_EQ(answer.packets, 0U);
  }
  EXPECT_EQ(answer.rcode(), Rcode::nxdomain);
  EXPECT_TRUE(answer.message.header.authentic);
  EXPECT_THAT(answer.authority(), testing::Contains(testing::HasSubstr("RRSIG")));
  internet.world().pass(901s);
  EXPECT_GE(internet.ask("zzw.shop.com.").packets, 1U) << "the proof had 900 s to live";
}

TEST_P(Aggressive, types_that_a_name_lacks_are_known_at_once) {
  ASSERT_EQ(internet.ask("www.shop.com.", "AAAA").rcode(), Rcode::noerror);
  const Answer answer = internet.ask("www.shop.com.", "MX");
  EXPECT_EQ(answer.packets, 0U);
  EXPECT_EQ(answer.rcode(), Rcode::noerror);
  EXPECT_TRUE(answer.message.header.authentic);
  EXPECT_EQ(internet.ask("www.shop.com.").answer().size(), 2U) << "what it has is asked for";
}

TEST_P(Aggressive, names_that_exist_are_not_denied) {
  for (int i = 0; i < 300; ++i) internet.ask(random_name("shop.com."));
  for (const char* name : {"www.shop.com.", "mail.shop.com.", "a.wild.shop.com.", "deep.ent.shop.com.",
                           "www.new.shop.com.", "alias.shop.com.", "www.old.shop.com.", "x.cn.shop.com."}) {
    const Answer answer = internet.ask(name);
    EXPECT_EQ(answer.rcode(), Rcode::noerror) << name << answer.error();
    EXPECT_FALSE(answer.message.answer.empty()) << name;
  }
  EXPECT_EQ(internet.ask("ent.shop.com.").rcode(), Rcode::noerror);
}

TEST_P(Aggressive, zones_below_cuts_are_not_denied) {
  internet.site("sub.shop.com.", "192.0.2.9");
  internet.site("unsigned.shop.com.", "192.0.2.9").signing.reset();
  internet.publish();
  for (int i = 0; i < 300; ++i) internet.ask(random_name("shop.com."));
  expect_secure("www.sub.shop.com.");
  expect_insecure("www.unsigned.shop.com.");
}

TEST_P(Aggressive, spans_that_opt_out_deny_nothing) {
  if (GetParam() == DenialBy::nsec) return;
  internet.at("com.").signing->opt_out = true;
  for (int i = 0; i < 50; ++i) {
    const Answer answer = internet.ask(random_name("com."));
    EXPECT_EQ(answer.rcode(), Rcode::nxdomain);
    EXPECT_GE(answer.packets, 1U);
    EXPECT_FALSE(answer.message.header.authentic);
  }
  EXPECT_EQ(internet.ask("www.plain.com.").rcode(), Rcode::noerror);
}

TEST_P(Aggressive, what_was_not_proven_denies_nothing) {
  internet.at("shop.com.").behaviours.push_back(edits([](const Heard&, dns::Message& message) {
    for (dns::Record& record : message.authority) {
      if (record.type == dns::type::rrsig) record.rdata.back() ^= 1;
    }
  }));
  EXPECT_EQ(internet.ask("zzy.shop.com.").rcode(), Rcode::servfail);
  EXPECT_EQ(internet.ask("zzz.shop.com.", "A", true).rcode(), Rcode::nxdomain) << "with CD";
  EXPECT_EQ(internet.world().shared().proofs.spans(), 0U);
}

TEST_P(Aggressive, an_anchor_below_has_its_own_say) {
  // Its parent does not know it: an island.
  internet.site("island.bank.com.", "192.0.2.77").has_ds = false;
  internet.publish();
  for (int i = 0; i < 100; ++i) internet.ask(random_name("bank.com."));
  auto& settings = internet.world().settings();
  const auto anchor =
      signing::ds_record(dns::Name::literal("island.bank.com."), internet.at("island.bank.com.").signing->keys.front());
  settings.validation.anchors.push_back({dns::Name::literal("island.bank.com."), {{anchor.rdata}, {}}});
  internet.world().use();
  for (int i = 0; i < 100; ++i) internet.ask(random_name("bank.com."));
  expect_secure("www.island.bank.com.");
}

TEST_P(Aggressive, a_negative_anchor_is_heeded) {
  for (int i = 0; i < 100; ++i) internet.ask(random_name("shop.com."));
  internet.world().settings().validation.negative_anchors.push_back({dns::Name::literal("shop.com."), 0});
  internet.world().use();
  const Answer answer = internet.ask(random_name("shop.com."));
  EXPECT_EQ(answer.rcode(), Rcode::nxdomain);
  EXPECT_FALSE(answer.message.header.authentic);
  EXPECT_GE(answer.packets, 1U);
}

TEST_P(Aggressive, memory_is_bounded_whatever_a_zone_says) {
  resolver::Proofs proofs{dns::HashKey{}};
  const Instant now{};
  const auto held = [&](const dns::Name& owner, dns::RrType type, std::vector<std::uint8_t> rdata) {
    dns::RRset set{owner, type, dns::rr_class::in, dns::Ttl::from_wire(900), {}};
    set.rdata.add(rdata);
    return resolver::HeldRRset::make(set, now + 900s);
  };
  const auto apex = dns::Name::literal("evil.");
  const auto soa = records_from_text("@ 900 SOA ns host 1 3600 600 86400 900", apex).front();
  const auto held_soa = held(apex, dns::type::soa, soa.rdata);
  for (int i = 0; i < 60'000; ++i) {
    const std::string label = "n" + std::to_string(i);
    const dns::Name owner = *apex.prepended({reinterpret_cast<const std::uint8_t*>(label.data()), label.size()});
    std::vector<std::uint8_t> rdata{apex.wire().begin(), apex.wire().end()};
    const std::array types{dns::type::a};
    dnssec::append_bitmap(rdata, types);
    proofs.learn({apex, held_soa, held_soa, {{held(owner, dns::type::nsec, rdata), held_soa}}}, now);
    ASSERT_LE(proofs.spans(), resolver::Proofs::max_spans_of_zone);
  }
  EXPECT_GE(proofs.spans(), 1U);
}

TEST_P(Aggressive, a_wildcard_answers_for_other_names_from_the_cache) {
  ASSERT_EQ(internet.ask("a1.wild.shop.com.").rcode(), Rcode::noerror);
  std::size_t packets = 0;
  for (int i = 0; i < 200; ++i) {
    const std::string name = random_name("wild.shop.com.");
    const Answer answer = internet.ask(name);
    packets += answer.packets;
    ASSERT_EQ(answer.rcode(), Rcode::noerror) << answer.error() << trace();
    ASSERT_TRUE(answer.message.header.authentic) << name;
    ASSERT_FALSE(answer.message.answer.empty());
    EXPECT_EQ(answer.message.answer.front().owner.to_text(), name);
    EXPECT_EQ(answer.message.answer.front().type, dns::type::a);
    EXPECT_THAT(answer.authority(), testing::Contains(testing::HasSubstr("RRSIG"))) << "without its proof";
  }
  EXPECT_LE(packets, 30U) << "a span that was not known yet, now and then";
  EXPECT_TRUE(internet.ask("a3.wild.shop.com.", "TXT").message.answer.empty()) << "of another type";
}

TEST_P(Aggressive, an_alias_of_a_wildcard_leads_other_names_on_from_the_cache) {
  ASSERT_EQ(internet.ask("a1.cn.shop.com.").rcode(), Rcode::noerror);
  std::size_t packets = 0;
  for (int i = 0; i < 200; ++i) {
    const std::string name = random_name("cn.shop.com.");
    const Answer answer = internet.ask(name);
    packets += answer.packets;
    ASSERT_EQ(answer.rcode(), Rcode::noerror) << answer.error() << trace();
    ASSERT_TRUE(answer.message.header.authentic) << name;
    ASSERT_GE(answer.message.answer.size(), 4U) << "alias, address, and a signature of each";
    EXPECT_EQ(answer.message.answer.front().owner.to_text(), name);
    EXPECT_EQ(answer.message.answer.front().type, dns::type::cname);
    EXPECT_THAT(answer.answer(), testing::Contains(testing::HasSubstr("192.0.2.80")));
    EXPECT_THAT(answer.authority(), testing::Contains(testing::HasSubstr("RRSIG"))) << "without its proof";
  }
  EXPECT_LE(packets, 30U) << "a span that was not known yet, now and then";
  const Answer alias = internet.ask("a3.cn.shop.com.", "CNAME");
  EXPECT_EQ(alias.packets, 0U) << "asked for itself";
  ASSERT_EQ(alias.message.answer.size(), 2U);
  internet.world().pass(3601s);
  EXPECT_GE(internet.ask("a4.cn.shop.com.").packets, 1U) << "it had an hour to live";
}

TEST_P(Aggressive, an_alias_of_a_wildcard_leads_nowhere_for_names_that_exist) {
  internet.site("shop.com.", "192.0.2.1", "*.cn CNAME www\nreal.cn A 192.0.2.8\nx.ent.cn A 192.0.2.9\n");
  for (int i = 0; i < 60; ++i) internet.ask(random_name("cn.shop.com."));
  EXPECT_THAT(internet.ask("real.cn.shop.com.").answer(), testing::Contains(testing::HasSubstr("192.0.2.8")));
  EXPECT_TRUE(internet.ask("real.cn.shop.com.", "TXT").message.answer.empty());
  EXPECT_TRUE(internet.ask("ent.cn.shop.com.").message.answer.empty()) << "an empty non-terminal is there";
  EXPECT_EQ(internet.ask("y.ent.cn.shop.com.").rcode(), Rcode::nxdomain) << "the closest encloser has no wildcard";
}

TEST_P(Aggressive, names_below_several_enclosers_are_each_denied_by_their_own) {
  internet.site("shop.com.", "192.0.2.1",
                "a.one A 192.0.2.9\na.two A 192.0.2.9\na.three A 192.0.2.9\na.four A 192.0.2.9\n*.five A 192.0.2.5\n");
  // More of them than are remembered, in turn, with names in and below them that are there.
  for (int i = 0; i < 60; ++i) {
    for (const char* below : {"", "one.", "two.", "three.", "four.", "www."}) {
      const Answer answer = internet.ask(random_name(below + std::string{"shop.com."}));
      ASSERT_EQ(answer.rcode(), Rcode::nxdomain) << below << answer.error() << trace();
      ASSERT_TRUE(answer.message.header.authentic);
    }
    ASSERT_EQ(internet.ask(random_name("five.shop.com.")).rcode(), Rcode::noerror);
  }
  for (const char* name : {"a.one.shop.com.", "a.two.shop.com.", "a.three.shop.com.", "a.four.shop.com."})
    EXPECT_EQ(internet.ask(name).message.answer.size(), 2U) << name;
}

TEST_P(Aggressive, what_a_wildcard_makes_ends_with_the_first_of_its_parts) {
  internet.site("shop.com.", "192.0.2.1", "*.wild 300 A 192.0.2.7\n");
  ASSERT_EQ(internet.ask("a.wild.shop.com.").rcode(), Rcode::noerror);
  internet.world().pass(200s);
  const Answer later = internet.ask("b.wild.shop.com.");
  if (later.packets == 0) {
    EXPECT_LE(later.ttl(), 100U);
  }
  internet.world().pass(301s);
  EXPECT_GE(internet.ask("c.wild.shop.com.").packets, 1U);
}

TEST_P(Aggressive, wildcards_make_nothing_of_names_that_exist) {
  internet.site("shop.com.", "192.0.2.1",
                "*.wild A 192.0.2.7\nreal.wild A 192.0.2.8\nonly.wild TXT here\nx.ent.wild A 192.0.2.9\n");
  internet.site("cut.wild.shop.com.", "192.0.2.5");
  internet.publish();
  for (int i = 0; i < 60; ++i) internet.ask(random_name("wild.shop.com."));
  EXPECT_THAT(internet.ask("real.wild.shop.com.").answer(), testing::Contains(testing::HasSubstr("192.0.2.8")));
  EXPECT_TRUE(internet.ask("only.wild.shop.com.").message.answer.empty());
  EXPECT_TRUE(internet.ask("ent.wild.shop.com.").message.answer.empty()) << "an empty non-terminal is there";
  EXPECT_EQ(internet.ask("y.ent.wild.shop.com.").rcode(), Rcode::nxdomain) << "the closest encloser has no wildcard";
  EXPECT_THAT(internet.ask("www.cut.wild.shop.com.").answer(), testing::Contains(testing::HasSubstr("192.0.2.80")));
}

TEST_P(Aggressive, spoilt_wildcards_make_nothing) {
  const auto forge = [](bool is_proof) {
    return edits([is_proof](const Heard&, dns::Message& message) {
      for (auto* section : {&message.answer, &message.authority}) {
        for (dns::Record& record : *section) {
          const bool in_proof = section == &message.authority;
          if (record.type == dns::type::rrsig && in_proof == is_proof) record.rdata.back() ^= 1;
        }
      }
    });
  };
  for (const bool is_proof : {false, true}) {
    SignedWorld world{GetParam()};
    world.site("shop.com.", "192.0.2.1", "*.wild A 192.0.2.7\n").behaviours.push_back(forge(is_proof));
    EXPECT_EQ(world.ask("a.wild.shop.com.", "A", true).rcode(), Rcode::noerror) << "with CD";
    EXPECT_EQ(world.ask("b.wild.shop.com.").rcode(), Rcode::servfail);
    EXPECT_EQ(world.ask("c.wild.shop.com.").rcode(), Rcode::servfail);
    EXPECT_EQ(world.world().shared().proofs.spans(), 0U);
  }
}

TEST_P(Aggressive, wildcards_under_spans_that_opt_out_make_nothing) {
  if (GetParam() == DenialBy::nsec) return;
  auto& site = internet.site("shop.com.", "192.0.2.1", "*.wild A 192.0.2.7\n");
  site.signing->opt_out = true;
  ASSERT_EQ(internet.ask("a.wild.shop.com.").rcode(), Rcode::noerror);
  for (int i = 0; i < 20; ++i) {
    const Answer answer = internet.ask(random_name("wild.shop.com."));
    EXPECT_EQ(answer.rcode(), Rcode::noerror);
    EXPECT_GE(answer.packets, 1U);
  }
}

TEST_P(Aggressive, a_wildcard_signature_that_reaches_too_high_makes_nothing) {
  // A second RRSIG that claims to be of *.shop.com. rides along, unverified.
  internet.site("shop.com.", "192.0.2.1", "*.wild A 192.0.2.7\n")
      .behaviours.push_back(edits([](const Heard&, dns::Message& message) {
        std::vector<dns::Record> more;
        for (const dns::Record& record : message.answer) {
          if (record.type != dns::type::rrsig) continue;
          more.push_back(record);
          more.back().rdata[3] = 2;  // labels
        }
        message.answer.insert(message.answer.end(), more.begin(), more.end());
      }));
  ASSERT_EQ(internet.ask("a.wild.shop.com.").rcode(), Rcode::noerror);
  EXPECT_EQ(internet.ask("high.shop.com.").rcode(), Rcode::nxdomain);
}

TEST_P(Aggressive, a_negative_anchor_ends_what_wildcards_make) {
  ASSERT_EQ(internet.ask("a1.wild.shop.com.").rcode(), Rcode::noerror);
  internet.world().settings().validation.negative_anchors.push_back({dns::Name::literal("shop.com."), 0});
  internet.world().use();
  const Answer answer = internet.ask(random_name("wild.shop.com."));
  EXPECT_FALSE(answer.message.header.authentic);
  EXPECT_GE(answer.packets, 1U);
}

TEST_P(Aggressive, what_is_kept_is_bounded_in_octets) {
  resolver::Proofs proofs{dns::HashKey{}, 200'000};
  const Instant now{};
  const auto held = [&](const dns::Name& owner, dns::RrType type, std::vector<std::uint8_t> rdata) {
    dns::RRset set{owner, type, dns::rr_class::in, dns::Ttl::from_wire(900), {}};
    set.rdata.add(rdata);
    return resolver::HeldRRset::make(set, now + 900s);
  };
  std::size_t most = 0;
  for (int i = 0; i < 3000; ++i) {
    const auto apex = dns::Name::literal("zone" + std::to_string(i % 700) + ".");
    const auto soa = records_from_text("@ 900 SOA ns host 1 3600 600 86400 900", apex).front();
    const std::string label = "n" + std::to_string(i);
    const dns::Name owner = *apex.prepended({reinterpret_cast<const std::uint8_t*>(label.data()), label.size()});
    std::vector<std::uint8_t> rdata{apex.wire().begin(), apex.wire().end()};
    const std::array types{dns::type::a};
    dnssec::append_bitmap(rdata, types);
    const auto signatures = held(owner, dns::type::rrsig, std::vector<std::uint8_t>(200, 7));
    const auto held_soa = held(apex, dns::type::soa, soa.rdata);
    proofs.learn({apex, held_soa, signatures, {{held(owner, dns::type::nsec, rdata), signatures}}}, now);
    proofs.learn({apex, owner, held(owner, dns::type::a, {192, 0, 2, 1}), signatures, {}}, now);
    ASSERT_LE(proofs.octets(), 200'000U);
    most = std::max(most, proofs.spans());
  }
  EXPECT_GE(most, 50U);
  proofs.resize(20'000);
  EXPECT_LE(proofs.octets(), 20'000U);
  proofs.clear();
  EXPECT_EQ(proofs.octets(), 0U);
}

}  // namespace
}  // namespace redoubt::sim
