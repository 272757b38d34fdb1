#include "appliance/control/reload.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <functional>

#include "appliance/config/check.hpp"
#include "appliance/config/limits.hpp"
#include "tests/unit/dnssec/temporary_folder.hpp"

namespace redoubt::control {
namespace {

using channel::Role;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// resolver or transport as scripted by the test: takes what it is offered, or says why not.
struct ScriptedRole {
  channel::Channel end;
  std::string trouble;
  std::vector<std::uint64_t> offered;
};

class ReloadTest : public testing::Test {
 protected:
  ReloadTest()
      : siblings_{loop_,
                  [this](Role role, std::uint64_t generation, const std::string& trouble) {
                    reload_->on_taken(role, generation, trouble);
                  },
                  [this](Role role, bool attached) { reload_->on_attachment(role, attached); }} {
    reload_.emplace(loop_, siblings_, [this](const channel::ChildToMonitor& message) { hear(message); });
    reload_->set_circumstances(2, {});
    attach(Role::resolver, resolver_);
    attach(Role::transport, transport_);
  }

  void attach(Role role, ScriptedRole& scripted) {
    auto pair = channel::Channel::make_pair();
    scripted.end = std::move(pair->second);
    siblings_.attach(role, std::move(pair->first));
  }

  /// monitor: binds all but what it was told to refuse.
  void hear(const channel::ChildToMonitor& message) {
    if (const auto* bind = std::get_if<channel::Bind>(&message)) {
      bound_.push_back(bind->at.to_text());
      const bool refused = bind->at.to_text() == refused_;
      boost::asio::post(loop_, [this, id = bind->id, refused] {
        reload_->on_bind_result({.id = id, .trouble = refused ? "address already in use" : ""});
      });
    } else if (const auto* unbind = std::get_if<channel::Unbind>(&message)) {
      unbound_.push_back(unbind->listener);
    }
  }

  template <class Encode>
  static void answer(ScriptedRole& scripted, Encode taken) {
    while (auto received = scripted.end.receive()) {
      const auto message = channel::decode_control_to_transport(received->octets);  // UseSnapshot stands first for both
      if (!message || !std::holds_alternative<channel::UseSnapshot>(*message)) continue;
      const auto generation = std::get<channel::UseSnapshot>(*message).generation;
      scripted.offered.push_back(generation);
      EXPECT_EQ(received->descriptors.size(), 1U);
      EXPECT_FALSE(scripted.end.send(taken(channel::SnapshotTaken{generation, scripted.trouble})));
    }
  }

  /// Lets everybody talk until the change is through.
  ChangeResult apply(const char* text) {
    auto checked = config::check(text, {.limits = config::all_limits(), .read_file = {}});
    EXPECT_TRUE(checked.configuration);
    std::optional<ChangeResult> result;
    reload_->begin(*checked.configuration, text, [&](const ChangeResult& done) { result = done; });
    for (int turn = 0; turn < 1000 && !result; ++turn) talk();
    EXPECT_TRUE(result);
    talk();
    return result.value_or(ChangeResult{});
  }
  void talk() {
    loop_.restart();
    loop_.poll();
    answer(resolver_,
           [](const channel::SnapshotTaken& taken) { return channel::encode(channel::ResolverToControl{taken}); });
    answer(transport_,
           [](const channel::SnapshotTaken& taken) { return channel::encode(channel::TransportToControl{taken}); });
    loop_.restart();
    loop_.poll();
  }

  static constexpr const char* one = "listen: [{address: 127.0.0.1@5301}]";
  static constexpr const char* two = "listen: [{address: 127.0.0.1@5302}]";

  boost::asio::io_context loop_{1};
  std::optional<Reload> reload_;
  Siblings siblings_;
  ScriptedRole resolver_;
  ScriptedRole transport_;
  std::vector<std::string> bound_;
  std::vector<channel::ListenerId> unbound_;
  std::string refused_;
};

TEST_F(ReloadTest, sockets_come_first_and_old_ones_go_last) {
  EXPECT_THAT(apply(one).faults, IsEmpty());
  EXPECT_THAT(unbound_, IsEmpty());
  const auto first = reload_->in_force()->generation;
  EXPECT_THAT(apply(two).faults, IsEmpty());
  EXPECT_GT(reload_->in_force()->generation, first);
  EXPECT_THAT(bound_, ElementsAre("127.0.0.1@5301", "127.0.0.1@5302"));
  EXPECT_THAT(unbound_, ElementsAre(0U));
  EXPECT_TRUE(reload_->is_up_to_date(Role::resolver));
  EXPECT_TRUE(reload_->is_up_to_date(Role::transport));
}

TEST_F(ReloadTest, a_port_that_is_taken_changes_nothing) {
  apply(one);
  const auto before = reload_->in_force()->generation;
  refused_ = "127.0.0.1@5302";
  const auto result = apply("listen: [{address: 127.0.0.1@5303}, {address: 127.0.0.1@5302}]");
  EXPECT_THAT(result.faults, ElementsAre("address already in use"));
  EXPECT_EQ(reload_->in_force()->generation, before);
  EXPECT_EQ(reload_->in_force()->configuration.listeners[0].at.port, 5301);
  EXPECT_THAT(unbound_, ElementsAre(1U, 2U));           // what was bound of the new ones goes again
  EXPECT_THAT(resolver_.offered, ElementsAre(before));  // nobody saw the new one
}

TEST_F(ReloadTest, a_snapshot_that_one_role_refuses_is_taken_back_from_both) {
  apply(one);
  const auto before = reload_->in_force()->generation;
  transport_.trouble = "no";
  const auto result = apply(two);
  EXPECT_THAT(result.faults, ElementsAre("transport: no"));
  transport_.trouble.clear();
  EXPECT_EQ(reload_->in_force()->generation, before);
  EXPECT_EQ(resolver_.offered.back(), before);
  EXPECT_THAT(unbound_, ElementsAre(1U));
}

TEST_F(ReloadTest, a_role_that_comes_back_gets_what_is_in_force) {
  apply(one);
  resolver_.offered.clear();
  resolver_.end.take().reset();
  talk();
  EXPECT_FALSE(reload_->is_up_to_date(Role::resolver));
  attach(Role::resolver, resolver_);
  talk();
  EXPECT_THAT(resolver_.offered, ElementsAre(reload_->in_force()->generation));
  EXPECT_TRUE(reload_->is_up_to_date(Role::resolver));
}

TEST_F(ReloadTest, a_role_that_is_down_holds_nothing_up) {
  apply(one);
  transport_.end.take().reset();
  talk();
  EXPECT_THAT(apply(two).faults, IsEmpty());
  attach(Role::transport, transport_);
  talk();
  EXPECT_EQ(transport_.offered.back(), reload_->in_force()->generation);
}

TEST_F(ReloadTest, garbage_from_a_sibling_closes_its_channel_and_nothing_else) {
  apply(one);
  const std::vector<std::uint8_t> garbage{0xff, 1, 2, 3};
  ASSERT_FALSE(resolver_.end.send(garbage));
  talk();
  EXPECT_FALSE(siblings_.attached(Role::resolver));
  EXPECT_TRUE(siblings_.attached(Role::transport));
}

TEST_F(ReloadTest, an_answer_that_never_comes_runs_out_of_time) {
  bool called = false;
  siblings_.ask_statistics(Role::resolver, std::chrono::milliseconds{1},
                           [&](const auto& values) { called = !values.has_value(); });
  while (!called) {
    loop_.restart();
    loop_.run_one();
  }
  EXPECT_TRUE(called);
}

TEST_F(ReloadTest, what_was_found_wrong_before_is_told_with_the_ports_that_are_taken) {
  refused_ = "127.0.0.1@5302";
  auto checked = config::check(two, {.limits = config::all_limits(), .read_file = {}});
  std::optional<ChangeResult> result;
  reload_->begin(*checked.configuration, two, [&](const ChangeResult& done) { result = done; },
                 {"another port is taken"});
  for (int turn = 0; turn < 100 && !result; ++turn) talk();
  ASSERT_TRUE(result);
  EXPECT_THAT(result->faults, ElementsAre("another port is taken", "address already in use"));
  EXPECT_FALSE(reload_->in_force());
}

struct StoredReloadTest : ReloadTest {
  StoredReloadTest() {
    auto opened = store::Store::open(folder.get());
    if (!opened) throw std::runtime_error{opened.error()};
    store.emplace(*std::move(opened));
    reload_->set_store(&*store);
  }
  tests::TemporaryFolder temporary;
  channel::Descriptor folder{::open(temporary.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  std::optional<store::Store> store;
};

TEST_F(StoredReloadTest, a_start_that_fails_counts_no_generation) {
  reload_->start_begins();
  transport_.trouble = "no";
  EXPECT_THAT(apply(one).faults, ElementsAre("transport: no"));
  reload_->start_failed();
  EXPECT_THAT(store->generations(10).value(), IsEmpty());
}

TEST_F(StoredReloadTest, a_start_that_fails_after_its_configuration_was_taken_counts_none_either) {
  reload_->start_begins();
  EXPECT_THAT(apply(one).faults, IsEmpty());
  EXPECT_THAT(apply(one).faults, IsEmpty());
  reload_->start_failed();
  EXPECT_THAT(store->generations(10).value(), IsEmpty());
  EXPECT_EQ(store->begin_first_generation(0, ""), 1U);
}

TEST_F(StoredReloadTest, a_start_that_is_through_counts) {
  reload_->start_begins();
  EXPECT_THAT(apply(one).faults, IsEmpty());
  reload_->start_is_through();
  transport_.trouble = "no";
  EXPECT_THAT(apply(two).faults, ElementsAre("transport: no"));
  reload_->start_failed();
  EXPECT_EQ(store->generations(10)->size(), 2U);
}

/// No file of this process can grow beyond that while it lives: what a full disk does to a database.
class FullDisk {
 public:
  explicit FullDisk(rlim_t most = 512 * 1024) : handler_{std::signal(SIGXFSZ, SIG_IGN)} {
    ::getrlimit(RLIMIT_FSIZE, &had_);
    const rlimit none{.rlim_cur = most, .rlim_max = had_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &none);
  }
  ~FullDisk() {
    ::setrlimit(RLIMIT_FSIZE, &had_);
    std::signal(SIGXFSZ, handler_);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  rlimit had_{};
  void (*handler_)(int);
};

TEST_F(StoredReloadTest, numbers_count_on_where_the_disk_is_full) {
  EXPECT_THAT(apply(one).faults, IsEmpty());
  const auto first = reload_->in_force()->generation;
  {
    const FullDisk full{16 * 1024};  // room for a snapshot, none behind what the store has written
    EXPECT_THAT(apply(two).faults, IsEmpty());
    EXPECT_EQ(reload_->in_force()->generation, first + 1) << "no number from the clock";
    EXPECT_THAT(store->generations(10).value(), testing::SizeIs(1)) << "it was not remembered";
  }
  EXPECT_THAT(apply(one).faults, IsEmpty());
  EXPECT_EQ(reload_->in_force()->generation, first + 2);
}

TEST_F(ReloadTest, what_the_disk_does_not_keep_is_in_force_with_a_warning) {
  std::string folder = testing::TempDir() + "redoubt-reload-XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  {
    const channel::Descriptor opened{::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
    auto store = store::Store::open(opened.get());
    ASSERT_TRUE(store) << store.error();
    reload_->set_store(&*store);
    EXPECT_THAT(apply(one).warnings, IsEmpty());
    const FullDisk full;
    const std::string too_long = std::string{two} + "\n# " + std::string(900 * 1024, '-');
    const ChangeResult result = apply(too_long.c_str());
    EXPECT_THAT(result.faults, IsEmpty());
    EXPECT_THAT(result.warnings, Contains(HasSubstr("not kept in the state folder: redoubt.sqlite")));
    reload_->set_store(nullptr);
  }
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace redoubt::control
