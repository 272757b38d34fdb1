#include "appliance/config/print.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "appliance/config/check.hpp"
#include "appliance/config/limits.hpp"
#include "appliance/config/settings.hpp"
#include "appliance/config/values.hpp"
#include "appliance/config/yaml.hpp"

namespace redoubt::config {
namespace {

Surroundings surroundings() {
  return {.limits = all_limits(), .read_file = [](const std::string&) -> std::expected<std::string, std::string> {
            return std::unexpected{std::string{"no files here"}};
          }};
}

TEST(Settings, every_initial_value_is_read_by_its_own_row) {
  for (const Setting& setting : settings()) {
    if (setting.kind == Kind::section || setting.kind == Kind::entries || setting.initial.empty()) continue;
    const auto node = parse_yaml(setting.initial);
    ASSERT_TRUE(node) << setting.key;
    Notebook notes;
    EXPECT_TRUE(read_value(setting, *node, surroundings(), notes)) << setting.key << " = " << setting.initial;
  }
}

TEST(Settings, keys_are_unique_and_have_their_section) {
  std::set<std::string_view> keys;
  for (const Setting& setting : settings()) {
    EXPECT_TRUE(keys.insert(setting.key).second) << setting.key;
    EXPECT_FALSE(setting.help.empty()) << setting.key;
    EXPECT_EQ(setting.store == nullptr, setting.kind == Kind::section) << setting.key;
    const std::size_t dot = setting.key.rfind('.');
    if (dot == std::string_view::npos) continue;
    std::string_view parent = setting.key.substr(0, dot);
    if (parent.ends_with("[]")) parent.remove_suffix(2);
    EXPECT_TRUE(keys.contains(parent)) << setting.key;
  }
}

TEST(Settings, names_of_limits_are_unique_across_the_roles) {
  std::set<std::string_view> names;
  for (const dns::LimitRow& row : all_limits()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_LE(row.least, row.initial) << row.name;
    EXPECT_LE(row.initial, row.most) << row.name;
  }
  EXPECT_GE(names.size(), 5U);
}

TEST(Print, the_printed_default_is_accepted_and_equals_the_built_in_one) {
  const Checked printed = check(default_text(all_limits()), surroundings());
  const Checked built_in = check("", surroundings());
  EXPECT_THAT(printed.remarks.faults, testing::IsEmpty());
  EXPECT_THAT(printed.remarks.warnings, testing::IsEmpty());
  ASSERT_TRUE(printed.configuration && built_in.configuration);
  EXPECT_EQ(*printed.configuration, *built_in.configuration);
}

TEST(Print, the_printed_default_has_every_key_and_a_comment_for_it) {
  const std::string text = default_text(all_limits());
  const auto tree = parse_yaml(text);
  ASSERT_TRUE(tree);
  std::function<void(const Node&, const std::string&)> walk = [&](const Node& node, const std::string& prefix) {
    for (std::size_t i = 0; i < node.keys.size(); ++i) {
      std::istringstream lines{text};
      std::string before, line;
      for (std::uint32_t at = 1; at <= node.keys[i].place.line; ++at) {
        before = line;
        std::getline(lines, line);
      }
      EXPECT_NE(before.find("# "), std::string::npos) << prefix << node.keys[i].text;
    }
  };
  walk(*tree, "");
  for (const Setting& setting : settings()) {
    EXPECT_NE(text.find(std::string{last_part(setting.key)}), std::string::npos) << setting.key;
    if (setting.key.find("[]") != std::string_view::npos) continue;
    const Node* node = &*tree;
    std::istringstream parts{std::string{setting.key}};
    for (std::string part; std::getline(parts, part, '.');) {
      const auto found = std::ranges::find(node->keys, part, &Node::text);
      ASSERT_NE(found, node->keys.end()) << setting.key;
      node = &node->children[static_cast<std::size_t>(found - node->keys.begin())];
    }
  }
  for (const dns::LimitRow& row : all_limits())
    EXPECT_NE(text.find(std::string{row.name}), std::string::npos) << row.name;
}

TEST(Print, the_manual_in_the_repository_is_up_to_date) {
  std::ifstream file{REDOUBT_SOURCE_DIR "/docs/reference/configuration.md"};
  std::stringstream committed;
  committed << file.rdbuf();
  EXPECT_EQ(committed.str(), reference_text(all_limits()))
      << "make it again: resolverctl config reference > docs/reference/configuration.md";
}

}  // namespace
}  // namespace redoubt::config
