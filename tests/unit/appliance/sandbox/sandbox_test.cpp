// The parts of the sandbox that need no process of their own. What it keeps out is tested in tests/processes.
#include <gtest/gtest.h>
#include <seccomp.h>

#include <algorithm>
#include <array>
#include <set>

#include "appliance/sandbox/accounts.hpp"
#include "appliance/sandbox/profiles.hpp"

namespace redoubt::sandbox {
namespace {

using channel::Role;
constexpr std::array children{Role::control, Role::keykeeper, Role::transport, Role::resolver};

bool has(Role role, int call) {
  return std::ranges::any_of(groups_of(role), [call](const Group& group) {
    return std::ranges::any_of(group, [call](const Allowed& allowed) { return allowed.call == call; });
  });
}

bool has_without_condition(Role role, int call) {
  return std::ranges::any_of(groups_of(role), [call](const Group& group) {
    return std::ranges::any_of(group, [call](const Allowed& allowed) {
      return allowed.call == call &&
             std::ranges::all_of(allowed.conditions, [](const Condition& one) { return one.mask == 0; });
    });
  });
}

TEST(Profiles, calls_that_give_new_powers_are_on_no_list_monitors_included) {
  for (const Role role : {Role::monitor, Role::control, Role::keykeeper, Role::transport, Role::resolver}) {
    for (const int call : {SCMP_SYS(ptrace),
                           SCMP_SYS(process_vm_readv),
                           SCMP_SYS(process_vm_writev),
                           SCMP_SYS(mount),
                           SCMP_SYS(umount2),
                           SCMP_SYS(unshare),
                           SCMP_SYS(setns),
                           SCMP_SYS(bpf),
                           SCMP_SYS(keyctl),
                           SCMP_SYS(perf_event_open),
                           SCMP_SYS(userfaultfd),
                           SCMP_SYS(io_uring_setup),
                           SCMP_SYS(init_module),
                           SCMP_SYS(finit_module),
                           SCMP_SYS(kexec_load),
                           SCMP_SYS(reboot),
                           SCMP_SYS(pivot_root),
                           SCMP_SYS(chroot),
                           SCMP_SYS(execveat),
                           SCMP_SYS(open_by_handle_at)}) {
      EXPECT_FALSE(has(role, call)) << channel::to_text(role) << " " << call;
    }
  }
}

TEST(Profiles, calls_that_are_safe_for_some_arguments_only_are_never_listed_without_them) {
  for (const Role role : children) {
    for (const int call : {SCMP_SYS(mmap), SCMP_SYS(mprotect), SCMP_SYS(clone), SCMP_SYS(prctl), SCMP_SYS(socket),
                           SCMP_SYS(setsockopt), SCMP_SYS(ioctl), SCMP_SYS(tgkill), SCMP_SYS(fcntl)}) {
      EXPECT_FALSE(has_without_condition(role, call)) << channel::to_text(role) << " " << call;
    }
  }
}

TEST(Profiles, keykeeper_has_no_socket_of_any_kind_and_no_thread) {
  for (const int call :
       {SCMP_SYS(socket), SCMP_SYS(connect), SCMP_SYS(bind), SCMP_SYS(accept4), SCMP_SYS(sendto), SCMP_SYS(clone)}) {
    EXPECT_FALSE(has(Role::keykeeper, call)) << call;
  }
}

TEST(Profiles, keykeeper_with_a_folder_has_files_by_descriptor_and_still_no_socket) {
  const auto has = [](int call) {
    return std::ranges::any_of(groups_of(Role::keykeeper, true), [call](const Group& group) {
      return std::ranges::find(group, call, &Allowed::call) != group.end();
    });
  };
  for (const int call : {SCMP_SYS(openat), SCMP_SYS(renameat), SCMP_SYS(clone)}) EXPECT_TRUE(has(call)) << call;
  for (const int call : {SCMP_SYS(open), SCMP_SYS(socket), SCMP_SYS(connect), SCMP_SYS(execve), SCMP_SYS(ptrace)})
    EXPECT_FALSE(has(call)) << call;
}

TEST(Profiles, what_children_may_monitor_may_for_they_inherit_its_list) {
  for (const Role role : children) {
    for (const Group& group : groups_of(role, true)) {
      for (const Allowed& allowed : group)
        EXPECT_TRUE(has(Role::monitor, allowed.call)) << channel::to_text(role) << " " << allowed.call;
    }
  }
}

TEST(Profiles, what_is_missing_is_not_allowed_as_well) {
  for (const Role role : children) {
    for (const int call : missing_calls()) EXPECT_FALSE(has(role, call)) << channel::to_text(role) << " " << call;
  }
}

TEST(Accounts, each_role_has_its_own_and_none_is_root) {
  std::set<uid_t> users;
  for (const Role role : children) {
    const auto account = account_of(role);
    ASSERT_TRUE(account.has_value());
    EXPECT_NE(account->user, 0U);
    EXPECT_NE(account->group, 0U);
    EXPECT_TRUE(users.insert(account->user).second) << account->name;
  }
  EXPECT_FALSE(account_of(Role::monitor).has_value());
}

}  // namespace
}  // namespace redoubt::sandbox
