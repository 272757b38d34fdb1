#pragma once
// Exchanges by UDP with scripted servers, on machines whose kernels give different ports.
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <optional>
#include <string>

#include "resolver/iterate/query_message.hpp"
#include "resolver/role/system.hpp"
#include "resolver/role/upstream_datagrams.hpp"
#include "resolver/spawn.hpp"
#include "tests/sim/attacks/own_network.hpp"
#include "tests/unit/resolver_role/scripted_server.hpp"

namespace redoubt::resolver {

/// From which the kernel gives a socket one.
struct KernelRange {
  std::uint16_t first;
  std::uint16_t last;
  const char* name;

  bool has(std::uint16_t port) const { return first <= port && port <= last; }
};
constexpr KernelRange all_ports{1024, 65'535, "all"};
constexpr KernelRange usual_ports{32'768, 60'999, "usual"};
constexpr KernelRange few_ports{40'000, 40'099, "few"};

/// Each test with few of the ports, where nearly all sockets have to be fresh, with Linux's own, where some are and
/// some are kept, and with all of them, where they are kept.
class UpstreamDatagramsTest : public testing::TestWithParam<KernelRange> {
 protected:
  void SetUp() override {
    if (!sim::enter_own_network() || !sim::set_kernel_ports(GetParam().first, GetParam().last) ||
        !sim::reserve_ports(""))
      GTEST_SKIP() << "no network namespace to be had here";
  }
  std::expected<Reply, NetworkFault> exchange(const dns::Endpoint& server,
                                              std::chrono::milliseconds patience = std::chrono::milliseconds{2000}) {
    const dns::Question question{dns::Name::literal("www.example.com"), dns::type::a};
    std::optional<std::expected<Reply, NetworkFault>> result;
    spawn(loop_,
          upstream_.exchange({server, UpstreamTransport::udp,
                              make_query(question, {.edns = true, .random_case = true}, random_).wire,
                              std::chrono::steady_clock::now() + patience}),
          [&](const std::exception_ptr& trouble, std::expected<Reply, NetworkFault> reply) {
            EXPECT_FALSE(trouble);
            result = std::move(reply);
          });
    while (!result) loop_.run_one();
    return *result;
  }
  /// All under way at once, before the first of them is answered.
  unsigned answered_of(unsigned exchanges, const dns::Endpoint& server, std::chrono::milliseconds patience) {
    const dns::Question question{dns::Name::literal("www.example.com"), dns::type::a};
    unsigned ended = 0;
    unsigned answered = 0;
    for (unsigned i = 0; i < exchanges; ++i) {
      spawn(loop_,
            upstream_.exchange({server, UpstreamTransport::udp,
                                make_query(question, {.edns = true, .random_case = true}, random_).wire,
                                std::chrono::steady_clock::now() + patience}),
            [&](const std::exception_ptr&, const std::expected<Reply, NetworkFault>& reply) {
              ++ended;
              if (reply) ++answered;
            });
    }
    while (ended < exchanges) loop_.run_one();
    return answered;
  }

  boost::asio::io_context loop_{1};
  SystemRandom random_;
  HeldPorts held_;
  WorkerCounters counters_;
  UpstreamDatagrams upstream_{loop_.get_executor(), random_, held_, counters_};
};

/// Of those, where sockets are kept for all ports.
class KeptSocketsTest : public UpstreamDatagramsTest {};

inline std::string name_of(const testing::TestParamInfo<KernelRange>& range) { return range.param.name; }

}  // namespace redoubt::resolver
