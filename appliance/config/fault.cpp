#include "appliance/config/fault.hpp"

#include <fmt/format.h>

#include "appliance/log/log.hpp"

namespace redoubt::config {

namespace {
constexpr std::size_t max_quoted_octets = 60;
}

Place place_in(const Places& places, std::string_view setting, std::size_t entry) {
  std::string key{setting};
  if (const std::size_t at = key.find("[]"); at != std::string::npos) key.replace(at, 2, fmt::format("[{}]", entry));
  const auto found = places.find(key);
  return found == places.end() ? Place{} : found->second;
}

std::string Remark::to_text(std::string_view file) const {
  if (place.line == 0) return fmt::format("{}: {}", log::printable(file), text);
  return fmt::format("{}:{}:{}: {}", log::printable(file), place.line, place.column, text);
}

std::string quoted(std::string_view text) {
  if (text.size() <= max_quoted_octets) return fmt::format("'{}'", log::printable(text));
  return fmt::format("'{}...'", log::printable(text.substr(0, max_quoted_octets)));
}

}  // namespace redoubt::config
