#include "resolver/iterate/minimise.hpp"

#include <algorithm>

namespace redoubt::resolver {

dns::Question Minimiser::next(const dns::Name& zone) {
  const std::size_t known = std::max(passed_, zone.label_count());
  // A name that is at most one label longer shows nothing that the servers have no need to see.
  if (whole_ || known + 1 >= labels_ || (bounded_ && steps_ >= max_minimised_questions)) return *question_;
  // The labels that are left are spread over the steps that are left.
  std::size_t more = 1;
  if (bounded_ && steps_ >= single_label_steps) {
    const std::size_t steps_left = max_minimised_questions - steps_;
    more = (labels_ - known + steps_left - 1) / steps_left;
  }
  asked_ = known + more;
  if (asked_ >= labels_) return *question_;
  ++steps_;
  return {question_->name.suffix(asked_), dns::type::a};
}

}  // namespace redoubt::resolver
