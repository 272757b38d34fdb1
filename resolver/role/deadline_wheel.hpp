#pragma once
// Many deadlines that nearly all are forgotten before they come: noting one is a push into a list, forgetting one is
// free. They come up to one tick late, never early.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "resolver/clock.hpp"

namespace redoubt::resolver {

class DeadlineWheel {
 public:
  /// Whose deadline it is; what it means is its owner's business, also whether it still counts.
  using Ticket = std::uint64_t;
  static constexpr std::chrono::milliseconds tick{8};

  DeadlineWheel() { spare_.reserve(slots + 1); }

  void note(Ticket ticket, Instant deadline, Instant now) {
    // Time begins where there was none to be kept; and a test's clock may go back.
    passed_ = count_ == 0 ? tick_of(now) - 1 : std::min(passed_, tick_of(now) - 1);
    place({ticket, deadline}, passed_);
  }
  /// Calls come(ticket) for each that is due. Others may be noted meanwhile. Where that throws, or there is no memory
  /// to note one anew, nothing is lost: the next turn goes on with the same one.
  template <class Come>
  void turn(Instant now, Come come) {
    const std::int64_t last = tick_of(now) - 1;  // the last one that is over
    passed_ = std::min(passed_, last);
    for (std::int64_t most = slots; most > 0; --most) {
      if (count_ == 0 || (due_.empty() && passed_ >= last)) break;
      if (due_.empty()) {
        due_.swap(slots_[slot_of(++passed_)]);
        std::ranges::reverse(due_);  // it is taken from the end
      }
      while (!due_.empty()) {
        const Noted noted = due_.back();
        if (noted.deadline > now)
          place(noted, last);  // farther ahead than the wheel is large
        else
          come(noted.ticket);
        due_.pop_back();
        --count_;
      }
      if (due_.capacity() == 0) continue;
      // So that those under way take turns with the few lists that there were at once, rather than each slot its own.
      spare_.emplace_back();
      spare_.back().swap(due_);
    }
    passed_ = std::max(passed_, last);
  }
  /// When turn() may have something to do next; nothing while there is no deadline.
  std::optional<Instant> next() const {
    if (count_ == 0) return std::nullopt;
    std::int64_t at = passed_ + 1;
    if (!due_.empty()) return Instant{tick * at};  // a turn broke off: at once
    while (slots_[slot_of(at)].empty()) ++at;
    return Instant{tick * (at + 1)};
  }
  bool is_empty() const { return count_ == 0; }

 private:
  struct Noted {
    Ticket ticket;
    Instant deadline;
  };
  static constexpr std::size_t slots = 1024;  // 8 s
  /// passed: the last tick that is, or is about to be, worked off
  void place(const Noted& noted, std::int64_t passed) {
    const std::int64_t at = std::clamp(tick_of(noted.deadline), passed + 1, passed + static_cast<std::int64_t>(slots));
    std::vector<Noted>& slot = slots_[slot_of(at)];
    if (slot.capacity() == 0 && !spare_.empty()) {
      slot.swap(spare_.back());
      spare_.pop_back();
    }
    slot.push_back(noted);
    ++count_;
  }
  static std::int64_t tick_of(Instant instant) {
    return std::chrono::floor<std::chrono::milliseconds>(instant.time_since_epoch()) / tick;
  }
  static std::size_t slot_of(std::int64_t at) { return static_cast<std::size_t>(at) % slots; }

  std::array<std::vector<Noted>, slots> slots_;
  std::vector<Noted> due_;  // of the slot that is being worked off, the last one next; counted until each has come
  std::vector<std::vector<Noted>> spare_;  // empty, with memory; never more than slots have been in use at once
  std::size_t count_ = 0;
  std::int64_t passed_ = 0;  // the last tick that was worked off
};

}  // namespace redoubt::resolver
