#pragma once
// The part of the command line about zones, keys and CAA.
#include <functional>
#include <memory>

#include "appliance/ctl/signing_options.hpp"

namespace CLI {
class App;
}

namespace redoubt::ctl {

/// Adds a command that does `action`.
using AddCommand = std::function<CLI::App*(CLI::App& parent, const char* name, const char* help,
                                           std::function<ExitCode(const Context&)>)>;

void add_signing_commands(CLI::App& app, const AddCommand& command);

}  // namespace redoubt::ctl
