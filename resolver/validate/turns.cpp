#include "resolver/validate/turns.hpp"

#include <boost/asio/post.hpp>
#include <new>

namespace redoubt::resolver {

namespace asio = boost::asio;

Turns::Turns(asio::any_io_executor executor) : executor_{std::move(executor)}, state_{std::make_shared<State>()} {}

Turns::~Turns() {
  state_->closed = true;
  state_->held.clear();
}

Turns::Turn::~Turn() {
  if (!state_ || state_->closed) return;
  const auto place = state_->held.find(name_);
  if (place == state_->held.end()) return;
  while (!place->second.empty()) {
    Waiter next = std::move(place->second.front());  // it holds the name from now on
    place->second.pop_front();
    try {
      next();
      return;
    } catch (const std::bad_alloc&) {
      // It cannot be called: it is dropped, and whoever waits for it is told so.
    }
  }
  state_->held.erase(place);
}

Task<Turns::Turn> Turns::take(dns::Name name) {
  const auto [place, is_free] = state_->held.try_emplace(name);
  if (is_free) co_return Turn{state_, std::move(name)};
  std::deque<Waiter>& line = place->second;
  co_await Suspension{[&](Suspended suspended) {
    line.push_back([home = executor_, suspended = std::move(suspended)]() mutable {
      asio::post(home, [suspended = std::move(suspended)]() mutable { suspended.resume(); });
    });
  }};
  co_return Turn{state_, std::move(name)};
}

}  // namespace redoubt::resolver
