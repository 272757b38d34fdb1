// Random worlds by the thousand. Options:
//   --worlds N        how many (2000)
//   --first-seed S    the first of them (1)
//   --seed S          this one alone, with all that happens in it
//   --shrink          cut a failing one down before it is shown
#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <cstdlib>
#include <string_view>

#include "tests/worlds/run.hpp"

namespace redoubt::worlds {
namespace {

struct Options {
  std::uint64_t worlds = 2000;
  std::uint64_t first_seed = 1;
  bool single = false;
  bool shrink = false;
};

std::uint64_t number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) {
    fmt::print(stderr, "no number: {}\n", text);
    std::exit(2);
  }
  return value;
}

Options read_options(int count, char** words) {
  Options options;
  for (int i = 1; i < count; ++i) {
    const std::string_view word = words[i];
    if (word == "--shrink") {
      options.shrink = true;
      continue;
    }
    if (i + 1 == count || (word != "--worlds" && word != "--first-seed" && word != "--seed")) {
      fmt::print(stderr, "usage: worlds [--worlds N] [--first-seed S] [--seed S] [--shrink]\n");
      std::exit(2);
    }
    const std::uint64_t value = number(words[++i]);
    if (word == "--worlds") options.worlds = value;
    if (word == "--first-seed") options.first_seed = value;
    if (word == "--seed") options = {1, value, true, options.shrink};
  }
  return options;
}

void report(const Plan& plan, const Breach& breach, bool cut_down) {
  const Plan shown = cut_down ? shrink(plan, breach.property) : plan;
  const Lived lived = live(shown, true);
  fmt::print("{}{}", shown.describe(), lived.trace);
  fmt::print("FAILED seed {}: {}: {}\nagain: worlds --seed {} --shrink\n", plan.seed, to_text(breach.property),
             breach.what, plan.seed);
}

int run(const Options& options) {
  const auto begun = std::chrono::steady_clock::now();
  const auto passed = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count(); };
  Tally tally;
  std::uint64_t broken = 0;
  for (std::uint64_t i = 0; i < options.worlds; ++i) {
    const Plan plan = generate(options.first_seed + i);
    Lived lived = live(plan, options.single && !options.shrink);
    if (i % 100 == 0 && !lived.breach) {  // the same seed, the same world
      if (live(generate(plan.seed)).tally.trace != lived.tally.trace) {
        fmt::print("FAILED seed {}: lived twice, it went differently\n", plan.seed);
        ++broken;
      }
    }
    tally.add(lived.tally);
    if (lived.breach && broken++ < 3) {
      report(plan, *lived.breach, options.shrink);
    } else if (lived.breach) {
      fmt::print("FAILED seed {}: {}: {}\n", plan.seed, to_text(lived.breach->property), lived.breach->what);
    }
    if (options.single && !lived.breach) fmt::print("{}{}", plan.describe(), lived.trace);
    if ((i + 1) % 1000 == 0)
      fmt::print(stderr, "{} worlds, {} failed, {} packets, {:.0f} s\n", i + 1, broken, tally.packets, passed());
  }
  fmt::print(
      "{} worlds, {} questions ({} failed with excuse, {} stale, {} at liars), {} packets, {} cache entries, {:.1f} "
      "s\n",
      options.worlds, tally.questions, tally.failures, tally.stale, tally.tainted, tally.packets, tally.entries,
      passed());
  for (std::size_t i = 0; i < tally.checked.size(); ++i)
    fmt::print("  {:<22} checked {}\n", to_text(static_cast<Property>(i)), tally.checked[i]);
  fmt::print("digest {:016x}, {} worlds failed\n", tally.trace, broken);
  return broken == 0 ? 0 : 1;
}

}  // namespace
}  // namespace redoubt::worlds

int main(int count, char** words) { return redoubt::worlds::run(redoubt::worlds::read_options(count, words)); }
