#include "dns/reader.hpp"

#include <gtest/gtest.h>

#include "tests/unit/dns/octets.hpp"

namespace redoubt::dns {
namespace {

using test::Octets;
using test::operator+;
using test::octets;

/// The name at an offset of a message: what it is, or why it is none.
struct ReadName {
  Name name;
  std::optional<WireError> error;
  std::size_t at;
};
ReadName name_at(const Octets& message, std::size_t offset) {
  NameWork work{message.size()};
  WireReader reader{message, work};
  reader.octets(offset);
  Name name = reader.name();
  return {name, reader.error(), reader.at()};
}

TEST(WireReader, numbers_are_in_network_order_and_stop_at_the_end) {
  const Octets message = octets("01 0203 04050607 08090a0b0c0d 0e");
  NameWork work{message.size()};
  WireReader reader{message, work};
  EXPECT_EQ(reader.u8(), 0x01);
  EXPECT_EQ(reader.u16(), 0x0203);
  EXPECT_EQ(reader.u32(), 0x04050607U);
  EXPECT_EQ(reader.u48(), 0x08090a0b0c0dU);
  EXPECT_EQ(reader.left(), 1U);
  EXPECT_EQ(reader.u16(), 0U);
  EXPECT_EQ(reader.error(), (WireError{Fault::short_read, 13}));
}

TEST(WireReader, the_first_fault_sticks) {
  const Octets message = octets("ff 00");
  NameWork work{message.size()};
  WireReader reader{message, work};
  EXPECT_TRUE(reader.octets(3).empty());
  EXPECT_EQ(reader.u8(), 0U);
  EXPECT_TRUE(reader.name().is_root());
  EXPECT_EQ(reader.left(), 0U);
  reader.fail(Fault::bad_rdata);
  EXPECT_EQ(reader.error()->fault, Fault::short_read);
  EXPECT_FALSE(reader.finish(1));
}

TEST(WireReader, finish_wants_everything_read) {
  const Octets message = octets("00 01");
  NameWork work{message.size()};
  WireReader reader{message, work};
  reader.u8();
  EXPECT_EQ(reader.finish(7).error(), (WireError{Fault::left_over, 1}));
  reader.u8();
  EXPECT_EQ(reader.finish(7), 7);
}

TEST(WireReader, a_window_ends_where_it_was_said_to) {
  const Octets message = octets("03 'com' 00 0001 02 'x'");
  NameWork work{message.size()};
  WireReader reader{message, work};
  reader.name();
  WireReader window = reader.window(2);
  EXPECT_EQ(reader.at(), 7U);
  EXPECT_EQ(window.left(), 2U);
  EXPECT_EQ(window.u32(), 0U);
  EXPECT_EQ(window.error()->fault, Fault::short_read);
  EXPECT_TRUE(reader.ok());
  reader.adopt(window);
  EXPECT_FALSE(reader.ok());
  EXPECT_FALSE(reader.window(0).ok());  // a window of a failed reader has failed too
}

TEST(WireReader, a_huge_window_does_not_wrap) {
  const Octets message = octets("00 01");
  NameWork work{message.size()};
  WireReader reader{message, work};
  reader.u8();
  WireReader window = reader.window(SIZE_MAX);
  EXPECT_FALSE(window.ok());
  EXPECT_EQ(window.left(), 0U);
  EXPECT_EQ(reader.error()->fault, Fault::short_read);
}

TEST(WireReaderName, labels_and_names_may_not_cross_a_windows_end_but_pointers_may_leave_it) {
  const Octets message = octets("03 'com' 00 02 'ab' c000 03 'xyz'");
  NameWork work{message.size()};
  WireReader reader{message, work};
  reader.octets(5);
  WireReader window = reader.window(5);
  EXPECT_EQ(window.name(), Name::literal("ab.com"));
  EXPECT_TRUE(window.ok());
  EXPECT_EQ(window.left(), 0U);
  for (const std::size_t size : {1U, 2U, 3U}) {  // cut inside the label; the message itself goes on
    WireReader cut{message, work};
    cut.octets(10);
    WireReader inner = cut.window(size);
    inner.name();
    EXPECT_EQ(inner.error()->fault, Fault::short_read) << size;
  }
  WireReader cut{message, work};
  cut.octets(8);
  WireReader half_pointer = cut.window(1);
  half_pointer.name();
  EXPECT_EQ(half_pointer.error()->fault, Fault::short_read);
}

TEST(WireReaderName, every_pointer_that_is_not_strictly_backwards_is_refused) {
  // 'ab' at 4; a name at 8 that is a pointer, or has one behind a label.
  for (std::size_t target = 0; target < 0x4000; ++target) {
    const Octets pointer = test::u16(0xc000 | target);
    const auto bare = name_at(octets("00000000 02 'ab' 00") + pointer + octets("00"), 8);
    if (target >= 8) {
      EXPECT_EQ(bare.error, (WireError{Fault::pointer_not_backwards, 8})) << target;
    }
    const auto behind_label = name_at(octets("00000000 02 'ab' 00 01 'x'") + pointer + octets("00"), 8);
    if (target >= 8) {
      EXPECT_EQ(behind_label.error, (WireError{Fault::pointer_not_backwards, 10})) << target;
    }
  }
  EXPECT_EQ(name_at(octets("00000000 02 'ab' 00 c004"), 8).name, Name::literal("ab"));
  EXPECT_EQ(name_at(octets("00000000 02 'ab' 00 01 'x' c004"), 8).name, Name::literal("x.ab"));
  EXPECT_EQ(name_at(octets("00000000 02 'ab' 00 c004 ff"), 8).at, 10U);
}

TEST(WireReaderName, two_pointers_cannot_play_ball) {
  EXPECT_EQ(name_at(octets("c002 c000"), 2).error->fault, Fault::pointer_not_backwards);
  EXPECT_EQ(name_at(octets("01 'a' c000 01 'b' c000"), 4).error->fault, Fault::pointer_not_backwards);
}

TEST(WireReaderName, reserved_label_types_are_refused) {
  for (unsigned length = 0x40; length < 0xc0; ++length) {
    Octets message{static_cast<std::uint8_t>(length)};
    message.resize(300, 0);
    EXPECT_EQ(name_at(message, 0).error->fault, Fault::bad_label_type) << length;
  }
}

TEST(WireReaderName, octets_are_counted_across_hops) {
  // A name of 253 octets at 0; a label in front of it by pointer: one octet fits, two do not.
  const Name base = Name::literal(test::name_text(253));
  const Octets wire{base.wire().begin(), base.wire().end()};
  EXPECT_EQ(name_at(wire + octets("01 'a' c000"), wire.size()).name.wire().size(), 255U);
  EXPECT_EQ(name_at(wire + octets("02 'ab' c000"), wire.size()).error->fault, Fault::name_too_long);
}

TEST(WireReaderName, uncompressed_names_are_told_from_compressed_ones) {
  const Octets message = octets("00 01 'a' c000");
  NameWork work{message.size()};
  WireReader reader{message, work};
  EXPECT_TRUE(reader.uncompressed_name().is_root());
  reader.uncompressed_name();
  EXPECT_EQ(reader.error()->fault, Fault::compressed_name);
}

TEST(WireReaderName, that_are_gone_past_end_where_names_that_are_read_do) {
  const auto past = [](const Octets& message) -> std::optional<std::size_t> {
    NameWork work{message.size()};
    WireReader reader{message, work};
    reader.skip_name();
    return reader.ok() ? std::optional{reader.at()} : std::nullopt;
  };
  EXPECT_EQ(past(octets("00 'x'")), 1U);
  EXPECT_EQ(past(octets("03 'abc' 00 'x'")), 5U);
  EXPECT_EQ(past(octets("03 'abc' c0 0c 'x'")), 6U) << "nobody looks where a pointer leads";
  EXPECT_EQ(past(octets("03 'abc' 40 'x'")), std::nullopt);
  EXPECT_EQ(past(octets("03 'abc' 80 'x'")), std::nullopt);
  const Octets whole = octets("03 'abc' c0 0c");
  for (std::size_t cut = 0; cut < whole.size(); ++cut)
    EXPECT_EQ(past({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(cut)}), std::nullopt) << cut;
}

TEST(WireReaderName, work_is_bounded_over_the_whole_message) {
  // A chain of pointers as deep as may be, and thousands of names that start at its deep end (attacks M02).
  Octets message = octets("00");
  std::size_t last = 0;
  while (message.size() < 0x3ff0) {
    const std::size_t here = message.size();
    message = message + test::u16(0xc000 | last);
    last = here;
  }
  const std::size_t chain_end = message.size();
  while (message.size() + 2 <= 65535) {
    message.push_back(static_cast<std::uint8_t>(0xc0 | last >> 8));
    message.push_back(static_cast<std::uint8_t>(last & 0xff));
  }
  NameWork work{message.size()};
  WireReader reader{message, work};
  reader.octets(chain_end);
  std::size_t names = 0;
  while (reader.ok() && reader.left() != 0) {
    reader.name();
    ++names;
  }
  ASSERT_FALSE(reader.ok());
  EXPECT_EQ(reader.error()->fault, Fault::work_exceeded);
  EXPECT_EQ(work.left(), 0U);
  EXPECT_LE(names, label_visits_per_octet * message.size() / 0x1ff0 + 2);  // each walks 8,184 pointers
}

TEST(WireReaderName, honest_messages_never_come_near_the_bound) {
  // A thousand records below one 34-label name (ip6.arpa), all by pointer: owner and PTR.
  std::string deep;
  for (int i = 0; i < 32; ++i) deep += "f.";
  const Name name = Name::literal(deep + "ip6.arpa");
  Octets message(name.wire().begin(), name.wire().end());
  for (int i = 0; i < 1000; ++i) message = message + test::record(octets("c000"), 12, 1, octets("04 'host' c044"));
  NameWork work{message.size()};
  WireReader reader{message, work};
  reader.name();
  for (int i = 0; i < 1000 && reader.ok(); ++i) {
    reader.name();
    reader.octets(8);
    WireReader window = reader.window(reader.u16());
    window.name();
    reader.adopt(window);
  }
  EXPECT_TRUE(reader.ok());
  EXPECT_EQ(reader.left(), 0U);
  EXPECT_GT(work.left(), message.size());
}

TEST(WireReaderName, no_octets_read_a_message_that_ends_anywhere) {
  const Octets whole = octets("02 'ab' 03 'com' 00 01 'x' c003");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    // A copy of its own size, so that a sanitizer sees each octet too many.
    const Octets cut{whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)};
    NameWork work{cut.size()};
    WireReader reader{cut, work};
    reader.name();
    if (size > 8) reader.name();
    EXPECT_EQ(reader.ok(), size == 8) << size;
  }
}

TEST(WireReader, looks_at_65535_octets_at_most) {
  const Octets message(70000, 0);
  NameWork work{message.size()};
  const WireReader reader{message, work};
  EXPECT_EQ(reader.left(), 65535U);
}

}  // namespace
}  // namespace redoubt::dns
