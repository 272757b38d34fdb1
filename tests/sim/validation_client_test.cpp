// What clients may ask for, and what they may not get: CD, DO and AD, other servers, sentinels, anchors that change.
#include "tests/sim/validation_fixture.hpp"
#include "tests/sim/zone_text.hpp"

namespace redoubt::sim {
namespace {

using dns::Rcode;

struct Clients : ValidationFixture {
  /// shop.com.'s server says something else about www, the first `times` times.
  void forge(int times) {
    internet.at("shop.com.")
        .behaviours.push_back(edits([left = times](const Heard& heard, dns::Message& message) mutable {
          if (!(heard.query.question->name == dns::Name::literal("www.shop.com.")) || left == 0) return;
          --left;
          for (dns::Record& record : message.answer) {
            if (record.type == dns::type::a) record.rdata = {6, 6, 6, 6};
          }
        }));
    internet.publish();
  }
};

INSTANTIATE_TEST_SUITE_P(By, Clients, both_denials, denial_name);

TEST_P(Clients, with_cd_get_what_servers_say_and_no_ad) {
  spoil("shop.com.", [](auto& records) { spoil_signature(records, "www.shop.com.", "A"); });
  const Answer unchecked = internet.ask("www.shop.com.", "A", true);
  EXPECT_EQ(unchecked.rcode(), Rcode::noerror);
  EXPECT_EQ(unchecked.message.answer.size(), 2U) << "with its signature";
  EXPECT_FALSE(unchecked.message.header.authentic);
  EXPECT_TRUE(unchecked.message.header.checking_disabled);
  expect_bogus("www.shop.com.", 6);
  EXPECT_EQ(internet.ask("www.shop.com.", "A", true).rcode(), Rcode::noerror) << "a bogus verdict is not for them";
  expect_bogus("www.shop.com.", 6);
}

TEST_P(Clients, with_cd_leave_no_forgery_behind) {
  forge(1);
  EXPECT_THAT(internet.ask("www.shop.com.", "A", true).answer(), testing::Contains("www.shop.com. A 6.6.6.6"));
  const Answer answer = internet.ask("www.shop.com.");
  EXPECT_THAT(answer.answer(), testing::Contains("www.shop.com. A 192.0.2.80"));
  EXPECT_TRUE(answer.message.header.authentic);
  EXPECT_THAT(internet.ask("www.shop.com.", "A", true).answer(), testing::Contains("www.shop.com. A 192.0.2.80"))
      << "what was checked is not replaced by what was not";
}

TEST_P(Clients, with_cd_get_ad_for_what_is_known_to_be_secure_or_no_ad_at_all) {
  expect_secure("www.shop.com.");
  const Answer answer = internet.ask("www.shop.com.", "A", true);
  EXPECT_EQ(answer.rcode(), Rcode::noerror);
}

TEST_P(Clients, one_bad_reply_is_asked_for_again_before_it_is_told) {
  forge(1);
  const Answer answer = internet.ask("www.shop.com.");
  EXPECT_THAT(answer.answer(), testing::Contains("www.shop.com. A 192.0.2.80")) << answer.error();
  EXPECT_TRUE(answer.message.header.authentic);
}

TEST_P(Clients, a_bogus_name_is_not_asked_for_again_by_everybody) {
  spoil("shop.com.", [](auto& records) { spoil_signature(records, "www.shop.com.", "A"); });
  internet.ask("www.shop.com.");
  for (int i = 0; i < 50; ++i) EXPECT_EQ(internet.ask("www.shop.com.").packets, 0U);
  internet.world().pass(31s);
  EXPECT_GE(internet.ask("www.shop.com.").packets, 1U) << "thirty seconds later it is";
}

TEST_P(Clients, a_zone_that_was_mended_is_secure_soon) {
  spoil("shop.com.", [](auto& records) { spoil_signature(records, "shop.com.", "DNSKEY"); });
  expect_bogus("www.shop.com.", 6);
  internet.at("shop.com.").spoil = nullptr;
  internet.publish();
  internet.world().pass(61s);
  expect_secure("www.shop.com.");
}

TEST_P(Clients, stale_records_are_given_without_ad) {
  auto& settings = internet.world().settings();
  settings.stale = 1h;
  expect_secure("www.shop.com.");
  internet.at("shop.com.").behaviours.push_back(silent());
  internet.publish();
  internet.world().pass(2h);
  internet.world().settings().stale = 24h;
  internet.world().use();
  const Answer answer = internet.ask("www.shop.com.");
  EXPECT_FALSE(answer.message.header.authentic);
}

TEST_P(Clients, sentinels_tell_which_keys_are_trusted) {
  const std::uint16_t tag = internet.at(".").signing->keys.front().tag();
  const auto digits = [](unsigned number) {
    std::string text = std::to_string(number);
    return std::string(5 - text.size(), '0') + text;
  };
  const std::string trusted = digits(tag);
  const std::string other = digits(tag ^ 1U);
  std::string names;
  for (const std::string& which : {trusted, other}) {
    for (const char* word : {"is-ta-", "not-ta-"}) names += "root-key-sentinel-" + (word + which) + " A 192.0.2.5\n";
  }
  internet.site("shop.com.", "192.0.2.1", names);
  const auto rcode = [&](const std::string& label, bool cd = false) {
    const Rcode first = internet.ask("root-key-sentinel-" + label + ".shop.com.", "A", cd).rcode();
    EXPECT_EQ(internet.ask("Root-Key-Sentinel-" + label + ".shop.com.", "A", cd).rcode(), first) << label;
    return first;
  };
  EXPECT_EQ(rcode("is-ta-" + trusted), Rcode::noerror);
  EXPECT_EQ(rcode("not-ta-" + trusted), Rcode::servfail);
  EXPECT_EQ(rcode("is-ta-" + other), Rcode::servfail);
  EXPECT_EQ(rcode("not-ta-" + other), Rcode::noerror);
  EXPECT_EQ(rcode("is-ta-" + other, true), Rcode::noerror) << "with CD it is a name like others";
  internet.world().settings().validation.sentinel = false;
  internet.world().use();
  EXPECT_EQ(rcode("is-ta-" + other), Rcode::noerror);
}

TEST_P(Clients, a_negative_anchor_ends_by_itself) {
  internet.at("shop.com.").signing->times = {0U - 20 * 86'400, 0U - 2 * 86'400};
  internet.world().settings().validation.negative_anchors.push_back({dns::Name::literal("shop.com."), 3600});
  expect_insecure("www.shop.com.");
  expect_secure("www.bank.com.");
  internet.world().pass(2h);
  EXPECT_EQ(internet.ask("www.shop.com.").rcode(), Rcode::servfail) << trace();
}

TEST_P(Clients, other_anchors_make_every_verdict_be_found_out_anew) {
  expect_secure("www.shop.com.");
  auto& anchors = internet.world().settings().validation.anchors;
  const auto right = anchors;
  anchors.front().vouchers.ds.front()[10] ^= 1;
  internet.world().use();
  EXPECT_EQ(internet.ask("www.shop.com.").rcode(), Rcode::servfail);
  anchors = right;
  internet.world().use();
  expect_secure("www.shop.com.");
}

TEST_P(Clients, an_island_is_proven_by_its_own_anchor_whatever_lies_above) {
  internet.site("island.plain.com.", "192.0.2.77").has_ds = false;
  internet.publish();
  auto& anchors = internet.world().settings().validation.anchors;
  const auto ds = signing::ds_record(dns::Name::literal("island.plain.com."),
                                     internet.at("island.plain.com.").signing->keys.front());
  anchors.push_back({dns::Name::literal("island.plain.com."), {{ds.rdata}, {}}});
  expect_secure("www.island.plain.com.");
  expect_insecure("www.plain.com.");
  internet.at("plain.com.").behaviours.push_back(edits([](const Heard& heard, dns::Message& message) {
    if (!heard.query.question->name.is_at_or_below(dns::Name::literal("island.plain.com."))) return;
    message.set_rcode(Rcode::nxdomain);
    message.answer.clear();
    message.authority.clear();
  }));
  internet.publish();
  internet.world().pass(3h);
  EXPECT_NE(internet.ask("other.island.plain.com.").rcode(), Rcode::nxdomain)
      << "the unsigned parent denies what has an anchor\n"
      << trace();
}

TEST_P(Clients, a_clock_before_our_time_is_not_heeded) {
  internet.world().settings().validation.earliest = 86'400 * 40;
  internet.at("shop.com.").signing->times = {39 * 86'400, 60 * 86'400};
  for (const char* zone : {".", "com.", "bank.com."}) internet.at(zone).signing->times = {39 * 86'400, 60 * 86'400};
  expect_secure("www.shop.com.");
}

}  // namespace
}  // namespace redoubt::sim
