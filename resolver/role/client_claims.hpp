#pragma once
// Whether a client has shown that the address is his own, and what he may be sent by UDP if not (RFC 7873; attacks:
// reflection). Single-threaded, as its worker is.
#include <cstdint>
#include <optional>
#include <span>

#include "dns/address.hpp"
#include "dns/edns.hpp"
#include "policy/cookies/server_cookies.hpp"
#include "policy/rates/amplified_answers.hpp"
#include "resolver/clock.hpp"

namespace redoubt::resolver {

/// What a query's cookie says.
struct Claim {
  bool has_cookie = false;
  bool is_proven = false;  ///< the cookie is one that only this address was told
  policy::ClientCookie client{};
  policy::ServerCookie server{};  ///< for the answer

  /// For an answer that is rendered; nothing for whoever sent none.
  std::optional<dns::Cookie> cookie() const;
  /// Into an answer's OPT, which has no options and stands at the end of its `octets`; the room has
  /// cookie_option_octets more. Octets of the whole.
  std::size_t add_to(std::span<std::uint8_t> room, std::size_t octets) const;
};

class ClientClaims {
 public:
  /// cookies outlives it.
  ClientClaims(const policy::ServerCookies& cookies, const dns::HashKey& key) : cookies_{&cookies}, amplified_{key} {}

  /// Amplified answers a second to one network without proof.
  void limit_to(std::uint32_t most) { most_ = most; }
  void begin_batch(WallTime now);

  /// cookie: both parts, as they stand in the option; empty: the query had none.
  Claim judge(std::span<const std::uint8_t> cookie, const dns::IpAddress& address) const;
  Claim judge(const std::optional<dns::Edns>& edns, const dns::IpAddress& address) const;
  /// False: send the question back instead (render_slip).
  bool may_leave(std::size_t query_octets, std::size_t answer_octets, const Claim& claim,
                 const dns::IpAddress& address) {
    if (claim.is_proven || answer_octets <= query_octets * policy::harmless_amplification) return true;
    return amplified_.may_leave(address, seconds_, most_);
  }

 private:
  const policy::ServerCookies* cookies_;
  policy::AmplifiedAnswers amplified_;
  std::uint32_t most_ = 0;
  std::uint64_t seconds_ = 0;
};

}  // namespace redoubt::resolver
