#include "tests/sim/virtual_clock.hpp"

#include <boost/asio/async_result.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace redoubt::sim {

Task<void> VirtualClock::sleep_until(Instant instant) {
  namespace asio = boost::asio;
  if (instant <= now_) co_return;
  co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(
      [this, instant](auto handler) {
        sleepers_.emplace(std::pair{instant, sleepers_ever_++},
                          [handler = std::move(handler)]() mutable { std::move(handler)(); });
      },
      asio::use_awaitable);
}

bool VirtualClock::wake_next() {
  if (sleepers_.empty()) return false;
  auto sleeper = sleepers_.extract(sleepers_.begin());
  now_ = std::max(now_, sleeper.key().first);
  sleeper.mapped()();
  return true;
}

}  // namespace redoubt::sim
