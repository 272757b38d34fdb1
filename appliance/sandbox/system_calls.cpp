#include "appliance/sandbox/system_calls.hpp"

#include <fmt/format.h>
#include <seccomp.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <type_traits>
#include <vector>

#include "appliance/sandbox/profiles.hpp"

namespace redoubt::sandbox {

namespace {

using Done = std::expected<void, std::string>;
using Filter = std::unique_ptr<std::remove_pointer_t<scmp_filter_ctx>, decltype(&seccomp_release)>;

/// The kernel remembers which calls are allowed whatever their arguments are. This one, whose arguments are looked at,
/// is made for each query to a server, and goes through all filters each time: it is looked for first.
constexpr int most_frequent_with_conditions = SCMP_SYS(setsockopt);
constexpr std::uint8_t first_of_all = 255;

std::unexpected<std::string> trouble(std::string_view what, int result) {
  return std::unexpected{fmt::format("seccomp: {}: {}", what, std::strerror(-result))};
}

/// What monitor's children do stacks on what monitor may: it has the calls of all of them, and looks at no arguments.
bool looks_at_arguments(channel::Role role) { return role != channel::Role::monitor; }

int add(scmp_filter_ctx filter, const Allowed& allowed, bool with_conditions) {
  std::vector<scmp_arg_cmp> comparisons;
  for (const Condition& condition : allowed.conditions) {
    if (condition.mask == 0 || !with_conditions) continue;
    const std::uint64_t value =
        condition.value == own_process ? static_cast<std::uint64_t>(::getpid()) : condition.value;
    comparisons.push_back(
        {.arg = condition.argument, .op = SCMP_CMP_MASKED_EQ, .datum_a = condition.mask, .datum_b = value});
  }
  return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, allowed.call, static_cast<unsigned>(comparisons.size()),
                                comparisons.data());
}

Done fill(scmp_filter_ctx filter, channel::Role role, bool with_folder) {
  for (const Group& group : groups_of(role, with_folder)) {
    for (const Allowed& allowed : group) {
      const int result = add(filter, allowed, looks_at_arguments(role));
      if (result != 0) return trouble(fmt::format("call {}", allowed.call), result);
    }
  }
  for (const int call : missing_calls()) {
    if (role == channel::Role::monitor && call == SCMP_SYS(close_range)) continue;
    const int result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), call, 0);
    if (result != 0) return trouble(fmt::format("missing call {}", call), result);
  }
  return {};
}

}  // namespace

Done allow_system_calls(channel::Role role, bool with_folder) {
  const Filter filter{seccomp_init(SCMP_ACT_ERRNO(EPERM)), &seccomp_release};
  if (!filter) return std::unexpected{std::string{"seccomp: no memory"}};
  int result = seccomp_syscall_priority(filter.get(), most_frequent_with_conditions, first_of_all);
  if (result != 0) return trouble("order", result);
  if (auto filled = fill(filter.get(), role, with_folder); !filled) return filled;
  result = seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_TSYNC, 1);
  if (result != 0) return trouble("all threads", result);
  result = seccomp_load(filter.get());
  if (result != 0) return trouble("load", result);
  return {};
}

}  // namespace redoubt::sandbox
