#pragma once
// What a fuzz target says of its property: false ends the run, with the input kept by libFuzzer.
#include <cstdio>
#include <cstdlib>

namespace redoubt::fuzz {

inline void require(bool holds, const char* property) {
  if (holds) return;
  std::fprintf(stderr, "property broken: %s\n", property);
  std::abort();
}

}  // namespace redoubt::fuzz
