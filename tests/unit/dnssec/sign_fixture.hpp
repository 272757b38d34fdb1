#pragma once
// Zone files, keys to sign them with, and what the verifier says of the result.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "dns/text_zone.hpp"
#include "dnssec/zone/load.hpp"
#include "dnssec/zone/sign_file.hpp"
#include "dnssec/zone/verify_zone.hpp"
#include "tests/unit/dnssec/random_zone.hpp"
#include "tests/unit/dnssec/temporary_folder.hpp"

namespace redoubt::dnssec::signing_fixture {

using dns::Name;
using tests::has_program;
using tests::random_zone;
using tests::TemporaryFolder;

inline std::int64_t clock_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// Keys are costly to make; zones share them.
inline const std::vector<SigningKey>& keys_for(Algorithm algorithm, bool csk) {
  static std::map<std::pair<Algorithm, bool>, std::vector<SigningKey>> made;
  auto& keys = made[{algorithm, csk}];
  if (!keys.empty()) return keys;
  const auto add = [&](std::uint16_t flags, bool signs_keys, bool signs_zone) {
    for (;;) {
      auto key = PrivateKey::generate(algorithm, 1024);
      SigningKey one;
      one.dnskey = dnskey_rdata(flags, algorithm, key->public_key());
      one.tag = key_tag(one.dnskey);
      one.algorithm = algorithm;
      one.secret = std::make_shared<const PrivateKey>(std::move(*key));
      one.signs_keys = signs_keys;
      one.signs_zone = signs_zone;
      one.in_cds = signs_keys;
      if (!keys.empty() && keys.front().tag == one.tag) continue;
      keys.push_back(std::move(one));
      return;
    }
  };
  if (csk) {
    add(ksk_flags, true, true);
  } else {
    add(ksk_flags, true, false);
    add(zsk_flags, false, true);
  }
  return keys;
}

inline SignFileOptions options_for(const TemporaryFolder& folder) {
  SignFileOptions options;
  options.input = folder.file("zone");
  options.output = folder.file("zone.signed");
  options.origin = Name::literal("example");
  options.keys = keys_for(Algorithm::ecdsa_p256_sha256, true);
  options.now = clock_now();
  options.threads = 2;
  return options;
}

/// As they stand in the text.
inline std::vector<dns::Record> records_of(const std::string& text) {
  std::vector<dns::Record> records;
  EXPECT_TRUE(dns::read_zone_text({.file = "", .text = text, .origin = Name{}},
                                  [&](dns::Record&& record) -> std::expected<void, std::string> {
                                    records.push_back(std::move(record));
                                    return {};
                                  }));
  return records;
}

inline Zone load(const std::string& path) {
  auto zone = load_zone(path, {.origin = Name::literal("example")});
  EXPECT_TRUE(zone) << (zone ? "" : zone.error());
  return std::move(*zone);
}

inline ZoneVerdict verdict_of(const std::string& path, std::int64_t now) {
  return verify_zone(load(path), {.now = now, .threads = 2, .trusted_ds = {}});
}

inline std::string text_of(const ZoneVerdict& verdict) {
  std::string text;
  for (const ZoneFinding& finding : verdict.findings) text += finding.to_text() + "\n";
  return text;
}

struct Denial {
  const char* name;
  DenialKind kind;
  bool opt_out;
};

inline constexpr Denial denials[] = {
    {"NSEC", DenialKind::nsec, false}, {"NSEC3", DenialKind::nsec3, false}, {"opt-out", DenialKind::nsec3, true}};

}  // namespace redoubt::dnssec::signing_fixture
