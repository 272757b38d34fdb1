#include "appliance/sandbox/capabilities.hpp"

#include <fmt/format.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace redoubt::sandbox {

namespace {
using Halves = std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3>;
__user_cap_header_struct header() { return {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0}; }
}  // namespace

std::expected<void, std::string> keep_capabilities(CapabilitySet kept) {
  auto self = header();
  Halves halves{};
  if (::syscall(SYS_capget, &self, halves.data()) != 0) {
    return std::unexpected{fmt::format("capget: {}", std::strerror(errno))};
  }
  for (std::size_t i = 0; i < halves.size(); ++i) {
    const auto wanted = static_cast<std::uint32_t>(kept >> (32 * i));
    halves[i].permitted &= wanted;
    halves[i].effective = halves[i].permitted;
    halves[i].inheritable = 0;
  }
  ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);  // also a consequence of the next call
  self = header();
  if (::syscall(SYS_capset, &self, halves.data()) != 0) {
    return std::unexpected{fmt::format("capset: {}", std::strerror(errno))};
  }
  return {};
}

void bound_capabilities(CapabilitySet kept) {
  for (unsigned number = 0; number < 64; ++number) {
    if ((kept & capability(number)) != 0) continue;
    if (::prctl(PR_CAPBSET_DROP, number, 0, 0, 0) != 0 && errno == EPERM) return;
  }
}

}  // namespace redoubt::sandbox
