#pragma once
#include <memory>
#include <utility>

#include "resolver/frame_pool.hpp"
#include "resolver/mailbox.hpp"
#include "resolver/outcome.hpp"
#include "resolver/task.hpp"

namespace redoubt::resolver {

/// The outcome of a flight, on its way to one who waits for it. Whoever drops it unopened ends that one's chain.
class OutcomeLetter final : public Mailbox::Letter {
 public:
  OutcomeLetter(SharedOutcome& awaited, std::shared_ptr<Mailbox> home, Suspended suspended)
      : awaited_{&awaited}, home_{std::move(home)}, suspended_{std::move(suspended)} {}
  static void* operator new(std::size_t octets) { return take_frame(octets); }
  static void operator delete(void* letter, std::size_t octets) noexcept { give_frame_back(letter, octets); }
  static void send(std::unique_ptr<OutcomeLetter> letter, SharedOutcome outcome) noexcept {
    letter->outcome_ = std::move(outcome);
    const std::shared_ptr<Mailbox> home = std::move(letter->home_);
    home->put(std::move(letter));
  }
  void open() noexcept override {
    *awaited_ = std::move(outcome_);
    suspended_.resume();
  }

 private:
  SharedOutcome* awaited_;
  SharedOutcome outcome_;
  std::shared_ptr<Mailbox> home_;  // here, so that a waiter is one pointer and needs no memory of its own
  Suspended suspended_;
};

}  // namespace redoubt::resolver
