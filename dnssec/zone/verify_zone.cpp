#include "dnssec/zone/verify_zone.hpp"

#include <algorithm>
#include <atomic>
#include <bitset>
#include <thread>

#include "dns/rdata.hpp"
#include "dnssec/base/public_key.hpp"
#include "dnssec/zone/findings.hpp"
#include "dnssec/zone/verify_digest.hpp"
#include "dnssec/zone/verify_proofs.hpp"

namespace redoubt::dnssec {

namespace {

using dns::RrType;

struct ZoneKey {
  std::uint16_t tag;
  std::uint8_t algorithm;
  bool is_entry_point;
  OctetView rdata;
  std::optional<PublicKey> key;  ///< nothing when it cannot be used
};

/// One signature that is to be checked with its key.
struct Check {
  const ZoneNode* node;
  const ZoneSet* set;
  OctetView rrsig;
  bool always;
  bool good = true;
};

class Verification {
 public:
  Verification(const Zone& zone, const VerifyOptions& options)
      : zone_{zone}, options_{options}, findings_{verdict_, options.max_findings} {}

  ZoneVerdict run() {
    verify_apex();
    if (verdict_.faults == 0) {
      for (const ZoneNode& node : zone_.nodes()) verify_node(node);
      tell_ahead();
      verify_signatures();
      verify_proofs(zone_, findings_);
      verify_digest(zone_, findings_);
    }
    return std::move(verdict_);
  }

 private:
  void verify_apex() {
    const ZoneNode& apex = zone_.nodes().front();
    if (zone_.find(apex, dns::type::ns) == nullptr) findings_.fault(zone_.apex(), "NS", "there is none at the apex");
    const ZoneSet* keys = zone_.find(apex, dns::type::dnskey);
    if (keys == nullptr) return findings_.fault(zone_.apex(), "DNSKEY", "there is none: the zone is not signed");
    for (const OctetView rdata : keys->rdata()) {
      const auto fields = Dnskey::parse(rdata);
      if (!fields || !fields->is_zone_key()) {
        findings_.warning(zone_.apex(), "DNSKEY", "a record that is no zone key");
        continue;
      }
      ZoneKey key{key_tag(rdata), fields->algorithm, fields->is_entry_point(), rdata, std::nullopt};
      auto made = PublicKey::from_dnskey(fields->algorithm, fields->public_key);
      if (made) {
        key.key = std::move(*made);
        algorithms_.set(fields->algorithm);
      } else {
        findings_.fault(zone_.apex(), "DNSKEY",
                        "key " + std::to_string(key.tag) + ": " + std::string{describe(made.error())});
      }
      for (const ZoneKey& other : keys_) {
        if (other.tag == key.tag && other.algorithm == key.algorithm)
          findings_.warning(zone_.apex(), "DNSKEY", "two keys have the tag " + std::to_string(key.tag));
      }
      keys_.push_back(std::move(key));
    }
  }

  void verify_node(const ZoneNode& node) {
    const ZoneSet* signatures = zone_.find(node, dns::type::rrsig);
    for (const ZoneSet& set : zone_.sets(node)) {
      if (set.type == dns::type::rrsig) continue;
      if (must_be_signed(node, set.type)) verify_set(node, set, signatures);
    }
    if (signatures == nullptr) return;
    for (const OctetView rdata : signatures->rdata()) {
      ++verdict_.signatures;
      const auto rrsig = Rrsig::parse(rdata);
      if (!rrsig) {
        findings_.fault(node.name(), "RRSIG", "it cannot be read");
      } else if (zone_.find(node, rrsig->covered) == nullptr) {
        findings_.fault(node.name(), "RRSIG", "it covers " + dns::to_text(rrsig->covered) + ", of which there is none");
      } else if (!must_be_signed(node, rrsig->covered)) {
        findings_.fault(node.name(), "RRSIG",
                        "it covers " + dns::to_text(rrsig->covered) + ", for which this zone has no authority");
      }
    }
  }

  /// RFC 4035 §2.2: what the zone has authority over.
  static bool must_be_signed(const ZoneNode& node, RrType type) {
    switch (node.kind) {
      case NodeKind::authoritative:
        return true;
      case NodeKind::cut:
        return type == dns::type::ds || type == dns::type::nsec;
      case NodeKind::occluded:
        return false;
    }
    return false;
  }

  void verify_set(const ZoneNode& node, const ZoneSet& set, const ZoneSet* signatures) {
    std::bitset<256> signed_with;
    bool by_entry_point = false;
    const std::size_t first_check = checks_.size();
    if (signatures != nullptr) {
      for (const OctetView rdata : signatures->rdata()) {
        const auto rrsig = Rrsig::parse(rdata);
        if (!rrsig || rrsig->covered != set.type || !verify_fields(node, set, *rrsig)) continue;
        const ZoneKey* key = key_of(*rrsig);
        if (key == nullptr || !key->key) continue;
        signed_with.set(rrsig->algorithm);
        by_entry_point = by_entry_point || (options_.trusted_ds.empty() ? key->is_entry_point : is_trusted(*key));
        checks_.push_back({&node, &set, rdata, is_always_checked(node, set.type)});
      }
    }
    // RFC 4035 §2.2: at least one signature with each algorithm of the DNSKEY RRset.
    for (std::size_t number = 0; number < algorithms_.size(); ++number) {
      if (algorithms_[number] && !signed_with[number])
        findings_.fault(node.name(), dns::to_text(set.type),
                        "no usable signature with algorithm " + algorithm_to_text(static_cast<std::uint8_t>(number)));
    }
    if (set.type == dns::type::dnskey && node.name() == zone_.apex() && !by_entry_point)
      findings_.fault(node.name(), "DNSKEY",
                      options_.trusted_ds.empty() ? "no signature by a key with the SEP flag"
                                                  : "no signature by a key that a DS of the parent fits");
    if (checks_.size() - first_check > 8)
      findings_.warning(node.name(), dns::to_text(set.type),
                        "more than 8 signatures: some validators give up (KeyTrap)");
  }

  static bool is_always_checked(const ZoneNode& node, RrType type) {
    return (type == dns::type::dnskey || type == dns::type::soa) && node.kind == NodeKind::authoritative;
  }

  bool is_trusted(const ZoneKey& key) const {
    return std::ranges::any_of(options_.trusted_ds, [&](const Octets& rdata) {
      const auto ds = Ds::parse(rdata);
      const auto type = ds ? find_ds_digest(ds->digest_type) : std::nullopt;
      return type && ds_rdata(zone_.apex(), key.rdata, *type) == rdata;
    });
  }

  const ZoneKey* key_of(const Rrsig& rrsig) const {
    const auto at = std::ranges::find_if(
        keys_, [&](const ZoneKey& key) { return key.tag == rrsig.key_tag && key.algorithm == rrsig.algorithm; });
    return at == keys_.end() ? nullptr : &*at;
  }

  /// All but the cryptography (RFC 4035 §5.3.1).
  bool verify_fields(const ZoneNode& node, const ZoneSet& set, const Rrsig& rrsig) {
    const auto fault = [&](const std::string& what) {
      findings_.fault(node.name(), dns::to_text(set.type),
                      "the signature by key " + std::to_string(rrsig.key_tag) + " " + what);
      return false;
    };
    const auto now = static_cast<std::uint32_t>(options_.now);
    if (verdict_.earliest_expiration == 0 || is_before(rrsig.expiration, verdict_.earliest_expiration))
      verdict_.earliest_expiration = rrsig.expiration;
    if (!(rrsig.signer == zone_.apex())) return fault("names another signer than the zone");
    if (key_of(rrsig) == nullptr && !algorithms_[rrsig.algorithm] && find_algorithm(rrsig.algorithm) != nullptr) {
      ahead_.set(rrsig.algorithm);  // it does no harm, and helps nobody yet: a roll to it (RFC 6781 §4.1.4)
      return false;
    }
    if (key_of(rrsig) == nullptr) return fault("is by no key of the DNSKEY RRset");
    if (rrsig.labels != rrsig_labels(node.name())) return fault("has another number of labels than its name");
    if (rrsig.original_ttl.seconds() != set.ttl) return fault("was made for another TTL than the RRset has");
    if (is_before(rrsig.expiration, rrsig.inception)) return fault("ends before it begins");
    if (is_before(now, rrsig.inception)) return fault("is not valid yet");
    if (is_before(rrsig.expiration, now)) return fault("has expired");
    if (is_before(rrsig.expiration, now + static_cast<std::uint32_t>(options_.soon)))
      findings_.warning(node.name(), dns::to_text(set.type),
                        "the signature by key " + std::to_string(rrsig.key_tag) + " ends soon");
    return true;
  }

  void tell_ahead() {
    for (std::size_t number = 0; number < ahead_.size(); ++number) {
      if (ahead_[number])
        findings_.warning(zone_.apex(), "DNSKEY",
                          "there are signatures with algorithm " +
                              algorithm_to_text(static_cast<std::uint8_t>(number)) +
                              ", and no key of it (yet, or any more): a roll to or from it?");
    }
  }

  void verify_signatures() {
    const std::size_t sampled =
        std::max<std::size_t>(1, options_.sample == 0 ? 1 : checks_.size() / options_.sample + 1);
    std::atomic<std::size_t> next{0};
    std::atomic<std::uint64_t> verified{0};
    constexpr std::size_t stride = 64;
    const auto work = [&] {
      Octets data;
      for (std::size_t at = next.fetch_add(stride); at < checks_.size(); at = next.fetch_add(stride)) {
        for (std::size_t k = at; k < std::min(at + stride, checks_.size()); ++k) {
          if (!checks_[k].always && sampled > 1 && k % sampled != 0) continue;
          checks_[k].good = holds(checks_[k], data);
          verified.fetch_add(1, std::memory_order_relaxed);
        }
      }
    };
    {
      std::vector<std::jthread> workers;
      for (unsigned i = 0; i < std::max(1U, options_.threads); ++i) workers.emplace_back(work);
    }
    verdict_.verified = verified.load();
    for (const Check& check : checks_) {
      if (check.good) continue;
      const auto rrsig = Rrsig::parse(check.rrsig);
      findings_.fault(check.node->name(), dns::to_text(check.set->type),
                      "the signature by key " + std::to_string(rrsig ? rrsig->key_tag : 0) + " does not verify");
    }
  }

  bool holds(const Check& check, Octets& data) const {
    const auto rrsig = Rrsig::parse(check.rrsig);
    if (!rrsig) return false;
    data.clear();
    const dns::Name owner = check.node->name();
    if (!append_signed_data(data, rrsig_prefix(*rrsig), {owner, check.set->type, check.set->rdata()})) return false;
    // Keys of one tag are all tried: two may have it (RFC 4034 §5.3.1).
    return std::ranges::any_of(keys_, [&](const ZoneKey& key) {
      return key.tag == rrsig->key_tag && key.algorithm == rrsig->algorithm && key.key &&
             key.key->verifies(data, rrsig->signature);
    });
  }

  const Zone& zone_;
  const VerifyOptions& options_;
  ZoneVerdict verdict_;
  Findings findings_;
  std::vector<ZoneKey> keys_;
  std::bitset<256> algorithms_;
  std::bitset<256> ahead_;  // signed with, and not in the DNSKEY RRset
  std::vector<Check> checks_;
};

}  // namespace

std::string ZoneFinding::to_text() const {
  return (severity == Severity::fault ? "fault: " : "warning: ") + owner.to_text() + (type.empty() ? "" : " " + type) +
         ": " + what;
}

ZoneVerdict verify_zone(const Zone& zone, const VerifyOptions& options) { return Verification{zone, options}.run(); }

}  // namespace redoubt::dnssec
