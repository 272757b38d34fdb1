#include "resolver/role/kernel_ports.hpp"

#include <algorithm>

namespace redoubt::resolver {

KernelPorts::Expected KernelPorts::expect(std::uint16_t port) {
  if (port <= below_ || port >= above_)
    return ++passed_over_ % tried_again_after == 0 ? Expected::unsure : Expected::not_given;
  if (missing_[port / block])
    return ++missing_passed_over_ % missing_tried_again_after == 0 ? Expected::unsure : Expected::not_given;
  return first_ <= port && port <= last_ ? Expected::given : Expected::unsure;
}

void KernelPorts::gave(std::uint16_t asked, std::uint16_t taken) {
  if (taken == 0) return;
  const std::int32_t first = std::min<std::int32_t>(first_, taken);
  const std::int32_t last = std::max<std::int32_t>(last_, taken);
  if (asked == taken) {
    missing_.reset(asked / block);
  } else if (first <= asked && asked <= last) {
    ++contradictions_;
    forget_range();  // it was narrowed or moved, for it has no holes
    return gave(asked, taken);
  }
  if (below_ >= first || above_ <= last) forget_range();  // it was widened, maybe on both sides
  first_ = first;
  last_ = last;
  if (asked < first_) below_ = std::max<std::int32_t>(below_, asked);
  if (asked > last_) above_ = std::min<std::int32_t>(above_, asked);
}

void KernelPorts::begin_anew() {
  forget_range();
  contradictions_ = 0;
}

void KernelPorts::forget_range() {
  first_ = 65'536;
  last_ = -1;
  below_ = -1;
  above_ = 65'536;
}

}  // namespace redoubt::resolver
