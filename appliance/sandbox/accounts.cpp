#include "appliance/sandbox/accounts.hpp"

#include <pwd.h>

#include <cstdio>
#include <memory>

namespace redoubt::sandbox {

namespace {

// Where no package made accounts (a container, a build tree): out of 60706-61183, which neither Debian nor systemd hand
// out.
constexpr uid_t control_number = 60853;
constexpr uid_t resolver_number = 60854;
constexpr uid_t transport_number = 60855;
constexpr uid_t keys_number = 60856;

std::optional<Account> by_default(channel::Role role) {
  using channel::Role;
  switch (role) {
    case Role::monitor:
      return std::nullopt;
    case Role::control:
      return Account{"redoubt-control", control_number, control_number, false};
    case Role::keykeeper:
      return Account{"redoubt-keys", keys_number, keys_number, false};
    case Role::transport:
      return Account{"redoubt-transport", transport_number, transport_number, false};
    case Role::resolver:
      return Account{"redoubt-resolver", resolver_number, resolver_number, false};
  }
  return std::nullopt;
}

}  // namespace

std::optional<Account> account_of(channel::Role role) {
  auto account = by_default(role);
  if (!account) return std::nullopt;
  // The file itself rather than getpwnam(), which would load the system's name-service modules into every role.
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> accounts{std::fopen("/etc/passwd", "re"), &std::fclose};
  if (!accounts) return account;
  while (const passwd* row = ::fgetpwent(accounts.get())) {
    if (account->name != row->pw_name) continue;
    account->user = row->pw_uid;
    account->group = row->pw_gid;
    account->found = true;
    break;
  }
  return account;
}

}  // namespace redoubt::sandbox
