#include "resolver/role/client_claims.hpp"

#include <algorithm>

#include "dns/packet/packet_cache.hpp"

namespace redoubt::resolver {

namespace {
constexpr std::size_t client_octets = std::tuple_size_v<policy::ClientCookie>;
static_assert(dns::cookie_option_octets == 4 + client_octets + policy::server_cookie_octets);
}  // namespace

std::optional<dns::Cookie> Claim::cookie() const {
  if (!has_cookie) return std::nullopt;
  return dns::Cookie{client, {server.begin(), server.end()}};
}

std::size_t Claim::add_to(std::span<std::uint8_t> room, std::size_t octets) const {
  if (!has_cookie) return octets;
  constexpr std::uint8_t data_octets = client_octets + policy::server_cookie_octets;
  room[octets - 1] = dns::cookie_option_octets;  // the length of the RDATA, which was zero
  const std::array<std::uint8_t, 4> head{0, static_cast<std::uint8_t>(dns::OptionCode::cookie), 0, data_octets};
  auto at = room.begin() + static_cast<std::ptrdiff_t>(octets);
  at = std::ranges::copy(head, at).out;
  at = std::ranges::copy(client, at).out;
  std::ranges::copy(server, at);
  return octets + dns::cookie_option_octets;
}

void ClientClaims::begin_batch(WallTime now) {
  seconds_ = static_cast<std::uint64_t>(std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count());
}

Claim ClientClaims::judge(std::span<const std::uint8_t> cookie, const dns::IpAddress& address) const {
  Claim claim;
  if (cookie.size() < client_octets) return claim;
  claim.has_cookie = true;
  std::ranges::copy(cookie.first(client_octets), claim.client.begin());
  const auto server = cookie.subspan(client_octets);
  const auto now = static_cast<policy::CookieTime>(seconds_);  // modulo 2^32, as cookies have it
  claim.is_proven = cookies_->is_good(claim.client, server, address, now);
  claim.server = cookies_->answer_to(claim.client, server, address, now);
  return claim;
}

Claim ClientClaims::judge(const std::optional<dns::Edns>& edns, const dns::IpAddress& address) const {
  if (!edns || !edns->cookie) return {};
  std::array<std::uint8_t, 40> whole;  // RFC 7873 §4: no cookie is longer
  auto end = std::ranges::copy(edns->cookie->client, whole.begin()).out;
  end = std::ranges::copy(edns->cookie->server, end).out;
  return judge(std::span{whole.begin(), end}, address);
}

}  // namespace redoubt::resolver
