// The name servers of a differential run, on one port of loopback addresses, by UDP and TCP: the root at 127.0.0.1,
// "test." at 127.0.0.2, what is below it at 127.0.0.3; and all of it at 127.0.0.4, for who knows one server alone.
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
  const auto port = static_cast<std::uint16_t>(number(3));
  auto all = internet.zones;
  all.push_back(internet.root);
  all.push_back(internet.test);
  sim::Servers servers{{{"127.0.0.1", port, {internet.root}},
                        {"127.0.0.2", port, {internet.test}},
                        {"127.0.0.3", port, internet.zones},
                        {"127.0.0.4", port, std::move(all)}}};
  fmt::print("anchor {}\n", internet.anchor);
  for (const auto& probe : internet.probes)
    fmt::print("probe {} {} {}; {}\n", probe.name, probe.type, probe.kind, probe.make);
  fmt::print("ready\n");
  std::fflush(stdout);
  servers.serve();
}
