#pragma once
// What a negative trust anchor that was given for a while is held to, for who reads the request and for who keeps it.
#include <chrono>
#include <cstddef>

namespace redoubt::control {

inline constexpr std::size_t max_negative_anchors = 200;
inline constexpr std::chrono::seconds least_negative_anchor{60};
inline constexpr std::chrono::seconds most_negative_anchor{7 * 86'400};  // RFC 7646 §2
inline constexpr std::size_t max_reason_octets = 200;

}  // namespace redoubt::control
