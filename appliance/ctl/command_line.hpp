#pragma once
// resolverctl's command line, from words to an exit code; main() is a thin wrapper, so that tests can run whole
// commands.
#include <ostream>
#include <string>
#include <vector>

#include "appliance/ctl/exit_code.hpp"

namespace redoubt::ctl {

/// arguments: without the program's name.
ExitCode run(std::vector<std::string> arguments, std::ostream& out, std::ostream& err);

}  // namespace redoubt::ctl
