#pragma once
// What code that has taken over a role would try (attacks: escape after compromise). Each attempt works outside of the
// sandbox, or it would prove nothing.
#include <sys/types.h>

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "appliance/channel/roles.hpp"

namespace redoubt::test {

/// What the attempts work on, made before the door shuts: a descriptor that a role happens to hold is no way around it.
struct Props {
  pid_t victim = 0;              ///< another process of the same user, with a secret in its memory
  const char* secret = nullptr;  ///< where, and what it says at the same place there
  int file = -1;                 ///< /etc/passwd, open for reading
  int program = -1;              ///< /bin/true, open
  int tcp_socket = -1;           ///< neither bound nor connected
  int bound_tcp_socket = -1;     ///< bound to a loopback port
  int udp_socket = -1;
  std::uint16_t listening_port = 0;  ///< of a listener of the test, on 127.0.0.1
  void* page = nullptr;              ///< readable and writable
  std::string folder;                ///< anybody's, with a file "present" in it
};

struct Attempt {
  std::string_view name;
  /// As system calls return: -1 and errno, or success.
  long (*call)(const Props& props);
  bool needs_root = false;               ///< outside, too
  std::vector<channel::Role> allowed{};  ///< roles that have it in their list, with the reason at the row
};

std::span<const Attempt> attempts();

}  // namespace redoubt::test
