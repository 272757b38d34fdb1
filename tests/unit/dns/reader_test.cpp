#include "dns/reader.hpp"

#include <gtest/gtest.h>

#include "tests/unit/dns/octets.hpp"

namespace redoubt::dns {
namespace {

using testing::Octets;

/// What reading one name at `at` of the octets comes to.
struct NameRead {
  Name name;
  std::optional<WireError> error;
  std::size_t behind;
};
NameRead read_name(std::span<const std::uint8_t> octets, std::size_t at) {
  NameWork work{octets.size()};
  WireReader reader{octets, work};
  reader.octets(at);
  Name name = reader.name();
  return {name, reader.error(), reader.at()};
}

TEST(WireReader, numbers_come_in_network_order) {
  const Octets octets = Octets{}.u8(1).u16(0x0203).u32(0x04050607).add({8, 9, 10, 11, 12, 13});
  NameWork work{octets.size()};
  WireReader reader{octets, work};
  EXPECT_EQ(reader.u8(), 1U);
  EXPECT_EQ(reader.u16(), 0x0203U);
  EXPECT_EQ(reader.u32(), 0x04050607U);
  EXPECT_EQ(reader.u48(), 0x08090a0b0c0dU);
  EXPECT_TRUE(reader.finish(0));
}

TEST(WireReader, the_first_fault_sticks_and_later_reads_yield_zeros) {
  const Octets octets = Octets{}.u16(0xffff).u8(0xff);
  NameWork work{octets.size()};
  WireReader reader{octets, work};
  reader.u16();
  EXPECT_EQ(reader.u32(), 0U);
  EXPECT_EQ(reader.u8(), 0U) << "one octet is left, but the reader has failed";
  EXPECT_TRUE(reader.name().is_root());
  EXPECT_TRUE(reader.octets(0).empty());
  EXPECT_EQ(reader.finish(0).error(), (WireError{Fault::short_read, 2}));
}

TEST(WireReader, what_is_left_over_is_a_fault_at_the_end) {
  const Octets octets = Octets{}.u16(1);
  NameWork work{octets.size()};
  WireReader reader{octets, work};
  reader.u8();
  EXPECT_EQ(reader.finish(0).error(), (WireError{Fault::left_over, 1}));
}

TEST(WireReader, a_huge_count_does_not_wrap) {
  const Octets octets = Octets{}.u16(1);
  NameWork work{octets.size()};
  WireReader reader{octets, work};
  reader.u8();
  EXPECT_TRUE(reader.octets(static_cast<std::size_t>(-1)).empty());
  EXPECT_FALSE(reader.ok());
}

TEST(WireReader, pointers_lead_backwards_and_the_reader_goes_on_behind_the_first) {
  const Octets octets = Octets{}.name("example.com").u8(3).text("www").pointer(0).u8(1).text("a").pointer(13).u8(0xee);
  const NameRead www = read_name(octets, 13);
  EXPECT_FALSE(www.error);
  EXPECT_EQ(www.name, Name::literal("www.example.com"));
  EXPECT_EQ(www.behind, 19U);
  EXPECT_EQ(read_name(octets, 19).name, Name::literal("a.www.example.com"));
}

TEST(WireReader, pointers_to_themselves_forward_and_past_the_end_are_faults) {
  EXPECT_EQ(read_name(Octets{}.pointer(0), 0).error->fault, Fault::pointer_not_backwards);
  EXPECT_EQ(read_name(Octets{}.pointer(2).name("a"), 0).error->fault, Fault::pointer_not_backwards);
  EXPECT_EQ(read_name(Octets{}.pointer(0x3fff), 0).error->fault, Fault::pointer_not_backwards);
  EXPECT_EQ(read_name(Octets{}.u8(1).text("a").pointer(0), 0).error->fault, Fault::pointer_not_backwards)
      << "into the name itself";
  EXPECT_EQ(read_name(Octets{}.u8(0xc0), 0).error->fault, Fault::short_read);
  // Two that point at each other: the second hop is not strictly before the first.
  EXPECT_EQ(read_name(Octets{}.pointer(2).pointer(0), 2).error->fault, Fault::pointer_not_backwards);
}

TEST(WireReader, every_two_octet_pointer_either_reads_a_name_or_fails_within_bounds) {
  for (unsigned target = 0; target < 0x4000; ++target) {
    const Octets octets = Octets{}.name("a.b").u8(0xff).pointer(target);
    const NameRead read = read_name(octets, 6);
    EXPECT_EQ(!read.error.has_value(), target == 0 || target == 2 || target == 4) << target;
  }
}

TEST(WireReader, two_hundred_and_fifty_five_octets_are_counted_across_hops) {
  Octets octets;
  octets.u8(63).fill(63, 'a').u8(0);
  std::size_t last = 0;
  for (int i = 0; i < 2; ++i) {
    const std::size_t here = octets.size();
    octets.u8(63).fill(63, 'b').pointer(last);
    last = here;
  }
  const std::size_t fits = octets.size();
  octets.u8(61).fill(61, 'c').pointer(last);
  const std::size_t too_long = octets.size();
  octets.u8(62).fill(62, 'c').pointer(last);
  EXPECT_EQ(read_name(octets, fits).name.wire().size(), 255U);
  EXPECT_EQ(read_name(octets, too_long).error->fault, Fault::name_too_long);
}

TEST(WireReader, label_types_that_do_not_exist_are_faults) {
  EXPECT_EQ(read_name(Octets{}.u8(0x40).u8(0), 0).error->fault, Fault::bad_label_type);
  EXPECT_EQ(read_name(Octets{}.u8(0x80).u8(0), 0).error->fault, Fault::bad_label_type);
  EXPECT_EQ(read_name(Octets{}.u8(0xbf).u8(0), 0).error->fault, Fault::bad_label_type);
}

TEST(WireReader, uncompressed_names_refuse_pointers) {
  const Octets octets = Octets{}.name("a").pointer(0);
  NameWork work{octets.size()};
  WireReader reader{octets, work};
  EXPECT_EQ(reader.uncompressed_name(), Name::literal("a"));
  reader.uncompressed_name();
  EXPECT_EQ(reader.error()->fault, Fault::compressed_name);
}

TEST(WireReader, a_window_reads_names_that_point_out_of_it_but_nothing_behind_it) {
  const Octets octets = Octets{}.name("example").u8(1).text("a").pointer(0).u32(0xaabbccdd);
  NameWork work{octets.size()};
  WireReader reader{octets, work};
  reader.octets(9);
  WireReader window = reader.window(4);
  EXPECT_EQ(window.name(), Name::literal("a.example"));
  EXPECT_EQ(window.left(), 0U);
  EXPECT_EQ(window.u8(), 0U);
  EXPECT_EQ(window.error()->fault, Fault::short_read);
  EXPECT_EQ(reader.u32(), 0xaabbccddU) << "the outer reader goes on, unharmed, behind the window";
  reader.adopt(window);
  EXPECT_FALSE(reader.ok());
}

TEST(WireReader, a_label_that_runs_over_its_window_is_a_fault) {
  const Octets octets = Octets{}.u8(5).text("abcde").u8(0);
  NameWork work{octets.size()};
  WireReader reader{octets, work};
  WireReader window = reader.window(3);
  window.name();
  EXPECT_EQ(window.error()->fault, Fault::short_read);
}

TEST(WireReader, the_work_of_all_names_together_is_bounded_by_the_message) {
  // The worst a message can do: a chain of 126 one-letter labels, and as many names as fit that all point to its end.
  Octets octets;
  for (int i = 0; i < 126; ++i) octets.u8(1).text("x");
  octets.u8(0);
  const std::size_t names_at = octets.size();
  while (octets.size() + 2 <= 65535) octets.pointer(0);
  NameWork work{octets.size()};
  const std::size_t allowed = work.left();
  WireReader reader{octets, work};
  reader.octets(names_at);
  std::size_t names = 0;
  while (reader.ok() && reader.left() != 0) {
    reader.name();
    ++names;
  }
  EXPECT_EQ(reader.error()->fault, Fault::work_exceeded);
  EXPECT_LE(allowed, label_visits_per_octet * octets.size() + 16);
  EXPECT_LE(names * 126, allowed + 126) << "no label was visited that was not paid for";
}

}  // namespace
}  // namespace redoubt::dns
