#pragma once
// Work in pieces on several threads, its results taken in order by the calling thread. At most `window` pieces are
// begun ahead of the one that is taken next, so memory is bounded however long the work is.
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace redoubt::dnssec {

/// make(piece, worker) runs on the threads, worker below `threads`; take(result) on this one, in order of the pieces.
/// take returns false to end early. Returns whether all were taken.
template <class Result, class Make, class Take>
bool in_order(std::size_t pieces, unsigned threads, std::size_t window, Make make, Take take) {
  std::mutex mutex;
  std::condition_variable changed;
  std::map<std::size_t, Result> ready;
  std::size_t begun = 0;
  std::size_t taken = 0;
  bool stopping = false;
  const auto work = [&](unsigned worker) {
    std::unique_lock lock{mutex};
    for (;;) {
      changed.wait(lock, [&] { return stopping || begun == pieces || begun < taken + window; });
      if (stopping || begun == pieces) return;
      const std::size_t piece = begun++;
      lock.unlock();
      Result result = make(piece, worker);
      lock.lock();
      ready.emplace(piece, std::move(result));
      changed.notify_all();
    }
  };
  std::vector<std::jthread> workers;
  for (unsigned worker = 0; worker < threads; ++worker) workers.emplace_back(work, worker);
  bool going = true;
  while (going && taken < pieces) {
    std::unique_lock lock{mutex};
    changed.wait(lock, [&] { return ready.contains(taken); });
    auto result = ready.extract(taken);
    lock.unlock();
    going = take(std::move(result.mapped()));
    lock.lock();
    ++taken;
    stopping = !going;
    changed.notify_all();
  }
  return going;
}

}  // namespace redoubt::dnssec
