#include "transport/client/answer_check.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "dns/message.hpp"

namespace redoubt::transport {

namespace {

using Octets = std::vector<std::uint8_t>;

const Octets& asked() {
  static const Octets wire = [] {
    dns::Message message;
    message.header.id = 0x1234;
    message.question = dns::Question{.name = dns::Name::literal("wWw.exAmple."), .type = dns::RrType{28}};
    message.edns = dns::Edns{};
    return message.to_wire();
  }();
  return wire;
}

Octets echoed() {
  Octets answer = asked();
  answer[2] |= 0x80U;
  return answer;
}

TEST(AnswerCheck, a_faithful_echo_is_an_answer) { EXPECT_TRUE(answers(asked(), echoed())); }

TEST(AnswerCheck, every_changed_bit_of_id_opcode_count_and_question_is_refused) {
  const std::size_t question_end = 12 + dns::Name::literal("www.example.").wire().size() + 4;
  for (std::size_t octet = 0; octet < question_end; ++octet) {
    const bool counts_of_records = octet >= 6 && octet < 12;
    for (unsigned bit = 0; bit < 8; ++bit) {
      const bool other_flags = (octet == 2 && bit < 3) || octet == 3;
      Octets changed = echoed();
      changed[octet] = static_cast<std::uint8_t>(changed[octet] ^ 1U << bit);
      EXPECT_EQ(answers(asked(), changed), counts_of_records || other_flags) << octet << " bit " << bit;
    }
  }
}

TEST(AnswerCheck, a_message_cut_before_the_end_of_its_question_is_refused) {
  const std::size_t question_end = 12 + dns::Name::literal("www.example.").wire().size() + 4;
  const Octets whole = echoed();
  for (std::size_t octets = 0; octets < question_end; ++octets) {
    EXPECT_FALSE(answers(asked(), std::span{whole}.first(octets))) << octets;
  }
  EXPECT_TRUE(answers(asked(), std::span{whole}.first(question_end)));
}

TEST(AnswerCheck, only_queries_are_sent) {
  EXPECT_TRUE(is_query(asked()));
  EXPECT_FALSE(is_query(echoed()));
  EXPECT_FALSE(is_query({}));
  EXPECT_FALSE(is_query(std::span{asked()}.first(20)));
  Octets two_questions = asked();
  two_questions[5] = 2;
  EXPECT_FALSE(is_query(two_questions));
  Octets compressed = asked();
  compressed[12] = 0xc0;
  EXPECT_FALSE(is_query(compressed));
}

}  // namespace

}  // namespace redoubt::transport
