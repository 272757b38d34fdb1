#pragma once
// The system calls by which SQLite changes files: counted, ended by kill -9 before the n-th, or failing as on a full
// disk.
#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>

namespace redoubt::tests {

class FileCalls {
 public:
  /// Before the n-th call from now on the process is no more. 0: it lives.
  static void kill_before(int number) { until_kill() = number; }
  static void fill_disk(bool full) { is_full() = full; }

  static void install() {
    sqlite3_vfs* vfs = sqlite3_vfs_find("unix");
    ASSERT_NE(vfs, nullptr);
    using Write = ssize_t(int, const void*, size_t);
    using WriteAt = ssize_t(int, const void*, size_t, off_t);
    ASSERT_TRUE((Call<Write, 0>::wrap(vfs, "write")));
    ASSERT_TRUE((Call<int(int, off_t), 1>::wrap(vfs, "ftruncate")));
    ASSERT_TRUE((Call<int(const char*), 2>::wrap(vfs, "unlink")));
    // Which of the two there are depends on how the library was built.
    const bool has_pwrite = Call<WriteAt, 3>::wrap(vfs, "pwrite");
    const bool has_pwrite64 = Call<WriteAt, 4>::wrap(vfs, "pwrite64");
    ASSERT_TRUE(has_pwrite || has_pwrite64);
  }

  /// Runs it in a process of its own that ends before its n-th call. returns whether it came to its end
  static bool comes_to_its_end(int number, const std::function<bool()>& work) {
    const pid_t child = fork();
    if (child == 0) {
      kill_before(number);
      _exit(work() ? 0 : 1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFEXITED(status)) {
      EXPECT_EQ(WEXITSTATUS(status), 0);
    }
    return WIFEXITED(status);
  }

 private:
  static int& until_kill() {
    static int number = 0;
    return number;
  }
  static bool& is_full() {
    static bool full = false;
    return full;
  }

  template <class Function, int number>
  struct Call;
  template <class Result, class... Arguments, int number>
  struct Call<Result(Arguments...), number> {
    static inline Result (*usual)(Arguments...) = nullptr;
    static Result instead(Arguments... arguments) {
      if (until_kill() != 0 && --until_kill() == 0) kill(getpid(), SIGKILL);
      if (is_full() && sizeof...(Arguments) >= 3) {  // those that write
        errno = ENOSPC;
        return -1;
      }
      return usual(arguments...);
    }
    static bool wrap(sqlite3_vfs* vfs, const char* name) {
      if (usual != nullptr) return true;  // done already
      const sqlite3_syscall_ptr before = vfs->xGetSystemCall(vfs, name);
      if (before == nullptr) return false;
      usual = reinterpret_cast<Result (*)(Arguments...)>(before);  // SQLite keeps all of them as one type
      return vfs->xSetSystemCall(vfs, name, reinterpret_cast<sqlite3_syscall_ptr>(&instead)) == SQLITE_OK;
    }
  };
};

}  // namespace redoubt::tests
