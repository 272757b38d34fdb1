#pragma once
// What the workers of one process share. Each part guards itself.
#include <atomic>
#include <cstdint>

#include "policy/cookies/server_cookies.hpp"
#include "resolver/cache/cache.hpp"
#include "resolver/derived_key.hpp"
#include "resolver/fairness/denial_rates.hpp"
#include "resolver/fairness/places.hpp"
#include "resolver/fairness/waiting_room.hpp"
#include "resolver/flights.hpp"
#include "resolver/forward/abroad.hpp"
#include "resolver/forward/upstreams.hpp"
#include "resolver/iterate/priming.hpp"
#include "resolver/rechecks.hpp"
#include "resolver/upstream/cookies.hpp"
#include "resolver/upstream/encryption.hpp"
#include "resolver/upstream/held_ports.hpp"
#include "resolver/upstream/servers.hpp"
#include "resolver/validate/proofs.hpp"
#include "resolver/validate/side_queries.hpp"
#include "resolver/validate/trust.hpp"
#include "resolver/validate/verified.hpp"

namespace redoubt::resolver {

struct Shared {
  /// key: secret, fresh for each process.
  /// proof_octets: of proofs that answer for other names, beside the cache.
  Shared(std::uint64_t cache_octets, const dns::HashKey& key, const Guards& guards = {},
         std::uint64_t proof_octets = Proofs::initial_octets)
      : cache{cache_octets, key, guards},
        servers{key},
        flights{key},
        rechecks{key},
        upstreams{key},
        waiting{key, guards},
        denials{guards},
        cookies{key, guards},
        client_cookies{derived_key(key, "server cookies")},
        unchecked_flights{key},
        trust{key},
        proofs{key, proof_octets},
        reports{key},
        encryption{key} {}
  Cache cache;
  Servers servers;
  Flights flights;
  Rechecks rechecks;
  Upstreams upstreams;
  Abroad abroad;
  WaitingRoom waiting;
  Places zone_places;    ///< resolutions at work in one zone
  Places server_places;  ///< exchanges under way with one server
  DenialRates denials;
  Priming priming;
  Cookies cookies;
  policy::ServerCookies client_cookies;
  Flights unchecked_flights;  ///< of questions with CD: what comes of them is for nobody else
  TrustTable trust;           ///< follows from the validation settings
  Proofs proofs;              ///< the same
  VerifiedSignatures verified;
  /// Goes up whenever anchors change, before what followed from the old ones is forgotten: a resolution that began
  /// before that keeps none of its verdicts.
  std::atomic<std::uint64_t> trust_epoch{0};
  bool is_of_today(const Budget& budget) const {
    return budget.trust_epoch() == trust_epoch.load(std::memory_order_acquire);
  }
  KeyTagSignals signals;
  ErrorReports reports;
  Encryption encryption;
  HeldPorts held_ports;
};

}  // namespace redoubt::resolver
