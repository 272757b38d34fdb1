// What is asked beside the questions of clients: negative anchors that come and go, key tags that are told (RFC 8145),
// failures that are reported (RFC 9567).
#include <fmt/format.h>

#include "resolver/trace.hpp"
#include "tests/sim/validation_fixture.hpp"
#include "tests/sim/zone_text.hpp"

namespace redoubt::sim {
namespace {

using dns::Rcode;

struct Ears final : resolver::Trace {
  void note(resolver::TraceEvent event) override { heard.push_back(std::move(event)); }
  std::vector<resolver::TraceEvent> heard;
};

struct Beside : ValidationFixture {
  resolver::ValidationSettings& validation() { return internet.world().settings().validation; }
  std::uint64_t wall() {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::seconds>(internet.world().clock().wall().time_since_epoch()).count());
  }
  void spoil_www(const std::string& apex) {
    spoil(apex, [apex](auto& records) { spoil_signature(records, "www." + apex, "A"); });
  }
  /// Names of that type that servers heard, in lower case.
  std::vector<std::string> heard(std::string_view type) {
    std::vector<std::string> names;
    for (const Heard& one : internet.world().internet().heard()) {
      if (one.query.question->type == type_from_text(type))
        names.push_back(one.query.question->name.lowercased().to_text());
    }
    return names;
  }
  /// Servers of the zone name this agent.
  void names_agent(const std::string& apex, std::vector<std::uint8_t> option) {
    internet.at(apex).behaviours.push_back(edits([option](const Heard&, dns::Message& message) {
      if (message.edns) message.edns->unknown.push_back({18, option});
    }));
  }
  void names_agent(const std::string& apex, std::string_view agent) {
    const dns::Name name = name_from_text(agent);
    names_agent(apex, std::vector<std::uint8_t>{name.wire().begin(), name.wire().end()});
  }
  /// Time for what nobody waits for.
  void linger() { internet.world().run_for(10s); }
};

INSTANTIATE_TEST_SUITE_P(By, Beside, testing::Values(signing::DenialBy::nsec), denial_name);

TEST_P(Beside, a_negative_anchor_is_taken_over_at_once_and_ends_by_itself) {
  spoil_www("shop.com.");
  expect_secure("www.bank.com.");
  expect_bogus("www.shop.com.", 6);
  validation().negative_anchors = {{dns::Name::literal("shop.com."), wall() + 3600}};
  internet.world().use();
  const Answer excepted = internet.ask("www.shop.com.");
  EXPECT_EQ(excepted.rcode(), Rcode::noerror) << excepted.error();
  EXPECT_FALSE(excepted.message.header.authentic);
  EXPECT_THAT(excepted.error(), testing::HasSubstr("negative trust anchor: nothing at and below shop.com."));
  const Answer other = internet.ask("www.bank.com.");
  EXPECT_EQ(other.packets, 0U) << "what lies elsewhere is still in the cache";
  EXPECT_TRUE(other.message.header.authentic) << "with its verdict";
  internet.world().pass(3601s);
  validation().negative_anchors.clear();  // as control hands it over then
  internet.world().use();
  expect_bogus("www.shop.com.", 6);
}

TEST_P(Beside, a_negative_anchor_that_nobody_takes_out_ends_all_the_same) {
  internet.site("shop.com.", "192.0.2.1", "two A 192.0.2.81\n");
  spoil("shop.com.", [](auto& records) {
    spoil_signature(records, "www.shop.com.", "A");
    spoil_signature(records, "two.shop.com.", "A");
  });
  validation().negative_anchors = {{dns::Name::literal("shop.com."), wall() + 60}};
  EXPECT_EQ(internet.ask("www.shop.com.").rcode(), Rcode::noerror);
  internet.world().pass(61s);
  expect_bogus("two.shop.com.", 6);
}

TEST_P(Beside, a_trace_tells_of_the_negative_anchor) {
  spoil_www("shop.com.");
  validation().negative_anchors = {{dns::Name::literal("shop.com."), wall() + 3600}};
  internet.publish();
  Ears ears;
  internet.world().trace(World::query("www.shop.com."), ears);
  EXPECT_TRUE(std::ranges::any_of(
      ears.heard, [](const auto& event) { return event.verdict.find("negative trust anchor") != std::string::npos; }));
}

TEST_P(Beside, key_tags_are_told_once_a_day_where_a_setting_wants_it) {
  internet.ask("www.shop.com.");
  linger();
  EXPECT_THAT(heard("TYPE10"), testing::IsEmpty()) << "off as it is made";
  validation().signal = true;
  internet.world().use();
  internet.ask("mail.shop.com.");
  linger();
  const auto told = heard("TYPE10");
  ASSERT_EQ(told.size(), 1U);
  const std::uint16_t tag = internet.at(".").signing->keys.front().tag();
  EXPECT_EQ(told.front(), fmt::format("_ta-{:04x}.", tag));
  internet.world().pass(23h);
  internet.ask("www.bank.com.");
  linger();
  EXPECT_EQ(heard("TYPE10").size(), 1U);
  internet.world().pass(1h);
  internet.ask("mail.shop.com.");
  linger();
  EXPECT_EQ(heard("TYPE10").size(), 2U) << "although the cache knows that there is no such name";
}

TEST_P(Beside, key_tags_stand_in_queries_for_the_anchors_keys_where_a_setting_wants_it) {
  const auto tags_heard = [&](bool of_keys_of_the_root) {
    std::vector<std::vector<std::uint8_t>> options;
    for (const Heard& one : internet.world().internet().heard()) {
      const dns::Question& asked = *one.query.question;
      const bool is_it = asked.name.is_root() && asked.type == dns::type::dnskey;
      if (is_it != of_keys_of_the_root || !one.query.edns) continue;
      for (const auto& option : one.query.edns->unknown) {
        if (option.code == 14) options.push_back(option.data);
      }
    }
    return options;
  };
  internet.ask("www.shop.com.");
  EXPECT_THAT(heard("DNSKEY"), testing::Contains("."));
  EXPECT_THAT(tags_heard(true), testing::IsEmpty()) << "off as it is made";
  validation().signal = true;
  internet.world().use();
  internet.world().pass(48h);
  internet.ask("mail.shop.com.");
  const std::uint16_t tag = internet.at(".").signing->keys.front().tag();
  const std::vector<std::uint8_t> octets{static_cast<std::uint8_t>(tag >> 8), static_cast<std::uint8_t>(tag & 0xff)};
  EXPECT_THAT(tags_heard(true), testing::ElementsAre(octets));
  EXPECT_THAT(tags_heard(false), testing::IsEmpty()) << "in no other query (RFC 8145 §4.2)";
}

TEST(KeyTagQueries, have_all_tags_in_order_and_no_more_than_a_label) {
  resolver::TrustAnchor anchor{dns::Name::literal("example."), {}};
  EXPECT_FALSE(resolver::key_tag_query(anchor));
  for (const std::uint8_t tag : std::initializer_list<std::uint8_t>{0x97, 0x02, 0x97}) {
    std::vector<std::uint8_t> ds(36, 1);
    ds[0] = tag;
    ds[1] = 0x28;
    ds[2] = 8;
    ds[3] = 2;
    anchor.vouchers.ds.push_back(ds);
  }
  EXPECT_EQ(resolver::key_tag_query(anchor)->to_text(), "_ta-0228-9728.example.");
  for (std::uint8_t i = 0; i < 20; ++i) {
    anchor.vouchers.ds.push_back(anchor.vouchers.ds.front());
    anchor.vouchers.ds.back()[1] = i;
  }
  EXPECT_FALSE(resolver::key_tag_query(anchor)) << "more than 63 octets";
}

struct Reports : Beside {
  void SetUp() override {
    Beside::SetUp();
    internet.site("agent.net.", "192.0.2.99", "*.er 5 TXT thanks\n");
    spoil_www("shop.com.");
    validation().report = true;
  }
};

INSTANTIATE_TEST_SUITE_P(By, Reports, testing::Values(signing::DenialBy::nsec), denial_name);

TEST_P(Reports, a_failure_is_reported_once_an_hour) {
  names_agent("shop.com.", "er.agent.net.");
  internet.ask("www.shop.com.");
  linger();
  const auto first = heard("TXT");
  ASSERT_GE(first.size(), 1U);
  EXPECT_EQ(first.back(), "_er.1.www.shop.com.6._er.er.agent.net.");
  const std::size_t until_then = first.size();
  for (int i = 0; i < 20; ++i) {
    internet.world().pass(40s);  // longer than the failure is remembered
    internet.ask("www.shop.com.");
    linger();
  }
  EXPECT_EQ(heard("TXT").size(), until_then) << "nothing more within the hour";
  internet.world().pass(1h);
  internet.ask("www.shop.com.");
  linger();
  EXPECT_GT(heard("TXT").size(), until_then);
}

TEST_P(Reports, servers_that_have_no_answer_are_reported_too) {
  names_agent("bank.com.", "er.agent.net.");
  internet.ask("www.bank.com.");  // tells who the agent is
  internet.world().internet().server("192.0.2.2").behaves(says(Rcode::refused));
  const Answer answer = internet.ask("mail.bank.com.");
  ASSERT_EQ(answer.rcode(), Rcode::servfail);
  ASSERT_THAT(answer.error(), testing::StartsWith("22 "));
  linger();
  EXPECT_THAT(heard("TXT"), testing::Contains("_er.1.mail.bank.com.22._er.er.agent.net."));
}

TEST_P(Reports, what_a_limit_of_ours_ended_is_not_reported) {
  names_agent("bank.com.", "er.agent.net.");
  internet.ask("www.bank.com.");
  internet.world().internet().server("192.0.2.2").behaves(silent());
  internet.world().limit("question-time", 1000);
  internet.world().use();
  ASSERT_EQ(internet.ask("mail.bank.com.").rcode(), Rcode::servfail);
  linger();
  EXPECT_THAT(heard("TXT"), testing::IsEmpty());
}

TEST_P(Reports, nothing_is_reported_where_the_setting_does_not_want_it) {
  validation().report = false;
  names_agent("shop.com.", "er.agent.net.");
  internet.ask("www.shop.com.");
  linger();
  EXPECT_THAT(heard("TXT"), testing::IsEmpty());
}

TEST_P(Reports, nothing_is_reported_to_nobody_to_the_failing_zone_or_by_names_too_long) {
  const std::vector<std::vector<std::uint8_t>> nobodies{
      {}, {0}, {1, 'a'}, {3, 'e', 'r', '1', 0, 0}, std::vector<std::uint8_t>(300, 63)};
  for (const auto& option : nobodies) names_agent("shop.com.", option);
  internet.ask("www.shop.com.");
  linger();
  EXPECT_THAT(heard("TXT"), testing::IsEmpty());
}

TEST_P(Reports, an_agent_within_the_failing_zone_hears_nothing) {
  names_agent("shop.com.", "er.shop.com.");
  internet.ask("www.shop.com.");
  linger();
  EXPECT_THAT(heard("TXT"), testing::IsEmpty());
}

TEST_P(Reports, an_agent_of_255_octets_hears_nothing) {
  std::string agent;
  for (int i = 0; i < 3; ++i) agent += std::string(63, 'x') + ".";
  agent += std::string(61, 'y') + ".";
  names_agent("shop.com.", agent);
  internet.ask("www.shop.com.");
  linger();
  EXPECT_THAT(heard("TXT"), testing::IsEmpty());
}

TEST_P(Reports, a_report_that_fails_is_not_reported) {
  // The agent's own zone is spoilt, and names an agent in turn.
  names_agent("shop.com.", "er.agent.net.");
  spoil("agent.net.", [](auto& records) {
    for (dns::Record& record : records) {
      if (record.type == dns::type::rrsig) record.rdata.back() ^= 1;
    }
  });
  names_agent("agent.net.", "er.bank.com.");
  internet.ask("www.shop.com.");
  linger();
  linger();
  for (const std::string& name : heard("TXT")) EXPECT_THAT(name, testing::EndsWith("er.agent.net."));
  internet.ask("_er.1.x.6._er.er.agent.net.", "TXT");
  linger();
  for (const std::string& name : heard("TXT")) EXPECT_THAT(name, testing::EndsWith("agent.net."));
}

TEST(ErrorReports, are_bounded_whatever_fails) {
  resolver::ErrorReports reports{dns::HashKey{}};
  const auto zone = dns::Name::literal("evil.example.");
  const auto agent = dns::Name::literal("victim.test.");
  reports.learn_agent(zone, agent.wire());
  Instant now{1h};
  std::size_t sent = 0;
  for (int i = 0; i < 6000; ++i) {
    const auto name = dns::Name::literal("n" + std::to_string(i) + ".evil.example.");
    reports.note({name, dns::type::a}, dns::EdeCode::dnssec_bogus, zone, now);
    while (reports.take()) ++sent;
    now += 10ms;
  }
  EXPECT_LE(sent, 60U) << "of one minute";
  EXPECT_GE(sent, 60U);
  for (int i = 0; i < 1000; ++i)
    reports.note({dns::Name::literal("m" + std::to_string(i) + ".evil.example."), dns::type::a},
                 dns::EdeCode::dnssec_bogus, zone, now + 2min);
  std::size_t waiting = 0;
  while (reports.take()) ++waiting;
  EXPECT_EQ(waiting, resolver::ErrorReports::max_waiting) << "when nobody takes them";
}

}  // namespace
}  // namespace redoubt::sim
