#include "resolver/iterate/query_message.hpp"

#include <gtest/gtest.h>

#include "resolver/upstream/reply_match.hpp"
#include "tests/sim/world.hpp"
#include "tests/sim/zone_text.hpp"

namespace redoubt::resolver {

namespace {
const dns::Question question{sim::name_from_text("abcdefgh.Example."), dns::type::a};
}

TEST(QueryMessage, asks_one_question_with_edns_and_without_recursion) {
  sim::SeededRandom random{1};
  const OutgoingQuery query = make_query(question, {.edns = true, .random_case = true}, random);
  const auto parsed = dns::Message::parse(query.wire);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(*parsed->question, question);
  EXPECT_FALSE(parsed->header.recursion_desired);
  ASSERT_TRUE(parsed->edns);
  EXPECT_FALSE(parsed->edns->dnssec_ok);
  EXPECT_FALSE(dns::Message::parse(make_query(question, {.edns = false, .random_case = true}, random).wire)->edns);
}

TEST(QueryMessage, padded_queries_are_multiples_of_a_block_whatever_the_name) {
  sim::SeededRandom random{1};
  std::string name = "example.";
  for (int i = 0; i < 110; ++i) {
    const dns::Question longer{sim::name_from_text(name), dns::type::a};
    const OutgoingQuery query = make_query(longer, {.edns = true, .padded = true, .random_case = true}, random);
    EXPECT_EQ(query.wire.size() % 128, 0U) << name;
    const auto parsed = dns::Message::parse(query.wire);
    ASSERT_TRUE(parsed && parsed->edns);
    EXPECT_TRUE(parsed->edns->padding);
    name = "a." + name;
  }
}

TEST(QueryMessage, every_letter_comes_in_both_cases_and_nothing_else_changes) {
  sim::SeededRandom random{1};
  std::vector<std::size_t> changed(question.name.wire().size());
  for (int i = 0; i < 400; ++i) {
    const OutgoingQuery query = make_query(question, {.edns = true, .random_case = true}, random);
    for (std::size_t k = 0; k < changed.size(); ++k)
      changed[k] += query.wire[12 + k] != question.name.wire()[k] ? 1 : 0;
  }
  for (std::size_t k = 0; k < changed.size(); ++k) {
    const std::uint8_t octet = question.name.wire()[k];
    if (octet < 'A') {
      EXPECT_EQ(changed[k], 0U) << k;
    } else {
      EXPECT_NEAR(static_cast<double>(changed[k]), 200.0, 50.0) << k;
    }
  }
}

TEST(QueryMessage, names_that_point_at_the_question_come_back_in_the_client_s_case) {
  sim::SeededRandom random{1};
  const OutgoingQuery query = make_query(question, {.edns = true, .random_case = true}, random);
  dns::Message reply = *dns::Message::parse(query.wire);
  reply.header.response = true;
  reply.answer.push_back({reply.question->name, dns::type::a, dns::rr_class::in, {}, {192, 0, 2, 1}});
  const auto read = read_reply(query, reply.to_wire());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->answer.front().owner.to_text(), "abcdefgh.Example.");
}

TEST(QueryMessage, reply_that_does_not_match_is_not_read_however_short) {
  sim::SeededRandom random{1};
  const OutgoingQuery query = make_query(question, {.edns = true, .random_case = true}, random);
  for (std::size_t size = 0; size < query.wire.size(); ++size) {
    const auto read = read_reply(
        query, std::vector<std::uint8_t>(query.wire.begin(), query.wire.begin() + static_cast<std::ptrdiff_t>(size)));
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error(), NetworkFault::spoofed);
  }
}

}  // namespace redoubt::resolver
