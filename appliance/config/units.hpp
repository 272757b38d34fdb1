#pragma once
// Quantities as the configuration writes them. Units are never guessed: a duration without one is refused.
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace redoubt::config {

/// Digits alone; nothing for what does not fit.
std::optional<std::uint64_t> number_from_text(std::string_view text);

/// "256MiB", "64KiB", "1GiB", or octets without a unit.
std::optional<std::uint64_t> size_from_text(std::string_view text);
std::string size_to_text(std::uint64_t octets);

/// "100ms", "30s", "5m", "1h", "1d".
std::optional<std::chrono::milliseconds> duration_from_text(std::string_view text);
std::string duration_to_text(std::chrono::milliseconds duration);

/// "1024-65535": first and last, both from 1 to 65535, in this order.
std::optional<std::pair<std::uint16_t, std::uint16_t>> ports_from_text(std::string_view text);

}  // namespace redoubt::config
