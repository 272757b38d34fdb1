#include "dnssec/anchors/trust_point.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace redoubt::dnssec {

namespace {

using State = TrackedKey::State;

/// Of a set that is larger nobody looks at the rest: no zone has as many.
constexpr std::size_t most_keys_seen = 64;
/// Gaps between two looks count towards a hold-down with no more than this, or twice the interval of queries: neither a
/// machine that was off nor a clock that was set forward makes a key old.
constexpr std::int64_t least_credit_bound = 2 * 86'400;

bool is_trusted(State state) { return state == State::valid || state == State::missing; }

Octets without_revoke(OctetView rdata) {
  Octets plain{rdata.begin(), rdata.end()};
  plain[1] = static_cast<std::uint8_t>(plain[1] & ~Dnskey::revoke_bit);
  return plain;
}
Octets with_revoke(OctetView rdata) {
  Octets revoked{rdata.begin(), rdata.end()};
  revoked[1] = static_cast<std::uint8_t>(revoked[1] | Dnskey::revoke_bit);
  return revoked;
}

bool names_key(const dns::Name& zone, OctetView ds_rdata, OctetView dnskey) {
  const auto ds = Ds::parse(ds_rdata);
  if (!ds || ds->key_tag != key_tag(dnskey)) return false;
  const auto digest = find_ds_digest(ds->digest_type);
  if (!digest) return false;
  const Octets right = ds_digest(zone, dnskey, *digest);
  return !right.empty() && std::ranges::equal(right, ds->digest);
}

/// One RDATA in RdataList's layout.
Octets alone(OctetView rdata) {
  Octets block;
  append_u16(block, static_cast<std::uint16_t>(rdata.size()));
  append_octets(block, rdata);
  return block;
}

TrackedKey* find(TrustPoint& point, const Octets& dnskey) {
  const auto at = std::ranges::find(point.keys, dnskey, &TrackedKey::dnskey);
  return at == point.keys.end() ? nullptr : &*at;
}

/// A key that the operator names: trusted at once, unless it was revoked.
void trust(TrustPoint& point, const Octets& dnskey) {
  TrackedKey* known = find(point, dnskey);
  if (known == nullptr) {
    point.keys.push_back({.dnskey = dnskey, .state = State::valid});
  } else if (known->state == State::pending) {
    *known = {.dnskey = dnskey, .state = State::valid};
  }
}

void trust_ds(TrustPoint& point, const Octets& ds) {
  const auto at =
      std::ranges::find_if(point.keys, [&](const TrackedKey& key) { return names_key(point.zone, ds, key.dnskey); });
  if (at != point.keys.end()) return trust(point, Octets{at->dnskey});
  if (std::ranges::find(point.unseen, ds) == point.unseen.end()) point.unseen.push_back(ds);
}

template <class Range, class Value>
bool has(const Range& range, const Value& value) {
  return std::ranges::find(range, value) != range.end();
}

/// The zone's keys of one look, as far as they are followed.
struct Published {
  std::vector<Octets> plain;
  std::vector<Octets> revoked;  ///< RDATA as published, with the bit
};

Published published_in(const SeenKeys& seen, const SignatureRules& rules) {
  Published found;
  std::size_t looked_at = 0;
  for (const OctetView rdata : seen.dnskeys) {
    if (looked_at++ == most_keys_seen) break;
    const auto key = Dnskey::parse(rdata);
    if (!key || !key->is_zone_key() || !key->is_entry_point() || !is_supported(key->algorithm, rules)) continue;
    (key->is_revoked() ? found.revoked : found.plain).emplace_back(rdata.begin(), rdata.end());
  }
  return found;
}

class Look {
 public:
  Look(TrustPoint& point, const SeenKeys& seen, const Moment& moment, const SignatureRules& rules, Effort& effort)
      : point_{&point}, seen_{&seen}, moment_{&moment}, rules_{&rules}, effort_{&effort} {}

  Observed take() {
    const Published published = published_in(*seen_, *rules_);
    for (const Octets& rdata : published.revoked) revoke(rdata);
    const auto signature = best_signature();
    if (!signature) {
      told_.trouble = signature.error();
      return std::move(told_);
    }
    if (point_->observed_at != 0 && is_before(signature->inception, point_->inception)) {
      told_.trouble = Reason{
          dns::EdeCode::dnssec_bogus,
          fmt::format("zone {}: these keys are older than others that were seen before", point_->zone.to_text())};
      return std::move(told_);
    }
    const std::int64_t credit = time_since_last_look();
    for (const Octets& rdata : published.plain) present(rdata, credit, signature->original_ttl);
    absent(published.plain, credit);
    point_->observed_at = std::max<std::int64_t>(moment_->now, 1);
    point_->inception = signature->inception;
    schedule(*signature);
    return std::move(told_);
  }

 private:
  struct Believed {
    std::uint32_t inception = 0;
    std::uint32_t expiration = 0;
    std::uint32_t original_ttl = 0;
  };

  void tell(const Octets& dnskey, std::string_view what) {
    told_.events.push_back(fmt::format("key {} of {} {}", key_tag(dnskey), point_->zone.to_text(), what));
  }

  void become(TrackedKey& key, State state, std::string_view what) {
    if (is_trusted(key.state) != is_trusted(state)) told_.anchors_changed = true;
    key.state = state;
    key.since = moment_->now;
    key.held = 0;
    tell(key.dnskey, what);
  }

  /// RFC 5011 §2.1: at once and for ever, when the key itself has signed the set that says so.
  void revoke(const Octets& rdata) {
    const Octets plain = without_revoke(rdata);
    TrackedKey* known = find(*point_, plain);
    const auto is_named = [&](const Octets& ds) { return names_key(point_->zone, ds, plain); };
    const bool is_unseen = std::ranges::any_of(point_->unseen, is_named);
    if (!is_unseen && (known == nullptr || !is_trusted(known->state))) return;
    if (!has_signed(rdata)) return;
    if (is_unseen) {
      std::erase_if(point_->unseen, is_named);
      told_.anchors_changed = true;
    }
    if (known == nullptr) {
      point_->keys.push_back({.dnskey = plain, .state = State::valid});
      known = &point_->keys.back();
    }
    become(*known, State::revoked, "is revoked");
  }

  bool has_signed(const Octets& revoked) {
    const Octets block = alone(revoked);
    const ZoneKeys key{point_->zone, RdataRange{OctetView{block}}, ZoneKeys::Take::revoked};
    return check_signatures({point_->zone, dns::type::dnskey, seen_->dnskeys}, dns::Ttl::from_wire(0x7fffffff),
                            seen_->rrsigs, key, *rules_, *effort_)
        .has_value();
  }

  /// The youngest signature over the set by a key that is trusted.
  std::expected<Believed, Reason> best_signature() {
    const Vouchers vouchers = anchors_of(*point_);
    std::expected<Believed, Reason> best = std::unexpected{
        Reason{dns::EdeCode::rrsigs_missing, fmt::format("zone {}: its keys are not signed", point_->zone.to_text())}};
    std::size_t looked_at = 0;
    for (const OctetView rdata : seen_->rrsigs) {
      const auto rrsig = Rrsig::parse(rdata);
      if (!rrsig || rrsig->covered != dns::type::dnskey) continue;
      if (looked_at++ == rules_->limits.signatures_of_set) break;
      const Octets block = alone(rdata);
      const auto checked = check_keys(point_->zone, seen_->dnskeys, dns::Ttl::from_wire(0x7fffffff),
                                      RdataRange{OctetView{block}}, vouchers, *rules_, *effort_);
      if (!checked) {
        if (!best) best = std::unexpected{checked.error()};
      } else if (!best || is_before(best->inception, rrsig->inception)) {
        best = Believed{rrsig->inception, rrsig->expiration, rrsig->original_ttl.seconds()};
      }
    }
    return best;
  }

  std::int64_t time_since_last_look() const {
    if (point_->observed_at == 0) return 0;
    std::int64_t time = moment_->now - point_->observed_at;
    if (moment_->elapsed) time = std::min(time, *moment_->elapsed);
    const std::int64_t most = std::max<std::int64_t>(2 * std::int64_t{point_->query_interval}, least_credit_bound);
    return std::clamp<std::int64_t>(time, 0, most);
  }

  void present(const Octets& rdata, std::int64_t credit, std::uint32_t original_ttl) {
    if (TrackedKey* known = find(*point_, rdata)) {
      if (known->state == State::missing) become(*known, State::valid, "is published again");
      if (known->state != State::pending) return;
      known->held += credit;
      if (known->held >= known->hold_down) become(*known, State::valid, "is trusted from now on");
      return;
    }
    const auto is_named = [&](const Octets& ds) { return names_key(point_->zone, ds, rdata); };
    if (std::ranges::any_of(point_->unseen, is_named)) {
      std::erase_if(point_->unseen, is_named);
      point_->keys.push_back({.dnskey = rdata, .state = State::valid, .since = moment_->now});
      told_.anchors_changed = true;
      return tell(rdata, "is the one that the configuration names");
    }
    if (!make_room()) return tell(rdata, "is new, but cannot be followed: too many other keys are");
    // §2.4.1: thirty days, or the original TTL of this set where that is more.
    const auto hold = std::max<std::int64_t>(hold_down_seconds, original_ttl);
    point_->keys.push_back({.dnskey = rdata,
                            .state = State::pending,
                            .since = moment_->now,
                            .held = 0,
                            .hold_down = static_cast<std::uint32_t>(hold)});
    tell(rdata, "is new; it is trusted when it stays for thirty days");
  }

  /// RFC 5011 §4.2: what is removed may be purged. Keys that were revoked of late are remembered, or they would be new.
  bool make_room() {
    while (point_->keys.size() >= max_tracked_keys) {
      auto oldest = point_->keys.end();
      for (auto at = point_->keys.begin(); at != point_->keys.end(); ++at) {
        if (at->state == State::removed && (oldest == point_->keys.end() || at->since < oldest->since)) oldest = at;
      }
      if (oldest == point_->keys.end()) return false;
      tell(oldest->dnskey, "was removed longest ago, and is forgotten for a new one");
      point_->keys.erase(oldest);
    }
    return true;
  }

  void absent(const std::vector<Octets>& plain, std::int64_t credit) {
    std::erase_if(point_->keys, [&](const TrackedKey& key) {
      const bool gone = key.state == State::pending && !has(plain, key.dnskey);
      if (gone) tell(key.dnskey, "is gone before it was trusted");
      return gone;
    });
    for (TrackedKey& key : point_->keys) {
      if (key.state == State::valid && !has(plain, key.dnskey))
        become(key, State::missing, "is not published any more");
      if (key.state != State::revoked) continue;
      key.held += credit;
      if (key.held >= hold_down_seconds) become(key, State::removed, "was revoked thirty days ago");
    }
  }

  /// RFC 5011 §2.3.
  void schedule(const Believed& signature) {
    const std::uint32_t left = is_before(rules_->now, signature.expiration) ? signature.expiration - rules_->now : 0;
    const std::uint32_t ttl = signature.original_ttl;
    point_->query_interval = std::max(least_interval, std::min({most_query_interval, ttl / 2, left / 2}));
    point_->retry_interval = std::max(least_interval, std::min({most_retry_interval, ttl / 10, left / 10}));
  }

  TrustPoint* point_;
  const SeenKeys* seen_;
  const Moment* moment_;
  const SignatureRules* rules_;
  Effort* effort_;
  Observed told_;
};

}  // namespace

std::string_view to_text(State state) {
  switch (state) {
    case State::pending:
      return "pending";
    case State::valid:
      return "valid";
    case State::missing:
      return "missing";
    case State::revoked:
      return "revoked";
    case State::removed:
      return "removed";
  }
  return {};
}

TrustPoint begin_trust_point(const dns::Name& zone, const Vouchers& configured) {
  TrustPoint point;
  point.zone = zone;
  point.configured = configured;
  point.query_interval = least_interval;
  point.retry_interval = least_interval;
  for (const Octets& dnskey : configured.dnskey) trust(point, dnskey);
  for (const Octets& ds : configured.ds) trust_ds(point, ds);
  return point;
}

TrustPoint continue_trust_point(TrustPoint kept, const Vouchers& configured) {
  const Vouchers before = kept.configured;
  const bool shares =
      std::ranges::any_of(before.ds, [&](const Octets& ds) { return has(configured.ds, ds); }) ||
      std::ranges::any_of(before.dnskey, [&](const Octets& key) { return has(configured.dnskey, key); });
  if (!shares) {
    std::erase_if(kept.keys,
                  [](const TrackedKey& key) { return is_trusted(key.state) || key.state == State::pending; });
    kept.unseen.clear();
    kept.observed_at = 0;
  }
  kept.configured = configured;
  const auto drop = [&](auto is_meant) {
    std::erase_if(kept.keys, [&](const TrackedKey& key) { return is_trusted(key.state) && is_meant(key.dnskey); });
  };
  for (const Octets& ds : before.ds) {
    if (has(configured.ds, ds)) continue;
    std::erase(kept.unseen, ds);
    drop([&](const Octets& dnskey) { return names_key(kept.zone, ds, dnskey); });
  }
  for (const Octets& gone : before.dnskey) {
    if (!has(configured.dnskey, gone)) drop([&](const Octets& dnskey) { return dnskey == gone; });
  }
  for (const Octets& dnskey : configured.dnskey) {
    if (!shares || !has(before.dnskey, dnskey)) trust(kept, dnskey);
  }
  for (const Octets& ds : configured.ds) {
    if (!shares || !has(before.ds, ds)) trust_ds(kept, ds);
  }
  return kept;
}

Vouchers anchors_of(const TrustPoint& point) {
  Vouchers anchors{point.unseen, {}};
  for (const TrackedKey& key : point.keys) {
    if (is_trusted(key.state)) anchors.dnskey.push_back(key.dnskey);
  }
  if (!anchors.ds.empty() || !anchors.dnskey.empty()) return anchors;
  for (const TrackedKey& key : point.keys) {
    if (key.state == State::revoked || key.state == State::removed) anchors.dnskey.push_back(with_revoke(key.dnskey));
  }
  return anchors;
}

Observed observe(TrustPoint& point, const SeenKeys& seen, const Moment& moment, const SignatureRules& rules,
                 Effort& effort) {
  return Look{point, seen, moment, rules, effort}.take();
}

}  // namespace redoubt::dnssec
