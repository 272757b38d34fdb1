// From the anchors down: which zones are signed, by which keys, and where the chain of trust ends.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "dnssec/verify/describe.hpp"
#include "resolver/shared.hpp"
#include "resolver/trace.hpp"
#include "resolver/validate/validator.hpp"

namespace redoubt::resolver {

namespace {

using Kind = ZoneTrust::Kind;

/// Steps of one chain, recursion into parents included. Names are at most 127 labels deep; real chains have five zones.
constexpr unsigned max_chain_depth = 16;
/// How long a zone stays bogus before its records are fetched again (attacks: bogus kept too long; RFC 9520 §3.2).
constexpr std::chrono::seconds bogus_lifetime{30};
/// For what is known without any record that has a TTL.
constexpr std::chrono::seconds plain_lifetime{300};
/// Labels below the last known cut at which an unsigned zone may begin unseen.
constexpr std::size_t max_hidden_labels = 10;

/// What is known first; when that is bogus, servers once.
constexpr std::array both_sources{Fetcher::Source::cache_or_servers, Fetcher::Source::servers};

std::vector<dnssec::Octets> octets_of(const dns::RRset& set) {
  std::vector<dnssec::Octets> out;
  for (const auto rdata : set.rdata) out.emplace_back(rdata.begin(), rdata.end());
  return out;
}

std::chrono::seconds lifetime(dns::Ttl ttl, const Settings& settings) {
  return std::chrono::seconds{std::min(ttl, settings.max_ttl).seconds()};
}

std::string_view describe(Kind kind) {
  switch (kind) {
    case Kind::secure:
      return "secure";
    case Kind::insecure:
      return "insecure";
    case Kind::bogus:
      return "bogus";
    case Kind::no_cut:
      return "no zone begins here";
    case Kind::no_name:
      return "there is no such name";
    case Kind::unchecked:
      return "not checked";
  }
  return {};
}

bool is_fault(Kind kind) { return kind == Kind::bogus || kind == Kind::unchecked; }

ZoneTrust bogus(dnssec::Reason reason, Instant now) {
  return {.kind = Kind::bogus, .reason = std::move(reason), .expires = now + bogus_lifetime};
}

/// The configuration says that there is a zone, and its public parent knows none: it is the site's own, and unsigned.
bool is_private_zone(const dns::Name& at, const dns::Name& name, Kind kind, const Settings& settings) {
  const Route* route = settings.routes.above(name);
  if (route == nullptr || route->zone.is_root()) return false;
  return kind == Kind::no_name ? route->zone.is_at_or_below(at) : kind == Kind::no_cut && route->zone == at;
}

/// Who claims to have signed the reply to a DS question.
std::vector<dns::Name> signers_of_ds(const Classified& found, const dns::Name& zone, const dns::Name& highest) {
  const dns::Name lowest = zone.parent();
  if (found.kind == ReplyKind::answer && found.data)
    return signers_of(signatures_at(found.signatures, zone), dns::type::ds, lowest, highest);
  if (!found.chain.empty()) {
    const dns::RRset& link = found.chain.front();
    return signers_of(signatures_at(found.signatures, link.owner), link.type, lowest, highest);
  }
  std::vector<dns::Name> signers;
  for (const dns::RRset& set : found.proof) {
    for (dns::Name& signer : signers_of(signatures_at(found.signatures, set.owner), set.type, lowest, highest)) {
      if (signers.size() < 2 && std::ranges::find(signers, signer) == signers.end())
        signers.push_back(std::move(signer));
    }
  }
  return signers;
}

}  // namespace

const TrustAnchor* Validator::anchor_above(const dns::Name& name, const Settings& settings) {
  const TrustAnchor* deepest = nullptr;
  for (const TrustAnchor& anchor : settings.validation.anchors) {
    if (!name.is_at_or_below(anchor.zone)) continue;
    if (deepest == nullptr || anchor.zone.label_count() > deepest->zone.label_count()) deepest = &anchor;
  }
  return deepest;
}

/// A negative anchor ends the trust that comes from above it, and none that begins below it (RFC 7646 §2).
const NegativeAnchor* Validator::exception_of(const dns::Name& name, const Settings& settings) const {
  const auto& negatives = settings.validation.negative_anchors;
  if (negatives.empty()) return nullptr;
  const auto now = std::chrono::duration_cast<std::chrono::seconds>(clock_->wall().time_since_epoch()).count();
  const TrustAnchor* anchor = anchor_above(name, settings);
  const auto at = std::ranges::find_if(negatives, [&](const NegativeAnchor& negative) {
    const bool holds = negative.until == 0 || std::cmp_less(now, negative.until);
    return holds && name.is_at_or_below(negative.zone) &&
           (anchor == nullptr || !anchor->zone.is_strictly_below(negative.zone));
  });
  return at == negatives.end() ? nullptr : &*at;
}

dnssec::Reason Validator::reason_of(const NegativeAnchor& exception) {
  const std::string end =
      exception.until == 0 ? std::string{} : " until " + dnssec::time_text(static_cast<std::uint32_t>(exception.until));
  return {dns::EdeCode::other,
          fmt::format("negative trust anchor: nothing at and below {} is validated{}", exception.zone.to_text(), end)};
}

bool Validator::holds_below(const dns::Name& zone, const dns::Name& name, const Settings& settings) const {
  const TrustAnchor* anchor = anchor_above(name, settings);
  if (anchor == nullptr || anchor->zone.is_strictly_below(zone) || is_excepted(name, settings)) return false;
  const Route* route = settings.routes.above(name);
  return route == nullptr || !route->zone.is_strictly_below(zone);
}

dnssec::SignatureRules Validator::rules(const Settings& settings) {
  const auto since_1970 = std::chrono::duration_cast<std::chrono::seconds>(clock_->wall().time_since_epoch()).count();
  const Limits& limits = settings.limits;
  const auto wall = std::max<std::int64_t>(since_1970, settings.validation.earliest);
  return {.now = settings.validation.time.value_or(static_cast<std::uint32_t>(wall)),
          .sha1 = settings.validation.sha1,
          .limits = {.signatures_of_set = limits[Limit::signatures_of_rrset],
                     .keys_of_tag = limits[Limit::keys_of_tag],
                     .ds_of_zone = limits[Limit::ds_of_zone],
                     .denial_records = limits[Limit::denial_records],
                     .nsec3_iterations = static_cast<std::uint16_t>(limits[Limit::nsec3_iterations])},
          .ready = &ready_,
          .good = &shared_->verified};
}

void Validator::note(const Errand& errand, const dns::Question& question, const dns::Name& zone,
                     std::string verdict) const {
  errand.budget.trace()->note({.kind = TraceKind::check,
                               .at = clock_->now(),
                               .depth = errand.depth,
                               .question = question,
                               .zone = zone,
                               .server_name = {},
                               .server = std::nullopt,
                               .verdict = std::move(verdict)});
}

/// A verdict of an earlier question: whoever looks for a fault has to know that nobody was asked again, and for how
/// long that holds.
void Validator::tell_remembered(const Errand& errand, const dns::Name& zone, const ZoneTrust& trust,
                                Instant now) const {
  tell(errand, {zone, dns::type::dnskey}, zone, [&] {
    const auto left = std::chrono::ceil<std::chrono::seconds>(trust.expires - now).count();
    const std::string limit = trust.limit ? fmt::format(", limit {} reached", name_of(*trust.limit)) : std::string{};
    return fmt::format("remembered, for {} s more: {}{}{}{}", left, describe(trust.kind), limit,
                       trust.reason.text.empty() ? "" : ": ", trust.reason.text);
  });
}

SharedTrust Validator::keep(const Errand& errand, const dns::Name& name, ZoneTrust trust) {
  auto kept = std::make_shared<const ZoneTrust>(std::move(trust));
  if (shared_->is_of_today(errand.budget)) shared_->trust.put(name, kept);
  return kept;
}

SharedTrust Validator::keep_fault(const Errand& errand, const dns::Name& name, dnssec::Reason reason,
                                  const BudgetEffort& effort, bool is_certain) {
  ZoneTrust trust = bogus(std::move(reason), clock_->now());
  // A ledger that is spent keeps others from being asked, whatever spent it.
  const std::optional<Limit> limit = effort.cut_by() ? effort.cut_by() : errand.budget.exhausted();
  if (!limit || (is_certain && !is_of_candidates(*limit))) return keep(errand, name, std::move(trust));
  trust.kind = Kind::unchecked;
  trust.limit = limit;
  if (effort.is_of_the_zone(*limit)) return keep(errand, name, std::move(trust));
  return std::make_shared<const ZoneTrust>(std::move(trust));
}

/// The zone's DNSKEY RRset, checked against what vouches for it; once more from another server when it is bogus.
Task<Validator::Result<SharedTrust>> Validator::keys_of(const Errand& errand, const dns::Name& zone,
                                                        const dnssec::Vouchers& vouchers, Instant most) {
  const Settings& settings = errand.settings;
  const dns::Question question{zone, dns::type::dnskey};
  if (const auto checkable = dnssec::can_be_checked(zone, vouchers, rules(settings)); !checkable) {
    tell(errand, {zone, dns::type::ds}, zone, [&] { return std::string{checkable.error().text}; });
    co_return keep(errand, zone, {.kind = Kind::insecure, .reason = checkable.error(), .expires = most});
  }
  dnssec::Reason why;
  std::optional<dns::IpAddress> not_from;
  bool is_certain = false;  // one server's answer was looked at to its end
  BudgetEffort effort{errand.budget};
  for (const Fetcher::Source source : both_sources) {
    auto found = co_await fetcher_->fetch(errand, question, source, not_from);
    if (!found && !why.text.empty()) break;  // nobody else to ask: it stays as bad as it was
    if (!found) co_return std::unexpected{std::move(found.error())};
    if (found->kind == ReplyKind::answer && found->chain.empty() && found->data) {
      const dns::RRset& keys = *found->data;
      const dnssec::SignatureRules rules_now = rules(settings);
      auto entries = dnssec::entry_points(zone, keys.rdata, vouchers, rules_now);
      Checked checked = std::unexpected{entries ? dnssec::Reason{} : std::move(entries.error())};
      if (entries)
        checked = co_await check(errand, keys, signatures_at(found->signatures, zone), *entries, rules_now, effort);
      if (checked) {
        auto all = std::make_shared<const dnssec::ZoneKeys>(zone, keys.rdata);
        tell(errand, question, zone,
             [&] { return fmt::format("{} keys, {}", all->count(), dnssec::signature_text(*checked)); });
        const Instant expires = std::min(most, clock_->now() + lifetime(checked->ttl, settings));
        co_return keep(errand, zone, {.kind = Kind::secure, .keys = std::move(all), .expires = expires});
      }
      why = std::move(checked.error());
      if (dnssec::has_too_many_ds(vouchers, rules_now)) effort.skipped(dnssec::Candidates::ds_of_zone);
    } else {
      why = {dns::EdeCode::dnskey_missing,
             fmt::format("zone {}: it has a DS or trust anchor, but no DNSKEY", zone.to_text())};
    }
    tell(errand, question, zone, [&] { return std::string{why.text}; });
    not_from = found->from;
    if (errand.budget.exhausted()) break;
    is_certain = is_certain || !effort.cut_by();
  }
  co_return keep_fault(errand, zone, std::move(why), effort, is_certain);
}

Task<Validator::Result<SharedTrust>> Validator::trust_of(const Errand& errand, const dns::Name& zone, unsigned depth) {
  auto trust = co_await find_trust(errand, zone, depth);
  if (trust && (*trust)->kind == Kind::unchecked)
    co_return std::unexpected{not_checked(errand.budget, *(*trust)->limit, (*trust)->reason)};
  co_return trust;
}

Task<Validator::Result<SharedTrust>> Validator::find_trust(const Errand& errand, const dns::Name& zone,
                                                           unsigned depth) {
  const Instant now = clock_->now();
  const Settings& settings = errand.settings;
  if (is_excepted(zone, settings))
    co_return std::make_shared<const ZoneTrust>(ZoneTrust{.kind = Kind::insecure, .expires = now + plain_lifetime});
  if (auto known = shared_->trust.find(zone, now)) {
    tell_remembered(errand, zone, *known, now);
    co_return known;
  }
  const TrustAnchor* anchor = anchor_above(zone, settings);
  if (anchor == nullptr)
    co_return std::make_shared<const ZoneTrust>(ZoneTrust{.kind = Kind::insecure, .expires = now + plain_lifetime});
  const Turns::Turn turn = co_await turns_.take(zone);
  if (auto known = shared_->trust.find(zone, clock_->now())) co_return known;
  // An anchor needs nobody above it, and nobody above it has a say.
  if (anchor->zone == zone)
    co_return co_await keys_of(errand, zone, anchor->vouchers, now + lifetime(settings.max_ttl, settings));
  if (depth >= max_chain_depth) {
    errand.budget.exhaust(Limit::nested_depth);
    co_return std::unexpected{Failure{
        {dns::EdeCode::dnssec_indeterminate, fmt::format("the chain of trust to {} is too long", zone.to_text())},
        FailureScope::asker}};
  }
  const dns::Question question{zone, dns::type::ds};
  SharedTrust trust;
  std::optional<dns::IpAddress> not_from;
  for (const Fetcher::Source source : both_sources) {
    auto found = co_await fetcher_->fetch(errand, question, source, not_from);
    if (!found && trust) break;  // nobody else to ask: it stays as bad as it was
    if (!found) co_return std::unexpected{std::move(found.error())};
    auto followed = co_await follow_ds(errand, zone, *found, depth);
    if (!followed) co_return followed;
    trust = std::move(*followed);
    if (!is_fault(trust->kind) || errand.budget.exhausted()) break;
    not_from = found->from;
  }
  co_return trust;
}

/// What a reply to a question for the zone's DS says of it.
Task<Validator::Result<SharedTrust>> Validator::follow_ds(const Errand& errand, const dns::Name& zone,
                                                          const Classified& found, unsigned depth) {
  const Settings& settings = errand.settings;
  const dns::Question question{zone, dns::type::ds};
  const dns::Name& top = anchor_above(zone, settings)->zone;
  const std::vector<dns::Name> signers = signers_of_ds(found, zone, top);
  const dns::Name parent = signers.empty() ? zone.parent() : signers.front();
  Result<SharedTrust> above;
  if (signers.empty()) {
    above = co_await unsigned_at(errand, parent, depth + 1);
  } else {
    above = co_await trust_of(errand, parent, depth + 1);
  }
  if (!above) co_return above;
  const Instant now = clock_->now();
  const SharedTrust& signer = *above;
  if (signer->kind == Kind::insecure)
    co_return keep(errand, zone, {.kind = Kind::insecure, .reason = signer->reason, .expires = signer->expires});
  if (signer->kind == Kind::bogus)
    co_return keep(errand, zone, {.kind = Kind::bogus, .reason = signer->reason, .expires = signer->expires});
  if (signer->kind != Kind::secure) {
    co_return keep(errand, zone,
                   bogus({dns::EdeCode::dnssec_bogus,
                          fmt::format("{} DS: signed by {}, which is no zone", zone.to_text(), parent.to_text())},
                         now));
  }
  BudgetEffort effort{errand.budget};
  const dnssec::SignatureRules rules_now = rules(settings);
  const auto check_one = [&](const dns::RRset& set) {
    return check(errand, set, signatures_at(found.signatures, set.owner), *signer->keys, rules_now, effort);
  };
  if (found.kind == ReplyKind::answer && found.chain.empty()) {
    auto checked = co_await check_one(*found.data);
    if (!checked || checked->is_expanded) {
      auto why = checked ? dnssec::Reason{dns::EdeCode::dnssec_bogus,
                                          fmt::format("{} DS: made from a wildcard", zone.to_text())}
                         : std::move(checked.error());
      tell(errand, question, parent, [&] { return std::string{why.text}; });
      co_return keep_fault(errand, zone, std::move(why), effort);
    }
    tell(errand, question, parent, [&] {
      return fmt::format("DS of {}, {}", dnssec::ds_text(found.data->rdata), dnssec::signature_text(*checked));
    });
    // Not in braces inside the call: GCC 12 destroys such temporaries twice across a suspension.
    const dnssec::Vouchers vouchers{octets_of(*found.data), {}};
    const Instant expires = std::min(signer->expires, now + lifetime(checked->ttl, settings));
    co_return co_await keys_of(errand, zone, vouchers, expires);
  }
  if (!found.chain.empty()) {  // an alias is no cut
    auto checked = co_await check_one(found.chain.front());
    if (!checked) co_return keep_fault(errand, zone, std::move(checked.error()), effort);
    const Instant expires = std::min(signer->expires, now + lifetime(checked->ttl, settings));
    co_return keep(errand, zone, {.kind = Kind::no_cut, .expires = expires});
  }
  std::vector<dnssec::DenialRecord> records;
  dns::Ttl ttl = settings.negative_max_ttl;
  for (const dns::RRset& set : found.proof) {
    if (set.rdata.count() != 1) continue;
    if (records.size() == rules_now.limits.denial_records) {
      effort.skipped(dnssec::Candidates::denial_records);
      break;
    }
    const auto checked = co_await check_one(set);
    if (!checked || checked->is_expanded) continue;
    ttl = std::min(ttl, checked->ttl);
    records.push_back({set.owner, set.type, set.rdata.at(0)});
  }
  dnssec::Prover prover{parent, records, rules_now.limits, effort};
  auto proof = prover.no_ds(zone);
  const Instant expires = std::min(signer->expires, now + lifetime(ttl, settings));
  using Cut = dnssec::Prover::Cut;
  switch (proof.cut) {
    case Cut::unsigned_zone:
    case Cut::perhaps_a_zone:
      tell(errand, question, parent, [&] { return std::string{"proven: an unsigned zone may begin here"}; });
      co_return keep(errand, zone, {.kind = Kind::insecure, .reason = std::move(proof.reason), .expires = expires});
    case Cut::none:
      tell(errand, question, parent, [&] { return std::string{"proven: no zone begins here"}; });
      co_return keep(errand, zone, {.kind = Kind::no_cut, .expires = expires});
    case Cut::no_name:
      tell(errand, question, parent, [&] { return std::string{"proven: there is no such name"}; });
      co_return keep(errand, zone, {.kind = Kind::no_name, .expires = expires});
    case Cut::unproven:
      break;
  }
  tell(errand, question, parent, [&] { return std::string{proof.reason.text}; });
  co_return keep_fault(errand, zone, std::move(proof.reason), effort);
}

Task<Validator::Result<SharedTrust>> Validator::unsigned_at(const Errand& errand, const dns::Name& name,
                                                            unsigned depth) {
  const Instant now = clock_->now();
  const Settings& settings = errand.settings;
  const TrustAnchor* anchor = anchor_above(name, settings);
  if (anchor == nullptr || is_excepted(name, settings))
    co_return std::make_shared<const ZoneTrust>(ZoneTrust{.kind = Kind::insecure, .expires = now + plain_lifetime});

  // From the deepest name that is known already, and from there by the cuts that the walk to the answer has seen.
  dns::Name start = anchor->zone;
  std::vector<dns::Name> cuts;
  for (dns::Name at = name; at.is_strictly_below(anchor->zone); at = at.parent()) {
    const SharedTrust known = shared_->trust.find(at, now);
    if (known && known->kind == Kind::insecure) {
      tell_remembered(errand, at, *known, now);
      co_return known;
    }
    if (known && known->kind == Kind::secure) {
      start = at;
      break;
    }
  }
  for (dns::Name at = name; at.is_strictly_below(start);) {
    const SharedDelegation cut = shared_->cache.deepest_delegation(at, now);
    if (!cut || !cut->zone.is_strictly_below(start)) break;
    cuts.push_back(cut->zone);
    at = cut->zone.parent();
  }
  auto trust = co_await trust_of(errand, start, depth + 1);
  if (!trust || (*trust)->kind != Kind::secure) co_return trust;
  std::ranges::reverse(cuts);
  for (const dns::Name& cut : cuts) {
    auto found = co_await trust_of(errand, cut, depth + 1);
    if (!found || (*found)->kind == Kind::insecure || (*found)->kind == Kind::bogus) co_return found;
    if ((*found)->kind == Kind::secure) start = cut;
  }
  // No cut that was seen is unsigned. One may still hide: zones above and below it can share their servers.
  const std::size_t last = std::min(name.label_count(), start.label_count() + max_hidden_labels);
  for (std::size_t count = start.label_count() + 1; count <= last; ++count) {
    const dns::Name at = name.suffix(count);
    auto found = co_await trust_of(errand, at, depth + 1);
    if (!found || (*found)->kind == Kind::insecure || (*found)->kind == Kind::bogus) co_return found;
    if ((*found)->kind == Kind::secure) start = at;
    if (is_private_zone(at, name, (*found)->kind, settings))
      co_return keep(errand, at, {.kind = Kind::insecure, .expires = (*found)->expires});
    if ((*found)->kind == Kind::no_name) break;
  }
  co_return std::make_shared<const ZoneTrust>(
      bogus({dns::EdeCode::rrsigs_missing,
             fmt::format("{}: no RRSIG, though zone {} is signed", name.to_text(), start.to_text())},
            now));
}

}  // namespace redoubt::resolver
