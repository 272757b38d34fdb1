#pragma once
// The processor's time that a piece of work took: the same however many others want the machine meanwhile.
#include <time.h>

#include <chrono>

namespace redoubt::tests {

/// What the calling thread has had of the processors so far.
inline std::chrono::nanoseconds time_of_this_thread() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);  // cannot fail: the clock exists and the room is ours
  return std::chrono::seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_nsec};
}

}  // namespace redoubt::tests
