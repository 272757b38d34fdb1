#pragma once
// Landlock, spoken to the kernel directly: the headers of Debian 12 know version 2 only, kernels today 7.
#include <expected>
#include <span>
#include <string>

#include "appliance/channel/roles.hpp"
#include "appliance/sandbox/sandbox.hpp"

namespace redoubt::sandbox {

/// Closes the file system but for `reachable`, TCP as the role needs it, abstract unix sockets and signals to others,
/// each as far as the kernel can. monitor, whose children inherit its walls, gets the last two alone. An error when the
/// kernel has no Landlock at all.
std::expected<void, std::string> confine(channel::Role role, std::span<const Reach> reachable);

}  // namespace redoubt::sandbox
