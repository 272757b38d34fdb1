#pragma once
// One at a time, by name: whoever comes second waits, and finds done what it wanted to do (attacks: validation
// stampede). One thread's.
#include <boost/asio/any_io_executor.hpp>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <utility>

#include "dns/name.hpp"
#include "resolver/task.hpp"

namespace redoubt::resolver {

class Turns {
  struct State;

 public:
  /// The name is its holder's until this is destroyed; then whoever has waited longest goes on.
  class Turn {
   public:
    Turn(std::shared_ptr<State> state, dns::Name name) : state_{std::move(state)}, name_{std::move(name)} {}
    Turn(Turn&&) noexcept = default;
    Turn& operator=(Turn&&) = delete;
    ~Turn();

   private:
    std::shared_ptr<State> state_;  // null when moved from
    dns::Name name_;
  };

  /// Who has waited goes on there.
  explicit Turns(boost::asio::any_io_executor executor);
  Turns(const Turns&) = delete;
  Turns& operator=(const Turns&) = delete;
  /// Whoever still waits is dropped.
  ~Turns();

  /// Whoever holds a name may take names above it and no others: nobody then waits for himself.
  Task<Turn> take(dns::Name name);

 private:
  using Waiter = std::move_only_function<void()>;
  struct State {
    std::map<dns::Name, std::deque<Waiter>> held;  // with those who wait
    bool closed = false;
  };
  boost::asio::any_io_executor executor_;
  std::shared_ptr<State> state_;
};

}  // namespace redoubt::resolver
