#include "dnssec/verify/signature.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "dnssec/base/digest.hpp"
#include "dnssec/verify/describe.hpp"

namespace redoubt::dnssec {

namespace {

constexpr std::uint32_t least_skew = 3600;
constexpr std::uint32_t most_skew = 86'400;

Reason reason(dns::EdeCode code, const SetView& set, const Rrsig& rrsig, std::string_view what) {
  return {code,
          fmt::format("{}: RRSIG by key {} of {} {}", set_name(set), rrsig.key_tag, rrsig.signer.to_text(), what)};
}

/// Nothing when the time is one at which the signature holds.
std::optional<Reason> out_of_time(const SetView& set, const Rrsig& rrsig, std::uint32_t now) {
  if (is_before(rrsig.expiration, rrsig.inception))
    return reason(dns::EdeCode::signature_expired_before_valid, set, rrsig, "expires before it begins");
  const std::uint32_t skew = clock_skew(rrsig.inception, rrsig.expiration);
  if (is_before(now + skew, rrsig.inception))
    return reason(dns::EdeCode::signature_not_yet_valid, set, rrsig,
                  fmt::format("is not valid before {}", time_text(rrsig.inception)));
  if (is_before(rrsig.expiration, now - skew))
    return reason(dns::EdeCode::signature_expired, set, rrsig,
                  fmt::format("has expired at {}", time_text(rrsig.expiration)));
  return std::nullopt;
}

/// RFC 4035 §5.3.3. A signature that is past its end, but within the skew, gives its data a short life.
dns::Ttl ttl_of(dns::Ttl received, const Rrsig& rrsig, std::uint32_t now) {
  constexpr std::uint32_t within_skew = 60;
  const std::uint32_t left = is_before(now, rrsig.expiration) ? rrsig.expiration - now : 0;
  return std::min({received, rrsig.original_ttl, dns::Ttl::from_wire(std::max(left, within_skew))});
}

/// Nothing when the library had no memory.
std::optional<GoodSignatures::Print> print_of(const ZoneKey& key, OctetView signature, OctetView data) {
  static const evp_md_st* const sha256 = find_digest("SHA256");
  Octets head;
  head.reserve(5 + key.public_key().size() + signature.size());
  head.push_back(key.algorithm());
  append_u16(head, static_cast<std::uint16_t>(key.public_key().size()));
  append_octets(head, key.public_key());
  append_u16(head, static_cast<std::uint16_t>(signature.size()));
  append_octets(head, signature);
  Digest digest{sha256};
  GoodSignatures::Print print;
  if (!digest.start() || !digest.add(head) || !digest.add(data) || !digest.finish(print)) return std::nullopt;
  return print;
}

enum class Fit : std::uint8_t { fits, does_not, no_key };

Fit fit_of(const ZoneKey& key, OctetView data, OctetView signature, ReadyKeys* ready) {
  if (ready != nullptr) {
    Verifier* const verifier = ready->find(key.algorithm(), key.public_key());
    return verifier == nullptr ? Fit::no_key : verifier->verifies(data, signature) ? Fit::fits : Fit::does_not;
  }
  const auto own = PublicKey::from_dnskey(key.algorithm(), key.public_key());
  return !own ? Fit::no_key : own->verifies(data, signature) ? Fit::fits : Fit::does_not;
}

}  // namespace

bool is_supported(std::uint8_t algorithm, const SignatureRules& rules) {
  const AlgorithmInfo* row = find_algorithm(algorithm);
  if (row == nullptr) return false;
  const bool is_sha1 = row->algorithm == Algorithm::rsa_sha1 || row->algorithm == Algorithm::rsa_sha1_nsec3;
  return !is_sha1 || rules.sha1;
}

std::uint32_t clock_skew(std::uint32_t inception, std::uint32_t expiration) {
  return std::clamp((expiration - inception) / 10, least_skew, most_skew);
}

bool is_of(const Rrsig& rrsig, const SetView& set, const dns::Name& zone) {
  return rrsig.covered == set.type && rrsig.signer == zone && set.owner.is_at_or_below(zone) &&
         rrsig.labels <= rrsig_labels(set.owner) && rrsig.labels >= zone.label_count();
}

bool SignatureCheck::next_signature() {
  while (next_ != end_) {
    auto rrsig = Rrsig::parse(*next_);
    ++next_;
    if (!rrsig || !is_of(*rrsig, set_, keys_->zone()) || !is_supported(rrsig->algorithm, *rules_)) continue;
    // Nothing is computed for those that are of other keys, so they keep none out that is of these.
    const std::size_t most_keys = rules_->limits.keys_of_tag;
    candidates_ = keys_->of_tag(rrsig->key_tag, rrsig->algorithm, most_keys + 1);
    if (candidates_.empty()) {
      if (!why_) why_ = reason(dns::EdeCode::dnskey_missing, set_, *rrsig, "has no key in the zone's DNSKEY RRset");
      continue;
    }
    if (looked_at_++ == rules_->limits.signatures_of_set) {
      skipped_ = Candidates::signatures_of_set;
      return false;
    }
    const bool are_too_many = candidates_.size() > most_keys;
    if (are_too_many) candidates_.pop_back();
    if (auto untimely = out_of_time(set_, *rrsig, rules_->now)) {
      why_ = std::move(*untimely);
      continue;
    }
    octets_.clear();
    if (!append_signed_data(octets_, rrsig_prefix(*rrsig), set_)) {
      why_ = reason(dns::EdeCode::dnssec_bogus, set_, *rrsig, "has more labels than the name");
      continue;
    }
    if (are_too_many) skipped_ = Candidates::keys_of_tag;
    rrsig_ = std::move(rrsig);
    candidate_ = 0;
    print_.reset();
    what_ = "does not verify";
    return true;
  }
  return false;
}

bool SignatureCheck::is_due() {
  while (!is_over_) {
    if (!rrsig_ && !next_signature()) {
      end();
    } else if (candidate_ == candidates_.size()) {
      give_up(what_);
    } else {
      if (!print_ && rules_->good != nullptr) print_ = print_of(*candidates_[candidate_], rrsig_->signature, octets_);
      if (!is_known_good()) return true;
      accept();
    }
  }
  return false;
}

void SignatureCheck::verify() {
  if (is_known_good()) return accept();  // somebody else has checked it since
  if (!effort_->spend(Work::signature, 1)) return give_up("is one signature too many to check");
  const Fit fit = fit_of(*candidates_[candidate_], octets_, rrsig_->signature, rules_->ready);
  if (fit == Fit::fits) {
    if (print_) rules_->good->add(*print_);
    return accept();
  }
  if (fit == Fit::no_key) what_ = "is of a key that cannot be used";
  ++candidate_;
  print_.reset();
  if (!effort_->spend(Work::failed_signature, 1)) give_up(what_);
}

void SignatureCheck::accept() {
  result_ = Signed{.ttl = ttl_of(ttl_, *rrsig_, rules_->now),
                   .labels = rrsig_->labels,
                   .is_expanded = rrsig_->labels < rrsig_labels(set_.owner),
                   .key_tag = rrsig_->key_tag,
                   .inception = rrsig_->inception,
                   .expiration = rrsig_->expiration};
  is_over_ = true;
}

void SignatureCheck::give_up(std::string_view what) {
  why_ = reason(dns::EdeCode::dnssec_bogus, set_, *rrsig_, what);
  rrsig_.reset();
}

void SignatureCheck::end() {
  if (skipped_) effort_->skipped(*skipped_);
  if (!why_) {
    why_ = Reason{dns::EdeCode::rrsigs_missing,
                  fmt::format("{}: no RRSIG of zone {}", set_name(set_), keys_->zone().to_text())};
  }
  result_ = std::unexpected{*std::move(why_)};
  is_over_ = true;
}

std::expected<Signed, Reason> check_signatures(const SetView& set, dns::Ttl ttl, RdataRange rrsigs,
                                               const ZoneKeys& keys, const SignatureRules& rules, Effort& effort) {
  SignatureCheck check{set, ttl, rrsigs, keys, rules, effort};
  while (check.is_due()) check.verify();
  return check.take_result();
}

}  // namespace redoubt::dnssec
