// One name server for all zones of a differential run, on a port of the loopback address, by UDP and TCP.
//
//   differential_authority SEED COUNT PORT
//
// Prints the root's DS, one line for each question ("probe NAME TYPE KIND, MAKE"), then "ready"; serves until it is
// ended.
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "tests/differential/spoilt_zones.hpp"
#include "tests/sim/served.hpp"

using namespace redoubt;

int main(int count, char** words) {
  if (count != 4) {
    fmt::print(stderr, "usage: differential_authority SEED COUNT PORT\n");
    return 2;
  }
  const auto number = [&](int at) { return std::strtoul(words[at], nullptr, 10); };
  const auto now =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  differential::Internet internet =
      differential::make_internet(number(1), static_cast<unsigned>(number(2)), static_cast<std::uint32_t>(now));
  sim::Servers servers{{{"127.0.0.1", static_cast<std::uint16_t>(number(3)), std::move(internet.zones)}}};
  fmt::print("anchor {}\n", internet.anchor);
  for (const auto& probe : internet.probes)
    fmt::print("probe {} {} {}; {}\n", probe.name, probe.type, probe.kind, probe.make);
  fmt::print("ready\n");
  std::fflush(stdout);
  servers.serve();
}
