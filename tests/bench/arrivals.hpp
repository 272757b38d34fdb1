#pragma once
// When questions are due.
#include <chrono>
#include <cmath>
#include <cstdint>
#include <random>

namespace redoubt::bench {

/// `rate` in a second: evenly, or by chance. Chance knows nothing of what the server is doing just then: a server that
/// is busy for a tenth of the time is met busy by a tenth of the questions (a Poisson process sees time averages).
/// Evenly paced questions may always fall between.
class Arrivals {
 public:
  using Clock = std::chrono::steady_clock;
  enum class Pace : std::uint8_t { even, chance };

  Arrivals(double rate, Pace pace, std::uint64_t seed) : rate_{rate}, pace_{pace}, dice_{seed} {}

  void begin(Clock::time_point at) {
    begun_ = at;
    pass();
  }
  /// The next one's time.
  Clock::time_point due() const {
    return begun_ + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>{seconds_});
  }
  void pass() {
    // Of a draw from [0, 1), by hand: what the library's distributions draw is not the same everywhere.
    const double draw = static_cast<double>(dice_() >> 11U) * 0x1p-53;
    seconds_ += pace_ == Pace::even ? 1 / rate_ : -std::log1p(-draw) / rate_;
  }

 private:
  double rate_;
  Pace pace_;
  std::mt19937_64 dice_;
  Clock::time_point begun_{};
  double seconds_ = 0;  // since then
};

}  // namespace redoubt::bench
