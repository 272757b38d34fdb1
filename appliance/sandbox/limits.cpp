#include "appliance/sandbox/limits.hpp"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace redoubt::sandbox {

namespace {

struct Limits {
  channel::Role role;
  rlim_t open_files;     ///< soft and hard
  rlim_t locked_octets;  ///< what mlock() may hold
};

// RLIMIT_FSIZE is left alone: standard error may be a file, and the limit would end the process with SIGXFSZ.
// RLIMIT_NPROC counts by user and would meet whatever else runs as that user; the system-call list keeps roles from
// making processes at all.
constexpr std::array limits{
    Limits{channel::Role::monitor, 65536, 0},          // a copy of every listener's sockets
    Limits{channel::Role::control, 4096, 0},           // store, API clients
    Limits{channel::Role::keykeeper, 64, 64U << 20U},  // channels alone; private keys in locked memory
    Limits{channel::Role::transport, 65536, 0},        // a connection each
    Limits{channel::Role::resolver, 65536, 0},         // an upstream socket for each exchange in flight
};

std::expected<void, std::string> limit(int resource, const char* name, rlim_t wanted) {
  rlimit current{};
  if (::getrlimit(static_cast<__rlimit_resource_t>(resource), &current) != 0) {
    return std::unexpected{fmt::format("getrlimit {}: {}", name, std::strerror(errno))};
  }
  const rlim_t value = std::min(wanted, current.rlim_max);
  const rlimit lowered{.rlim_cur = value, .rlim_max = value};
  if (::setrlimit(static_cast<__rlimit_resource_t>(resource), &lowered) != 0) {
    return std::unexpected{fmt::format("setrlimit {}: {}", name, std::strerror(errno))};
  }
  return {};
}

}  // namespace

std::expected<void, std::string> limit_resources(channel::Role role) {
  const auto row = std::ranges::find(limits, role, &Limits::role);
  if (auto done = limit(RLIMIT_CORE, "RLIMIT_CORE", 0); !done) return done;
  if (auto done = limit(RLIMIT_NOFILE, "RLIMIT_NOFILE", row->open_files); !done) return done;
  // Children inherit what monitor has: only they lower what may be locked, or keykeeper would find nothing left.
  if (role == channel::Role::monitor) return {};
  return limit(RLIMIT_MEMLOCK, "RLIMIT_MEMLOCK", row->locked_octets);
}

}  // namespace redoubt::sandbox
