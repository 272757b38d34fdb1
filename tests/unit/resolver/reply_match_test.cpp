#include "resolver/upstream/reply_match.hpp"

#include <gtest/gtest.h>

#include "dns/message.hpp"
#include "tests/sim/zone_text.hpp"

namespace redoubt::resolver {

namespace {

std::vector<std::uint8_t> message(bool response) {
  dns::Message made;
  made.header.id = 0x1234;
  made.header.response = response;
  made.question = dns::Question{sim::name_from_text("wWw.eXample."), dns::type::a};
  return made.to_wire();
}

}  // namespace

TEST(ReplyMatch, exact_echo_is_taken_whatever_follows) {
  std::vector<std::uint8_t> reply = message(true);
  EXPECT_TRUE(is_reply_to(message(false), reply));
  reply.push_back(0xff);
  reply[3] = 0x0f;  // any rcode and flags
  EXPECT_TRUE(is_reply_to(message(false), reply));
}

TEST(ReplyMatch, any_single_bit_off_is_not) {
  const std::vector<std::uint8_t> query = message(false);
  std::vector<std::uint8_t> reply = message(true);
  for (std::size_t octet = 0; octet < reply.size(); ++octet) {
    // AA, TC, RD, the flags of octet 3 and the counts behind the question's are the server's to choose.
    for (unsigned bit = 0; bit < 8; ++bit) {
      const bool free = (octet == 2 && bit < 3) || octet == 3 || (octet >= 6 && octet < 12);
      reply[octet] = static_cast<std::uint8_t>(reply[octet] ^ 1U << bit);
      EXPECT_EQ(is_reply_to(query, reply), free) << "octet " << octet << " bit " << bit;
      reply[octet] = static_cast<std::uint8_t>(reply[octet] ^ 1U << bit);
    }
  }
}

TEST(ReplyMatch, cut_anywhere_before_the_question_s_end_is_not) {
  const std::vector<std::uint8_t> reply = message(true);
  for (std::size_t size = 0; size < reply.size(); ++size)
    EXPECT_FALSE(is_reply_to(message(false), std::span{reply}.first(size))) << size;
}

}  // namespace redoubt::resolver
