#pragma once
// Where the frames of coroutines come from: blocks that this thread has used before, by size. A resolution takes a
// dozen frames, larger than what the C library keeps at hand, and takes the same dozen again at the next question.
#include <cstddef>

namespace redoubt::resolver {

/// At least that many octets, aligned as operator new does it. Throws std::bad_alloc.
void* take_frame(std::size_t octets);
/// From take_frame() of the same size, on whatever thread. Kept for the next one while this thread keeps fewer than
/// most_frames_kept of that size.
void give_frame_back(void* frame, std::size_t octets) noexcept;

/// Of each size: as many as one worker may have resolutions under way, for most purposes. Memory that a burst took
/// stays within this many frames of each of a dozen sizes.
inline constexpr std::size_t most_frames_kept = 256;

}  // namespace redoubt::resolver
