#pragma once
// Signed zones made at random from a seed, most of them spoilt in one way: what validators are compared with.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/signing/signed_records.hpp"
#include "tests/sim/authority.hpp"

namespace redoubt::differential {

/// One question to be put to each validator.
struct Probe {
  std::string name;
  std::string type;
  std::string kind;  ///< how the zone is spoilt, or "sound"
  std::string make;  ///< algorithm and denial
};

struct Internet {
  std::shared_ptr<const sim::Zone> root;                ///< at 127.0.0.1
  std::shared_ptr<const sim::Zone> test;                ///< at 127.0.0.2
  std::vector<std::shared_ptr<const sim::Zone>> zones;  ///< below it, at 127.0.0.3
  std::string anchor;                                   ///< the root's DS as text
  std::vector<Probe> probes;
};

/// count zones z0.test., z1.test. ...; signatures hold around `now`, seconds since 1970. The same for the same seed,
/// but for the keys that are not of Ed25519.
Internet make_internet(std::uint64_t seed, unsigned count, std::uint32_t now);

}  // namespace redoubt::differential
