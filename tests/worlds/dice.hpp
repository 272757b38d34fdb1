#pragma once
// Chances from a seed, the same with every standard library.
#include <cstdint>
#include <initializer_list>
#include <random>
#include <vector>

namespace redoubt::worlds {

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : generator_{seed} {}
  /// From zero up to, not including, `bound`, which is not zero.
  std::size_t below(std::size_t bound) { return generator_() % bound; }
  std::size_t between(std::size_t least, std::size_t most) { return least + below(most - least + 1); }
  /// In so many cases of a hundred.
  bool chance(std::size_t percent) { return below(100) < percent; }
  template <class T>
  T pick(std::initializer_list<T> things) {
    return things.begin()[below(things.size())];
  }
  template <class T>
  const T& one_of(const std::vector<T>& things) {
    return things[below(things.size())];
  }
  template <class T, std::size_t N>
  const T& one_of(const T (&things)[N]) {
    return things[below(N)];
  }

 private:
  std::mt19937_64 generator_;
};

}  // namespace redoubt::worlds
