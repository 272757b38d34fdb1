#pragma once
// The system calls of each role, as tables. What is not in them is refused.
#include <array>
#include <cstdint>
#include <span>

#include "appliance/channel/roles.hpp"

namespace redoubt::sandbox {

/// argument & mask == value. A mask of 32 bits is enough for an int: the kernel does not look at the rest either.
struct Condition {
  std::uint32_t argument = 0;
  std::uint64_t mask = 0;  ///< 0: no condition
  std::uint64_t value = 0;
};

/// One call, allowed when all its conditions hold. Several rows of one call: any of them.
struct Allowed {
  int call;  ///< as libseccomp numbers it
  std::array<Condition, 3> conditions{};
};

/// Stands for the process's own number in a condition's value.
inline constexpr std::uint64_t own_process = ~std::uint64_t{0};

using Group = std::span<const Allowed>;

/// The groups that a role may use.
/// with_folder  something of the file system stays reachable: keykeeper then has calls for files and threads
std::span<const Group> groups_of(channel::Role role, bool with_folder = false);

/// Calls that must fail with ENOSYS rather than EPERM, for then glibc does it in an older way.
std::span<const int> missing_calls();

}  // namespace redoubt::sandbox
