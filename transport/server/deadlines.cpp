#include "transport/server/deadlines.hpp"

#include <iterator>

namespace redoubt::transport {

void Deadlines::start(Wait kind, Connection& connection, WaitMarks& marks, Clock::time_point now) {
  auto& mark = marks.marks_[static_cast<std::size_t>(kind)];
  if (mark) return;
  auto& queue = queues_[static_cast<std::size_t>(kind)];
  queue.push_back({&connection, now});
  mark = std::prev(queue.end());
  if (kind == Wait::idle && restless_ == idle_.end()) restless_ = *mark;
}

void Deadlines::stop(Wait kind, WaitMarks& marks) {
  auto& mark = marks.marks_[static_cast<std::size_t>(kind)];
  if (!mark) return;
  if (kind == Wait::idle && restless_ == *mark) ++restless_;
  queues_[static_cast<std::size_t>(kind)].erase(*mark);
  mark.reset();
}

void Deadlines::stop_all(WaitMarks& marks) {
  for (std::size_t i = 0; i < wait_kinds; ++i) stop(static_cast<Wait>(i), marks);
}

const Waiting* Deadlines::next_to_rest() const { return restless_ == idle_.end() ? nullptr : &*restless_; }

std::size_t Deadlines::resting() const { return static_cast<std::size_t>(std::distance(idle_.begin(), restless_)); }

const Waiting* Deadlines::oldest(Wait kind) const {
  const auto& queue = queues_[static_cast<std::size_t>(kind)];
  return queue.empty() ? nullptr : &queue.front();
}

}  // namespace redoubt::transport
