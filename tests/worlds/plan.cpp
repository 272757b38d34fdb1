#include "tests/worlds/plan.hpp"

#include <fmt/format.h>

#include "tests/sim/zone_text.hpp"

namespace redoubt::worlds {

std::string_view to_text(Fault fault) {
  static constexpr std::string_view names[] = {
      "honest", "slow",          "lossy",     "silent",           "silent by UDP", "unreachable", "refuses", "fails",
      "lame",   "knows no EDNS", "truncates", "always truncates", "loses case",    "garbage",     "spoofed", "liar"};
  return names[static_cast<std::size_t>(fault)];
}

std::string Plan::describe() const {
  std::string text = fmt::format(
      "seed {}: case {}, ipv6 {}, min-ttl {}, max-ttl {}, negative-max-ttl {}, stale {} s, prefetch {}, cookies {}, "
      "prime {}, "
      "minimisation {}, nxdomain-cut {}, cache {} octets\n",
      seed, settings.case_randomisation, settings.ipv6, settings.min_ttl.seconds(), settings.max_ttl.seconds(),
      settings.negative_max_ttl.seconds(), settings.stale.count(), settings.prefetch, settings.cookies, settings.prime,
      static_cast<int>(settings.minimisation), static_cast<int>(settings.nxdomain_cut), cache_octets);
  for (const Host& host : hosts) {
    text += fmt::format("host {} ({}, {} ms):", host.name.to_text(), to_text(host.fault), host.round_trip_ms);
    for (const dns::IpAddress& address : host.addresses) text += fmt::format(" {}", address.to_text());
    text += '\n';
  }
  for (std::size_t state = 0; state < states.size(); ++state) {
    for (std::size_t number = 0; number < states[state].zones.size(); ++number) {
      const ZonePlan& zone = states[state].zones[number];
      if (state > 0 && zone.records == states[state - 1].zones[number].records &&
          zone.hosts == states[state - 1].zones[number].hosts)
        continue;
      text += fmt::format("state {} zone {}{}\n", state, zone.apex.to_text(), zone.withdrawn ? " (withdrawn)" : "");
      for (const dns::Record& record : zone.records)
        text += fmt::format("    {:>10} {}\n", record.ttl.seconds(), sim::text_of(record));
    }
  }
  return text;
}

}  // namespace redoubt::worlds
