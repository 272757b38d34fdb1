#pragma once
// Which user a role runs as.
#include <sys/types.h>

#include <optional>
#include <string_view>

#include "appliance/channel/roles.hpp"

namespace redoubt::sandbox {

struct Account {
  std::string_view name;
  uid_t user;
  gid_t group;
  bool found;  ///< false: the system has no such account, these are the fixed numbers
};

/// Nothing for monitor, which keeps the user it was started as.
std::optional<Account> account_of(channel::Role role);

}  // namespace redoubt::sandbox
