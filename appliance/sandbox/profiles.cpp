#include "appliance/sandbox/profiles.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

namespace redoubt::sandbox {

namespace {

constexpr std::uint64_t whole_int = 0xffffffff;

constexpr Allowed any(int call) { return {.call = call}; }
constexpr Condition equals(std::uint32_t argument, std::uint64_t value) {
  return {.argument = argument, .mask = whole_int, .value = value & whole_int};
}
constexpr Condition without(std::uint32_t argument, std::uint64_t bits) {
  return {.argument = argument, .mask = bits, .value = 0};
}
constexpr Allowed only(int call, Condition first, Condition second = {}, Condition third = {}) {
  return {.call = call, .conditions = {first, second, third}};
}

// Every role: descriptors it already has, and its end.
constexpr std::array descriptors{
    any(SCMP_SYS(read)),
    any(SCMP_SYS(readv)),
    any(SCMP_SYS(write)),
    any(SCMP_SYS(writev)),
    any(SCMP_SYS(close)),
    any(SCMP_SYS(lseek)),
    any(SCMP_SYS(fstat)),
    any(SCMP_SYS(poll)),
    any(SCMP_SYS(ppoll)),
    any(SCMP_SYS(exit)),
    any(SCMP_SYS(exit_group)),
    any(SCMP_SYS(restart_syscall)),
    any(SCMP_SYS(sendmsg)),
    any(SCMP_SYS(recvmsg)),  // the channels
    only(SCMP_SYS(fcntl), equals(1, F_GETFD)),
    only(SCMP_SYS(fcntl), equals(1, F_SETFD)),
    only(SCMP_SYS(fcntl), equals(1, F_GETFL)),
    only(SCMP_SYS(fcntl), equals(1, F_SETFL)),
    only(SCMP_SYS(fcntl), equals(1, F_DUPFD_CLOEXEC)),
    only(SCMP_SYS(fcntl), equals(1, F_GET_SEALS)),
};

// Every role: memory that is never executable, or made so.
constexpr std::array memory{
    only(SCMP_SYS(mmap), without(2, PROT_EXEC)),
    only(SCMP_SYS(mprotect), without(2, PROT_EXEC)),
    any(SCMP_SYS(munmap)),
    any(SCMP_SYS(mremap)),
    any(SCMP_SYS(brk)),
    any(SCMP_SYS(madvise)),
};

// Every role: time, random numbers, locks, signals to itself, its own numbers.
constexpr std::array self{
    any(SCMP_SYS(clock_gettime)),
    any(SCMP_SYS(clock_getres)),
    any(SCMP_SYS(clock_nanosleep)),
    any(SCMP_SYS(nanosleep)),
    any(SCMP_SYS(gettimeofday)),
    any(SCMP_SYS(time)),
    any(SCMP_SYS(getrandom)),
    any(SCMP_SYS(futex)),
    any(SCMP_SYS(sched_yield)),
    any(SCMP_SYS(sched_getaffinity)),
    any(SCMP_SYS(getpid)),
    any(SCMP_SYS(gettid)),
    any(SCMP_SYS(getuid)),
    any(SCMP_SYS(geteuid)),
    any(SCMP_SYS(getgid)),
    any(SCMP_SYS(getegid)),
    any(SCMP_SYS(rt_sigaction)),
    any(SCMP_SYS(rt_sigprocmask)),
    any(SCMP_SYS(rt_sigreturn)),
    any(SCMP_SYS(sigaltstack)),
    Allowed{.call = SCMP_SYS(tgkill),
            .conditions = {Condition{.argument = 0, .mask = whole_int, .value = own_process}}},  // abort()
};

// Who runs threads: glibc's pthread_create(), and no other kind of clone(): all of the new-namespace bits are refused.
constexpr std::uint64_t namespaces =
    CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
constexpr std::array threads{
    only(SCMP_SYS(clone), Condition{.argument = 0, .mask = CLONE_THREAD | namespaces, .value = CLONE_THREAD}),
    any(SCMP_SYS(set_robust_list)),
    any(SCMP_SYS(rseq)),
    only(SCMP_SYS(prctl), equals(0, PR_SET_NAME)),
};

// Who runs an event loop.
constexpr std::array event_loop{
    any(SCMP_SYS(epoll_create1)),
    any(SCMP_SYS(epoll_ctl)),
    any(SCMP_SYS(epoll_wait)),
    any(SCMP_SYS(epoll_pwait)),
    any(SCMP_SYS(eventfd2)),
    any(SCMP_SYS(timerfd_create)),
    any(SCMP_SYS(timerfd_settime)),
    only(SCMP_SYS(ioctl), equals(1, FIONBIO)),  // Asio makes its sockets non-blocking so
    only(SCMP_SYS(ioctl), equals(1, FIONREAD)),
};

// Who talks through sockets of his own. Which kinds he may make, and which options set, stands below.
constexpr std::array socket_use{
    any(SCMP_SYS(sendto)),      any(SCMP_SYS(recvfrom)),    any(SCMP_SYS(getsockopt)),
    any(SCMP_SYS(getsockname)), any(SCMP_SYS(getpeername)), any(SCMP_SYS(shutdown)),
};

constexpr std::uint64_t kind_of_socket = whole_int & ~std::uint64_t{SOCK_CLOEXEC | SOCK_NONBLOCK};
constexpr Allowed making(int family, std::uint64_t kind, int protocol) {
  return only(SCMP_SYS(socket), equals(0, static_cast<std::uint64_t>(family)),
              Condition{.argument = 1, .mask = kind_of_socket, .value = kind},
              equals(2, static_cast<std::uint64_t>(protocol)));
}
constexpr Allowed setting(int level, int option) {
  return only(SCMP_SYS(setsockopt), equals(1, static_cast<std::uint64_t>(level)),
              equals(2, static_cast<std::uint64_t>(option)));
}

// resolver: UDP over both families; the protocol is named, for datagram sockets can also mean ICMP.
constexpr std::array datagram_sockets{
    making(AF_INET, SOCK_DGRAM, 0),
    making(AF_INET, SOCK_DGRAM, IPPROTO_UDP),
    making(AF_INET6, SOCK_DGRAM, 0),
    making(AF_INET6, SOCK_DGRAM, IPPROTO_UDP),
    any(SCMP_SYS(bind)),
    any(SCMP_SYS(connect)),
    any(SCMP_SYS(recvmmsg)),
    any(SCMP_SYS(sendmmsg)),
    // By name: SOL_SOCKET also has options that load filter programs.
    setting(SOL_SOCKET, SO_REUSEADDR),
    setting(SOL_SOCKET, SO_SNDBUF),
    setting(SOL_SOCKET, SO_RCVBUF),
    setting(SOL_SOCKET, SO_TIMESTAMPNS),
    setting(SOL_SOCKET, SO_INCOMING_CPU),
    setting(SOL_SOCKET, SO_RXQ_OVFL),
    setting(IPPROTO_IP, IP_PKTINFO),
    setting(IPPROTO_IP, IP_MTU_DISCOVER),
    setting(IPPROTO_IP, IP_RECVERR),
    setting(IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT),
    setting(IPPROTO_IP, IP_TOS),
    setting(IPPROTO_IP, IP_RECVORIGDSTADDR),
    setting(IPPROTO_IP, 51),  // IP_LOCAL_PORT_RANGE, for which Debian 12's headers have no name
    setting(IPPROTO_IPV6, IPV6_RECVPKTINFO),
    setting(IPPROTO_IPV6, IPV6_RECVORIGDSTADDR),
    setting(IPPROTO_IPV6, IPV6_MTU_DISCOVER),
    setting(IPPROTO_IPV6, IPV6_RECVERR),
    setting(IPPROTO_IPV6, IPV6_V6ONLY),
    setting(IPPROTO_IPV6, IPV6_TCLASS),
};

// transport: TCP over both families, both directions. It gets its listening sockets from monitor, so no listen().
constexpr std::array stream_sockets{
    making(AF_INET, SOCK_STREAM, 0),
    making(AF_INET, SOCK_STREAM, IPPROTO_TCP),
    making(AF_INET6, SOCK_STREAM, 0),
    making(AF_INET6, SOCK_STREAM, IPPROTO_TCP),
    any(SCMP_SYS(accept)),
    any(SCMP_SYS(accept4)),
    any(SCMP_SYS(bind)),
    any(SCMP_SYS(connect)),
    setting(SOL_SOCKET, SO_REUSEADDR),
    setting(SOL_SOCKET, SO_SNDBUF),
    setting(SOL_SOCKET, SO_RCVBUF),
    setting(SOL_SOCKET, SO_KEEPALIVE),
    setting(SOL_SOCKET, SO_LINGER),
    setting(IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT),
    setting(IPPROTO_IPV6, IPV6_V6ONLY),
    setting(IPPROTO_TCP, TCP_NODELAY),
    setting(IPPROTO_TCP, TCP_CORK),
    setting(IPPROTO_TCP, TCP_QUICKACK),
    setting(IPPROTO_TCP, TCP_KEEPIDLE),
    setting(IPPROTO_TCP, TCP_KEEPINTVL),
    setting(IPPROTO_TCP, TCP_KEEPCNT),
    setting(IPPROTO_TCP, TCP_USER_TIMEOUT),
    setting(IPPROTO_TCP, TCP_NOTSENT_LOWAT),
    setting(IPPROTO_TCP, TCP_FASTOPEN_CONNECT),
};

// keykeeper: memory that is never swapped out, and its secret on the disk before it is used.
constexpr std::array locked_memory{any(SCMP_SYS(mlock)), any(SCMP_SYS(mlock2)), any(SCMP_SYS(munlock)),
                                   any(SCMP_SYS(fdatasync))};

// keykeeper with a folder of zone keys: its files, all by that folder's descriptor, as far as Landlock lets it.
constexpr std::array key_files{any(SCMP_SYS(openat)), any(SCMP_SYS(getdents64)), any(SCMP_SYS(fsync)),
                               any(SCMP_SYS(renameat)), any(SCMP_SYS(unlinkat))};

// control: files, as far as Landlock lets it: its state folder. The calls are those of SQLite and std::filesystem.
constexpr std::array files{
    any(SCMP_SYS(open)),
    any(SCMP_SYS(openat)),
    any(SCMP_SYS(pread64)),
    any(SCMP_SYS(pwrite64)),
    any(SCMP_SYS(stat)),
    any(SCMP_SYS(lstat)),
    any(SCMP_SYS(newfstatat)),
    any(SCMP_SYS(statx)),
    any(SCMP_SYS(access)),
    any(SCMP_SYS(faccessat)),
    any(SCMP_SYS(fsync)),
    any(SCMP_SYS(fdatasync)),
    any(SCMP_SYS(ftruncate)),
    any(SCMP_SYS(fallocate)),
    any(SCMP_SYS(unlink)),
    any(SCMP_SYS(unlinkat)),
    any(SCMP_SYS(rename)),
    any(SCMP_SYS(renameat)),
    any(SCMP_SYS(renameat2)),
    any(SCMP_SYS(mkdir)),
    any(SCMP_SYS(mkdirat)),
    any(SCMP_SYS(rmdir)),
    any(SCMP_SYS(getdents64)),
    any(SCMP_SYS(flock)),
    any(SCMP_SYS(fchmod)),
    any(SCMP_SYS(readlink)),
    any(SCMP_SYS(readlinkat)),
    any(SCMP_SYS(getcwd)),
    any(SCMP_SYS(fstatfs)),
    any(SCMP_SYS(sysinfo)),
    any(SCMP_SYS(uname)),
    only(SCMP_SYS(fcntl), equals(1, F_GETLK)),
    only(SCMP_SYS(fcntl), equals(1, F_SETLK)),
    only(SCMP_SYS(fcntl), equals(1, F_SETLKW)),
    only(SCMP_SYS(fcntl), equals(1, F_OFD_GETLK)),
    only(SCMP_SYS(fcntl), equals(1, F_OFD_SETLK)),
    only(SCMP_SYS(fcntl), equals(1, F_OFD_SETLKW)),
    any(SCMP_SYS(memfd_create)),  // snapshots
    only(SCMP_SYS(fcntl), equals(1, F_ADD_SEALS)),
};

// control: clients of its API, at listeners that it made before the door shut. It makes no sockets, nor connects any.
constexpr std::array accepted_sockets{
    any(SCMP_SYS(accept)),          any(SCMP_SYS(accept4)),         setting(SOL_SOCKET, SO_KEEPALIVE),
    setting(SOL_SOCKET, SO_SNDBUF), setting(SOL_SOCKET, SO_LINGER), setting(IPPROTO_TCP, TCP_NODELAY),
};

// monitor: what it does itself, and what its children do before they put on their own, smaller list, for they inherit
// this one when they are started again: the dynamic loader, change of user, Landlock, seccomp. Nobody below it gets
// ptrace, mount, bpf and their like back.
constexpr std::array monitor_alone{
    any(SCMP_SYS(clone)),
    any(SCMP_SYS(fork)),
    any(SCMP_SYS(vfork)),
    any(SCMP_SYS(execve)),
    any(SCMP_SYS(wait4)),
    any(SCMP_SYS(waitid)),
    any(SCMP_SYS(kill)),
    any(SCMP_SYS(signalfd4)),
    any(SCMP_SYS(socketpair)),
    any(SCMP_SYS(socket)),
    any(SCMP_SYS(setsockopt)),
    any(SCMP_SYS(listen)),
    any(SCMP_SYS(dup)),
    any(SCMP_SYS(dup2)),
    any(SCMP_SYS(dup3)),
    any(SCMP_SYS(close_range)),
    any(SCMP_SYS(prctl)),
    any(SCMP_SYS(capget)),
    any(SCMP_SYS(capset)),
    any(SCMP_SYS(setgroups)),
    any(SCMP_SYS(setresuid)),
    any(SCMP_SYS(setresgid)),
    any(SCMP_SYS(getresuid)),
    any(SCMP_SYS(getresgid)),
    any(SCMP_SYS(umask)),
    any(SCMP_SYS(prlimit64)),
    any(SCMP_SYS(getrlimit)),
    any(SCMP_SYS(setrlimit)),
    any(SCMP_SYS(seccomp)),
    any(SCMP_SYS(arch_prctl)),
    any(SCMP_SYS(set_tid_address)),
    any(SCMP_SYS(getppid)),
    any(SCMP_SYS(pipe2)),
    any(SCMP_SYS(mlockall)),
    any(SCMP_SYS(mincore)),
    any(SCMP_SYS(getpgrp)),
    any(SCMP_SYS(chdir)),
    any(SCMP_SYS(fchdir)),
    any(SCMP_SYS(fchown)),
    any(SCMP_SYS(fchownat)),
    any(SCMP_SYS(chown)),
    any(SCMP_SYS(chmod)),
    any(SCMP_SYS(fchmodat)),
    any(SCMP_SYS(personality)),
    any(SCMP_SYS(getgroups)),
    any(444),
    any(445),
    any(446),  // Landlock, younger than libseccomp 2.5.4's names for it on some systems
};

#ifdef REDOUBT_SANITIZED
// Sanitizers ask for the limits of a new thread's stack, and try by a pipe whether memory can be read. Their leak
// checker, which would want ptrace, is off in resolverd.
constexpr std::array sanitizers{only(SCMP_SYS(prlimit64), equals(0, 0), equals(2, 0)), any(SCMP_SYS(getrlimit)),
                                any(SCMP_SYS(sysinfo)), any(SCMP_SYS(pipe)), any(SCMP_SYS(pipe2))};
#else
constexpr std::array<Allowed, 0> sanitizers{};
#endif

const std::array<Group, 8> resolver_groups{sanitizers, descriptors, memory,     self,
                                           threads,    event_loop,  socket_use, datagram_sockets};
const std::array<Group, 8> transport_groups{sanitizers, descriptors, memory,     self,
                                            threads,    event_loop,  socket_use, stream_sockets};
const std::array<Group, 5> keykeeper_groups{sanitizers, descriptors, memory, self, locked_memory};
const std::array<Group, 7> keykeeper_groups_with_folder{sanitizers, descriptors, memory,       self,
                                                        threads,    key_files,   locked_memory};
const std::array<Group, 9> control_groups{sanitizers, descriptors, memory,          self, threads, event_loop,
                                          socket_use, files,       accepted_sockets};
const std::array<Group, 12> monitor_groups{sanitizers,       descriptors,    memory,        self,
                                           threads,          event_loop,     socket_use,    files,
                                           datagram_sockets, stream_sockets, locked_memory, monitor_alone};

constexpr std::array missing{
    SCMP_SYS(clone3),  // pthread_create() falls back to clone(), whose flags can be looked at
    SCMP_SYS(close_range), SCMP_SYS(faccessat2), SCMP_SYS(openat2), SCMP_SYS(epoll_pwait2), SCMP_SYS(futex_waitv),
};

}  // namespace

std::span<const Group> groups_of(channel::Role role, bool with_folder) {
  switch (role) {
    case channel::Role::monitor:
      return monitor_groups;
    case channel::Role::control:
      return control_groups;
    case channel::Role::keykeeper:
      return with_folder ? std::span<const Group>{keykeeper_groups_with_folder} : keykeeper_groups;
    case channel::Role::transport:
      return transport_groups;
    case channel::Role::resolver:
      return resolver_groups;
  }
  return {};
}

std::span<const int> missing_calls() { return missing; }

}  // namespace redoubt::sandbox
