#pragma once
// A zone with its keys, its parent, and time that passes as a test says.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "dnssec/zone/load.hpp"
#include "dnssec/zone/maintain.hpp"
#include "dnssec/zone/verify_zone.hpp"
#include "tests/unit/dnssec/random_zone.hpp"
#include "tests/unit/dnssec/temporary_folder.hpp"

namespace redoubt::dnssec::sites {

using tests::TemporaryFolder;
inline const dns::Name apex = dns::Name::literal("example.");
inline constexpr Instant start{seconds{1'800'000'000}};

/// A zone with its keys, and time that passes as the test says.
class Site {
 public:
  explicit Site(std::string_view policy = "standard") : keys_{folder_.path(), std::nullopt} {
    folder_.write("example.zone", tests::random_zone(77));
    options_.file.input = folder_.file("example.zone");
    options_.file.output = folder_.file("example.zone.signed");
    options_.file.origin = apex;
    options_.policy = built_in_policy(policy).value();
    options_.keys = &keys_;
    options_.observe = [this](const dns::Name&, const ZoneRolls& zone, std::span<const StoredKey>) {
      Observations observed;
      KeyMask ds = 0;
      for (const std::string& stem : parent_) ds |= zone.place_of(stem) ? bit(*zone.place_of(stem)) : 0;
      observed.parents.push_back({ds, false});
      return observed;
    };
    options_.clock = {start, seconds{0}, "life", true};
  }

  std::expected<MaintainResult, std::string> run() {
    options_.file.now = options_.clock.wall.time_since_epoch().count();
    return maintain(options_);
  }
  void wait(seconds time) {
    options_.clock.wall += time;
    options_.clock.since_boot += time;
  }
  /// The parent does what it is asked.
  void obey(const ZoneRolls& zone) {
    parent_.clear();
    for (unsigned place = 0; place < zone.keys.size(); ++place) {
      if ((zone.asked.value_or(0) & bit(place)) != 0) parent_.push_back(zone.keys[place].stem);
    }
  }
  /// Runs and waits, with an obedient parent, while each output validates under what the parent has.
  ZoneRolls live(seconds time, seconds every) {
    ZoneRolls last;
    for (seconds passed{0}; passed < time; passed += every) {
      const auto result = run();
      EXPECT_TRUE(result) << (result ? "" : result.error());
      if (!result) return last;
      last = result->zone;
      EXPECT_TRUE(last.key_sets.newest().published == 0 || faults().empty()) << faults();
      obey(last);
      wait(every);
    }
    return last;
  }
  std::string faults() const {
    const auto zone = load_zone(options_.file.output, {.origin = apex});
    if (!zone) return zone.error();
    VerifyOptions verify{.now = options_.clock.wall.time_since_epoch().count(), .trusted_ds = {}};
    const auto keys = keys_.list().value();
    for (const StoredKey& key : keys) {
      if (std::ranges::find(parent_, key.stem) != parent_.end())
        verify.trusted_ds.push_back(ds_rdata(apex, key.dnskey, DsDigest::sha256));
    }
    std::string text;
    for (const ZoneFinding& finding : verify_zone(*zone, verify).findings) {
      if (finding.severity == Severity::fault) text += finding.to_text() + "\n";
    }
    return text;
  }

  TemporaryFolder folder_;
  KeyFolder keys_;
  MaintainOptions options_;
  std::vector<std::string> parent_;
};

inline std::size_t keys_in_use(const ZoneRolls& zone) {
  return static_cast<std::size_t>(std::ranges::count_if(zone.keys, [](const RollingKey& key) { return !key.free; }));
}

inline bool is_told(const std::vector<std::string>& lines, std::string_view what) {
  return std::ranges::any_of(lines, [&](const std::string& one) { return one.find(what) != std::string::npos; });
}

}  // namespace redoubt::dnssec::sites
