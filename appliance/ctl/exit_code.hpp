#pragma once

namespace redoubt::ctl {

/// What scripts can rely on.
enum class ExitCode : int {
  done = 0,
  failed = 1,       ///< what was asked for did not work, or the answer is no
  usage = 2,        ///< the command line makes no sense
  unreachable = 3,  ///< resolverd cannot be reached, or the resolver that was to be asked
};

}  // namespace redoubt::ctl
