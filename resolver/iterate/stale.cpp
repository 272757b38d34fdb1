// Answers from what has expired (RFC 8767), for when fresh ones are not to be had.
#include "dns/rdata.hpp"
#include "resolver/iterate/iterator.hpp"

namespace redoubt::resolver {

namespace {

/// What the cache keeps for the name: fresh before expired, the type itself before an alias.
std::optional<Found> kept(Cache& cache, const dns::Name& name, dns::RrType type, Instant now) {
  if (!cache.knows(name)) return std::nullopt;  // as a rule: this is asked before each resolution
  auto own = cache.find_kept(name, type, now);
  if (type == dns::type::cname || (own && own->expires > now)) return own;
  auto alias = cache.find_kept(name, dns::type::cname, now);
  const bool is_alias = alias && alias->kind == EntryKind::data;
  if (!is_alias) return own;
  return !own || alias->expires > now ? alias : own;
}

}  // namespace

SharedOutcome Iterator::stale(const dns::Question& question, const Settings& settings, Instant now,
                              std::string_view why, bool checks) {
  if (settings.stale == std::chrono::seconds::zero()) return nullptr;
  std::shared_ptr<Outcome> outcome;  // made when there is something to put into it
  dns::Name name = question.name;
  for (std::uint64_t step = 0; step <= settings.limits[Limit::alias_steps]; ++step) {
    auto found = kept(shared_->cache, name, question.type, now);
    if (!found) return nullptr;
    if (wanted(settings, checks) == Wanted::checked && !is_checked(found->standing.security)) return nullptr;
    if (!outcome) outcome = std::make_shared<Outcome>();
    outcome->stale = outcome->stale || found->expires <= now;
    if (found->kind != EntryKind::data) {
      outcome->rcode = found->kind == EntryKind::no_name ? dns::Rcode::nxdomain : dns::Rcode::noerror;
      outcome->deny(std::move(found->rrset), found->standing);
    } else {
      outcome->rcode = dns::Rcode::noerror;
      if (found->made_by) outcome->add(found->made_by, found->standing);
      outcome->add(found->rrset, {found->standing.security, found->made_by ? nullptr : found->standing.evidence});
    }
    const bool is_link =
        found->kind == EntryKind::data && found->rrset->type() == dns::type::cname && question.type != dns::type::cname;
    if (!is_link) {
      const bool denied = outcome->rcode == dns::Rcode::nxdomain;
      if (outcome->stale)
        outcome->error = {denied ? dns::EdeCode::stale_nxdomain : dns::EdeCode::stale_answer, std::string{why}};
      return outcome;
    }
    const auto target = dns::target_name(dns::type::cname, found->rrset->rdata().front());
    if (!target) return nullptr;
    name = *target;
  }
  return nullptr;
}

}  // namespace redoubt::resolver
