#pragma once
// Where the frames of coroutines come from: blocks that this thread has used before, by size. A resolution takes a
// dozen frames, larger than what the C library keeps at hand, and takes the same dozen again at the next question.
#include <cstddef>
#include <memory>

namespace redoubt::resolver {

/// At least that many octets, aligned as operator new does it. Throws std::bad_alloc.
void* take_frame(std::size_t octets);
/// From take_frame() of the same size, on whatever thread. Kept for the next one while this thread keeps fewer than
/// most_frames_kept of that size.
void give_frame_back(void* frame, std::size_t octets) noexcept;

/// Of each size: as many as one worker may have resolutions under way, for most purposes. Memory that a burst took
/// stays within this many frames of each size that there is, some two dozen.
inline constexpr std::size_t most_frames_kept = 256;

/// For what lives as long as a resolution and is needed as often: one at a time comes from here.
template <class T>
struct FrameAllocator {
  using value_type = T;
  FrameAllocator() = default;
  template <class U>
  FrameAllocator(const FrameAllocator<U>&) {}
  T* allocate(std::size_t count) {
    static_assert(alignof(T) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__);
    return count == 1 ? static_cast<T*>(take_frame(sizeof(T))) : std::allocator<T>{}.allocate(count);
  }
  void deallocate(T* what, std::size_t count) noexcept {
    if (count != 1) return std::allocator<T>{}.deallocate(what, count);
    give_frame_back(what, sizeof(T));
  }
  bool operator==(const FrameAllocator&) const { return true; }
};

}  // namespace redoubt::resolver
