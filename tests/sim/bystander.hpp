#pragma once
// Somebody whom an attack is none of his business, and the time that both go through.
#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sim/world.hpp"

namespace redoubt::sim {

inline dns::IpAddress client_at(const std::string& text) { return *dns::IpAddress::from_text(text); }

/// Names below a zone with this all exist.
inline constexpr std::string_view anything = "* 60 A 192.0.2.80\n";

/// A client that asks for new names of an honest zone, ten a second, beside whatever else happens.
class Bystander {
 public:
  Bystander(World& world, const char* zone, const char* address = "192.0.2.200")
      : world_{&world}, zone_{zone}, address_{client_at(address)} {}

  void ask();
  std::size_t asked() const { return asked_; }
  std::size_t answered() const { return took_.size(); }
  Duration slowest() const { return took_.empty() ? Duration::max() : std::ranges::max(took_); }

 private:
  World* world_;
  std::string zone_;
  dns::IpAddress address_;
  std::size_t asked_ = 0;
  std::vector<Duration> took_;
};

/// Time goes by in steps of a millisecond, with `each` at every one and the bystander every hundred.
void attack(World& world, Bystander& bystander, std::chrono::milliseconds time, const std::function<void(int)>& each);

/// The bystander's slowest answer when nothing else happens.
Duration quiet();

/// At most so many of these moments lie within ten milliseconds.
std::size_t largest_pulse(std::vector<Instant> moments);

}  // namespace redoubt::sim
