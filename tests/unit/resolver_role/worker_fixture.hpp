#pragma once
// Two workers of the resolver role in this process, with all of the machine that they need.
#include <gtest/gtest.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <future>

#include "resolver/role/worker.hpp"
#include "tests/unit/resolver_role/loopback.hpp"

namespace redoubt::resolver::testing {

namespace asio = boost::asio;

inline constexpr int soon = 20'000;  // milliseconds: ample, and only waited for in full when something is broken

/// Two workers, as in the process, before one scripted authority; the main thread's loop runs beside them.
class WorkerTest : public ::testing::Test {
 protected:
  explicit WorkerTest(Authority::Answer answer =
                          [](dns::Message query) { return Authority::address(std::move(query), 1, 300); })
      : authority_{std::move(answer)}, road_{loop_.get_executor(), [](const std::vector<channel::Ask>&) {}} {
    main_ = std::thread{[this] { loop_.run(); }};
    for (auto& worker : workers_) worker = std::make_unique<Worker>(shared_, road_, settings({"127.0.0.1"}));
  }
  ~WorkerTest() override {
    for (auto& worker : workers_) worker.reset();
    loop_.stop();
    main_.join();
  }

  std::shared_ptr<const WorkerSettings> settings(std::initializer_list<const char*> allowed) const {
    auto settings = std::make_shared<WorkerSettings>();
    std::vector<dns::Prefix> prefixes;
    for (const char* text : allowed) prefixes.push_back(*dns::Prefix::from_text(text));
    settings->access = policy::AccessList{prefixes};
    auto core = std::make_shared<Settings>();
    core->root_servers = {{dns::Name::literal("root."), {*dns::IpAddress::from_text("127.0.0.1")}}};
    core->authority_port = authority_.port();
    core->ipv6 = false;
    core->prime = false;  // nobody here answers by TCP
    core->minimisation = Minimisation::off;
    core->limits.set("waiting-queries-per-client", 100'000);
    settings->core = core;
    settings->packet_cache_octets = 1U << 20;
    settings->amplified_answers = 5;
    return settings;
  }

  /// A listener on both workers; the port that clients send to.
  std::uint16_t listen(channel::ListenerId id) {
    LoopbackSocket socket{"127.0.0.1"};
    const std::uint16_t port = socket.port();
    workers_[0]->take_socket(id, channel::Descriptor{socket.release()});
    return port;
  }

  /// Sends and gives the parsed answer.
  static std::optional<dns::Message> ask(const LoopbackSocket& client, std::uint16_t port,
                                         const std::vector<std::uint8_t>& query, int patience = soon) {
    client.send(query, LoopbackSocket::at("127.0.0.1", port));
    const auto octets = client.receive(patience);
    if (!octets) return std::nullopt;
    auto message = dns::Message::parse(*octets);
    EXPECT_TRUE(message);
    return *message;
  }

  std::uint64_t counted(channel::ResolverCounter which) const {
    return workers_[0]->counters().get(which) + workers_[1]->counters().get(which);
  }

  Authority authority_;
  asio::io_context loop_{1};
  asio::executor_work_guard<asio::io_context::executor_type> guard_{loop_.get_executor()};
  StreamRoad road_;
  Shared shared_{4 << 20, dns::HashKey{7}};
  std::thread main_;
  std::array<std::unique_ptr<Worker>, 2> workers_;
};

}  // namespace redoubt::resolver::testing
