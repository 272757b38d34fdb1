#include "dnssec/verify/describe.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>

namespace redoubt::dnssec {

std::string set_name(const SetView& set) { return fmt::format("{} {}", set.owner.to_text(), dns::to_text(set.type)); }

std::string time_text(std::uint32_t seconds) {
  return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", std::chrono::sys_seconds{std::chrono::seconds{std::int64_t{seconds}}});
}

}  // namespace redoubt::dnssec
