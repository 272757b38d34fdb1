#pragma once
// What resolverd is called with.
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "appliance/channel/roles.hpp"

namespace redoubt::monitor {

struct CommandLine {
  std::string configuration;          ///< path; empty: the built-in default
  std::optional<channel::Role> role;  ///< set by monitor for its children only
#ifdef REDOUBT_TEST_HOOKS
  std::string clock_offset_file;  ///< path; empty: the clock is the machine's
#endif
  bool help = false;
  bool version = false;
};

/// arguments: without the program's name. The error is one line.
std::expected<CommandLine, std::string> parse_command_line(std::span<char* const> arguments);
std::string_view usage();

}  // namespace redoubt::monitor
