#pragma once
// The certificate that shows who we are where nobody issued one, and the key in it.
#include <chrono>
#include <expected>
#include <span>
#include <string>

#include "dnssec/tls/tls_keys.hpp"

namespace redoubt::keykeeper {

/// How long such a certificate lives, and with how much left it is made anew.
inline constexpr std::chrono::days self_signed_time{365};
inline constexpr std::chrono::days self_signed_left{31};

/// The same key at every start: whoever has pinned it finds it again. Null when it cannot be made.
Key derived_key(const Secret& secret);

/// DER. At least one name or address. errors   one line
std::expected<Octets, std::string> self_signed_certificate(EVP_PKEY& key, std::span<const std::string> names,
                                                           std::span<const dns::IpAddress> addresses,
                                                           std::span<const std::uint8_t> former);

}  // namespace redoubt::keykeeper
