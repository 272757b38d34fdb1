// A worker that finds no port, no descriptor, no memory or no room, and a clock that is set: what is known is answered
// as before, what is not fails at once and says why, and all is well again as soon as there is some.
#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <ctime>
#include <future>
#include <new>

#include "resolver/role/system.hpp"
#include "resolver/role/upstream_sockets.hpp"
#include "resolver/role/worker.hpp"
#include "tests/unit/resolver_role/loopback.hpp"

namespace {

/// Of a thread: so many allocations from now on the next one fails, once, or all from there; negative: none does.
thread_local int fails_after = -1;
thread_local bool fails_on = false;
/// What the wall clock is off by, in seconds, for the whole of this process.
std::atomic<std::int64_t> clock_set_by = 0;

[[maybe_unused]] void* allocate(std::size_t octets) {
  if (fails_after >= 0 && fails_after-- == 0) {
    if (fails_on) fails_after = 0;
    throw std::bad_alloc{};
  }
  void* const memory = std::malloc(octets);
  if (memory == nullptr) throw std::bad_alloc{};
  return memory;
}

}  // namespace

// In place of the library's: this program's memory and clock fail when a test says so. Clang's ThreadSanitizer has its
// own, and does not let go of them.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define MEMORY_NEVER_FAILS
#endif
#endif
#ifndef MEMORY_NEVER_FAILS
void* operator new(std::size_t octets) { return allocate(octets); }
void* operator new[](std::size_t octets) { return allocate(octets); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
#endif

extern "C" int clock_gettime(clockid_t clock, timespec* time) noexcept {
  const long result = ::syscall(SYS_clock_gettime, clock, time);
  if (result == 0 && clock == CLOCK_REALTIME) time->tv_sec += clock_set_by.load();
  return static_cast<int>(result);
}

namespace redoubt::resolver {
namespace {

namespace asio = boost::asio;
using namespace testing;
using channel::ResolverCounter;

constexpr int soon = 20'000;  // milliseconds: only waited for in full when something is broken

class BadDaysTest : public ::testing::Test {
 protected:
  BadDaysTest() : road_{loop_.get_executor(), [](const std::vector<channel::Ask>&) {}} {
    main_ = std::thread{[this] { loop_.run(); }};
    worker_ = std::make_unique<Worker>(shared_, road_, settings(1024, 65'535));
    LoopbackSocket listener{"127.0.0.1"};
    port_ = listener.port();
    worker_->take_socket(1, channel::Descriptor{listener.release()});
  }
  ~BadDaysTest() override {
    worker_.reset();
    loop_.stop();
    main_.join();
  }

  std::shared_ptr<const WorkerSettings> settings(std::uint16_t first_port, std::uint16_t last_port) const {
    auto settings = std::make_shared<WorkerSettings>();
    settings->access = policy::AccessList{std::vector{*dns::Prefix::from_text("127.0.0.1")}};
    auto core = std::make_shared<Settings>();
    core->root_servers = {{dns::Name::literal("root."), {*dns::IpAddress::from_text("127.0.0.1")}}};
    core->authority_port = authority_.port();
    core->ipv6 = false;
    core->prime = false;
    core->minimisation = Minimisation::off;
    settings->core = core;
    settings->outgoing.addresses = {*dns::IpAddress::from_text("127.0.0.1")};
    settings->outgoing.first_port = first_port;
    settings->outgoing.last_port = last_port;
    settings->packet_cache_octets = 1U << 20U;
    return settings;
  }

  std::optional<dns::Message> ask(const char* name) const {
    dns::Message query = *dns::Message::parse(client_query(name));
    query.edns.emplace();
    client_.send(query.to_wire(), LoopbackSocket::at("127.0.0.1", port_));
    const auto octets = client_.receive(soon);
    return octets ? std::optional{*dns::Message::parse(*octets)} : std::nullopt;
  }
  /// Asks and waits until the worker has the question, however late it gets to run; then for an answer, if there is
  /// one.
  void ask_from(const LoopbackSocket& other, const std::string& name) const {
    const std::uint64_t before = counted(ResolverCounter::queries_udp);
    other.send(client_query(name), LoopbackSocket::at("127.0.0.1", port_));
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds{soon};
    while (counted(ResolverCounter::queries_udp) == before && std::chrono::steady_clock::now() < end)
      std::this_thread::sleep_for(std::chrono::microseconds{100});
    static_cast<void>(other.receive(30));
  }
  std::uint64_t counted(ResolverCounter which) const { return worker_->counters().get(which); }

  /// SERVFAIL at once, with the reason; what is known goes on.
  void expect_nothing_to_ask_with(const char* unknown) {
    const auto failed = ask(unknown);
    ASSERT_TRUE(failed);
    EXPECT_EQ(failed->rcode(), dns::Rcode::servfail);
    ASSERT_TRUE(failed->edns);
    const auto& errors = failed->edns->extended_errors;
    ASSERT_FALSE(errors.empty());
    EXPECT_NE(errors[0].text.find("no local port or descriptor left"), std::string::npos) << errors[0].text;
    EXPECT_GT(counted(ResolverCounter::upstream_no_resources), 0U);
    const auto known = ask("known.example");
    ASSERT_TRUE(known);
    EXPECT_EQ(known->rcode(), dns::Rcode::noerror);
  }

  Authority authority_{[](dns::Message query) { return Authority::address(std::move(query), 1, 300); }};
  asio::io_context loop_{1};
  asio::executor_work_guard<asio::io_context::executor_type> guard_{loop_.get_executor()};
  StreamRoad road_;
  Shared shared_{4U << 20U, dns::HashKey{7}};
  std::thread main_;
  LoopbackSocket client_{"127.0.0.1"};
  std::uint16_t port_ = 0;
  std::unique_ptr<Worker> worker_;
};

TEST_F(BadDaysTest, no_descriptor_left) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "UndefinedBehaviorSanitizer looks at memory through a pipe, for which there is no descriptor either";
#endif
  ASSERT_EQ(ask("known.example")->rcode(), dns::Rcode::noerror);
  // A socket that is kept for the next exchange would do for that; by another address none is.
  auto elsewhere = std::make_shared<WorkerSettings>(*settings(1024, 65'535));
  elsewhere->outgoing.addresses = {*dns::IpAddress::from_text("127.0.0.2")};
  worker_->use(elsewhere);
  std::promise<void> used;
  worker_->when_turning([&used] { used.set_value(); });
  used.get_future().wait();
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  // No further one: standard input, output and error are there. poll() takes no more descriptors than the limit,
  // either.
  const rlimit none{.rlim_cur = 3, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  expect_nothing_to_ask_with("unknown.example");
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(ask("later.example")->rcode(), dns::Rcode::noerror);
}

TEST_F(BadDaysTest, no_port_left) {
  ASSERT_EQ(ask("known.example")->rcode(), dns::Rcode::noerror);
  const LoopbackSocket holder{"127.0.0.1"};
  worker_->use(settings(holder.port(), holder.port()));
  expect_nothing_to_ask_with("unknown.example");
  worker_->use(settings(1024, 65'535));
  EXPECT_EQ(ask("later.example")->rcode(), dns::Rcode::noerror);
}

TEST_F(BadDaysTest, a_full_cache_lets_the_oldest_go_and_goes_on) {
  shared_.cache.resize(64 * 600);
  for (int i = 0; i < 600; ++i)
    ASSERT_EQ(ask(("n" + std::to_string(i) + ".example").c_str())->rcode(), dns::Rcode::noerror) << i;
  const CacheCounters counters = shared_.cache.counters();
  EXPECT_GT(counters.evictions, 0U);
  EXPECT_LE(counters.octets, 64U * 600U);
}

TEST_F(BadDaysTest, a_worker_that_turns_says_so_and_one_that_does_not_is_silent) {
  std::promise<void> release;
  std::promise<void> turned;
  worker_->when_turning([wait = release.get_future().share()] { wait.wait(); });
  worker_->when_turning([&] { turned.set_value(); });
  auto answered = turned.get_future();
  EXPECT_EQ(answered.wait_for(std::chrono::milliseconds{200}), std::future_status::timeout);
  release.set_value();
  EXPECT_EQ(answered.wait_for(std::chrono::milliseconds{soon}), std::future_status::ready);
}

/// Whichever allocation of a question's way it is that fails: that question may be lost, the next one is answered.
TEST_F(BadDaysTest, memory_that_fails_once_costs_one_question_and_is_counted) {
#ifdef MEMORY_NEVER_FAILS
  GTEST_SKIP() << "ThreadSanitizer hands out memory itself";
#endif
  ASSERT_EQ(ask("known.example")->rcode(), dns::Rcode::noerror);
  const LoopbackSocket other{"127.0.0.1"};
  const unsigned asked = authority_.queries();
  for (int which = 0; which < 120; ++which) {
    const auto arm = [this](int allocations) {
      const auto armed = std::make_shared<std::promise<void>>();
      worker_->when_turning([armed, allocations] {
        armed->set_value();
        fails_after = allocations;
      });
      armed->get_future().wait();
    };
    arm(which);
    ask_from(other, std::string{"n"}.append(std::to_string(which)).append(".example"));
    arm(-1);
    const auto answer = ask("known.example");
    ASSERT_TRUE(answer) << "deaf since allocation " << which;
    EXPECT_EQ(answer->rcode(), dns::Rcode::noerror);
  }
  EXPECT_GT(counted(ResolverCounter::work_lost), 0U);
  EXPECT_GT(authority_.queries(), asked);
  EXPECT_EQ(ask("later.example")->rcode(), dns::Rcode::noerror);
}

/// Or ports would become fewer for good, one by one.
TEST(UpstreamSocketsTest, memory_that_fails_leaves_no_port_held) {
#ifdef MEMORY_NEVER_FAILS
  GTEST_SKIP() << "ThreadSanitizer hands out memory itself";
#endif
  HeldPorts held;
  SystemRandom random;
  const int set = epoll_create1(EPOLL_CLOEXEC);
  unsigned failed = 0;
  for (int which = 0; which < 12; ++which) {
    UpstreamSockets sockets{random, held, set};
    sockets.use({});
    fails_after = which;
    try {
      const auto taken = sockets.take({dns::IpAddress::v4({127, 0, 0, 1}), 53}, 1);
      fails_after = -1;
      ASSERT_TRUE(taken);
      sockets.give_back(*taken);
    } catch (const std::bad_alloc&) {
      ++failed;
    }
    fails_after = -1;
    for (std::uint32_t port = 1; port <= 65'535; ++port) {
      ASSERT_TRUE(held.claim(static_cast<std::uint16_t>(port))) << port << " since allocation " << which;
      held.release(static_cast<std::uint16_t>(port));
    }
  }
  close(set);
  EXPECT_GT(failed, 0U);
}

/// Nobody is left waiting for a resolution that had no memory to begin with.
TEST_F(BadDaysTest, memory_that_stays_short_for_a_while_leaves_no_question_for_ever) {
#ifdef MEMORY_NEVER_FAILS
  GTEST_SKIP() << "ThreadSanitizer hands out memory itself";
#endif
  const LoopbackSocket other{"127.0.0.1"};
  for (int which = 0; which < 60; ++which) {
    const auto arm = [this](int allocations) {
      const auto armed = std::make_shared<std::promise<void>>();
      worker_->when_turning([armed, allocations] {
        armed->set_value();
        fails_on = allocations >= 0;
        fails_after = allocations;
      });
      armed->get_future().wait();
    };
    const std::string name = "s" + std::to_string(which) + ".example";
    arm(which);
    ask_from(other, name);
    arm(-1);
    ASSERT_TRUE(ask(name.c_str())) << "lost for ever since allocation " << which;
  }
  EXPECT_EQ(shared_.flights.waiting(), 0U);
  EXPECT_GT(counted(ResolverCounter::work_lost), 0U);
}

/// So many at once that the worker looks for more by itself.
TEST_F(BadDaysTest, memory_that_fails_in_a_flood_leaves_no_listener_deaf) {
#ifdef MEMORY_NEVER_FAILS
  GTEST_SKIP() << "ThreadSanitizer hands out memory itself";
#endif
  ASSERT_EQ(ask("known.example")->rcode(), dns::Rcode::noerror);
  const LoopbackSocket flood{"127.0.0.1"};
  const auto query = client_query("known.example");
  for (int which = 0; which < 12; ++which) {
    std::promise<void> held;
    std::promise<void> go;
    worker_->when_turning([&held, released = go.get_future().share(), which] {
      held.set_value();
      released.wait();
      fails_after = which;
    });
    held.get_future().wait();
    for (int i = 0; i < 600; ++i) flood.send(query, LoopbackSocket::at("127.0.0.1", port_));
    go.set_value();
    while (flood.receive(30)) {
    }
    std::promise<void> done;
    worker_->when_turning([&done] {
      fails_after = -1;
      done.set_value();
    });
    done.get_future().wait();
    ASSERT_TRUE(ask("known.example")) << "deaf since allocation " << which;
  }
}

class ClockSet : public BadDaysTest {
 protected:
  ~ClockSet() override { clock_set_by = 0; }
  void expect_known_as_ever() const {
    const auto answer = ask("known.example");
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->rcode(), dns::Rcode::noerror);
    ASSERT_EQ(answer->answer.size(), 1U);
    EXPECT_GT(answer->answer[0].ttl.seconds(), 200U);
    EXPECT_LE(answer->answer[0].ttl.seconds(), 300U);
  }
};

TEST_F(ClockSet, forwards_and_back_changes_nothing_that_is_known_and_is_counted) {
  constexpr std::int64_t ten_years = 10LL * 365 * 86'400;
  expect_known_as_ever();
  std::uint64_t jumps = 0;
  for (const std::int64_t seconds : {ten_years, -ten_years, std::int64_t{0}, std::int64_t{-3600}, std::int64_t{5}}) {
    clock_set_by = seconds;
    expect_known_as_ever();
    EXPECT_EQ(counted(ResolverCounter::clock_jumps), ++jumps) << seconds;
    expect_known_as_ever();
    EXPECT_EQ(counted(ResolverCounter::clock_jumps), jumps) << "once for each";
  }
  EXPECT_EQ(authority_.queries(), 1U) << "nothing has expired";
}

TEST_F(ClockSet, again_and_again_beneath_a_load_loses_nothing) {
  expect_known_as_ever();
  std::atomic<bool> stop = false;
  std::thread setter{[&] {
    for (std::int64_t i = 0; !stop; ++i) {
      clock_set_by = (i % 2 == 0 ? 1 : -1) * i * 86'400;
      std::this_thread::sleep_for(std::chrono::microseconds{200});
    }
  }};
  for (int i = 0; i < 500; ++i) expect_known_as_ever();
  stop = true;
  setter.join();
  EXPECT_GT(counted(ResolverCounter::clock_jumps), 0U);
  EXPECT_EQ(authority_.queries(), 1U);
}

}  // namespace
}  // namespace redoubt::resolver
