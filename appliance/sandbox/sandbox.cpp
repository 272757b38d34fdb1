#include "appliance/sandbox/sandbox.hpp"

#include <fmt/format.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "appliance/sandbox/accounts.hpp"
#include "appliance/sandbox/capabilities.hpp"
#include "appliance/sandbox/landlock.hpp"
#include "appliance/sandbox/limits.hpp"
#include "appliance/sandbox/system_calls.hpp"

namespace redoubt::sandbox {

namespace {

using Done = std::expected<void, std::string>;

constexpr CapabilitySet folder_capabilities =
    capability(CAP_CHOWN) | capability(CAP_DAC_OVERRIDE) | capability(CAP_FOWNER);
constexpr CapabilitySet monitor_capabilities =
    capability(CAP_NET_BIND_SERVICE) | capability(CAP_SETUID) | capability(CAP_SETGID) | capability(CAP_KILL);

std::unexpected<std::string> trouble(std::string_view what) {
  return std::unexpected{fmt::format("{}: {}", what, std::strerror(errno))};
}

/// From root to the role's user, for good: real, effective and saved, no supplementary groups.
Done take_user(const Account& account) {
  if (::setgroups(0, nullptr) != 0) return trouble("setgroups");
  if (::setresgid(account.group, account.group, account.group) != 0) return trouble("setresgid");
  if (::setresuid(account.user, account.user, account.user) != 0) return trouble("setresuid");
  return {};
}

Done change_user(channel::Role role, CapabilitySet kept) {
  const auto account = account_of(role);
  if (!account || ::geteuid() != 0) return {};
  bound_capabilities(kept);
  // Without this the change of user would drop what is to be kept a little longer.
  if (kept != 0 && ::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) return trouble("PR_SET_KEEPCAPS");
  return take_user(*account);
}

}  // namespace

Done drop_rights(channel::Role role, bool keep_folder_capabilities) {
  const CapabilitySet kept = keep_folder_capabilities ? folder_capabilities : CapabilitySet{0};
  ::umask(077);
  if (auto changed = change_user(role, kept); !changed) return changed;
  if (role != channel::Role::monitor) {
    if (auto dropped = keep_capabilities(kept); !dropped) return dropped;
    // A role that hangs must not outlive its monitor and hold the ports: after the change of user, which would forget
    // this. The rule is that roles end by themselves when their channel to monitor closes.
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) return trouble("PR_SET_PDEATHSIG");
  }
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return trouble("PR_SET_NO_NEW_PRIVS");
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return trouble("PR_SET_DUMPABLE");
  return limit_resources(role);
}

Done enter(const Door& door) {
  std::string troubles;
  const auto note = [&troubles](const Done& done) {
    if (done) return;
    if (!troubles.empty()) troubles += "; ";
    troubles += done.error();
  };
  if (door.role != channel::Role::monitor) note(keep_capabilities(0));
  note(confine(door.role, door.reachable));
  note(allow_system_calls(door.role, !door.reachable.empty()));
  if (troubles.empty()) return {};
  return std::unexpected{troubles};
}

Done keep_only_monitor_capabilities() {
  bound_capabilities(monitor_capabilities);
  return keep_capabilities(monitor_capabilities);
}

}  // namespace redoubt::sandbox
