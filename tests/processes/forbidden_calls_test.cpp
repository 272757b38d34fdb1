// From inside each role's real sandbox, as root and as nobody in particular: what must not work is refused, what must
// work does.
#include "tests/processes/forbidden_calls.hpp"

#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sched.h>
#include <sqlite3.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <thread>

#include "appliance/channel/channel.hpp"
#include "appliance/sandbox/sandbox.hpp"

namespace redoubt::test {
namespace {

using channel::Descriptor;
using channel::Role;

constexpr uid_t nobody = 65534;
constexpr int setting_up_failed = 250;  // no errno is that large
constexpr std::array roles{Role::control, Role::keykeeper, Role::transport, Role::resolver};

alignas(64) std::array<char, 64> secret_memory{"a private key"};

/// The code that a child process ends with, or 256 + the signal that ended it.
int code_of(const std::function<int()>& in_child) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(in_child());
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

bool become_nobody() {
  return ::setgroups(0, nullptr) == 0 && ::setresgid(nobody, nobody, nobody) == 0 &&
         ::setresuid(nobody, nobody, nobody) == 0;
}

/// Everything an attempt works on, made and thrown away around it.
class Stage {
 public:
  Stage() {
    std::string pattern = "/tmp/redoubt-test-XXXXXX";
    props.folder = ::mkdtemp(pattern.data());
    ::chmod(props.folder.c_str(), 0777);
    present_ = Descriptor{::open((props.folder + "/present").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0666)};
    if (::geteuid() == 0) {
      (void)::chown((props.folder + "/present").c_str(), nobody, nobody);
    }
    listener_ = Descriptor{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    props.listening_port = bind_to_loopback(listener_);
    ::listen(listener_.get(), 16);
    props.secret = secret_memory.data();
  }
  ~Stage() { std::filesystem::remove_all(props.folder); }
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  /// In the child that will make the attempt: what only a process of its user has.
  void dress() {
    ::prctl(PR_SET_DUMPABLE, 1, 0, 0,
            0);  // a change of user takes it away, and the victim would be out of reach anyway
    props.file = ::open("/etc/passwd", O_RDONLY);
    props.program = ::open("/bin/true", O_RDONLY);
    props.tcp_socket = ::socket(AF_INET, SOCK_STREAM, 0);
    Descriptor bound{::socket(AF_INET, SOCK_STREAM, 0)};
    bind_to_loopback(bound);
    props.bound_tcp_socket = bound.release();
    props.udp_socket = ::socket(AF_INET, SOCK_DGRAM, 0);
    props.page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const pid_t attacker = ::getpid();
    props.victim = ::fork();
    if (props.victim == 0) {
      // Lives as long as its attacker, and no longer than a test may take.
      while (::getppid() == attacker) ::usleep(1000);
      ::_exit(0);
    }
  }

  Props props;

 private:
  static std::uint16_t bind_to_loopback(const Descriptor& socket) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    ::bind(socket.get(), generic, size);
    ::getsockname(socket.get(), generic, &size);
    return ntohs(address.sin_port);
  }

  Descriptor present_;
  Descriptor listener_;
};

enum class Start : std::uint8_t { as_root, as_nobody };

/// 0: the call worked. Otherwise its errno, or setting_up_failed.
int attempt(const Attempt& what, Start start, std::optional<Role> inside) {
  Stage stage;
  return code_of([&] {
    // Namespaces of the test's own: whatever an attempt does to mounts or to the host's name goes with it.
    if (start == Start::as_root && (::unshare(CLONE_NEWNS | CLONE_NEWUTS) != 0 ||
                                    ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)) {
      return setting_up_failed;
    }
    if (start == Start::as_nobody && ::geteuid() == 0 && !become_nobody()) return setting_up_failed;
    stage.dress();
    if (inside) {
      if (!sandbox::drop_rights(*inside) || !sandbox::enter({.role = *inside, .reachable = {}}))
        return setting_up_failed;
    }
    return what.call(stage.props) < 0 ? errno : 0;
  });
}

bool is_refusal(int code) { return code == EPERM || code == EACCES || code == ENOSYS; }

/// What a role can do when started so: one line for each forbidden call that was not refused.
void expect_everything_refused(Role role, Start start) {
  unsigned refused = 0;
  for (const Attempt& what : attempts()) {
    if (std::ranges::find(what.allowed, role) != what.allowed.end()) continue;
    const int code = attempt(what, start, role);
    EXPECT_TRUE(is_refusal(code)) << channel::to_text(role) << ": " << what.name << " was not refused but gave "
                                  << (code == 0 ? "success" : std::strerror(code));
    if (is_refusal(code)) ++refused;
  }
  EXPECT_GE(refused, 40U);
}

bool is_root() { return ::geteuid() == 0; }

class FromInside : public testing::TestWithParam<Role> {};

TEST_P(FromInside, every_forbidden_call_is_refused_when_started_as_root) {
  if (!is_root()) GTEST_SKIP() << "needs root";
  expect_everything_refused(GetParam(), Start::as_root);
}

TEST_P(FromInside, every_forbidden_call_is_refused_when_started_unprivileged) {
  expect_everything_refused(GetParam(), Start::as_nobody);
}

INSTANTIATE_TEST_SUITE_P(roles, FromInside, testing::ValuesIn(roles),
                         [](const auto& row) { return std::string{channel::to_text(row.param)}; });

// Without these two the tests above would also pass where nothing works at all.
TEST(FromOutside, root_can_make_every_one_of_the_calls) {
  if (!is_root()) GTEST_SKIP() << "needs root";
  for (const Attempt& what : attempts()) {
    const int code = attempt(what, Start::as_root, std::nullopt);
    EXPECT_EQ(code, 0) << what.name << ": " << std::strerror(code);
  }
}

TEST(FromOutside, nobody_can_make_those_that_need_no_root) {
  for (const Attempt& what : attempts()) {
    if (what.needs_root) continue;
    const int code = attempt(what, Start::as_nobody, std::nullopt);
    EXPECT_EQ(code, 0) << what.name << ": " << std::strerror(code);
  }
}

TEST(FromInsideToo, what_a_role_may_do_works) {
  for (const Attempt& what : attempts()) {
    for (const Role role : what.allowed) {
      const int code = attempt(what, Start::as_nobody, role);
      EXPECT_EQ(code, 0) << channel::to_text(role) << ": " << what.name << ": " << std::strerror(code);
    }
  }
}

int inside(Role role, std::vector<sandbox::Reach> reachable, const std::function<int()>& act) {
  return code_of([&] {
    if (!sandbox::drop_rights(role, role == Role::control)) return setting_up_failed;
    if (!sandbox::enter({.role = role, .reachable = std::move(reachable)})) return setting_up_failed;
    return act();
  });
}

TEST(FromInsideToo, roles_with_threads_can_start_them) {
  for (const Role role : {Role::control, Role::transport, Role::resolver}) {
    const int code = inside(role, {}, [] {
      int value = 1;
      std::thread{[&value] { value = 0; }}.join();
      return value;
    });
    EXPECT_EQ(code, 0) << channel::to_text(role);
  }
}

TEST(FromInsideToo, control_works_in_its_state_folder_and_nowhere_else) {
  const Stage stage;
  const std::string folder = stage.props.folder + "/state";
  ASSERT_EQ(::mkdir(folder.c_str(), 0777), 0);
  ::chmod(folder.c_str(), 0777);
  const Descriptor state{::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  const int code = inside(Role::control, {{.descriptor = state.get(), .writable = true}}, [&] {
    const std::string file = folder + "/store";
    const Descriptor store{::open(file.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600)};
    if (!store || ::write(store.get(), "x", 1) != 1 || ::ftruncate(store.get(), 0) != 0) return errno;
    if (::rename(file.c_str(), (folder + "/renamed").c_str()) != 0) return errno;
    if (::unlink((folder + "/renamed").c_str()) != 0) return errno;
    const Descriptor outside{::open((stage.props.folder + "/present").c_str(), O_RDONLY | O_CLOEXEC)};
    return outside ? setting_up_failed : 0;
  });
  EXPECT_EQ(code, 0) << std::strerror(code);
}

TEST(FromInsideToo, control_can_keep_its_store_there) {
  const Stage stage;
  const std::string folder = stage.props.folder + "/state";
  ASSERT_EQ(::mkdir(folder.c_str(), 0777), 0);
  ::chmod(folder.c_str(), 0777);
  const Descriptor state{::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  for (const char* mode : {"wal", "delete"}) {
    const int code = inside(Role::control, {{.descriptor = state.get(), .writable = true}}, [&] {
      sqlite3* store = nullptr;
      if (::sqlite3_open((folder + "/" + mode).c_str(), &store) != SQLITE_OK) return 1;
      const std::string work =
          std::string{"PRAGMA journal_mode="} + mode +
          "; PRAGMA synchronous=FULL; CREATE TABLE kept (value); BEGIN; INSERT INTO kept VALUES (1);"
          "COMMIT; DELETE FROM kept; VACUUM";
      const int result = ::sqlite3_exec(store, work.c_str(), nullptr, nullptr, nullptr);
      ::sqlite3_close(store);
      return result;
    });
    EXPECT_EQ(code, SQLITE_OK) << mode;
  }
}

TEST(FromInsideToo, keykeeper_can_lock_memory) {
  const int code = inside(Role::keykeeper, {}, [] {
    void* page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return ::mlock(page, 4096) == 0 ? 0 : errno;
  });
  EXPECT_EQ(code, 0) << std::strerror(code);
}

TEST(FromInsideToo, no_role_leaves_a_core_dump) {
  for (const Role role : roles) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      rlimit cores{};
      ::getrlimit(RLIMIT_CORE, &cores);
      cores.rlim_cur = cores.rlim_max;  // whatever our own surroundings say
      ::setrlimit(RLIMIT_CORE, &cores);
      if (!sandbox::drop_rights(role) || !sandbox::enter({.role = role, .reachable = {}})) ::_exit(setting_up_failed);
      std::abort();
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << channel::to_text(role);
    EXPECT_EQ(WTERMSIG(status), SIGABRT) << channel::to_text(role);
    EXPECT_FALSE(WCOREDUMP(status)) << channel::to_text(role);
  }
}

TEST(FromInsideToo, started_as_root_each_role_has_a_user_of_its_own_and_no_group_of_roots) {
  if (!is_root()) GTEST_SKIP() << "needs root";
  std::vector<uid_t> users;
  for (const Role role : roles) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe(ends.data()), 0);
    const int code = inside(role, {}, [&] {
      const uid_t user = ::getuid();
      if (::getgid() == 0 || ::geteuid() != user) return 1;
      return ::write(ends[1], &user, sizeof user) == sizeof user ? 0 : 2;
    });
    EXPECT_EQ(code, 0);
    uid_t user = 0;
    ASSERT_EQ(::read(ends[0], &user, sizeof user), static_cast<ssize_t>(sizeof user));
    ::close(ends[0]);
    ::close(ends[1]);
    EXPECT_NE(user, 0U);
    EXPECT_EQ(std::ranges::count(users, user), 0) << "two roles share user " << user;
    users.push_back(user);
  }
}

}  // namespace
}  // namespace redoubt::test
