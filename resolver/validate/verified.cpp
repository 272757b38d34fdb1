#include "resolver/validate/verified.hpp"

namespace redoubt::resolver {

bool VerifiedSignatures::has(const Print& print) {
  const std::lock_guard guard{lock_};
  return table_[place_of(print)] == print;
}

void VerifiedSignatures::add(const Print& print) {
  const std::lock_guard guard{lock_};
  table_[place_of(print)] = print;
}

}  // namespace redoubt::resolver
