#pragma once
#include <cstdint>
#include <optional>
#include <span>

#include "resolver/network.hpp"

namespace redoubt::resolver {

/// Whether `reply` answers `query` (RFC 5452 §9.1): same id, QR set, same opcode, one question whose name is the same
/// octet for octet (case included, so that 0x20 counts), same type and class. Nothing behind the question is looked at.
/// `query` is our own message. Address and port are the connected socket's business.
bool is_reply_to(std::span<const std::uint8_t> query, std::span<const std::uint8_t> reply);

/// The same, and the cookie is ours (RFC 7873 §5.3). Octets behind the question that are no message have no cookie.
bool is_reply_to(std::span<const std::uint8_t> query, std::span<const std::uint8_t> reply,
                 const std::optional<ExpectedCookie>& cookie);

}  // namespace redoubt::resolver
