#include "dnssec/roll/policy.hpp"

#include <algorithm>
#include <array>

namespace redoubt::dnssec {

namespace {

using namespace std::chrono_literals;

constexpr std::array<std::string_view, 5> names{"standard", "csk", "nsec3", "fast", "unsigned"};

/// For tests and rehearsals against real servers: all that takes hours elsewhere takes seconds.
Policy fast() {
  Policy policy;
  policy.ksk_lifetime = 120s;
  policy.zsk_lifetime = 60s;
  policy.max_zone_ttl = 5s;
  policy.zone_propagation = 2s;
  policy.parent_ds_ttl = 5s;
  policy.parent_propagation = 2s;
  policy.safety = 1s;
  policy.signing.dnskey_ttl = 5;
  policy.signing.lifetime = 600s;
  policy.signing.refresh = 300s;
  policy.signing.jitter = 10s;
  return policy;
}

}  // namespace

std::span<const std::string_view> built_in_policies() { return names; }

std::expected<Policy, std::string> built_in_policy(std::string_view name) {
  Policy policy;
  if (name == "fast") {
    policy = fast();
  } else if (name == "csk") {
    policy.layout = KeyLayout::csk;
  } else if (name == "nsec3") {
    policy.signing.denial = DenialKind::nsec3;
  } else if (name == "unsigned") {
    policy.layout = KeyLayout::unsigned_zone;
  } else if (name != "standard") {
    std::string text = "no policy '" + std::string{name} + "'; there are";
    for (const std::string_view known : names) text += (known == names.front() ? " " : ", ") + std::string{known};
    return std::unexpected{text + ", and files"};
  }
  policy.name = name;
  return policy;
}

std::vector<std::string> faults_of(const Policy& policy) {
  std::vector<std::string> faults;
  const auto require = [&](bool good, std::string what) {
    if (!good) faults.push_back(std::move(what));
  };
  const SigningRules& rules = policy.signing;
  require(info_of(policy.algorithm).signs, "algorithm: nothing is signed with this one any more (RFC 8624, RFC 9905)");
  require(policy.rsa_bits >= min_rsa_bits && policy.rsa_bits <= max_rsa_bits, "rsa-bits: expected 1024 to 4096");
  require(policy.dnskey_ttl() > 0s, "dnskey-ttl: expected at least 1s");
  require(policy.max_zone_ttl > 0s, "max-zone-ttl: expected at least 1s");
  require(rules.refresh < rules.lifetime, "signature-refresh: it must be less than signature-lifetime");
  require(rules.jitter <= rules.refresh, "signature-jitter: found " + std::to_string(rules.jitter.count()) +
                                             "s, expected at most signature-refresh, " +
                                             std::to_string(rules.refresh.count()) + "s");
  require(rules.jitter < rules.lifetime - rules.refresh,
          "signature-jitter: it must be less than lifetime minus refresh, or signatures are made anew at each run");
  // A signature may be handed out just before it is refreshed, and then be cached for the largest TTL (RFC 6781
  // §4.4.2).
  require(rules.refresh > policy.max_zone_ttl + policy.zone_propagation,
          "signature-refresh: it must be more than max-zone-ttl plus zone-propagation, or caches hold expired ones");
  require(rules.refresh > policy.dnskey_ttl() + policy.zone_propagation,
          "signature-refresh: it must be more than dnskey-ttl plus zone-propagation");
  const seconds zsk_roll = policy.keys_linger() + policy.signatures_linger();
  require(policy.zsk_lifetime == 0s || policy.zsk_lifetime > zsk_roll,
          "zsk-lifetime: a roll takes longer (dnskey-ttl, max-zone-ttl, zone-propagation and safety)");
  require(policy.ksk_lifetime == 0s || policy.ksk_lifetime > zsk_roll + policy.ds_linger(),
          "ksk-lifetime: a roll takes longer (that of a ZSK, parent-ds-ttl and parent-propagation)");
  require(!policy.offline_ksk || policy.layout == KeyLayout::split,
          "offline-ksk: only the layout split has a KSK alone");
  require(policy.token.empty() || policy.algorithm != Algorithm::ed448, "token: keys of ED448 are not made in tokens");
  require(!rules.opt_out || rules.denial == DenialKind::nsec3, "opt-out: only nsec3 has it");
  return faults;
}

}  // namespace redoubt::dnssec
