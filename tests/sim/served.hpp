#pragma once
// Simulated zones on real sockets, by UDP and TCP, for other programs to ask.
#include <memory>
#include <string>
#include <vector>

#include "tests/sim/authority.hpp"

namespace redoubt::sim {

/// One address and what is served there.
struct Served {
  std::string address;  ///< IPv4
  std::uint16_t port = 53;
  std::vector<std::shared_ptr<const Zone>> zones;
};

/// The sockets of all of them; ends the program when an address is taken.
class Servers {
 public:
  explicit Servers(std::vector<Served> all);
  ~Servers();
  Servers(const Servers&) = delete;
  Servers& operator=(const Servers&) = delete;
  [[noreturn]] void serve();

 private:
  class One;
  std::vector<std::unique_ptr<One>> all_;
};

}  // namespace redoubt::sim
