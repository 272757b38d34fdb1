#pragma once
// One world, lived through: the plan's questions to a real resolution core, each answer, the cache and all that stays
// behind held against the properties.
#include <optional>
#include <string>

#include "tests/worlds/plan.hpp"

namespace redoubt::worlds {

/// The properties, as they are called in reports.
enum class Property : std::uint8_t {
  ends_in_time,           ///< within question-time, every one
  ends_in_budget,         ///< at most upstream-queries packets for one question
  leaves_nothing_behind,  ///< no flight, no waiting query, no sleeper
  cache_is_bounded,
  cache_is_honest,   ///< data, denials and delegations that are not a liar's own
  answer_is_honest,  ///< as the reference has it; failures have an excuse and an extended error
  count
};
std::string_view to_text(Property property);

struct Breach {
  Property property;
  std::string what;
};

struct Tally {
  std::uint64_t questions = 0;
  std::uint64_t packets = 0;
  std::uint64_t failures = 0;  ///< SERVFAIL, excused
  std::uint64_t stale = 0;
  std::uint64_t tainted = 0;  ///< questions about names for which a liar speaks
  std::uint64_t entries = 0;  ///< of the cache, looked at
  std::array<std::uint64_t, static_cast<std::size_t>(Property::count)> checked{};
  std::uint64_t trace = 0;  ///< a digest of all packets and answers

  void add(const Tally& other);
};

struct Lived {
  Tally tally;
  std::optional<Breach> breach;  ///< the first; the world ends with it
  std::string trace;             ///< all that happened, when asked for
};

/// trace: whether to write down what happens.
Lived live(const Plan& plan, bool trace = false);

/// A plan that breaks the same property with less: fewer questions, changes, faults.
Plan shrink(Plan plan, Property property);

}  // namespace redoubt::worlds
