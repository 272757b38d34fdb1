#include "resolver/frame_pool.hpp"

#include <array>
#include <memory>
#include <new>

namespace redoubt::resolver {

namespace {

constexpr std::size_t step = 128;  // octets between sizes
constexpr std::size_t sizes = 64;  // frames of more than 8 KiB come from the heap each time
/// Where frames lie is noted beside them, not in them: who takes one need not wait for its memory.
struct Shelf {
  std::unique_ptr<void*[]> frames;  // none before one comes back
  std::size_t count = 0;
};

class Pool {
 public:
  Pool() = default;
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  ~Pool();

  void* take(std::size_t shelf) {
    Shelf& from = shelves_[shelf];
    return from.count == 0 ? ::operator new((shelf + 1) * step) : from.frames[--from.count];
  }
  void put(void* frame, std::size_t shelf) noexcept {
    Shelf& to = shelves_[shelf];
    if (!to.frames) to.frames.reset(new (std::nothrow) void*[most_frames_kept]);
    if (!to.frames || to.count == most_frames_kept) return ::operator delete(frame);
    to.frames[to.count++] = frame;
  }

 private:
  std::array<Shelf, sizes> shelves_{};
};

/// Frames may outlive what their thread had for itself: those of a loop that is dropped at the program's end.
thread_local constinit bool is_closed = false;
thread_local Pool pool;

Pool::~Pool() {
  is_closed = true;
  for (Shelf& shelf : shelves_) {
    while (shelf.count != 0) ::operator delete(shelf.frames[--shelf.count]);
  }
}

constexpr std::size_t shelf_of(std::size_t octets) { return (octets - 1) / step; }

/// A frame that is used after its end is to be found, so sanitized builds keep none.
#ifdef REDOUBT_SANITIZED
constexpr bool pools = false;
#else
constexpr bool pools = true;
#endif

}  // namespace

void* take_frame(std::size_t octets) {
  const std::size_t shelf = shelf_of(octets);
  if (!pools || shelf >= sizes) return ::operator new(octets);
  // As large as its shelf wants it, also here: it may be given back on a thread that keeps it.
  return is_closed ? ::operator new((shelf + 1) * step) : pool.take(shelf);
}

void give_frame_back(void* frame, std::size_t octets) noexcept {
  const std::size_t shelf = shelf_of(octets);
  if (!pools || shelf >= sizes || is_closed) return ::operator delete(frame);
  pool.put(frame, shelf);
}

}  // namespace redoubt::resolver
