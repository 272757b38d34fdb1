#include "appliance/channel/roles.hpp"

namespace redoubt::channel {

std::string_view to_text(Role role) {
  switch (role) {
    case Role::monitor:
      return "monitor";
    case Role::control:
      return "control";
    case Role::keykeeper:
      return "keykeeper";
    case Role::transport:
      return "transport";
    case Role::resolver:
      return "resolver";
  }
  return "unknown";
}

std::optional<Role> role_from_text(std::string_view text) {
  for (const Role role : {Role::monitor, Role::control, Role::keykeeper, Role::transport, Role::resolver}) {
    if (text == to_text(role)) return role;
  }
  return std::nullopt;
}

}  // namespace redoubt::channel
