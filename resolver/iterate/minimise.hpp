#pragma once
// Which name to put to the servers of a zone on the way down (RFC 9156): no more of it than they need to see, and its
// type only to those who answer for it. Pure.
#include <cstdint>

#include "dns/question.hpp"
#include "resolver/settings.hpp"

namespace redoubt::resolver {

/// Questions that one walk may spend on names that are not the whole one, and how many of these add one label only
/// (RFC 9156 §2.3; attacks: minimisation blow-up).
inline constexpr unsigned max_minimised_questions = 10;
inline constexpr unsigned single_label_steps = 4;

class Minimiser {
 public:
  /// question outlives the minimiser.
  Minimiser(const dns::Question& question, Minimisation mode, const Guards& guards = {})
      : question_{&question},
        labels_{question.name.label_count()},
        whole_{mode == Minimisation::off},
        bounded_{guards.minimisation_bound} {}

  /// What to ask servers of that zone, which is at or above the question's name: the question itself, or a shorter name
  /// for type A. Zones only ever get deeper.
  dns::Question next(const dns::Name& zone);
  /// The shorter name that next() gave was asked for, or known already, and is no cut.
  void passed() { passed_ = asked_; }
  /// From now on the question itself.
  void give_up() { whole_ = true; }

 private:
  const dns::Question* question_;
  std::size_t labels_;
  bool whole_;
  bool bounded_;
  std::size_t passed_ = 0;  ///< labels of the longest name that is known to be no cut
  std::size_t asked_ = 0;   ///< labels of the name that next() gave
  unsigned steps_ = 0;
};

}  // namespace redoubt::resolver
