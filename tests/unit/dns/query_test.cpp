#include <gtest/gtest.h>

#include "dns/message.hpp"
#include "tests/unit/dns/octets.hpp"

namespace redoubt::dns {
namespace {

using test::Octets;
using test::operator+;
using test::octets;

const Octets question = octets("03 'www' 07 'example' 00 0001 0001");

QueryFault fault_of(const Octets& wire) {
  const auto query = parse_query(wire);
  EXPECT_FALSE(query);
  return query ? QueryFault::ignore : query.error().fault;
}

TEST(ParseQuery, plain_and_with_edns) {
  const auto plain = parse_query(test::header(0x0130, 1) + question);
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->header.id, 0x1267);
  EXPECT_TRUE(plain->header.recursion_desired);
  EXPECT_TRUE(plain->header.authentic);
  EXPECT_TRUE(plain->header.checking_disabled);
  EXPECT_EQ(plain->question, (Question{Name::literal("www.example"), type::a}));
  EXPECT_FALSE(plain->edns);
  const auto edns =
      parse_query(test::header(0x0100, 1, 0, 0, 1) + question + test::opt(test::option(10, Octets(8, 1))));
  ASSERT_TRUE(edns && edns->edns);
  EXPECT_TRUE(edns->edns->dnssec_ok);
  EXPECT_TRUE(edns->edns->cookie);
}

TEST(ParseQuery, silence_for_answers_and_fragments) {
  EXPECT_EQ(fault_of({}), QueryFault::ignore);
  EXPECT_EQ(fault_of(Octets(11)), QueryFault::ignore);
  EXPECT_EQ(fault_of(test::header(0x8100, 1) + question), QueryFault::ignore);
  EXPECT_EQ(fault_of(Octets(65536)), QueryFault::ignore);
}

TEST(ParseQuery, other_opcodes_are_not_implemented_whatever_follows) {  // attacks M09
  for (unsigned opcode = 1; opcode < 16; ++opcode) {
    const auto query = parse_query(test::header(opcode << 11, 7, 1) + octets("ff"));
    ASSERT_FALSE(query);
    EXPECT_EQ(query.error().fault, QueryFault::notimp) << opcode;
    EXPECT_EQ(query.error().header.id, 0x1267);
  }
}

TEST(ParseQuery, one_question_exactly_and_no_answers) {  // RFC 9619
  EXPECT_EQ(fault_of(test::header(0, 0)), QueryFault::formerr);
  EXPECT_EQ(fault_of(test::header(0, 2) + question + question), QueryFault::formerr);
  EXPECT_EQ(fault_of(test::header(0, 65535, 65535, 65535, 65535)), QueryFault::formerr);
  const Octets a = test::record(octets("00"), 1, 1, octets("01020304"));
  EXPECT_EQ(fault_of(test::header(0, 1, 1) + question + a), QueryFault::formerr);
  EXPECT_EQ(fault_of(test::header(0, 1, 0, 1) + question + a), QueryFault::formerr);
  EXPECT_TRUE(parse_query(test::header(0, 1, 0, 0, 1) + question + a));
}

TEST(ParseQuery, cut_anywhere_or_with_more_behind_it_is_a_format_error) {
  const Octets whole = test::header(0, 1, 0, 0, 1) + question + test::opt(test::option(10, Octets(8, 1)));
  for (std::size_t size = header_octets; size < whole.size(); ++size) {
    const Octets cut{whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)};
    EXPECT_EQ(fault_of(cut), QueryFault::formerr) << size;
  }
  EXPECT_TRUE(parse_query(whole));
  EXPECT_EQ(fault_of(whole + octets("00")), QueryFault::formerr);
}

TEST(ParseQuery, a_questions_name_is_not_compressed) {
  EXPECT_EQ(fault_of(test::header(0, 1) + octets("c000 0001 0001")), QueryFault::formerr);
  EXPECT_EQ(fault_of(test::header(0, 1) + octets("c00c 0001 0001")), QueryFault::formerr);
  EXPECT_EQ(fault_of(test::header(0, 1) + octets("01 'a' c002 0001 0001")), QueryFault::formerr);
}

TEST(ParseQuery, opt_once_and_at_the_root) {  // attacks M12
  const Octets opt = test::opt({});
  const Octets tsig_like = test::record(octets("00"), 250, 255, {});
  EXPECT_EQ(fault_of(test::header(0, 1, 0, 0, 2) + question + opt + opt), QueryFault::formerr);
  EXPECT_EQ(fault_of(test::header(0, 1, 0, 0, 1) + question + octets("01 'a'") + opt), QueryFault::formerr);
  EXPECT_TRUE(parse_query(test::header(0, 1, 0, 0, 2) + question + opt + tsig_like));
  EXPECT_EQ(fault_of(test::header(0, 1, 0, 0, 2) + question + tsig_like + opt), QueryFault::formerr);
}

TEST(ParseQuery, a_later_edns_version_is_told_so_whatever_its_options_look_like) {
  EXPECT_EQ(fault_of(test::header(0, 1, 0, 0, 1) + question + test::opt({}, 1232, octets("00010000"))),
            QueryFault::badvers);
  EXPECT_EQ(fault_of(test::header(0, 1, 0, 0, 1) + question + test::opt(octets("000a ffff"), 1232, octets("00ff0000"))),
            QueryFault::badvers);
}

TEST(ParseQuery, option_floods_are_a_format_error) {  // attacks M05
  EXPECT_EQ(
      fault_of(test::header(0, 1, 0, 0, 1) + question + test::opt(test::repeated(16000, test::option(65001, {})))),
      QueryFault::formerr);
}

}  // namespace
}  // namespace redoubt::dns
