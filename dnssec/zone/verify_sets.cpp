#include "dnssec/zone/verify_sets.hpp"

#include <algorithm>
#include <atomic>
#include <functional>
#include <string_view>
#include <thread>

#include "dns/rdata.hpp"

namespace redoubt::dnssec {

namespace {

using dns::RrType;

constexpr std::size_t many_signatures = 8;

/// RFC 4035 §2.2: what the zone has authority over.
bool must_be_signed(const ZoneNode& node, RrType type) {
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

bool is_always_checked(RrType type) {
  using namespace dns::type;
  return type == soa || type == dnskey || type == cds || type == cdnskey;
}

/// Evenly spread, and the same for the same octets (splitmix64 over the library's hash).
std::uint64_t spread(OctetView octets, std::int64_t now) {
  std::uint64_t value = std::hash<std::string_view>{}({reinterpret_cast<const char*>(octets.data()), octets.size()});
  value += static_cast<std::uint64_t>(now) * 0x9e3779b97f4a7c15U;
  value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9U;
  value = (value ^ value >> 27) * 0x94d049bb133111ebU;
  return value ^ value >> 31;
}

}  // namespace

KeyRing KeyRing::of(const Zone& zone, Findings& findings) {
  KeyRing ring;
  ring.apex = zone.apex();
  const ZoneNode& apex = zone.nodes().front();
  if (zone.find(apex, dns::type::ns) == nullptr) findings.fault(ring.apex, "NS", "there is none at the apex");
  const ZoneSet* keys = zone.find(apex, dns::type::dnskey);
  if (keys == nullptr) {
    findings.fault(ring.apex, "DNSKEY", "there is none: the zone is not signed");
    return ring;
  }
  for (const OctetView rdata : keys->rdata()) {
    const auto fields = Dnskey::parse(rdata);
    if (!fields || !fields->is_zone_key()) {
      findings.warning(ring.apex, "DNSKEY", "a record that is no zone key");
      continue;
    }
    RingKey key{key_tag(rdata), fields->algorithm, fields->is_entry_point(), {rdata.begin(), rdata.end()}, {}};
    auto made = PublicKey::from_dnskey(fields->algorithm, fields->public_key);
    if (made) {
      key.key = std::move(*made);
      ring.algorithms.set(fields->algorithm);
    } else {
      findings.fault(ring.apex, "DNSKEY",
                     "key " + std::to_string(key.tag) + ": " + std::string{describe(made.error())});
    }
    for (const RingKey& other : ring.keys) {
      if (other.tag == key.tag && other.algorithm == key.algorithm)
        findings.warning(ring.apex, "DNSKEY", "two keys have the tag " + std::to_string(key.tag));
    }
    ring.keys.push_back(std::move(key));
  }
  return ring;
}

void SetVerification::node(const Zone& zone, const ZoneNode& node) {
  owner_ = node.name();
  const ZoneSet* signatures = zone.find(node, dns::type::rrsig);
  for (const ZoneSet& set : zone.sets(node)) {
    if (set.type != dns::type::rrsig && must_be_signed(node, set.type)) verify_set(node, set, signatures);
  }
  if (signatures == nullptr) return;
  for (const OctetView rdata : signatures->rdata()) {
    ++verdict_->signatures;
    const auto rrsig = Rrsig::parse(rdata);
    if (!rrsig) {
      findings_.fault(owner_, "RRSIG", "it cannot be read");
    } else if (zone.find(node, rrsig->covered) == nullptr) {
      findings_.fault(owner_, "RRSIG", "it covers " + dns::to_text(rrsig->covered) + ", of which there is none");
    } else if (!must_be_signed(node, rrsig->covered)) {
      findings_.fault(owner_, "RRSIG",
                      "it covers " + dns::to_text(rrsig->covered) + ", for which this zone has no authority");
    }
  }
}

void SetVerification::verify_set(const ZoneNode& node, const ZoneSet& set, const ZoneSet* signatures) {
  std::bitset<256> signed_with;
  bool by_entry_point = false;
  const std::size_t first_check = checks_.size();
  if (signatures != nullptr) {
    for (const OctetView rdata : signatures->rdata()) {
      if (rdata.size() < 2 || (rdata[0] << 8 | rdata[1]) != set.type.value) continue;
      const auto rrsig = Rrsig::parse(rdata);
      if (!rrsig || !verify_fields(owner_, set, *rrsig)) continue;
      const RingKey* key = key_of(*rrsig);
      if (key == nullptr || !key->key) continue;
      signed_with.set(rrsig->algorithm);
      by_entry_point = by_entry_point || (options_->trusted_ds.empty() ? key->is_entry_point : is_trusted(*key));
      checks_.push_back({&node, &set, rdata, is_in_sample(set.type, rdata, *rrsig)});
    }
  }
  // RFC 4035 §2.2: at least one signature with each algorithm of the DNSKEY RRset.
  const std::bitset<256> missing = ring_->algorithms & ~signed_with;
  for (std::size_t number = 0; missing.any() && number < missing.size(); ++number) {
    if (missing[number])
      findings_.fault(owner_, dns::to_text(set.type),
                      "no usable signature with algorithm " + algorithm_to_text(static_cast<std::uint8_t>(number)));
  }
  if (set.type == dns::type::dnskey && owner_ == ring_->apex && !by_entry_point)
    findings_.fault(owner_, "DNSKEY",
                    options_->trusted_ds.empty() ? "no signature by a key with the SEP flag"
                                                 : "no signature by a key that a DS of the parent fits");
  if (checks_.size() - first_check > many_signatures)
    findings_.warning(owner_, dns::to_text(set.type), "more than 8 signatures: some validators give up (KeyTrap)");
}

bool SetVerification::is_trusted(const RingKey& key) const {
  return std::ranges::any_of(options_->trusted_ds, [&](const Octets& rdata) {
    const auto ds = Ds::parse(rdata);
    const auto type = ds ? find_ds_digest(ds->digest_type) : std::nullopt;
    return type && ds_rdata(ring_->apex, key.rdata, *type) == rdata;
  });
}

const RingKey* SetVerification::key_of(const Rrsig& rrsig) const {
  const auto at = std::ranges::find_if(
      ring_->keys, [&](const RingKey& key) { return key.tag == rrsig.key_tag && key.algorithm == rrsig.algorithm; });
  return at == ring_->keys.end() ? nullptr : &*at;
}

/// Of each signature by itself, so that the share is the same in parts of any size.
bool SetVerification::is_in_sample(RrType type, OctetView rdata, const Rrsig& rrsig) const {
  if (is_always_checked(type)) return true;
  const bool is_new = options_->new_inception && *options_->new_inception == rrsig.inception;
  const std::size_t one_in = is_new ? options_->one_in_new : options_->one_in;
  return one_in <= 1 || spread(rdata, options_->now) % one_in == 0;
}

/// All but the cryptography (RFC 4035 §5.3.1).
bool SetVerification::verify_fields(const dns::Name& owner, const ZoneSet& set, const Rrsig& rrsig) {
  const auto fault = [&](const std::string& what) {
    findings_.fault(owner, dns::to_text(set.type),
                    "the signature by key " + std::to_string(rrsig.key_tag) + " " + what);
    return false;
  };
  const auto now = static_cast<std::uint32_t>(options_->now);
  if (verdict_->earliest_expiration == 0 || is_before(rrsig.expiration, verdict_->earliest_expiration))
    verdict_->earliest_expiration = rrsig.expiration;
  if (!(rrsig.signer == ring_->apex)) return fault("names another signer than the zone");
  const bool has_key = key_of(rrsig) != nullptr;
  if (!has_key && !ring_->algorithms[rrsig.algorithm] && find_algorithm(rrsig.algorithm) != nullptr) {
    ahead_.set(rrsig.algorithm);  // it does no harm, and helps nobody yet: a roll to it (RFC 6781 §4.1.4)
    return false;
  }
  if (!has_key) return fault("is by no key of the DNSKEY RRset");
  if (rrsig.labels != rrsig_labels(owner)) return fault("has another number of labels than its name");
  if (rrsig.original_ttl.seconds() != set.ttl) return fault("was made for another TTL than the RRset has");
  if (is_before(rrsig.expiration, rrsig.inception)) return fault("ends before it begins");
  if (is_before(now, rrsig.inception)) return fault("is not valid yet");
  if (is_before(rrsig.expiration, now)) return fault("has expired");
  if (is_before(rrsig.expiration, now + static_cast<std::uint32_t>(options_->soon)))
    findings_.warning(owner, dns::to_text(set.type),
                      "the signature by key " + std::to_string(rrsig.key_tag) + " ends soon");
  return true;
}

void SetVerification::verify_signatures(unsigned threads) {
  std::atomic<std::size_t> next{0};
  std::atomic<std::uint64_t> verified{0};
  constexpr std::size_t stride = 64;
  const auto work = [&] {
    Octets data;
    for (std::size_t at = next.fetch_add(stride); at < checks_.size(); at = next.fetch_add(stride)) {
      for (std::size_t k = at; k < std::min(at + stride, checks_.size()); ++k) {
        if (!checks_[k].in_sample) continue;
        checks_[k].good = holds(checks_[k], data);
        verified.fetch_add(1, std::memory_order_relaxed);
      }
    }
  };
  if (threads <= 1) {
    work();
  } else {
    std::vector<std::jthread> workers;
    for (unsigned i = 0; i < threads; ++i) workers.emplace_back(work);
  }
  verdict_->verified += verified.load();
  for (const Check& check : checks_) {
    if (check.good) continue;
    const auto rrsig = Rrsig::parse(check.rrsig);
    findings_.fault(check.node->name(), dns::to_text(check.set->type),
                    "the signature by key " + std::to_string(rrsig ? rrsig->key_tag : 0) + " does not verify");
  }
  checks_.clear();
}

bool SetVerification::holds(const Check& check, Octets& data) const {
  const auto rrsig = Rrsig::parse(check.rrsig);
  if (!rrsig) return false;
  data.clear();
  const dns::Name owner = check.node->name();
  if (!append_signed_data(data, rrsig_prefix(*rrsig), {owner, check.set->type, check.set->rdata()})) return false;
  // Keys of one tag are all tried: two may have it (RFC 4034 §5.3.1).
  return std::ranges::any_of(ring_->keys, [&](const RingKey& key) {
    return key.tag == rrsig->key_tag && key.algorithm == rrsig->algorithm && key.key &&
           key.key->verifies(data, rrsig->signature);
  });
}

void tell_ahead(const dns::Name& apex, const std::bitset<256>& ahead, Findings& findings) {
  for (std::size_t number = 0; number < ahead.size(); ++number) {
    if (ahead[number])
      findings.warning(apex, "DNSKEY",
                       "there are signatures with algorithm " + algorithm_to_text(static_cast<std::uint8_t>(number)) +
                           ", and no key of it (yet, or any more): a roll to or from it?");
  }
}

}  // namespace redoubt::dnssec
