#pragma once
// The machine's own time and chance, behind the core's two small interfaces.
#include <array>
#include <boost/asio/any_io_executor.hpp>

#include "resolver/clock.hpp"
#include "resolver/network.hpp"
#include "resolver/role/machine_clock.hpp"

namespace redoubt::resolver {

class SystemClock final : public Clock {
 public:
  explicit SystemClock(boost::asio::any_io_executor executor) : executor_{std::move(executor)} {}
  Instant now() const override { return MachineClock::now(); }
  WallTime wall() const override { return machine_wall(); }
  Task<void> sleep_until(Instant instant) override;

 private:
  boost::asio::any_io_executor executor_;
};

/// libsodium's generator, drawn in blocks so that a query's port and id cost no system call each. One per thread: two
/// threads never see the same block (attacks: predictable generator). Used octets are wiped.
class SystemRandom final : public Random {
 public:
  std::uint32_t below(std::uint32_t bound) override;
  void fill(std::span<std::uint8_t> octets) override;

 private:
  std::array<std::uint8_t, 512> block_{};
  std::size_t used_ = 512;
};

}  // namespace redoubt::resolver
