#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace redoubt::channel {

enum class Role : std::uint8_t { monitor, control, keykeeper, transport, resolver };
/// The children of monitor, in the order in which they are started.
inline constexpr std::array children{Role::control, Role::keykeeper, Role::transport, Role::resolver};

std::string_view to_text(Role role);
std::optional<Role> role_from_text(std::string_view text);

/// Who may talk to whom, beside monitor with each: the whole list.
struct Pair {
  Role first;
  Role second;
};
inline constexpr std::array pairs{Pair{Role::control, Role::resolver}, Pair{Role::control, Role::transport},
                                  Pair{Role::control, Role::keykeeper}, Pair{Role::resolver, Role::transport},
                                  Pair{Role::transport, Role::keykeeper}};

}  // namespace redoubt::channel
