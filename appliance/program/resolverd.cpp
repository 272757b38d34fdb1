// Program: resolverd. The same file is all five processes: without --role it is monitor, which executes it again for
// each other role.
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <span>
#include <string>

#include "appliance/channel/channel.hpp"
#include "appliance/channel/test_clock.hpp"
#include "appliance/control/control_main.hpp"
#include "appliance/log/log.hpp"
#include "appliance/monitor/child.hpp"
#include "appliance/monitor/command_line.hpp"
#include "appliance/monitor/monitor.hpp"
#include "dnssec/keykeeper_main.hpp"
#include "resolver/role/resolver_main.hpp"
#include "transport/role/transport_main.hpp"

#ifdef REDOUBT_SANITIZED
// The leak checker stops its process by ptrace, which no role may do. Leaks are looked for in the unit tests.
extern "C" const char* __asan_default_options();  // NOLINT: the sanitizer's name
extern "C" const char* __asan_default_options() { return "detect_leaks=0"; }
#endif

namespace {

using namespace redoubt;

constexpr int exit_wrong_use = 2;
constexpr int exit_trouble = 1;

/// Whether monitor started us: only it leaves a message socket on that descriptor.
bool has_channel() {
  int type = 0;
  socklen_t size = sizeof type;
  return ::getsockopt(monitor::channel_descriptor, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET;
}

int role_main(channel::Role role) {
  const std::string name{channel::to_text(role)};
  ::prctl(PR_SET_NAME, ("rd-" + name).c_str(), 0, 0, 0);  // what ps shows: else it were "exe"
  log::start(name);
#ifdef REDOUBT_TEST_HOOKS
  channel::test_clock::adopt();
#endif
  channel::Channel monitor{channel::Descriptor{monitor::channel_descriptor}};
  switch (role) {
    case channel::Role::monitor:
      break;
    case channel::Role::control:
      return control::control_main(std::move(monitor));
    case channel::Role::keykeeper:
      return keykeeper::keykeeper_main(std::move(monitor));
    case channel::Role::transport:
      return transport::transport_main(std::move(monitor));
    case channel::Role::resolver:
      return resolver::resolver_main(std::move(monitor));
  }
  return exit_wrong_use;
}

/// Whoever starts us with a standard descriptor closed would have the next socket take its number, and lines written
/// into it.
void fill_standard_descriptors() {
  int descriptor = 0;
  do descriptor = ::open("/dev/null", O_RDWR);
  while (descriptor >= 0 && descriptor <= STDERR_FILENO);
  if (descriptor > STDERR_FILENO) ::close(descriptor);
}

int run(std::span<char*> arguments, std::chrono::steady_clock::time_point started) {
  const auto line = monitor::parse_command_line(arguments);
  if (!line) {
    std::fprintf(stderr, "resolverd: %s\n", line.error().c_str());
    return exit_wrong_use;
  }
  if (line->help || line->version) {
    std::fputs(line->help ? std::string{monitor::usage()}.c_str() : "resolverd " REDOUBT_VERSION "\n", stdout);
    return 0;
  }
  if (!line->role) {
    log::start("monitor");
    return monitor::monitor_main(*line, started);
  }
  if (has_channel()) return role_main(*line->role);
  std::fputs("resolverd: --role is for resolverd itself\n", stderr);
  return exit_wrong_use;
}

}  // namespace

int main(int count, char** arguments) {
  const auto started = std::chrono::steady_clock::now();
  fill_standard_descriptors();
  try {
    return run(std::span{arguments, static_cast<std::size_t>(count)}.subspan(count > 0 ? 1 : 0), started);
  } catch (const std::exception& trouble) {
    // Out of memory, or a fault of ours: monitor starts the role again.
    log::error("ends on an exception: {}", log::printable(trouble.what()));
    return exit_trouble;
  }
}
