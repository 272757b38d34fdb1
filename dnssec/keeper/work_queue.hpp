#pragma once
// Work that is too long for the thread that answers, done by a few others. Bounded: what finds it full is told so.
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <expected>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "dnssec/keeper/file_handle.hpp"

namespace redoubt::keykeeper {

class WorkQueue {
 public:
  /// A message for who asked.
  using Result = std::vector<std::uint8_t>;
  using Work = std::function<Result()>;

  /// most   pieces of work that are under way or wait
  /// wake   an eventfd that is written whenever there are results
  /// errors  the system has no more threads
  static std::expected<std::unique_ptr<WorkQueue>, std::string> start(unsigned threads, std::size_t most,
                                                                      FileHandle wake);
  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;
  /// Waits for what is under way; what waits is dropped.
  ~WorkQueue();

  /// False when it is full.
  /// otherwise   the result of work that throws, as when there is no memory for it
  bool put(Work work, Result otherwise);
  /// What is done, once each. Quiets the eventfd.
  std::vector<Result> take();
  int wake_descriptor() const { return wake_.get(); }

 private:
  struct Task {
    Work work;
    Result otherwise;
  };
  WorkQueue(std::size_t most, FileHandle wake);
  void run();

  std::size_t most_;
  FileHandle wake_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Task> waiting_;
  std::vector<Result> done_;
  std::size_t under_way_ = 0;  ///< waiting ones among them, and results that nobody took
  bool stopping_ = false;
  std::vector<std::jthread> threads_;
};

}  // namespace redoubt::keykeeper
