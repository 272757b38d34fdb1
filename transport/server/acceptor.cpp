#include "transport/server/acceptor.hpp"

#include <fcntl.h>

#include <cerrno>

namespace redoubt::transport {

namespace {

/// Connections taken in one go before others on the loop get their turn.
constexpr unsigned max_accepts_in_a_row = 64;
constexpr unsigned max_turned_away_in_a_row = 64;
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
    : listening_{std::move(listening)},
      watch_{executor, listening_.get()},
      rest_{executor},
      owner_{std::move(owner)} {}

bool Acceptor::start() {
  if (!watch_.ok() || !make_non_blocking(listening_)) return false;
  renew_reserve();
  watch_.when_readable([this] { accept_some(); });
  return true;
}

/// Any descriptor will do; the role's sandbox lets it open no file.
void Acceptor::renew_reserve() {
  if (!reserve_) reserve_ = Socket{::fcntl(listening_.get(), F_DUPFD_CLOEXEC, 3)};
}

void Acceptor::accept_some() {
  Step step = Step::more;
  for (unsigned i = 0; i < max_accepts_in_a_row && step == Step::more; ++i) step = accept_one();
  if (step != Step::exhausted) return watch_.when_readable([this] { accept_some(); });
  turn_away();
  rest_.at(Clock::now() + rest_time, [this] {
    renew_reserve();
    accept_some();
  });
}

Acceptor::Step Acceptor::accept_one() {
  auto accepted = accept_from(listening_);
  if (accepted) {
    owner_.accepted(*std::move(accepted));
    return Step::more;
  }
  const std::error_code error = accepted.error();
  if (error == std::errc::resource_unavailable_try_again) return Step::nobody_waits;
  if (means_exhausted(error)) return owner_.make_room() ? Step::more : Step::exhausted;
  return Step::more;  // that one client is gone, or its network (accept(2)); the next may be well
}

void Acceptor::turn_away() {
  for (unsigned i = 0; i < max_turned_away_in_a_row; ++i) {
    reserve_.reset();
    const auto accepted = accept_from(listening_);
    if (!accepted) break;
    owner_.turned_away();
  }
  renew_reserve();
}

}  // namespace redoubt::transport
