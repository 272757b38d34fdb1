#include "dns/name.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <utility>

#include "tests/unit/dns/octets.hpp"

namespace redoubt::dns {
namespace {

using test::name_text;
using test::Octets;
using test::operator+;
using test::octets;

NameTextFault fault_of(std::string_view text) {
  const auto name = Name::from_text(text);
  EXPECT_FALSE(name) << text;
  return name ? NameTextFault::empty : name.error().fault;
}

TEST(NameText, root_and_final_dot) {
  EXPECT_TRUE(Name::from_text(".")->is_root());
  EXPECT_TRUE(Name{}.is_root());
  EXPECT_EQ(Name{}.to_text(), ".");
  EXPECT_TRUE(Name::from_text("example.com")->identical(*Name::from_text("example.com.")));
  EXPECT_EQ(fault_of(""), NameTextFault::empty);
  EXPECT_EQ(fault_of(".."), NameTextFault::empty_label);
  EXPECT_EQ(fault_of(".com"), NameTextFault::empty_label);
  EXPECT_EQ(fault_of("a..com"), NameTextFault::empty_label);
  EXPECT_EQ(fault_of("a.com.."), NameTextFault::empty_label);
}

TEST(NameText, labels_end_at_63_octets) {
  EXPECT_TRUE(Name::from_text(std::string(63, 'x')));
  EXPECT_TRUE(Name::from_text(std::string(63, 'x') + ".com."));
  EXPECT_EQ(fault_of(std::string(64, 'x')), NameTextFault::label_too_long);
  EXPECT_EQ(fault_of("a." + std::string(64, 'x') + ".com"), NameTextFault::label_too_long);
}

TEST(NameText, names_end_at_255_octets) {
  for (const std::size_t total : {3U, 64U, 66U, 253U, 254U, 255U}) {
    const auto name = Name::from_text(name_text(total));
    ASSERT_TRUE(name) << total;
    EXPECT_EQ(name->wire().size(), total);
    std::string without_dot = name_text(total);
    without_dot.pop_back();
    ASSERT_TRUE(Name::from_text(without_dot)) << total;
    EXPECT_EQ(*Name::from_text(without_dot), *name);
  }
  for (const std::size_t total : {256U, 257U, 300U, 1000U}) {
    EXPECT_EQ(fault_of(name_text(total)), NameTextFault::name_too_long) << total;
    std::string without_dot = name_text(total);
    without_dot.pop_back();
    EXPECT_EQ(fault_of(without_dot), NameTextFault::name_too_long) << total;
  }
  std::string most_labels;
  for (std::size_t i = 0; i < max_labels; ++i) most_labels += "a.";
  EXPECT_EQ(Name::from_text(most_labels)->label_count(), max_labels);
  EXPECT_EQ(fault_of(most_labels + "a."), NameTextFault::name_too_long);
}

TEST(NameText, escapes) {
  EXPECT_TRUE(std::ranges::equal(Name::from_text("a\\.b.c")->wire(), octets("03 'a.b' 01 'c' 00")));
  EXPECT_TRUE(std::ranges::equal(Name::from_text("\\000\\255")->wire(), octets("02 00ff 00")));
  EXPECT_TRUE(std::ranges::equal(Name::from_text("\\\\")->wire(), octets("01 5c 00")));
  for (const char* bad : {"\\", "a\\", "\\25", "\\256", "\\999", "\\1x2", "\\12x"}) {
    EXPECT_EQ(fault_of(bad), NameTextFault::bad_escape) << bad;
  }
  EXPECT_EQ(Name::from_text("ab.\\300").error().column, 3);
}

TEST(NameText, every_octet_comes_back_and_is_printable) {
  for (unsigned octet = 0; octet < 256; ++octet) {
    const auto name = Name::from_wire(Octets{3, 'a', static_cast<std::uint8_t>(octet), 'b', 0});
    ASSERT_TRUE(name);
    const std::string text = name->to_text();
    EXPECT_TRUE(std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; })) << octet;
    EXPECT_TRUE(Name::from_text(text)->identical(*name)) << text;
  }
}

TEST(NameWire, one_whole_name_and_nothing_else) {
  EXPECT_TRUE(Name::from_wire(octets("00"))->is_root());
  EXPECT_TRUE(Name::from_wire(octets("03 'com' 00")));
  EXPECT_EQ(Name::from_wire({}).error().fault, Fault::short_read);
  EXPECT_EQ(Name::from_wire(octets("03 'com'")).error().fault, Fault::short_read);
  EXPECT_EQ(Name::from_wire(octets("03 'co'")).error().fault, Fault::short_read);
  EXPECT_EQ(Name::from_wire(octets("00 00")).error().fault, Fault::left_over);
  EXPECT_EQ(Name::from_wire(octets("c0 00")).error().fault, Fault::compressed_name);
  EXPECT_EQ(Name::from_wire(octets("40 00")).error().fault, Fault::bad_label_type);
  EXPECT_EQ(Name::from_wire(octets("80 00")).error().fault, Fault::bad_label_type);
}

TEST(NameWire, limits_are_exact) {
  for (std::size_t label = 1; label < 256; ++label) {
    Octets wire{static_cast<std::uint8_t>(label)};
    wire.resize(label + 2, 'x');
    wire.back() = 0;
    EXPECT_EQ(Name::from_wire(wire).has_value(), label <= 63) << label;
  }
  for (std::size_t last = 1; last <= 63; ++last) {  // three labels of 63 octets and one of `last`: 192 + 1 + last + 1
    Octets wire = test::repeated(3, Octets{63} + Octets(63, 'x')) + Octets{static_cast<std::uint8_t>(last)};
    wire = wire + Octets(last, 'y') + Octets{0};
    const auto name = Name::from_wire(wire);
    EXPECT_EQ(name.has_value(), wire.size() <= 255) << wire.size();
    if (!name) {
      EXPECT_EQ(name.error().fault, Fault::name_too_long);
    }
  }
}

TEST(NameCompare, letters_have_no_case_and_nothing_else_is_touched) {
  for (unsigned left = 0; left < 256; ++left) {
    for (unsigned right = 0; right < 256; ++right) {
      for (const std::size_t length : {1U, 7U, 8U, 9U, 17U}) {  // on both sides of a machine word
        Octets a{static_cast<std::uint8_t>(length)};
        a.resize(length + 2, 'k');
        a.back() = 0;
        Octets b = a;
        a[length] = static_cast<std::uint8_t>(left);
        b[length] = static_cast<std::uint8_t>(right);
        const bool both_letters =
            std::isalpha(static_cast<int>(left)) != 0 && std::isalpha(static_cast<int>(right)) != 0;
        const bool equal = left == right || (both_letters && (left ^ right) == 0x20);
        const Name first = *Name::from_wire(a);
        const Name second = *Name::from_wire(b);
        ASSERT_EQ(first == second, equal) << left << ' ' << right;
        ASSERT_EQ((first <=> second) == 0, equal) << left << ' ' << right;
        ASSERT_EQ(first.identical(second), left == right);
        ASSERT_EQ(first.lowercased().identical(second.lowercased()), equal);
      }
    }
  }
}

TEST(NameCompare, a_length_is_no_letter) {
  // The same octets, cut into labels otherwise: 'A' is 0x41, so no length octet can pass for one, nor the reverse.
  EXPECT_NE(*Name::from_wire(octets("03 61 01 62 00")), *Name::from_wire(octets("01 61 01 62 00")));
  EXPECT_NE(*Name::from_wire(octets("04 'a' 01 'bc' 00")), *Name::from_wire(octets("01 'a' 02 'bc' 00")));
}

TEST(NameCompare, canonical_order_of_the_rfc) {  // RFC 4034 §6.1
  const std::array names{"example",   "a.example",       "yljkjljk.a.example", "Z.a.example",    "zABC.a.EXAMPLE",
                         "z.example", "\\001.z.example", "*.z.example",        "\\200.z.example"};
  for (std::size_t i = 0; i < names.size(); ++i) {
    for (std::size_t k = 0; k < names.size(); ++k) {
      EXPECT_EQ(Name::literal(names[i]) <=> Name::literal(names[k]), i <=> k) << names[i] << ' ' << names[k];
    }
  }
  EXPECT_LT(Name{}, Name::literal("\\000"));
}

TEST(NameHash, is_keyed_and_blind_to_case) {
  const HashKey key{1, 2, 3};
  const HashKey other{1, 2, 4};
  for (const std::size_t total : {3U, 8U, 9U, 10U, 17U, 64U, 254U, 255U}) {
    const Name lower = Name::literal(name_text(total, 'q'));
    const Name upper = Name::literal(name_text(total, 'Q'));
    EXPECT_EQ(lower.hash(key), upper.hash(key)) << total;
    EXPECT_NE(lower.hash(key), lower.hash(other)) << total;
  }
  std::set<std::uint64_t> seen;
  for (std::size_t i = 0; i < 1000; ++i) seen.insert(Name::literal("host" + std::to_string(i) + ".example").hash(key));
  EXPECT_EQ(seen.size(), 1000U);
}

TEST(NameHash, letters_alone_are_lowered_wherever_they_stand) {
  const HashKey key{7};
  constexpr std::size_t label = 23;  // two whole rows of eight octets, and some
  for (std::size_t at = 1; at <= label; ++at) {
    for (unsigned octet = 0; octet < 256; ++octet) {
      Octets wire(label + 2, 0xdb);  // 'Z' + 1 with the highest bit
      wire[0] = label;
      wire[label + 1] = 0;
      wire[at] = static_cast<std::uint8_t>(octet);
      const Name name = *Name::from_wire(wire);
      const bool is_letter = octet >= 'A' && octet <= 'Z';
      if (is_letter) wire[at] = static_cast<std::uint8_t>(octet + 'a' - 'A');
      const Name lower = *Name::from_wire(wire);
      ASSERT_TRUE(name.lowercased().identical(lower)) << octet << " at " << at;
      ASSERT_EQ(name.hash(key), lower.hash(key)) << octet << " at " << at;
    }
  }
}

TEST(NameTree, parents_suffixes_and_ancestors) {
  const Name name = Name::literal("a.b.Example.com");
  EXPECT_EQ(name.label_count(), 4U);
  EXPECT_TRUE(name.parent().identical(Name::literal("b.Example.com")));
  EXPECT_TRUE(Name{}.parent().is_root());
  EXPECT_TRUE(name.suffix(0).is_root());
  EXPECT_EQ(name.suffix(2), Name::literal("example.com"));
  EXPECT_EQ(name.suffix(4), name);
  EXPECT_EQ(name.suffix(9), name);
  EXPECT_TRUE(name.is_at_or_below(Name::literal("EXAMPLE.COM")));
  EXPECT_TRUE(name.is_at_or_below(Name{}));
  EXPECT_TRUE(name.is_at_or_below(name));
  EXPECT_FALSE(name.is_strictly_below(name));
  EXPECT_FALSE(Name{}.is_strictly_below(Name{}));
  EXPECT_FALSE(Name::literal("com").is_at_or_below(name));
  EXPECT_FALSE(Name::literal("notexample.com").is_at_or_below(Name::literal("example.com")));
}

TEST(NameTree, octets_inside_a_label_make_no_ancestor) {
  // The label's own octets spell \003com\000: equal octets at the end, but no label begins there.
  const Name sly = *Name::from_wire(octets("05 'x' 03 'com' 00"));
  EXPECT_FALSE(sly.is_at_or_below(Name::literal("com")));
}

TEST(NameTree, prepending_and_replacing_respect_the_limit) {
  const Name longest = Name::literal(name_text(255));
  EXPECT_FALSE(longest.prepended(octets("'a'")));
  const Name almost = Name::literal(name_text(253));
  EXPECT_EQ(almost.prepended(octets("'a'"))->wire().size(), 255U);
  EXPECT_FALSE(almost.prepended(octets("'ab'")));
  EXPECT_FALSE(Name{}.prepended({}));
  EXPECT_TRUE(Name{}.prepended(Octets(63, 'x')));
  EXPECT_FALSE(Name{}.prepended(Octets(64, 'x')));

  const Name from = Name::literal("old.example");
  EXPECT_EQ(*Name::literal("www.OLD.example").with_suffix_replaced(from, Name::literal("new.test")),
            Name::literal("www.new.test"));
  EXPECT_EQ(*Name::literal("www.old.example").with_suffix_replaced(from, Name{}), Name::literal("www"));
  EXPECT_FALSE(from.with_suffix_replaced(from, Name{}));
  EXPECT_FALSE(Name::literal("www.example").with_suffix_replaced(from, Name{}));
  EXPECT_EQ(Name::literal("a.old.example").with_suffix_replaced(from, almost)->wire().size(), 255U);
  EXPECT_FALSE(Name::literal("ab.old.example").with_suffix_replaced(from, almost));
}

TEST(NameTree, wildcards) {
  EXPECT_TRUE(Name::literal("*.example").is_wildcard());
  EXPECT_TRUE(Name::literal("*").is_wildcard());
  EXPECT_FALSE(Name::literal("**.example").is_wildcard());
  EXPECT_FALSE(Name::literal("a.*.example").is_wildcard());
  EXPECT_FALSE(Name{}.is_wildcard());
}

TEST(NameCopy, assignment_to_itself_and_from_shorter_and_longer) {
  Name name = Name::literal("long.name.example");
  const Name& alias = name;
  name = alias;
  EXPECT_EQ(name, Name::literal("long.name.example"));
  name = Name::literal("a");
  EXPECT_TRUE(name.identical(Name::literal("a")));
  name = Name::literal(name_text(255));
  EXPECT_EQ(name.wire().size(), 255U);
}

/// Of exactly so many octets in wire form.
Name name_of(std::size_t octets, char letter) {
  std::string text;
  for (std::size_t left = octets - 1; left > 0;) {
    const std::size_t label = left > 64 ? std::min<std::size_t>(63, left - 3) : left - 1;
    text += std::string(label, letter) + ".";
    left -= label + 1;
  }
  return text.empty() ? Name{} : *Name::from_text(text);
}

TEST(NameStorage, short_and_long_names_are_copied_moved_and_assigned_alike) {
  const std::array<std::size_t, 8> sizes{1, 3, 62, 63, 64, 65, 200, 255};
  for (const std::size_t one : sizes) {
    const Name mine = name_of(one, 'a');
    ASSERT_EQ(mine.wire().size(), one);
    EXPECT_EQ(mine.heap_octets(), one > 63 ? one : 0U);
    for (const std::size_t other : sizes) {
      Name copy = mine;
      EXPECT_TRUE(copy.identical(mine));
      copy = name_of(other, 'b');
      EXPECT_TRUE(copy.identical(name_of(other, 'b')));
      const Name& same = copy;
      copy = same;  // to itself
      EXPECT_TRUE(copy.identical(name_of(other, 'b')));
      Name taken = std::move(copy);
      EXPECT_TRUE(taken.identical(name_of(other, 'b')));
      EXPECT_TRUE(copy.is_root());  // what is left behind
      copy = mine;
      taken = std::move(copy);
      EXPECT_TRUE(taken.identical(mine));
      std::swap(taken, copy);
      EXPECT_TRUE(copy.identical(mine));
      EXPECT_TRUE(taken.is_root());
    }
  }
}

TEST(NameStorage, all_that_makes_names_of_names_crosses_the_border_between_short_and_long) {
  for (std::size_t octets = 60; octets <= 70; ++octets) {
    const Name name = name_of(octets, 'Q');
    EXPECT_TRUE(Name::from_wire(name.wire())->identical(name));
    EXPECT_TRUE(name.lowercased().identical(name_of(octets, 'q')));
    EXPECT_EQ(name, name.lowercased());
    EXPECT_EQ(name.hash(HashKey{}), name.lowercased().hash(HashKey{}));
    const auto longer = name.prepended(name_of(8, 'x').first_label());
    ASSERT_TRUE(longer);
    EXPECT_EQ(longer->wire().size(), octets + 7);
    EXPECT_TRUE(longer->parent().identical(name));
    EXPECT_TRUE(longer->suffix(name.label_count()).identical(name));
    EXPECT_TRUE(longer->is_strictly_below(name));
    const auto renamed = longer->with_suffix_replaced(name, name_of(octets + 1, 'z'));
    ASSERT_TRUE(renamed);
    EXPECT_TRUE(renamed->parent().identical(name_of(octets + 1, 'z')));
    EXPECT_EQ(Name::from_text(longer->to_text())->wire().size(), octets + 7);
  }
}

}  // namespace
}  // namespace redoubt::dns
