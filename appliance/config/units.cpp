#include "appliance/config/units.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace redoubt::config {

namespace {

struct Unit {
  std::string_view suffix;
  std::uint64_t factor;
};

// Largest first, for printing.
constexpr std::array size_units{Unit{"GiB", 1ULL << 30U}, Unit{"MiB", 1ULL << 20U}, Unit{"KiB", 1ULL << 10U},
                                Unit{"", 1}};
constexpr std::array duration_units{Unit{"d", 86'400'000}, Unit{"h", 3'600'000}, Unit{"m", 60'000}, Unit{"s", 1000},
                                    Unit{"ms", 1}};
// Far above every range of the settings, and far from overflow.
constexpr std::uint64_t longest_duration = std::uint64_t{1} << 50U;

template <std::size_t count>
std::optional<std::uint64_t> quantity(std::string_view text, const std::array<Unit, count>& units) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto value = number_from_text(text.substr(0, digits));
  const auto unit = std::ranges::find(units, text.substr(digits), &Unit::suffix);
  if (!value || unit == units.end() || *value > std::numeric_limits<std::uint64_t>::max() / unit->factor)
    return std::nullopt;
  return *value * unit->factor;
}

template <std::size_t count>
std::string to_text(std::uint64_t value, std::string_view zero, const std::array<Unit, count>& units) {
  if (value == 0) return std::string{zero};
  for (const Unit& unit : units) {
    if (value % unit.factor == 0) return fmt::format("{}{}", value / unit.factor, unit.suffix);
  }
  return {};  // not reached: the last unit is 1
}

}  // namespace

std::optional<std::uint64_t> number_from_text(std::string_view text) {
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc{} || stopped != end) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> size_from_text(std::string_view text) { return quantity(text, size_units); }
std::string size_to_text(std::uint64_t octets) { return to_text(octets, "0", size_units); }

std::optional<std::chrono::milliseconds> duration_from_text(std::string_view text) {
  const auto value = quantity(text, duration_units);
  if (!value || *value > longest_duration) return std::nullopt;
  return std::chrono::milliseconds{static_cast<std::int64_t>(*value)};
}
std::string duration_to_text(std::chrono::milliseconds duration) {
  return to_text(static_cast<std::uint64_t>(duration.count()), "0s", duration_units);
}

std::optional<std::pair<std::uint16_t, std::uint16_t>> ports_from_text(std::string_view text) {
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto first = number_from_text(text.substr(0, dash));
  const auto last = number_from_text(text.substr(dash + 1));
  if (!first || !last || *first == 0 || *first > *last || *last > 65535) return std::nullopt;
  return std::pair{static_cast<std::uint16_t>(*first), static_cast<std::uint16_t>(*last)};
}

}  // namespace redoubt::config
