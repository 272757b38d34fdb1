#include "appliance/channel/codec.hpp"

#include <gtest/gtest.h>

#include <string>

namespace redoubt::channel {
namespace {

using Octets = std::vector<std::uint8_t>;

TEST(Codec, numbers_are_in_network_order) {
  Encoder to{7};
  to.u16(0x0102);
  to.u32(0x03040506);
  to.u64(0x0708090a0b0c0d0e);
  EXPECT_EQ(to.take(), (Octets{7, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14}));
}

TEST(Codec, what_is_written_reads_back) {
  const auto name = dns::Name::literal("www.example.");
  const auto v4 = *dns::Endpoint::from_text("192.0.2.1@53", 0);
  const auto v6 = *dns::Endpoint::from_text("2001:db8::1@853", 0);
  Encoder to{0};
  to.u64(0xffffffffffffffff);
  to.below(255, 256);
  to.below(256, 257);
  to.boolean(true);
  to.text("text");
  to.bytes(Octets{1, 2, 3});
  to.name(name);
  to.endpoint(v4);
  to.endpoint(v6);
  const Octets octets = to.take();

  Decoder from{octets};
  EXPECT_EQ(from.u8(), 0);
  EXPECT_EQ(from.u64(), 0xffffffffffffffff);
  EXPECT_EQ(from.below(256), 255U);
  EXPECT_EQ(from.below(257), 256U);
  EXPECT_TRUE(from.boolean());
  EXPECT_EQ(from.text(), "text");
  const auto bytes = from.bytes();
  EXPECT_EQ((Octets{bytes.begin(), bytes.end()}), (Octets{1, 2, 3}));
  EXPECT_TRUE(from.name().identical(name));
  EXPECT_EQ(from.endpoint(), v4);
  EXPECT_EQ(from.endpoint(), v6);
  EXPECT_TRUE(from.finish(0).has_value());
}

TEST(Codec, the_first_fault_sticks_and_later_reads_yield_zeros) {
  const Octets octets{1, 2, 3};
  Decoder from{octets};
  EXPECT_EQ(from.u32(), 0U);
  EXPECT_EQ(from.u8(), 0);
  EXPECT_EQ(from.below(1), 0U);
  EXPECT_EQ(from.finish(0).error(), DecodeFault::short_message);
}

TEST(Codec, a_length_beyond_the_message_is_refused_without_looking_behind_it) {
  const Octets octets{0, 0, 0, 5, 'a', 'b', 'c', 'd'};
  Decoder from{octets};
  EXPECT_TRUE(from.bytes().empty());
  EXPECT_EQ(from.finish(0).error(), DecodeFault::short_message);
}

TEST(Codec, a_length_of_all_ones_is_too_large) {
  const Octets octets{0xff, 0xff, 0xff, 0xff, 'a'};
  Decoder from{octets};
  EXPECT_TRUE(from.bytes().empty());
  EXPECT_EQ(from.finish(0).error(), DecodeFault::too_large);
}

TEST(Codec, text_has_a_limit_that_the_writer_keeps_and_the_reader_checks) {
  Encoder to{0};
  to.text(std::string(max_text_octets + 1, 'x'));
  const Octets cut = to.take();
  Decoder from{std::span{cut}.subspan(1)};
  EXPECT_EQ(from.text().size(), max_text_octets);
  EXPECT_TRUE(from.finish(0).has_value());

  Encoder longer{0};
  longer.bytes(Octets(max_text_octets + 1, 'x'));
  const Octets octets = longer.take();
  Decoder strict{std::span{octets}.subspan(1)};
  EXPECT_EQ(strict.text(), "");
  EXPECT_EQ(strict.finish(0).error(), DecodeFault::too_large);
}

TEST(Codec, a_number_at_its_limit_is_a_bad_value) {
  const Octets octets{2};
  Decoder from{octets};
  EXPECT_FALSE(from.boolean());
  EXPECT_EQ(from.finish(0).error(), DecodeFault::bad_value);
}

TEST(Codec, octets_left_over_are_a_fault) {
  const Octets octets{1, 2};
  Decoder from{octets};
  from.u8();
  EXPECT_EQ(from.finish(0).error(), DecodeFault::left_over);
}

TEST(Codec, a_name_must_be_one) {
  for (const Octets& octets : {Octets{0}, Octets{2, 1, 'a'}, Octets{2, 0xc0, 0}, Octets{2, 0, 0}, Octets{1, 63}}) {
    Decoder from{octets};
    from.name();
    EXPECT_EQ(from.finish(0).error(), DecodeFault::bad_value);
  }
}

TEST(Codec, an_address_has_4_or_16_octets) {
  for (const std::uint8_t size : Octets{0, 3, 5, 15, 17}) {
    Octets octets(size + 3U, 1);
    octets[0] = size;
    Decoder from{octets};
    from.endpoint();
    EXPECT_EQ(from.finish(0).error(), DecodeFault::bad_value) << int{size};
  }
}

}  // namespace
}  // namespace redoubt::channel
