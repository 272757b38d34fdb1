#pragma once
// Signatures are checked one after the other, and between two of them the loop has a look at what came meanwhile: a
// verification takes as long as a dozen answers that are known already, and clients who ask for such must not wait for
// more than one (docs/decisions/0092). One thread's.
#include <boost/asio/any_io_executor.hpp>
#include <deque>
#include <memory>

#include "resolver/clock.hpp"
#include "resolver/task.hpp"

namespace redoubt::resolver {

class CheckLine {
 public:
  /// Who has waited goes on there. The clock outlives the line.
  CheckLine(const Clock& clock, boost::asio::any_io_executor executor);
  CheckLine(const CheckLine&) = delete;
  CheckLine& operator=(const CheckLine&) = delete;
  /// Whoever still waits is dropped.
  ~CheckLine();

  /// Comes back when one verification may begin: in a later turn of the loop, in the order of asking.
  Task<void> wait();

 private:
  struct State {
    const Clock* clock;
    boost::asio::any_io_executor executor;
    std::deque<Suspended> line = {};
    bool is_called = false;         ///< the loop will come back to us
    Instant left = Instant::min();  ///< when it went from us to others, while somebody waited
    bool closed = false;
  };
  /// The loop comes back once it has looked for what is there. False: there is no memory for that.
  static bool call(const std::shared_ptr<State>& state);
  static void serve(const std::shared_ptr<State>& state);
  static void next(State& state);
  std::shared_ptr<State> state_;
};

}  // namespace redoubt::resolver
