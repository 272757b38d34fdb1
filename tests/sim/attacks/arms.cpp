#include "tests/sim/attacks/arms.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace redoubt::sim {

void Findings::at_most(std::string_view what, std::uint64_t measured, std::uint64_t bound) {
  figures_.push_back(fmt::format("{}: {} (at most {})", what, measured, bound));
  if (measured > bound) broken_.push_back(figures_.back());
}

void Findings::at_least(std::string_view what, std::uint64_t measured, std::uint64_t bound) {
  figures_.push_back(fmt::format("{}: {} (at least {})", what, measured, bound));
  if (measured < bound) broken_.push_back(figures_.back());
}

void Findings::holds(std::string_view claim, bool is_so) {
  if (!is_so) broken_.push_back(fmt::format("not so: {}", claim));
}

void Findings::answers(const Answer& answer, const std::vector<std::string>& expected) {
  if (answer.answer() == expected) return;
  broken_.push_back(fmt::format("answer is {} [{}], not [{}]; {}", dns::to_text(answer.rcode()),
                                fmt::join(answer.answer(), ", "), fmt::join(expected, ", "), answer.error()));
}

void in_three_arms(const Arms& arms) {
  Findings benign;
  arms.benign(benign);
  EXPECT_TRUE(benign.broken().empty()) << "benign: " << fmt::format("{}", fmt::join(benign.broken(), "\n"));

  Findings attack;
  arms.attack(attack);
  EXPECT_TRUE(attack.broken().empty()) << "attack: " << fmt::format("{}", fmt::join(attack.broken(), "\n"));
  for (const std::string& figure : attack.figures()) fmt::print("[   figure ] {}\n", figure);

  Findings teeth;
  arms.teeth(teeth);
  EXPECT_FALSE(teeth.broken().empty()) << "teeth: the guard is off and nothing is worse; measured: "
                                       << fmt::format("{}", fmt::join(teeth.figures(), "; "));
  for (const std::string& figure : teeth.broken()) fmt::print("[    teeth ] {}\n", figure);
}

void in_three_arms(const Row& row) {
  const auto arm = [&row](const std::function<void(World&, Findings&)>& scenario, bool guarded) {
    return [&row, &scenario, guarded](Findings& findings) {
      WorldOptions options = row.world;
      resolver::Settings unguarded;
      row.off(unguarded);
      if (!guarded) options.guards = unguarded.guards;
      World world{options};
      if (!guarded) row.off(world.settings());
      const std::size_t before = findings.broken().size();
      scenario(world, findings);
      if (guarded && findings.broken().size() != before) fmt::print("{}", world.trace());
    };
  };
  in_three_arms(Arms{arm(row.benign, true), arm(row.attack, true), arm(row.attack, false)});
}

}  // namespace redoubt::sim
