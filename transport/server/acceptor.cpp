#include "transport/server/acceptor.hpp"

#include <fcntl.h>

#include <cerrno>

namespace redoubt::transport {

namespace {

/// Connections taken in one go before others on the loop get their turn.
constexpr unsigned max_accepts_in_a_row = 64;
constexpr std::chrono::milliseconds rest_time{50};

bool means_exhausted(const std::error_code& error) {
  switch (error.value()) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      return true;
    default:
      return false;
  }
}

}  // namespace

Acceptor::Acceptor(const Executor& executor, Socket listening, Owner owner)
    : listening_{std::move(listening)}, watch_{executor, listening_.get()}, rest_{executor}, owner_{std::move(owner)} {}

bool Acceptor::start() {
  if (!watch_.ok() || !prepare_listening(listening_)) return false;
  renew_reserve();
  watch_.when_readable([this] { accept_some(); });
  return true;
}

/// Any descriptor will do; the role's sandbox lets it open no file.
void Acceptor::renew_reserve() {
  if (!reserve_) reserve_ = Socket{::fcntl(listening_.get(), F_DUPFD_CLOEXEC, 3)};
}

void Acceptor::accept_some() {
  bool rests = false;
  for (unsigned i = 0; i < max_accepts_in_a_row; ++i) {
    const Step step = accept_one();
    rests = rests || step == Step::turned_away || step == Step::exhausted;
    if (step == Step::nobody_waits) watch_.was_emptied();
    if (step == Step::nobody_waits || step == Step::exhausted) break;
  }
  if (!rests) return watch_.when_readable([this] { accept_some(); });
  rest_.at(Clock::now() + rest_time, [this] {
    renew_reserve();
    accept_some();
  });
}

Acceptor::Step Acceptor::step_after(const std::error_code& error) {
  if (error.value() == EAGAIN) return Step::nobody_waits;
  if (means_exhausted(error)) return Step::exhausted;
  return Step::taken;  // that one client is gone, or its network (accept(2)); the next may be well
}

Acceptor::Step Acceptor::accept_one() {
  auto accepted = accept_from(listening_);
  if (accepted) {
    owner_.accepted(*std::move(accepted));
    return Step::taken;
  }
  const Step step = step_after(accepted.error());
  return step == Step::exhausted ? accept_by_reserve() : step;
}

/// The kernel says that descriptors are at an end before it looks whether anybody waits. Only for somebody who does is
/// another one closed.
Acceptor::Step Acceptor::accept_by_reserve() {
  if (!reserve_ && owner_.make_room()) renew_reserve();
  reserve_.reset();
  auto accepted = accept_from(listening_);
  renew_reserve();
  if (!accepted) return step_after(accepted.error());
  if (!reserve_ && owner_.make_room()) renew_reserve();
  if (reserve_) {
    owner_.accepted(*std::move(accepted));
    return Step::taken;
  }
  accepted->socket.reset();
  renew_reserve();
  owner_.turned_away();
  return Step::turned_away;
}

}  // namespace redoubt::transport
