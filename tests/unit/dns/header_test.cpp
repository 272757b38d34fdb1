#include "dns/header.hpp"

#include <gtest/gtest.h>

#include "dns/reader.hpp"
#include "tests/unit/dns/octets.hpp"

namespace redoubt::dns {
namespace {

TEST(Header, every_flag_word_comes_back) {
  for (unsigned flags = 0; flags <= 0xffff; ++flags) {
    Header header;
    header.flags_from_wire(static_cast<std::uint16_t>(flags));
    ASSERT_EQ(header.flags_to_wire(), flags);
  }
}

TEST(Header, bits_have_their_places) {  // RFC 1035 §4.1.1, RFC 4035 §3.2
  const auto wire = [](auto&& set) {
    Header header;
    set(header);
    return header.flags_to_wire();
  };
  EXPECT_EQ(wire([](Header& h) { h.response = true; }), 0x8000);
  EXPECT_EQ(wire([](Header& h) { h.opcode = Opcode::update; }), 0x2800);
  EXPECT_EQ(wire([](Header& h) { h.authoritative = true; }), 0x0400);
  EXPECT_EQ(wire([](Header& h) { h.truncated = true; }), 0x0200);
  EXPECT_EQ(wire([](Header& h) { h.recursion_desired = true; }), 0x0100);
  EXPECT_EQ(wire([](Header& h) { h.recursion_available = true; }), 0x0080);
  EXPECT_EQ(wire([](Header& h) { h.reserved = true; }), 0x0040);
  EXPECT_EQ(wire([](Header& h) { h.authentic = true; }), 0x0020);
  EXPECT_EQ(wire([](Header& h) { h.checking_disabled = true; }), 0x0010);
  EXPECT_EQ(wire([](Header& h) { h.rcode_low = 5; }), 0x0005);
  EXPECT_EQ(wire([](Header& h) { h.rcode_low = 0xff; }), 0x000f);  // cannot spill into its neighbours
}

TEST(Header, is_read_in_order_and_not_from_eleven_octets) {
  const test::Octets message = test::octets("1234 8180 0001 0002 0003 0004");
  NameWork work{message.size()};
  WireReader reader{message, work};
  const Header header = read_header(reader);
  EXPECT_EQ(header.id, 0x1234);
  EXPECT_EQ(header.questions, 1);
  EXPECT_EQ(header.answers, 2);
  EXPECT_EQ(header.authorities, 3);
  EXPECT_EQ(header.additionals, 4);
  WireReader cut{std::span{message}.first(11), work};
  read_header(cut);
  EXPECT_EQ(cut.error()->fault, Fault::short_read);
}

}  // namespace
}  // namespace redoubt::dns
