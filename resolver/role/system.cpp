#include "resolver/role/system.hpp"

#include <sodium.h>

#include <cstring>

namespace redoubt::resolver {

Task<void> SystemClock::sleep_until(Instant instant) {
  MachineTimer timer{executor_, instant};
  co_await Suspension{[&timer](Suspended suspended) {
    timer.async_wait([suspended = std::move(suspended)](boost::system::error_code) mutable { suspended.resume(); });
  }};
}

void SystemRandom::fill(std::span<std::uint8_t> octets) {
  if (octets.size() > block_.size()) {
    randombytes_buf(octets.data(), octets.size());
    return;
  }
  if (octets.size() > block_.size() - used_) {
    randombytes_buf(block_.data(), block_.size());
    used_ = 0;
  }
  std::memcpy(octets.data(), block_.data() + used_, octets.size());
  sodium_memzero(block_.data() + used_, octets.size());
  used_ += octets.size();
}

std::uint32_t SystemRandom::below(std::uint32_t bound) {
  if (bound < 2) return 0;
  // Draws under this many are thrown away, so that every remainder is equally likely.
  const std::uint32_t uneven = (0U - bound) % bound;
  for (;;) {
    std::uint32_t draw = 0;
    std::array<std::uint8_t, sizeof draw> octets;
    fill(octets);
    std::memcpy(&draw, octets.data(), sizeof draw);
    if (draw >= uneven) return draw % bound;
  }
}

}  // namespace redoubt::resolver
