#pragma once
#include <memory>

#include "tests/unit/transport/harness.hpp"
#include "transport/server/stream_server.hpp"

namespace redoubt::transport::test {

/// A resolver that notes what it is asked.
class NotingResolver : public QueryTaker {
 public:
  struct Asked {
    AskId id;
    Origin origin;
    Octets query;
  };
  bool ask(AskId id, const Origin& origin, std::span<const std::uint8_t> query) override {
    if (!takes) return false;
    asked.push_back({id, origin, {query.begin(), query.end()}});
    return true;
  }
  void withdraw(AskId id) override { withdrawn.push_back(id); }

  bool takes = true;
  std::vector<Asked> asked;
  std::vector<AskId> withdrawn;
};

class ServerTest : public LoopTest {
 protected:
  static constexpr ListenerId listener = 7;

  void SetUp() override {
    // Times that no test waits for, unless it says so.
    limits_.with(Limit::idle_time, 60'000).with(Limit::idle_time_busy, 60'000).with(Limit::message_time, 60'000);
    limits_.with(Limit::write_time, 60'000).with(Limit::answer_time, 60'000);
    server_ = std::make_unique<StreamServer>(executor(), resolver_, counters_);
    server_->use(limits_);
    Socket socket = listening_socket();
    at_ = local_endpoint(socket);
    ASSERT_TRUE(server_->listen(listener, {Protocol::tcp}, std::move(socket)));
  }

  void limit(Limit which, std::uint64_t value) { server_->use(limits_.with(which, value)); }
  bool asked(std::size_t count) {
    return run_until([&] { return resolver_.asked.size() >= count; });
  }
  bool open_connections(std::size_t count) {
    return run_until([&] { return server_->connections() == count; });
  }
  void give(const NotingResolver::Asked& asked, std::size_t octets = 0) {
    server_->give(asked.id, answer_to(asked.query, octets));
  }

  Limits limits_;
  Counters counters_;
  NotingResolver resolver_;
  std::unique_ptr<StreamServer> server_;
  dns::Endpoint at_;
};

}  // namespace redoubt::transport::test
