#include "resolver/iterate/minimise.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace redoubt::resolver {
namespace {

using testing::ElementsAre;

dns::Question question(std::string_view name, dns::RrType type = dns::type::mx) {
  return {dns::Name::literal(name), type};
}

/// The names that servers of the zone are shown when none of them is a cut.
std::vector<std::string> shown(const dns::Question& question, std::string_view zone,
                               Minimisation mode = Minimisation::relaxed) {
  Minimiser minimiser{question, mode};
  std::vector<std::string> names;
  for (;;) {
    const dns::Question next = minimiser.next(dns::Name::literal(zone));
    names.push_back(next.name.to_text());
    if (next == question) return names;
    EXPECT_EQ(next.type, dns::type::a) << "the type is nobody's business yet";
    minimiser.passed();
  }
}

TEST(Minimiser, shows_one_label_more_than_the_zone_has) {
  EXPECT_THAT(shown(question("a.b.example.com."), "com."),
              ElementsAre("example.com.", "b.example.com.", "a.b.example.com."));
}

TEST(Minimiser, asks_the_whole_question_of_whoever_sees_all_of_the_name_anyway) {
  EXPECT_THAT(shown(question("www.example.com."), "example.com."), ElementsAre("www.example.com."));
  EXPECT_THAT(shown(question("example.com."), "example.com."), ElementsAre("example.com."));
  EXPECT_THAT(shown(question("com."), "."), ElementsAre("com."));
  EXPECT_THAT(shown(question("."), "."), ElementsAre("."));
}

TEST(Minimiser, off_shows_everything) {
  EXPECT_THAT(shown(question("a.b.example.com."), ".", Minimisation::off), ElementsAre("a.b.example.com."));
}

TEST(Minimiser, follows_cuts_down) {
  const dns::Question asked = question("a.b.example.com.");
  Minimiser minimiser{asked, Minimisation::strict};
  EXPECT_EQ(minimiser.next(dns::Name{}).name, dns::Name::literal("com."));
  EXPECT_EQ(minimiser.next(dns::Name::literal("com.")).name, dns::Name::literal("example.com."));
  EXPECT_EQ(minimiser.next(dns::Name::literal("b.example.com.")), asked) << "a cut deeper than what was asked for";
}

TEST(Minimiser, gives_up_for_good) {
  const dns::Question asked = question("a.b.c.example.com.");
  Minimiser minimiser{asked, Minimisation::relaxed};
  EXPECT_NE(minimiser.next(dns::Name{}), asked);
  minimiser.give_up();
  EXPECT_EQ(minimiser.next(dns::Name{}), asked);
  EXPECT_EQ(minimiser.next(dns::Name::literal("com.")), asked);
}

TEST(Minimiser, a_name_of_a_hundred_and_twenty_labels_costs_ten_questions_at_most) {
  std::string text;
  for (int i = 0; i < 120; ++i) text += "a.";
  for (const char* zone : {".", "a.a.a."}) {
    const auto names = shown(question(text), zone);
    EXPECT_LE(names.size(), max_minimised_questions + 1);
    EXPECT_GE(names.size(), 6U);
    for (std::size_t i = 1; i < single_label_steps; ++i)
      EXPECT_EQ(names[i].size(), names[i - 1].size() + 2) << "the first steps are of one label";
  }
}

TEST(Minimiser, every_length_ends_with_the_whole_name) {
  std::string text;
  for (int labels = 1; labels <= 120; ++labels) {
    text += "b.";
    const auto names = shown(question(text), ".");
    EXPECT_EQ(names.back(), text);
    EXPECT_LE(names.size(), max_minimised_questions + 1) << labels;
  }
}

}  // namespace
}  // namespace redoubt::resolver
