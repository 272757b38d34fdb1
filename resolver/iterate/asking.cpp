#include "resolver/iterate/asking.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace redoubt::resolver {

bool may_ask(const dns::IpAddress& address, const Settings& settings) {
  if (address.unmapped() != address) return false;
  if (address.is_v6() ? !settings.ipv6 : !settings.ipv4) return false;
  return std::ranges::none_of(settings.do_not_query,
                              [&](const dns::Prefix& prefix) { return prefix.contains(address); });
}

Asking::Asking(const Errand& errand, SharedDelegation cut, unsigned tries)
    : errand_{&errand}, cut_{std::move(cut)}, most_tries_{errand.settings.guards.tries_bound ? tries : 1000} {
  for (const NameServer& server : cut_->servers) {
    const bool usable =
        std::ranges::any_of(server.addresses, [&](const auto& address) { return may_ask(address, errand.settings); });
    // All glue has to come with a referral only for servers in the zone itself (RFC 9471); others may have more
    // addresses.
    const bool may_have_others = server.addresses.empty() || !server.name.is_at_or_below(cut_->zone);
    if (!usable && may_have_others) without_address_.push_back(server.name);
    for (const dns::IpAddress& address : server.addresses) add(address);
  }
  if (errand.not_from && (known_.size() > 1 || !without_address_.empty()) && find(*errand.not_from) != nullptr)
    give_up(*errand.not_from);
}

const Asking::Known* Asking::find(const dns::IpAddress& address) const {
  const auto at = std::ranges::lower_bound(known_, address, {}, &Known::address);
  return at == known_.end() || at->address != address ? nullptr : &*at;
}

Asking::Known& Asking::at(const dns::IpAddress& address) {
  const auto at = std::ranges::lower_bound(known_, address, {}, &Known::address);
  return at == known_.end() || at->address != address ? *known_.insert(at, {address}) : *at;
}

void Asking::add(const dns::IpAddress& address) {
  if (may_ask(address, errand_->settings)) at(address);
}

Asking::Addresses Asking::willing() const {
  unsigned fewest = most_tries_;
  for (const Known& known : known_) fewest = std::min(fewest, known.tries);
  Addresses addresses;
  if (fewest == most_tries_) return addresses;
  for (const Known& known : known_) {
    if (known.tries == fewest) addresses.push_back(known.address);
  }
  return addresses;
}

bool Asking::all_asked() const {
  return std::ranges::all_of(known_, [](const Known& known) { return known.tries != 0; });
}

unsigned Asking::tries(const dns::IpAddress& address) const {
  const Known* known = find(address);
  return known == nullptr ? 0 : known->tries;
}

std::optional<dns::Name> Asking::next_name_to_look_up(Random& random) {
  if (without_address_.empty()) return std::nullopt;
  if (lookups_ >= errand_->settings.limits[Limit::nameserver_lookups]) {
    note(fmt::format("limit {} reached", name_of(Limit::nameserver_lookups)));
    without_address_.clear();
    return std::nullopt;
  }
  ++lookups_;
  const std::size_t pick = random.below(static_cast<std::uint32_t>(without_address_.size()));
  std::swap(without_address_[pick], without_address_.back());
  dns::Name name = without_address_.back();
  without_address_.pop_back();
  return name;
}

dns::Name Asking::server_name(const dns::IpAddress& address) const {
  for (const NameServer& server : cut_->servers) {
    if (std::ranges::find(server.addresses, address) != server.addresses.end()) return server.name;
  }
  return {};
}

void Asking::note(std::string trouble, FailureScope scope) {
  trouble_ = std::move(trouble);
  nested_.reset();
  scope_ = std::max(scope_, scope);
}

void Asking::note_server(Failure trouble) {
  broken_ = broken_ || trouble.told.code == dns::EdeCode::network_error;
  note(std::move(trouble.told.text), trouble.scope);
}

void Asking::note(Failure nested) {
  nested_ = std::move(nested.told);
  scope_ = std::max(scope_, nested.scope);
}

Asking::Addresses Asking::show_once(const std::function<bool(const dns::IpAddress&)>& is_such) {
  Addresses shown;
  for (Known& known : known_) {
    if (known.is_shown || !is_such(known.address)) continue;
    known.is_shown = true;
    shown.push_back(known.address);
  }
  return shown;
}

std::size_t Asking::count_addresses(const std::function<bool(const dns::IpAddress&)>& is_such) const {
  return static_cast<std::size_t>(std::ranges::count_if(known_, is_such, &Known::address));
}

Failure Asking::failure(std::size_t aside) const {
  if (nested_) return {.told = *nested_, .scope = scope_, .heard = heard_};
  const std::string_view why =
      trouble_.empty() ? "none of its servers has an address that may be asked" : std::string_view{trouble_};
  const dns::EdeCode code = broken_                         ? dns::EdeCode::network_error
                            : scope_ == FailureScope::house ? dns::EdeCode::other
                                                            : dns::EdeCode::no_reachable_authority;
  std::string text = fmt::format("at delegation {}: {}", cut_->zone.to_text(), why);
  if (aside != 0) {
    text += fmt::format("; {} of {} addresses put aside", aside, known_.size());
    if (cut_->zone.is_root()) text += " (is port 53 intercepted?)";
  }
  return {.told = {code, std::move(text)}, .scope = scope_, .heard = heard_};
}

}  // namespace redoubt::resolver
