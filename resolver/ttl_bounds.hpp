#pragma once
// How long records are kept at least and at most: by zone, the longest suffix of the owner's name, else in general.
#include <map>

#include "dns/name.hpp"
#include "dns/ttl.hpp"

namespace redoubt::resolver {

struct TtlBounds {
  dns::Ttl least = dns::Ttl::from_wire(0);
  dns::Ttl most = dns::Ttl::from_wire(86'400);

  dns::Ttl hold(dns::Ttl ttl) const { return ttl.capped(least, most); }
};

/// Zones with bounds of their own. Few, and named by the operator; looked up once for each label of the owner.
class ZoneTtlBounds {
 public:
  void set(const dns::Name& zone, TtlBounds bounds) { zones_.insert_or_assign(zone, bounds); }

  /// In canonical order.
  template <class Take>
  void each(Take take) const {
    for (const auto& [zone, bounds] : zones_) take(zone, bounds);
  }

  /// Those of the deepest zone at or above the owner; `general` when there is none.
  TtlBounds of(const dns::Name& owner, TtlBounds general) const {
    if (zones_.empty()) return general;
    for (dns::Name zone = owner;; zone = zone.parent()) {
      if (const auto at = zones_.find(zone); at != zones_.end()) return at->second;
      if (zone.is_root()) return general;
    }
  }

 private:
  struct Before {
    bool operator()(const dns::Name& one, const dns::Name& other) const { return (one <=> other) < 0; }
  };
  std::map<dns::Name, TtlBounds, Before> zones_;
};

}  // namespace redoubt::resolver
