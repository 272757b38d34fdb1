#pragma once
// Each published attack is a test in three arms. benign: honest traffic of the same kind is served. attack: what the
// attack gets is within the bound. teeth: with the guard switched off the very same assertion must fail, or the test
// would show nothing. docs/security.md lists the rows; scripts/check-security compares it with this folder.
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sim/world.hpp"

namespace redoubt::sim {

/// What an arm measured, and which claims did not hold.
class Findings {
 public:
  void at_most(std::string_view what, std::uint64_t measured, std::uint64_t bound);
  void at_least(std::string_view what, std::uint64_t measured, std::uint64_t bound);
  void holds(std::string_view claim, bool is_so);
  /// Answer records as in Answer::answer().
  void answers(const Answer& answer, const std::vector<std::string>& expected);

  const std::vector<std::string>& broken() const { return broken_; }
  /// "packets to the victim: 5 (at most 10)".
  const std::vector<std::string>& figures() const { return figures_; }

 private:
  std::vector<std::string> broken_;
  std::vector<std::string> figures_;
};

/// For what needs no world: parsers, tables.
struct Arms {
  std::function<void(Findings&)> benign;
  std::function<void(Findings&)> attack;
  std::function<void(Findings&)> teeth;  ///< the attack with its guard off
};
void in_three_arms(const Arms& arms);

/// The same on a simulated Internet, a fresh one for each arm.
struct Row {
  std::function<void(World&, Findings&)> benign;
  std::function<void(World&, Findings&)> attack;
  /// Switches the guard off, or lifts the limit.
  std::function<void(resolver::Settings&)> off;
  WorldOptions world{};
};
void in_three_arms(const Row& row);

}  // namespace redoubt::sim
