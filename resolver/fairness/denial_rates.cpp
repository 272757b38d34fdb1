#include "resolver/fairness/denial_rates.hpp"

#include <algorithm>

namespace redoubt::resolver {

namespace {
constexpr std::chrono::seconds window{1};
/// What one client costs itself for the same question: it may spend the zone's rate divided by this.
constexpr int client_price = 2;
/// What clients may spend of the zone's rate who have spent of it within the last window; the rest is for those who
/// have not. A few that flood a registry's zone must not keep all others from the names in it.
constexpr Duration window_of_spenders = std::chrono::milliseconds{750};
/// Outcomes that it takes to change one's mind about a zone.
constexpr float smoothing = 16;
}  // namespace

bool DenialRates::Account::has_left(Duration price, Instant now, Duration room) const {
  const auto expected = static_cast<std::int64_t>(static_cast<float>(under_way) * useless) + 1;
  return std::max(spent_until, now) + price * expected <= now + room;
}

void DenialRates::Account::end(Duration price, Instant now, bool of_use) {
  if (under_way != 0) --under_way;  // the account may have been forgotten meanwhile
  useless += ((of_use ? 0.0F : 1.0F) - useless) / smoothing;
  if (of_use) return;
  spent_until = std::max(spent_until, now) + price;
  spent_last = now;
}

bool DenialRates::begin(Holder zone, Holder client, std::uint64_t a_second, Instant now) {
  const Duration price_of_one = price(a_second);
  const Holder part = together(zone, client);
  const std::lock_guard guard{lock_};
  Duration room = window;
  Account* const own = client != Holder::nobody ? &accounts_.touch(part) : nullptr;
  if (own != nullptr) {
    if (!own->has_left(price_of_one * client_price, now, window)) return false;
    if (guards_.fresh_quarter && own->spent_last && now - *own->spent_last < window) room = window_of_spenders;
  }
  Account& of_zone = accounts_.touch(zone);  // there is room for both: the other one stays
  if (!of_zone.has_left(price_of_one, now, room)) return false;
  ++of_zone.under_way;
  if (own != nullptr) ++own->under_way;
  return true;
}

void DenialRates::end(Holder zone, Holder client, std::uint64_t a_second, Instant now, bool of_use) {
  const Duration price_of_one = price(a_second);
  const std::lock_guard guard{lock_};
  accounts_.touch(zone).end(price_of_one, now, of_use);
  if (client != Holder::nobody) accounts_.touch(together(zone, client)).end(price_of_one * client_price, now, of_use);
}

std::size_t DenialRates::size() const {
  const std::lock_guard guard{lock_};
  return accounts_.size();
}

}  // namespace redoubt::resolver
