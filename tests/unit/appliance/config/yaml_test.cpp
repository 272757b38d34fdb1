#include "appliance/config/yaml.hpp"

#include <gtest/gtest.h>

#include <string>

namespace redoubt::config {
namespace {

std::string fault_of(std::string_view text) {
  const auto tree = parse_yaml(text);
  return tree ? "none" : tree.error().to_text("f");
}

TEST(Yaml, remembers_where_everything_stood) {
  const auto tree = parse_yaml("a: 1\nb:\n  - x\n  - {c: \"two\"}\n");
  ASSERT_TRUE(tree);
  ASSERT_EQ(tree->kind, NodeKind::map);
  EXPECT_EQ(tree->keys[1].text, "b");
  EXPECT_EQ(tree->keys[1].place.line, 2U);
  EXPECT_EQ(tree->children[0].text, "1");
  EXPECT_EQ(tree->children[0].place.column, 4U);
  const Node& list = tree->children[1];
  ASSERT_EQ(list.kind, NodeKind::list);
  EXPECT_EQ(list.children[0].place.line, 3U);
  EXPECT_EQ(list.children[0].place.column, 5U);
  const Node& inner = list.children[1];
  ASSERT_EQ(inner.kind, NodeKind::map);
  EXPECT_EQ(inner.children[0].text, "two");
  EXPECT_TRUE(inner.children[0].quoted);
  EXPECT_EQ(inner.children[0].place.line, 4U);
  EXPECT_EQ(inner.children[0].place.column, 9U);
}

TEST(Yaml, nothing_is_a_null_node) {
  for (const char* text : {"", "\n", "# only a comment\n", "---\n", "\xef\xbb\xbf"}) {
    const auto tree = parse_yaml(text);
    ASSERT_TRUE(tree) << text;
    EXPECT_EQ(tree->kind, NodeKind::null) << text;
  }
}

TEST(Yaml, anchors_and_aliases_are_refused) {
  EXPECT_EQ(fault_of("a: &x [1]\n"), "f:1:4: found an anchor (&), expected a value: anchors are not taken");
  EXPECT_EQ(fault_of("a: &x 1\nb: *x\n"), "f:1:4: found an anchor (&), expected a value: anchors are not taken");
  EXPECT_NE(fault_of("b: *x\n"), "none");
}

TEST(Yaml, a_bomb_of_aliases_does_not_unfold) {
  std::string bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n";
  for (char c = 'b'; c < 'k'; ++c) {
    bomb += std::string{c} + ": &" + c + " [";
    for (int i = 0; i < 9; ++i) bomb += std::string{"*"} + static_cast<char>(c - 1) + ",";
    bomb += "]\n";
  }
  EXPECT_EQ(fault_of(bomb), "f:1:4: found an anchor (&), expected a value: anchors are not taken");
}

TEST(Yaml, tags_and_further_documents_are_refused) {
  EXPECT_EQ(fault_of("a: !!int 3\n"), "f:1:4: found the tag 'tag:yaml.org,2002:int', expected a value without one");
  EXPECT_EQ(fault_of("a: 1\n---\nb: 2\n"), "f:2:1: found a second document, expected one");
}

TEST(Yaml, depth_is_bounded) {
  EXPECT_EQ(fault_of(std::string(max_depth, '[') + std::string(max_depth, ']')), "none");
  EXPECT_NE(fault_of(std::string(max_depth + 1, '[') + std::string(max_depth + 1, ']')).find("more than 16 levels"),
            std::string::npos);
  EXPECT_NE(fault_of(std::string(100'000, '[')), "none");
  EXPECT_NE(fault_of(std::string(100'000, '{')), "none");
  std::string nested;
  for (int i = 0; i < 500; ++i) nested += std::string(static_cast<std::size_t>(i), ' ') + "a:\n";
  EXPECT_NE(fault_of(nested).find("more than 16 levels"), std::string::npos);
  std::string dashes;
  for (int i = 0; i < 100'000; ++i) dashes += "- ";
  EXPECT_NE(fault_of(dashes), "none");
}

TEST(Yaml, size_is_bounded) {
  EXPECT_EQ(fault_of("#" + std::string(max_file_octets, 'x')),
            "f: found more than 1048576 octets, expected at most 1048576");
}

TEST(Yaml, what_is_no_text_is_refused_with_its_place) {
  EXPECT_EQ(fault_of("a: 1\nb: \xff\n"), "f:2:4: found octet 0xff, expected UTF-8 text");
  EXPECT_EQ(fault_of("a: \xed\xa0\x80\n"), "f:1:4: found octet 0xed, expected UTF-8 text");
  EXPECT_EQ(fault_of("a: \xc0\xaf\n"), "f:1:4: found octet 0xc0, expected UTF-8 text");
  EXPECT_EQ(fault_of("a: \xf4\x90\x80\x80\n"), "f:1:4: found octet 0xf4, expected UTF-8 text");
  EXPECT_EQ(fault_of(std::string{"a: \0b\n", 6}), "f:1:4: found control octet 0x00, expected text");
  EXPECT_EQ(fault_of("\xff\xfe"
                     "a\0:\0"),
            "f:1:1: found octet 0xff, expected UTF-8 text");  // UTF-16
  EXPECT_EQ(fault_of("a: \xc3\xa4 \xe2\x82\xac \xf0\x9f\x8c\xb3\n"), "none");
}

TEST(Yaml, what_is_no_yaml_is_refused_with_its_place) {
  EXPECT_EQ(fault_of("a: [1, 2\nb: 3\n").substr(0, 4), "f:2:");
  EXPECT_EQ(fault_of("a: \"open\n"), "f:1:4: found a quote that is not closed, expected its end");
  EXPECT_EQ(fault_of("b: 1\na: 'it''s\n"), "f:2:4: found a quote that is not closed, expected its end");
  EXPECT_EQ(fault_of("b: 1\na: \"x\\\"\n"), "f:2:4: found a quote that is not closed, expected its end");
  EXPECT_EQ(fault_of("b: 1\na: 'it''s'"), "none");
  EXPECT_NE(fault_of("]"), "none");
}

TEST(Yaml, a_tab_in_front_of_a_line_is_named) {
  const std::string words = ": found a tab in front of the line, expected spaces: YAML takes no tabs there";
  EXPECT_EQ(fault_of("a:\n\tb: 1\n"), "f:2:1" + words);
  EXPECT_EQ(fault_of("a:\n  b: 1\n  \tc: 1\n"), "f:3:3" + words);
  EXPECT_EQ(fault_of("\ta: 1\n"), "f:1:1" + words);
  EXPECT_EQ(fault_of("a:\n\t- b\n"), "f:2:1" + words);
  EXPECT_EQ(fault_of("a:\t1\nb: [1,\n\t2]\n"), "none") << "where YAML takes them";
}

TEST(Yaml, a_bracket_that_is_not_closed_is_told_where_it_was_opened) {
  EXPECT_EQ(fault_of("listen: [\n"), "f:1:9: found a [ that is not closed, expected its end");
  EXPECT_EQ(fault_of("listen: ["), "f:1:9: found a [ that is not closed, expected its end");
  EXPECT_EQ(fault_of("a: 1\nb: [{c: 1}, {d: 2\n\n"), "f:2:13: found a { that is not closed, expected its end");
  EXPECT_EQ(fault_of("a: 1\nb: [1, {d: 2},\n   3\n"), "f:2:4: found a [ that is not closed, expected its end");
}

TEST(Yaml, keys_are_scalars) { EXPECT_NE(fault_of("[a]: 1\n"), "none"); }

}  // namespace
}  // namespace redoubt::config
