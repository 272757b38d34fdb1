#include "dnssec/keeper/work_queue.hpp"

#include <unistd.h>

#include <system_error>
#include <utility>

namespace redoubt::keykeeper {

namespace {

WorkQueue::Result result_of(const WorkQueue::Work& work, WorkQueue::Result otherwise) {
  try {
    return work();
  } catch (...) {
    return otherwise;
  }
}

}  // namespace

// So much is reserved that a result is put down without asking for memory.
WorkQueue::WorkQueue(std::size_t most, FileHandle wake) : most_{most}, wake_{std::move(wake)} { done_.reserve(most); }

std::expected<std::unique_ptr<WorkQueue>, std::string> WorkQueue::start(unsigned threads, std::size_t most,
                                                                        FileHandle wake) {
  std::unique_ptr<WorkQueue> queue{new WorkQueue{most, std::move(wake)}};
  try {
    for (unsigned i = 0; i < threads; ++i) queue->threads_.emplace_back([&here = *queue] { here.run(); });
  } catch (const std::system_error& error) {
    return std::unexpected{std::string{"no thread can be made: "} + error.what()};
  }
  return queue;
}

WorkQueue::~WorkQueue() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  changed_.notify_all();
  threads_.clear();
}

bool WorkQueue::put(Work work, Result otherwise) {
  {
    const std::lock_guard lock{mutex_};
    if (under_way_ == most_) return false;
    waiting_.push_back({std::move(work), std::move(otherwise)});
    ++under_way_;
  }
  changed_.notify_one();
  return true;
}

std::vector<WorkQueue::Result> WorkQueue::take() {
  std::uint64_t count = 0;
  static_cast<void>(!::read(wake_.get(), &count, sizeof count));  // before the results: what comes later wakes again
  const std::lock_guard lock{mutex_};
  under_way_ -= done_.size();
  std::vector<Result> taken;
  taken.reserve(most_);
  taken.swap(done_);
  return taken;
}

void WorkQueue::run() {
  std::unique_lock lock{mutex_};
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (stopping_) return;
    Task task = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    Result result = result_of(task.work, std::move(task.otherwise));
    task.work = nullptr;  // and its copy of what was asked, without the lock
    lock.lock();
    done_.push_back(std::move(result));
    const std::uint64_t one = 1;
    static_cast<void>(!::write(wake_.get(), &one, sizeof one));  // full only when nobody has looked for 2^64 of them
  }
}

}  // namespace redoubt::keykeeper
