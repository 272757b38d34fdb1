#pragma once
// Where the resolution core's coroutines meet the event loop.
#include <boost/asio/post.hpp>
#include <utility>

#include "resolver/task.hpp"

namespace redoubt::resolver {

/// As start_now(), at the next turn of that executor or loop.
template <class Executor, class T, class Done>
void spawn(Executor&& executor, Task<T> task, Done done) {
  boost::asio::post(executor, [task = std::move(task), done = std::move(done)]() mutable {
    start_now(std::move(task), std::move(done));
  });
}

}  // namespace redoubt::resolver
