#pragma once
// Who has waited for too long. All waits of one kind last equally long, so each kind is a queue whose front is next: no
// timer per connection, no search.
#include <array>
#include <cstdint>
#include <list>
#include <optional>

#include "transport/net/loop.hpp"

namespace redoubt::transport {

class Connection;

/// idle: for a query. message: for the rest of one. write: for the client to take answers; also for it to leave.
enum class Wait : std::uint8_t { idle, message, write, count };
inline constexpr std::size_t wait_kinds = static_cast<std::size_t>(Wait::count);

struct Waiting {
  Connection* connection;
  Clock::time_point since;
};

/// The waits of one connection; it keeps this, Deadlines fills it.
class WaitMarks {
 public:
  /// Since when; nothing when that wait is not under way.
  std::optional<Clock::time_point> since(Wait kind) const {
    const auto& mark = marks_[static_cast<std::size_t>(kind)];
    return mark ? std::optional{(*mark)->since} : std::nullopt;
  }

 private:
  friend class Deadlines;
  std::array<std::optional<std::list<Waiting>::iterator>, wait_kinds> marks_;
};

class Deadlines {
 public:
  Deadlines() = default;
  Deadlines(const Deadlines&) = delete;
  Deadlines& operator=(const Deadlines&) = delete;
  /// One under way goes on as it is.
  void start(Wait kind, Connection& connection, WaitMarks& marks, Clock::time_point now);
  void stop(Wait kind, WaitMarks& marks);
  void stop_all(WaitMarks& marks);
  /// The longest of that kind.
  const Waiting* oldest(Wait kind) const;

  /// Of those that wait idle, the longest that take_to_rest() has not given out in this wait.
  const Waiting* next_to_rest() const;
  /// How many that wait idle it has given out; counted when asked.
  std::size_t resting() const;
  Connection& take_to_rest() { return *(restless_++)->connection; }

 private:
  std::array<std::list<Waiting>, wait_kinds> queues_;
  std::list<Waiting>& idle_ = queues_[static_cast<std::size_t>(Wait::idle)];
  /// In idle_: those before it rest.
  std::list<Waiting>::iterator restless_ = idle_.end();
};

}  // namespace redoubt::transport
