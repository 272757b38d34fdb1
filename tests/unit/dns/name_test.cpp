#include "dns/name.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "tests/unit/dns/octets.hpp"

namespace redoubt::dns {
namespace {

const std::string label63(63, 'a');
const std::string dots(const std::string& label, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) text += label + ".";
  return text;
}

TEST(Name, the_root_is_one_octet) {
  EXPECT_EQ(Name{}.wire().size(), 1U);
  EXPECT_TRUE(Name{}.is_root());
  EXPECT_EQ(Name{}.to_text(), ".");
  EXPECT_EQ(Name{}.label_count(), 0U);
  EXPECT_EQ(Name::literal("."), Name{});
  EXPECT_TRUE(Name{}.parent().is_root());
  EXPECT_TRUE(Name{}.first_label().empty());
}

TEST(Name, limits_are_exact) {
  EXPECT_TRUE(Name::from_text(label63));
  EXPECT_EQ(Name::from_text(label63 + "a").error().fault, NameTextFault::label_too_long);
  // Three labels of 63 and one of 61 make 255 octets with the root.
  const std::string longest = dots(label63, 3) + std::string(61, 'b');
  ASSERT_TRUE(Name::from_text(longest));
  EXPECT_EQ(Name::from_text(longest)->wire().size(), 255U);
  EXPECT_TRUE(Name::from_text(longest + "."));
  EXPECT_EQ(Name::from_text(longest + "b").error().fault, NameTextFault::name_too_long);
  EXPECT_EQ(Name::from_text(longest + ".c").error().fault, NameTextFault::name_too_long);
  EXPECT_EQ(Name::from_text(dots("a", 127))->label_count(), 127U);
  EXPECT_FALSE(Name::from_text(dots("a", 128)));
}

TEST(Name, text_faults_tell_their_column) {
  const auto fault = [](std::string_view text) { return Name::from_text(text).error(); };
  EXPECT_EQ(fault("").fault, NameTextFault::empty);
  EXPECT_EQ(fault("a..b").fault, NameTextFault::empty_label);
  EXPECT_EQ(fault("a..b").column, 2U);
  EXPECT_EQ(fault(".a").column, 0U);
  EXPECT_EQ(fault("ab\\25").fault, NameTextFault::bad_escape);
  EXPECT_EQ(fault("ab\\256").column, 2U);
  EXPECT_EQ(fault("ab\\").fault, NameTextFault::bad_escape);
}

TEST(Name, escapes_go_both_ways_for_every_octet) {
  for (unsigned octet = 0; octet < 256; ++octet) {
    const std::vector<std::uint8_t> label{'x', static_cast<std::uint8_t>(octet), 'y'};
    const Name name = *Name::literal("example").prepended(label);
    const std::string text = name.to_text();
    EXPECT_TRUE(std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; })) << octet;
    ASSERT_TRUE(Name::from_text(text)) << text;
    EXPECT_TRUE(Name::from_text(text)->identical(name)) << text;
  }
  EXPECT_FALSE(Name::literal("a\\.b") == Name::literal("a.b"));
  EXPECT_EQ(Name::literal("a\\.b").label_count(), 1U);
}

TEST(Name, wire_form_is_taken_whole_or_not_at_all) {
  using testing::Octets;
  EXPECT_TRUE(Name::from_wire(Octets{}.name("www.example")));
  EXPECT_EQ(Name::from_wire({}).error().fault, Fault::short_read);
  EXPECT_EQ(Name::from_wire(Octets{}.u8(3).text("ab")).error().fault, Fault::short_read);
  EXPECT_EQ(Name::from_wire(Octets{}.u8(1).text("a")).error().fault, Fault::short_read);
  EXPECT_EQ(Name::from_wire(Octets{}.name("a").u8(0)).error().fault, Fault::left_over);
  EXPECT_EQ(Name::from_wire(Octets{}.u8(0x40).fill(64, 'a').u8(0)).error().fault, Fault::bad_label_type);
  EXPECT_EQ(Name::from_wire(Octets{}.u8(0x80).fill(64, 'a').u8(0)).error().fault, Fault::bad_label_type);
  EXPECT_EQ(Name::from_wire(Octets{}.pointer(0)).error().fault, Fault::compressed_name);
  Octets long_one;
  for (int i = 0; i < 128; ++i) long_one.u8(1).text("a");
  EXPECT_EQ(Name::from_wire(long_one.u8(0)).error().fault, Fault::name_too_long);
}

TEST(Name, case_counts_for_identity_alone) {
  const Name lower = Name::literal("www.example.com");
  const Name mixed = Name::literal("wWw.ExAmPlE.cOm");
  const HashKey key{1, 2, 3};
  EXPECT_EQ(lower, mixed);
  EXPECT_FALSE(lower.identical(mixed));
  EXPECT_EQ(lower.hash(key), mixed.hash(key));
  EXPECT_TRUE(mixed.lowercased().identical(lower));
  EXPECT_TRUE((lower <=> mixed) == 0);
  // Only ASCII letters have case: these differ by the same bit and are different names.
  EXPECT_FALSE(Name::literal("a\\064") == Name::literal("a\\096"));
  EXPECT_FALSE(Name::literal("a\\219") == Name::literal("a\\251"));
}

TEST(Name, the_hash_depends_on_its_key) {
  const Name name = Name::literal("www.example.com");
  EXPECT_NE(name.hash(HashKey{1}), name.hash(HashKey{2}));
}

TEST(Name, ancestors_are_found_at_label_boundaries_only) {
  const Name name = Name::literal("www.example.com");
  for (const char* above : {"www.example.com", "EXAMPLE.com", "com", "."})
    EXPECT_TRUE(name.is_at_or_below(Name::literal(above))) << above;
  for (const char* not_above : {"ple.com", "m", "a.www.example.com", "example.org", "ww.example.com"}) {
    EXPECT_FALSE(name.is_at_or_below(Name::literal(not_above))) << not_above;
  }
  EXPECT_FALSE(name.is_strictly_below(name));
  // The octets "\003com\000" also end a label that merely looks like com.
  EXPECT_FALSE(Name::literal("x\\003com").is_at_or_below(Name::literal("com")));
}

TEST(Name, the_canonical_order_is_that_of_rfc_4034) {
  // RFC 4034 §6.1.
  const std::vector<std::string> ordered{"example",         "a.example",      "yljkjljk.a.example",
                                         "Z.a.example",     "zABC.a.EXAMPLE", "z.example",
                                         "\\001.z.example", "*.z.example",    "\\200.z.example"};
  for (std::size_t i = 0; i < ordered.size(); ++i) {
    for (std::size_t k = 0; k < ordered.size(); ++k) {
      EXPECT_EQ(Name::literal(ordered[i]) <=> Name::literal(ordered[k]), i <=> k) << ordered[i] << " " << ordered[k];
    }
  }
}

TEST(Name, suffix_parent_and_prepended_undo_each_other) {
  const Name name = Name::literal("a.bc.def");
  EXPECT_EQ(name.suffix(0), Name{});
  EXPECT_EQ(name.suffix(1), Name::literal("def"));
  EXPECT_EQ(name.suffix(3), name);
  EXPECT_EQ(name.suffix(9), name);
  EXPECT_EQ(name.parent().prepended(name.first_label()), name);
  const std::vector<std::uint8_t> too_long(64, 'x');
  EXPECT_FALSE(name.prepended(too_long));
  EXPECT_FALSE(name.prepended({}));
  const Name longest = Name::literal(dots(label63, 3) + std::string(61, 'b'));
  const std::vector<std::uint8_t> one{'x'};
  EXPECT_FALSE(longest.prepended(one));
}

TEST(Name, dname_substitution_stops_at_255_octets) {
  const Name from = Name::literal("old.example");
  EXPECT_EQ(Name::literal("a.b.old.example").with_suffix_replaced(from, Name::literal("new.test")),
            Name::literal("a.b.new.test"));
  EXPECT_FALSE(from.with_suffix_replaced(from, Name::literal("new.test"))) << "a DNAME does not redirect its own owner";
  EXPECT_FALSE(Name::literal("a.older.example").with_suffix_replaced(from, Name{}));
  const Name target = Name::literal(dots(label63, 3));  // 193 octets
  const auto owner_with = [&](std::size_t octets) {
    return Name::literal(std::string(octets - 1, 'x') + ".old.example");
  };
  EXPECT_EQ(owner_with(62).with_suffix_replaced(from, target)->wire().size(), 255U);
  EXPECT_FALSE(owner_with(63).with_suffix_replaced(from, target));
}

TEST(Name, a_wildcard_is_a_whole_label) {
  EXPECT_TRUE(Name::literal("*.example").is_wildcard());
  EXPECT_TRUE(Name::literal("*").is_wildcard());
  EXPECT_FALSE(Name::literal("*a.example").is_wildcard());
  EXPECT_FALSE(Name{}.is_wildcard());
}

}  // namespace
}  // namespace redoubt::dns
