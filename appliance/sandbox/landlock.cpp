#include "appliance/sandbox/landlock.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include "appliance/channel/channel.hpp"

namespace redoubt::sandbox {

namespace {

// linux/landlock.h of 6.15, as far as used here. Calls 444 to 446 have these numbers on every architecture.
constexpr long call_create_ruleset = 444;
constexpr long call_add_rule = 445;
constexpr long call_restrict_self = 446;
constexpr std::uint32_t create_ruleset_version = 1U << 0U;

constexpr std::uint64_t fs_execute = 1U << 0U;
constexpr std::uint64_t fs_write_file = 1U << 1U;
constexpr std::uint64_t fs_read_file = 1U << 2U;
constexpr std::uint64_t fs_read_dir = 1U << 3U;
constexpr std::uint64_t fs_remove_dir = 1U << 4U;
constexpr std::uint64_t fs_remove_file = 1U << 5U;
constexpr std::uint64_t fs_make_dir = 1U << 7U;
constexpr std::uint64_t fs_make_reg = 1U << 8U;
constexpr std::uint64_t fs_version_1 = (1U << 13U) - 1;
constexpr std::uint64_t fs_refer = 1U << 13U;      // version 2
constexpr std::uint64_t fs_truncate = 1U << 14U;   // version 3
constexpr std::uint64_t fs_ioctl_dev = 1U << 15U;  // version 5
constexpr std::uint64_t fs_of_files = fs_execute | fs_write_file | fs_read_file | fs_truncate | fs_ioctl_dev;

constexpr std::uint64_t net_bind_tcp = 1U << 0U;     // version 4
constexpr std::uint64_t net_connect_tcp = 1U << 1U;  // version 4

constexpr std::uint64_t scope_abstract_unix_socket = 1U << 0U;  // version 6
constexpr std::uint64_t scope_signal = 1U << 1U;                // version 6

enum class RuleType : int { path_beneath = 1, net_port = 2 };

struct RulesetAttributes {
  std::uint64_t handled_fs;
  std::uint64_t handled_net;
  std::uint64_t scoped;
};
struct [[gnu::packed]] PathBeneath {
  std::uint64_t allowed;
  std::int32_t parent;
};
struct NetPort {
  std::uint64_t allowed;
  std::uint64_t port;
};

/// Rights over files that a kernel of this version can take away.
std::uint64_t known_fs(long version) {
  std::uint64_t rights = fs_version_1;
  if (version >= 2) rights |= fs_refer;
  if (version >= 3) rights |= fs_truncate;
  if (version >= 5) rights |= fs_ioctl_dev;
  return rights;
}

RulesetAttributes attributes_of(channel::Role role, long version) {
  RulesetAttributes attributes{.handled_fs = 0, .handled_net = 0, .scoped = 0};
  if (role != channel::Role::monitor) {
    attributes.handled_fs = known_fs(version);
    if (version >= 4) attributes.handled_net = net_bind_tcp | net_connect_tcp;
    // Servers listen anywhere: which addresses are asked is the resolver's decision, by its do-not-query list.
    if (role == channel::Role::transport) attributes.handled_net &= ~net_connect_tcp;
  }
  if (version >= 6) attributes.scoped = scope_abstract_unix_socket | scope_signal;
  return attributes;
}

/// Older kernels refuse longer structures than they know.
std::size_t size_for(long version) {
  if (version >= 6) return sizeof(RulesetAttributes);
  return version >= 4 ? offsetof(RulesetAttributes, scoped) : offsetof(RulesetAttributes, handled_net);
}

std::unexpected<std::string> trouble(std::string_view what) {
  return std::unexpected{fmt::format("Landlock: {}: {}", what, std::strerror(errno))};
}

template <class Rule>
bool add_rule(const channel::Descriptor& ruleset, RuleType type, const Rule& rule) {
  return ::syscall(call_add_rule, ruleset.get(), static_cast<int>(type), &rule, 0U) == 0;
}

std::expected<void, std::string> open_way(const channel::Descriptor& ruleset, const Reach& reach,
                                          std::uint64_t handled) {
  struct stat status {};
  if (::fstat(reach.descriptor, &status) != 0) return trouble("fstat");
  std::uint64_t rights = fs_read_file | fs_read_dir;
  if (reach.writable) {
    rights |= fs_write_file | fs_truncate | fs_make_reg | fs_make_dir | fs_remove_file | fs_remove_dir | fs_refer;
  }
  if (!S_ISDIR(status.st_mode)) rights &= fs_of_files;
  const PathBeneath rule{.allowed = rights & handled, .parent = reach.descriptor};
  if (!add_rule(ruleset, RuleType::path_beneath, rule)) return trouble("a folder that should stay reachable");
  return {};
}

}  // namespace

std::expected<void, std::string> confine(channel::Role role, std::span<const Reach> reachable) {
  const long version = ::syscall(call_create_ruleset, nullptr, 0U, create_ruleset_version);
  if (version < 1) return trouble("not in this kernel");
  const RulesetAttributes attributes = attributes_of(role, version);
  if (attributes.handled_fs == 0 && attributes.scoped == 0) return {};  // monitor on a kernel without scopes

  const channel::Descriptor ruleset{
      static_cast<int>(::syscall(call_create_ruleset, &attributes, size_for(version), 0U))};
  if (!ruleset) return trouble("rule set");
  for (const Reach& reach : reachable) {
    if (auto opened = open_way(ruleset, reach, attributes.handled_fs); !opened) return opened;
  }
  if (role == channel::Role::transport && version >= 4) {
    // To choose a source address, with any port.
    const NetPort any_port{.allowed = net_bind_tcp, .port = 0};
    if (!add_rule(ruleset, RuleType::net_port, any_port)) return trouble("binding to port 0");
  }
  if (::syscall(call_restrict_self, ruleset.get(), 0U) != 0) return trouble("restricting this process");
  return {};
}

}  // namespace redoubt::sandbox
