#include "resolver/validate/check_line.hpp"

#include <boost/asio/post.hpp>
#include <new>

namespace redoubt::resolver {

namespace asio = boost::asio;

namespace {

/// Others may have as many times what checks take before it is these that have to hurry: who floods us with questions
/// that are known already leaves the checks a fifth of the time.
constexpr int share_of_others = 4;

}  // namespace

CheckLine::CheckLine(const Clock& clock, asio::any_io_executor executor)
    : state_{std::make_shared<State>(&clock, std::move(executor))} {}

CheckLine::~CheckLine() {
  state_->closed = true;
  state_->line.clear();
}

/// By two turns: what came during the last check is found at the end of the first, and stands before the second.
bool CheckLine::call(const std::shared_ptr<State>& state) {
  if (state->is_called) return true;
  try {
    asio::post(state->executor, [state] {
      if (state->closed) return;
      try {
        asio::post(state->executor, [state] { serve(state); });
      } catch (const std::bad_alloc&) {
        serve(state);
      }
    });
  } catch (const std::bad_alloc&) {
    return false;
  }
  state->is_called = true;
  return true;
}

Task<void> CheckLine::wait() {
  co_await Suspension{[&](Suspended suspended) {
    if (!call(state_)) return suspended.resume();  // there is no memory: then at once
    state_->line.push_back(std::move(suspended));
  }};
}

void CheckLine::next(State& state) {
  Suspended suspended = std::move(state.line.front());
  state.line.pop_front();
  suspended.resume();
}

void CheckLine::serve(const std::shared_ptr<State>& state) {
  state->is_called = false;
  if (state->closed || state->line.empty()) return;
  const Instant began = state->clock->now();
  const Duration others_had = state->left == Instant::min() ? Duration::zero() : began - state->left;
  next(*state);
  Instant now = state->clock->now();
  while (!state->closed && !state->line.empty() && (now - began) * share_of_others < others_had) {
    next(*state);
    now = state->clock->now();
  }
  if (state->closed) return;
  while (!state->line.empty() && !call(state)) next(*state);
  state->left = state->line.empty() ? Instant::min() : now;
}

}  // namespace redoubt::resolver
