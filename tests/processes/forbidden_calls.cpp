#include "tests/processes/forbidden_calls.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <linux/keyctl.h>
#include <linux/openat2.h>
#include <linux/perf_event.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <ctime>

namespace redoubt::test {

namespace {

using channel::Role;

std::string at(const Props& props, const char* name) { return props.folder + "/" + name; }

/// Success of something that gives a new process: it ends at once.
long in_new_process(long pid) {
  if (pid == 0) ::_exit(0);
  return pid;
}

long run(int folder, const char* path, int flags) {
  const std::array<char*, 2> arguments{const_cast<char*>("true"), nullptr};
  return ::syscall(SYS_execveat, folder, path, arguments.data(), static_cast<char**>(nullptr), flags);
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

const sockaddr* generic(const sockaddr_in& address) { return reinterpret_cast<const sockaddr*>(&address); }

long copy_memory(const Props& props, long call) {
  std::array<char, 8> here{};
  iovec local{.iov_base = here.data(), .iov_len = here.size()};
  iovec remote{.iov_base = const_cast<char*>(props.secret), .iov_len = here.size()};
  return ::syscall(call, props.victim, &local, 1UL, &remote, 1UL, 0UL);
}

const std::vector<Attempt> table{
    // --- files
    {"openat, reading", [](const Props&) -> long { return ::syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY); }},
    {"open, reading", [](const Props&) -> long { return ::syscall(SYS_open, "/etc/passwd", O_RDONLY); }},
    {"openat2",
     [](const Props&) -> long {
       open_how how{};
       return ::syscall(SYS_openat2, AT_FDCWD, "/etc/passwd", &how, sizeof how);
     }},
    {"openat, creating",
     [](const Props& p) -> long {
       return ::syscall(SYS_openat, AT_FDCWD, at(p, "new").c_str(), O_CREAT | O_WRONLY, 0600);
     }},
    {"openat of the memory of another process",
     [](const Props& p) -> long {
       const std::string path = "/proc/" + std::to_string(p.victim) + "/mem";
       return ::syscall(SYS_openat, AT_FDCWD, path.c_str(), O_RDONLY);
     }},
    {"unlink", [](const Props& p) -> long { return ::syscall(SYS_unlink, at(p, "present").c_str()); }},
    {"rename",
     [](const Props& p) -> long { return ::syscall(SYS_rename, at(p, "present").c_str(), at(p, "renamed").c_str()); }},
    {"mkdir", [](const Props& p) -> long { return ::syscall(SYS_mkdir, at(p, "folder").c_str(), 0700); }},
    {"symlink", [](const Props& p) -> long { return ::syscall(SYS_symlink, "/etc/passwd", at(p, "link").c_str()); }},
    {"link",
     [](const Props& p) -> long { return ::syscall(SYS_link, at(p, "present").c_str(), at(p, "hard").c_str()); }},
    {"mknod", [](const Props& p) -> long { return ::syscall(SYS_mknod, at(p, "fifo").c_str(), S_IFIFO | 0600, 0); }},
    {"chmod", [](const Props& p) -> long { return ::syscall(SYS_chmod, at(p, "present").c_str(), 04755); }},
    {"chown", [](const Props& p) -> long { return ::syscall(SYS_chown, at(p, "present").c_str(), -1, -1); }},
    {"stat of a path",
     [](const Props&) -> long {
       struct stat status {};
       return ::syscall(SYS_newfstatat, AT_FDCWD, "/etc/passwd", &status, 0);
     },
     false,
     {Role::control}},  // SQLite looks before it opens; Landlock knows no right for it
    {"chdir", [](const Props&) -> long { return ::syscall(SYS_chdir, "/tmp"); }},
    {"chroot", [](const Props&) -> long { return ::syscall(SYS_chroot, "/"); }, true},
    {"inotify_init1", [](const Props&) -> long { return ::syscall(SYS_inotify_init1, 0); }},
    // --- programs and processes
    {"execve",
     [](const Props&) -> long {
       const std::array<char*, 2> arguments{const_cast<char*>("true"), nullptr};
       return ::syscall(SYS_execve, "/bin/true", arguments.data(), nullptr);
     }},
    {"execveat of an open program", [](const Props& p) -> long { return run(p.program, "", AT_EMPTY_PATH); }},
    {"execveat of a program written to memory",
     [](const Props& p) -> long {
       const long memory = ::syscall(SYS_memfd_create, "program", 0U);
       if (memory < 0) return memory;
       std::array<char, 4096> buffer{};
       for (off_t offset = 0;;) {
         const long count = ::syscall(SYS_pread64, p.program, buffer.data(), buffer.size(), offset);
         if (count <= 0) break;
         if (::write(static_cast<int>(memory), buffer.data(), static_cast<std::size_t>(count)) != count) return -1;
         offset += count;
       }
       return run(static_cast<int>(memory), "", AT_EMPTY_PATH);
     }},
    {"memfd_create",
     [](const Props&) -> long { return ::syscall(SYS_memfd_create, "memory", 0U); },
     false,
     {Role::control}},  // snapshots
    {"fork", [](const Props&) -> long { return in_new_process(::syscall(SYS_fork)); }},
    {"clone of a process",
     [](const Props&) -> long { return in_new_process(::syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)); }},
    {"clone3 of a process",
     [](const Props&) -> long {
       std::array<std::uint64_t, 8> arguments{0, 0, 0, 0, SIGCHLD, 0, 0, 0};
       return in_new_process(::syscall(SYS_clone3, arguments.data(), sizeof arguments));
     }},
    {"unshare of the user namespace", [](const Props&) -> long { return ::syscall(SYS_unshare, CLONE_NEWUSER); }},
    {"unshare of the network namespace", [](const Props&) -> long { return ::syscall(SYS_unshare, CLONE_NEWNET); },
     true},
    {"personality", [](const Props&) -> long { return ::syscall(SYS_personality, READ_IMPLIES_EXEC); }},
    {"setsid", [](const Props&) -> long { return ::syscall(SYS_setsid); }},
    // --- other processes
    {"kill of another process", [](const Props& p) -> long { return ::syscall(SYS_kill, p.victim, 0); }},
    {"tgkill of another process", [](const Props& p) -> long { return ::syscall(SYS_tgkill, p.victim, p.victim, 0); }},
    {"pidfd_open", [](const Props& p) -> long { return ::syscall(SYS_pidfd_open, p.victim, 0); }},
    {"ptrace, asking to be traced",
     [](const Props&) -> long { return ::syscall(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0); }},
    {"ptrace of another process",
     [](const Props& p) -> long { return ::syscall(SYS_ptrace, PTRACE_SEIZE, p.victim, 0, 0); }},
    {"process_vm_readv of another process",
     [](const Props& p) -> long { return copy_memory(p, SYS_process_vm_readv); }},
    {"process_vm_writev to another process",
     [](const Props& p) -> long { return copy_memory(p, SYS_process_vm_writev); }},
    {"setpriority", [](const Props&) -> long { return ::syscall(SYS_setpriority, PRIO_PROCESS, 0, 19); }},
    {"prlimit of another process",
     [](const Props& p) -> long {
       rlimit limit{};
       return ::syscall(SYS_prlimit64, p.victim, RLIMIT_NOFILE, nullptr, &limit);
     }},
    // --- rights
    {"setuid", [](const Props&) -> long { return ::syscall(SYS_setuid, 0); }, true},
    {"setresgid", [](const Props&) -> long { return ::syscall(SYS_setresgid, -1, -1, -1); }},
    {"setgroups", [](const Props&) -> long { return ::syscall(SYS_setgroups, 0, nullptr); }, true},
    {"prctl, dumpable again", [](const Props&) -> long { return ::syscall(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0); }},
    {"seccomp",
     [](const Props&) -> long {
       const std::uint32_t action = SECCOMP_RET_KILL_PROCESS;
       return ::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action);
     }},
    // --- the system
    {"mount",
     [](const Props& p) -> long { return ::syscall(SYS_mount, "none", p.folder.c_str(), "tmpfs", 0, nullptr); }, true},
    {"umount2", [](const Props&) -> long { return ::syscall(SYS_umount2, "/proc", MNT_DETACH); }, true},
    {"sethostname", [](const Props&) -> long { return ::syscall(SYS_sethostname, "redoubt-test", 12); }, true},
    {"clock_adjtime",
     [](const Props&) -> long {
       std::array<std::uint64_t, 32> nothing{};  // struct timex without modes: only reads
       return ::syscall(SYS_clock_adjtime, CLOCK_REALTIME, nothing.data());
     }},
    {"syslog", [](const Props&) -> long { return ::syscall(SYS_syslog, 10, nullptr, 0); }, true},
    {"keyctl",
     [](const Props&) -> long { return ::syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 1); }},
    {"bpf",
     [](const Props&) -> long {
       bpf_attr map{};
       map.map_type = BPF_MAP_TYPE_ARRAY;
       map.key_size = map.value_size = 4;
       map.max_entries = 1;
       return ::syscall(SYS_bpf, BPF_MAP_CREATE, &map, sizeof map);
     },
     true},
    {"perf_event_open",
     [](const Props&) -> long {
       perf_event_attr event{};
       event.size = sizeof event;
       event.type = PERF_TYPE_SOFTWARE;
       event.config = PERF_COUNT_SW_DUMMY;
       event.exclude_kernel = event.exclude_hv = 1;
       return ::syscall(SYS_perf_event_open, &event, 0, -1, -1, 0);
     },
     true},
    {"userfaultfd", [](const Props&) -> long { return ::syscall(SYS_userfaultfd, 1 /* user mode only */); }},
    {"io_uring_setup",
     [](const Props&) -> long {
       std::array<std::uint8_t, 120> parameters{};
       return ::syscall(SYS_io_uring_setup, 1, parameters.data());
     },
     true},
    {"shmget",
     [](const Props&) -> long {
       const long id = ::syscall(SYS_shmget, IPC_PRIVATE, 4096, IPC_CREAT | 0600);
       if (id >= 0) ::shmctl(static_cast<int>(id), IPC_RMID, nullptr);
       return id;
     }},
    // --- memory
    {"mmap, executable",
     [](const Props&) -> long {
       return ::syscall(SYS_mmap, nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
     }},
    {"mmap of a file, executable",
     [](const Props& p) -> long {
       return ::syscall(SYS_mmap, nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, p.program, 0);
     }},
    {"mprotect, executable",
     [](const Props& p) -> long { return ::syscall(SYS_mprotect, p.page, 4096, PROT_READ | PROT_EXEC); }},
    {"pkey_mprotect, executable",
     [](const Props& p) -> long { return ::syscall(SYS_pkey_mprotect, p.page, 4096, PROT_READ | PROT_EXEC, -1); }},
    // --- sockets
    {"socket, unix", [](const Props&) -> long { return ::syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0); }},
    {"socketpair",
     [](const Props&) -> long {
       std::array<int, 2> ends{};
       return ::syscall(SYS_socketpair, AF_UNIX, SOCK_DGRAM, 0, ends.data());
     }},
    {"socket, netlink", [](const Props&) -> long { return ::syscall(SYS_socket, AF_NETLINK, SOCK_RAW, 0); }},
    {"socket, packet", [](const Props&) -> long { return ::syscall(SYS_socket, AF_PACKET, SOCK_RAW, 0); }, true},
    {"socket, raw", [](const Props&) -> long { return ::syscall(SYS_socket, AF_INET, SOCK_RAW, IPPROTO_ICMP); }, true},
    {"socket, stream",
     [](const Props&) -> long { return ::syscall(SYS_socket, AF_INET, SOCK_STREAM, 0); },
     false,
     {Role::transport}},
    {"socket, stream over IPv6",
     [](const Props&) -> long { return ::syscall(SYS_socket, AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP); },
     false,
     {Role::transport}},
    {"socket, datagram",
     [](const Props&) -> long { return ::syscall(SYS_socket, AF_INET, SOCK_DGRAM, 0); },
     false,
     {Role::resolver}},
    {"socket, datagram over IPv6",
     [](const Props&) -> long { return ::syscall(SYS_socket, AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, IPPROTO_UDP); },
     false,
     {Role::resolver}},
    {"connect of a TCP socket",
     [](const Props& p) -> long {
       const sockaddr_in address = loopback(p.listening_port);
       return ::syscall(SYS_connect, p.tcp_socket, generic(address), sizeof address);
     },
     false,
     {Role::transport}},
    {"bind of a TCP socket to a port",
     [](const Props& p) -> long {
       sockaddr_in address = loopback(0);
       socklen_t size = sizeof address;
       // A port that is free: the one that another socket was given, taken again with its own address.
       ::getsockname(p.bound_tcp_socket, reinterpret_cast<sockaddr*>(&address), &size);
       address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
       return ::syscall(SYS_bind, p.tcp_socket, generic(address), sizeof address);
     }},
    {"listen", [](const Props& p) -> long { return ::syscall(SYS_listen, p.bound_tcp_socket, 1); }},
    {"setsockopt, a filter program",
     [](const Props& p) -> long {
       std::array<sock_filter, 1> program{sock_filter{.code = BPF_RET | BPF_K, .jt = 0, .jf = 0, .k = 0xffff}};
       const sock_fprog filter{.len = 1, .filter = program.data()};
       return ::syscall(SYS_setsockopt, p.udp_socket, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter);
     }},
    {"ioctl of a file", [](const Props& p) -> long { return ::syscall(SYS_ioctl, p.file, 0x5451UL /* FIOCLEX */); }},
};

}  // namespace

std::span<const Attempt> attempts() { return table; }

}  // namespace redoubt::test
