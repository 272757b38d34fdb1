// What whole resolutions look like to a client stands in tests/sim/special_test.cpp; here the edges.
#include "resolver/render/render.hpp"

#include <gtest/gtest.h>

#include "tests/sim/world.hpp"
#include "tests/sim/zone_text.hpp"

namespace redoubt::resolver {

namespace {

constexpr Instant now{std::chrono::hours{1}};

dns::Message rendered(const dns::Query& query, const Outcome& outcome, std::size_t room) {
  std::vector<std::uint8_t> octets(room);
  const Rendered result = render(query, outcome, now, octets);
  EXPECT_LE(result.octets, room);
  octets.resize(result.octets);
  const auto message = dns::Message::parse(octets);
  EXPECT_TRUE(message);
  EXPECT_EQ(message->header.truncated, result.truncated);
  return *message;
}

TEST(Render, slip_is_the_question_with_tc_or_for_those_who_speak_cookies_badcookie) {
  dns::Query query = sim::World::query("www.example.");
  std::vector<std::uint8_t> room(1232);
  const auto slip = [&](const Extras& extras) {
    return *dns::Message::parse(std::span{room}.first(render_slip(query, room, extras)));
  };
  const dns::Message truncated = slip({});
  EXPECT_TRUE(truncated.header.truncated);
  EXPECT_EQ(truncated.rcode(), dns::Rcode::noerror);
  EXPECT_EQ(truncated.question, query.question);
  EXPECT_TRUE(truncated.answer.empty() && truncated.authority.empty());
  const dns::Cookie cookie{{1, 2, 3, 4, 5, 6, 7, 8}, std::vector<std::uint8_t>(16, 9)};
  const dns::Message asks_again = slip({.cookie = cookie});
  EXPECT_FALSE(asks_again.header.truncated);
  EXPECT_EQ(asks_again.rcode(), dns::Rcode::badcookie);
  EXPECT_EQ(asks_again.edns->cookie, cookie);
}

}  // namespace

TEST(Render, longest_name_and_longest_explanation_fit_the_smallest_room) {
  const std::string label(62, 'x');
  dns::Query query = sim::World::query(label + "." + label + "." + label + "." + label + ".");
  for (const std::size_t length : {0U, 100U, 160U, 1000U, 60000U}) {
    Outcome outcome;
    outcome.error = dns::ExtendedError{dns::EdeCode::other, std::string(length, 'e')};
    const dns::Message message = rendered(query, outcome, 512);
    EXPECT_EQ(message.question, query.question);
    ASSERT_TRUE(message.edns);
    EXPECT_EQ(message.edns->extended_errors.size(), 1U);
    EXPECT_FALSE(message.header.truncated);
  }
}

TEST(Render, the_server_identifier_is_told_to_those_who_ask_for_it) {
  const std::string label(62, 'x');
  dns::Query query = sim::World::query(label + "." + label + "." + label + "." + label + ".");
  Outcome outcome;
  outcome.error = dns::ExtendedError{dns::EdeCode::other, std::string(500, 'e')};
  const std::string nsid(60, 'n');
  const auto told = [&](std::string_view configured) {
    std::vector<std::uint8_t> room(512);
    room.resize(render(query, outcome, now, room, {.nsid = configured}).octets);
    const auto message = dns::Message::parse(room);
    EXPECT_TRUE(message && message->edns);
    return message && message->edns ? message->edns->nsid : std::nullopt;
  };
  EXPECT_EQ(told(nsid), std::nullopt) << "nobody asked";
  query.edns->nsid.emplace();
  EXPECT_EQ(told(""), std::nullopt) << "nothing is configured";
  EXPECT_EQ(told(nsid), (std::vector<std::uint8_t>{nsid.begin(), nsid.end()}));
}

TEST(Render, answers_are_padded_for_those_who_pad_and_to_the_block_or_the_room) {
  dns::Query query = sim::World::query("www.example.");
  std::vector<std::uint8_t> room(65'535);
  Outcome outcome;
  query.edns.emplace();
  EXPECT_LT(render(query, outcome, now, room, {.padding_block = padding_block}).octets, 100U);
  query.edns->padding = 7;
  EXPECT_LT(render(query, outcome, now, room).octets, 100U);  // in the clear
  for (const std::size_t text : {0U, 10U, 150U}) {
    outcome.error = dns::ExtendedError{dns::EdeCode::other, std::string(text, 'x')};
    for (const std::size_t block : {std::size_t{128}, padding_block}) {
      const std::size_t octets = render(query, outcome, now, room, {.padding_block = block}).octets;
      EXPECT_EQ(octets % block, 0U);
      const auto message = dns::Message::parse(std::span{room}.first(octets));
      ASSERT_TRUE(message && message->edns);
      EXPECT_TRUE(message->edns->padding);
      EXPECT_EQ(message->edns->extended_errors.size(), 1U);
    }
    EXPECT_EQ(render(query, outcome, now, std::span{room}.first(300), {.padding_block = padding_block}).octets, 300U);
  }
}

TEST(Render, ttl_is_what_is_left_and_never_negative) {
  const dns::Query query = sim::World::query("a.example.");
  for (const auto& [lifetime, expected] : {std::pair{100, 100U}, {1, 1U}, {0, 0U}, {-50, 0U}}) {
    dns::RRset set{query.question.name, dns::type::a, dns::rr_class::in, dns::Ttl::from_wire(3600), {}};
    set.rdata.add(std::vector<std::uint8_t>{192, 0, 2, 1});
    Outcome outcome;
    outcome.rcode = dns::Rcode::noerror;
    outcome.answer.push_back(HeldRRset::make(set, now + std::chrono::seconds{lifetime}));
    EXPECT_EQ(rendered(query, outcome, 512).answer.at(0).ttl.seconds(), expected);
  }
}

TEST(Render, extended_rcode_needs_edns_to_be_told) {
  dns::Query query = sim::World::query("a.example.");
  Outcome outcome;
  outcome.rcode = dns::Rcode::badcookie;
  EXPECT_EQ(rendered(query, outcome, 512).rcode(), dns::Rcode::badcookie);
}

TEST(Render, fault_is_a_header_with_the_code_and_no_longer_than_the_shortest_query) {
  for (const dns::QueryFault fault : {dns::QueryFault::formerr, dns::QueryFault::notimp}) {
    dns::QueryError error{fault, {}};
    error.header.id = 7;
    std::array<std::uint8_t, 512> room;
    EXPECT_EQ(render_fault(error, room), dns::header_octets);
    EXPECT_EQ(room[1], 7);
    EXPECT_NE(room[2] & 0x80, 0);
  }
  std::array<std::uint8_t, 512> room;
  const std::size_t octets = render_fault({dns::QueryFault::badvers, {}}, room);
  const auto message = dns::Message::parse(std::span{room}.first(octets));
  ASSERT_TRUE(message);
  EXPECT_EQ(message->rcode(), dns::Rcode::badvers);
}

}  // namespace redoubt::resolver
