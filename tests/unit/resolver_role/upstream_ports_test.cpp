// Which ports queries go out by, whatever the kernel gives of them.
#include <sys/syscall.h>
#include <unistd.h>

#include <map>
#include <set>

#include "tests/unit/resolver_role/upstream_fixture.hpp"

namespace {

/// Whether the kernel takes IP_RECVORIGDSTADDR, says that all is well, and attaches nothing all the same.
bool is_kernel_forgetful = false;

/// Whether it takes IP_LOCAL_PORT_RANGE, says that all is well, and chooses as it likes all the same.
bool is_kernel_heedless = false;

constexpr int ip_local_port_range = 51;

/// How often the kernel was told which port to take.
unsigned ports_asked_for = 0;

}  // namespace

// In place of the library's, for a kernel that we do not have.
extern "C" int setsockopt(int socket, int level, int option, const void* value, socklen_t octets) noexcept {
  const bool is_forgotten = (level == IPPROTO_IP && option == IP_RECVORIGDSTADDR) ||
                            (level == IPPROTO_IPV6 && option == IPV6_RECVORIGDSTADDR);
  if (is_kernel_forgetful && is_forgotten) return 0;
  if (level == IPPROTO_IP && option == ip_local_port_range) {
    ++ports_asked_for;
    if (is_kernel_heedless) return 0;
  }
  return static_cast<int>(::syscall(SYS_setsockopt, socket, level, option, value, octets));
}

namespace redoubt::resolver {
namespace {

TEST_P(UpstreamDatagramsTest, ports_and_ids_are_spread_evenly_over_their_whole_range) {
  std::map<unsigned, unsigned> port_buckets;
  std::map<unsigned, unsigned> id_buckets;
  std::set<std::uint16_t> ports;
  unsigned usual = 0;
  ScriptedServer server{loop_, [&](ScriptedServer& me, std::vector<std::uint8_t> query, sockaddr_in client) {
                          const std::uint16_t port = ntohs(client.sin_port);
                          EXPECT_GE(port, 1024);
                          ports.insert(port);
                          usual += usual_ports.has(port) ? 1 : 0;
                          ++port_buckets[(port - 1024U) / 4032U];
                          ++id_buckets[query[0] / 16U];
                          me.send(answer_to(query), client);
                        }};
  constexpr unsigned draws = 16'000;
  for (unsigned i = 0; i < draws; ++i) ASSERT_TRUE(exchange(server.endpoint()));
  const auto chi_squared = [&](const std::map<unsigned, unsigned>& buckets) {
    double sum = 0;
    for (unsigned b = 0; b < 16; ++b) {
      const double expected = draws / 16.0;
      const double seen = buckets.contains(b) ? buckets.at(b) : 0;
      sum += (seen - expected) * (seen - expected) / expected;
    }
    return sum;
  };
  // 15 degrees of freedom: above 60 once in three million runs.
  EXPECT_LT(chi_squared(port_buckets), 60.0);
  EXPECT_LT(chi_squared(id_buckets), 60.0);
  EXPECT_GT(ports.size(), 13'500U) << "of 64,512 ports, 16,000 draws hit 14,150 different ones on average";
  // Whichever socket it takes: 28,232 of 64,512 ports, six standard deviations of 63 to both sides.
  EXPECT_NEAR(usual, draws * 28'232.0 / 64'512.0, 380.0);
}

TEST_P(UpstreamDatagramsTest, a_socket_is_kept_for_just_those_ports_that_the_kernel_gives) {
  std::uint16_t port = 0;
  ScriptedServer server{loop_, [&](ScriptedServer& me, std::vector<std::uint8_t> query, sockaddr_in client) {
                          port = ntohs(client.sin_port);
                          me.send(answer_to(query), client);
                        }};
  unsigned fresh_within = 0;
  for (int i = 0; i < 3000; ++i) {
    const std::uint64_t before = upstream_.sockets().kept;
    ASSERT_TRUE(exchange(server.endpoint()));
    const bool is_kept = upstream_.sockets().kept > before;
    if (is_kept) {
      EXPECT_TRUE(GetParam().has(port)) << port;
    } else if (GetParam().has(port)) {
      ++fresh_within;
    }
  }
  EXPECT_LE(fresh_within, 10U) << "but where the server's own port was drawn, and those beside it from then on";
}

TEST_P(UpstreamDatagramsTest, reserved_ports_are_drawn_like_others_and_not_asked_for_again_and_again) {
  ASSERT_TRUE(sim::reserve_ports("45008-45071"));  // so that the server has none of them
  OutgoingSettings settings;
  settings.first_port = 45'008;
  settings.last_port = 45'071;
  upstream_.use(settings);
  std::map<std::uint16_t, unsigned> ports;
  ScriptedServer server{loop_, [&](ScriptedServer& me, std::vector<std::uint8_t> query, sockaddr_in client) {
                          ++ports[ntohs(client.sin_port)];
                          me.send(answer_to(query), client);
                        }};
  ASSERT_TRUE(sim::reserve_ports("45008-45039"));
  ports_asked_for = 0;
  constexpr unsigned draws = 2000;
  for (unsigned i = 0; i < draws; ++i) ASSERT_TRUE(exchange(server.endpoint()));
  EXPECT_EQ(ports.size(), 64U);
  unsigned reserved = 0;
  for (const auto& [port, times] : ports) reserved += port < 45'040 ? times : 0;
  EXPECT_NEAR(reserved, draws / 2.0, 135.0) << "six standard deviations";
  EXPECT_GE(upstream_.sockets().fresh, draws * 2 / 5);
  if (GetParam().has(45'040)) {
    EXPECT_GE(upstream_.sockets().kept, draws * 2 / 5);
  }
  EXPECT_LE(ports_asked_for - upstream_.sockets().kept, 20U);
}

TEST_P(UpstreamDatagramsTest, ports_that_another_worker_has_are_drawn_again_without_asking_the_kernel) {
  ASSERT_TRUE(sim::reserve_ports("40000-40063"));  // so that the server has none of them
  OutgoingSettings settings;
  settings.first_port = 40'000;
  settings.last_port = 40'063;
  upstream_.use(settings);
  for (std::uint16_t port = 40'000; port < 40'060; ++port) ASSERT_TRUE(held_.claim(port));
  std::set<std::uint16_t> ports;
  ScriptedServer server{loop_, [&](ScriptedServer& me, std::vector<std::uint8_t> query, sockaddr_in client) {
                          ports.insert(ntohs(client.sin_port));
                          me.send(answer_to(query), client);
                        }};
  ASSERT_TRUE(sim::reserve_ports(""));
  ports_asked_for = 0;
  for (int i = 0; i < 100; ++i) static_cast<void>(exchange(server.endpoint()));
  EXPECT_EQ(ports, (std::set<std::uint16_t>{40'060, 40'061, 40'062, 40'063}));
  EXPECT_LE(ports_asked_for, 100U);
  for (std::uint16_t port = 40'060; port < 40'064; ++port) EXPECT_TRUE(held_.claim(port)) << "each was let go";
  EXPECT_EQ(exchange(server.endpoint()).error(), NetworkFault::no_resources);
}

TEST_P(UpstreamDatagramsTest, ports_stay_in_the_configured_range_and_a_held_port_is_never_shared) {
  OutgoingSettings settings;
  settings.first_port = 40'000;
  settings.last_port = 40'003;
  upstream_.use(settings);
  ASSERT_TRUE(sim::reserve_ports("40000-40003"));  // or the server may have one of them
  std::set<std::uint16_t> held;
  ScriptedServer server{loop_, [&](ScriptedServer&, auto, sockaddr_in client) { held.insert(ntohs(client.sin_port)); }};
  std::size_t ended = 0;
  std::size_t without_port = 0;
  const dns::Question question{dns::Name::literal("www.example.com"), dns::type::a};
  for (int i = 0; i < 6; ++i) {
    spawn(loop_,
          upstream_.exchange({server.endpoint(), UpstreamTransport::udp,
                              make_query(question, {.edns = true, .random_case = true}, random_).wire,
                              std::chrono::steady_clock::now() + std::chrono::milliseconds{1000}}),
          [&](const std::exception_ptr&, const std::expected<Reply, NetworkFault>& reply) {
            ++ended;
            if (reply.error() == NetworkFault::no_resources) ++without_port;
          });
  }
  while (ended < 6) loop_.run_one();
  EXPECT_EQ(held, (std::set<std::uint16_t>{40'000, 40'001, 40'002, 40'003}));
  EXPECT_EQ(without_port, 2U);
}

/// As many ports as addresses make up for a firewall that lets few of them through.
TEST_P(UpstreamDatagramsTest, each_source_address_has_all_of_the_ports) {
  ASSERT_TRUE(sim::reserve_ports("40060"));
  OutgoingSettings settings;
  settings.addresses = {*dns::IpAddress::from_text("127.0.0.21"), *dns::IpAddress::from_text("127.0.0.22")};
  settings.first_port = settings.last_port = 40'060;
  upstream_.use(settings);
  std::set<std::uint32_t> sources;
  ScriptedServer server{
      loop_, [&](ScriptedServer&, auto, sockaddr_in client) { sources.insert(ntohl(client.sin_addr.s_addr) & 0xff); }};
  // 40 draws of the address: that all are the same happens once in 500 thousand million runs.
  EXPECT_EQ(answered_of(40, server.endpoint(), std::chrono::milliseconds{1000}), 0U);
  EXPECT_EQ(sources, (std::set<std::uint32_t>{21, 22}));
  EXPECT_EQ(upstream_.counts().queries, 2U) << "and no address has a port twice";
  EXPECT_TRUE(held_.claim(40'060)) << "it was let go";
}

TEST_P(UpstreamDatagramsTest, a_port_is_let_go_behind_each_exchange) {
  std::vector<std::uint16_t> ports;
  ScriptedServer server{loop_, [&](ScriptedServer& me, std::vector<std::uint8_t> query, sockaddr_in client) {
                          ports.push_back(ntohs(client.sin_port));
                          me.send(answer_to(query), client);
                        }};
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(exchange(server.endpoint()));
    const int taker = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_in here{};
    here.sin_family = AF_INET;
    here.sin_port = htons(ports.back());
    EXPECT_EQ(bind(taker, reinterpret_cast<const sockaddr*>(&here), sizeof here), 0);
    close(taker);
  }
}

TEST_P(KeptSocketsTest, a_machine_that_gives_fewer_ports_meanwhile_does_not_choose_them) {
  std::set<std::uint16_t> ports;
  ScriptedServer server{loop_, [&](ScriptedServer& me, std::vector<std::uint8_t> query, sockaddr_in client) {
                          ports.insert(ntohs(client.sin_port));
                          me.send(answer_to(query), client);
                        }};
  // Until it is clear that the kernel gives nearly all: from here on a reply at another port has to show what changes.
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(exchange(server.endpoint()));
  EXPECT_LE(upstream_.sockets().fresh, 2U) << "but where the server's own port was drawn";
  ASSERT_TRUE(sim::set_kernel_ports(40'000, 40'009));
  ports.clear();
  for (int i = 0; i < 400; ++i) ASSERT_TRUE(exchange(server.endpoint()));
  EXPECT_GT(ports.size(), 390U);
  EXPECT_GE(upstream_.sockets().fresh, 390U);
  EXPECT_EQ(upstream_.counts().timeouts, 0U);
  EXPECT_LE(upstream_.counts().queries, 510U) << "one was asked again, or two";
  ASSERT_TRUE(sim::set_kernel_ports(1024, 65535));
  const std::uint64_t kept = upstream_.sockets().kept;
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(exchange(server.endpoint()));
  EXPECT_LE(upstream_.sockets().kept, kept + 20) << "but those next to the ten";
  upstream_.use({});
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(exchange(server.endpoint()));
  EXPECT_GE(upstream_.sockets().kept, kept + 190) << "new settings try again";
}

TEST_P(KeptSocketsTest, all_that_are_under_way_while_ports_become_fewer_are_answered) {
  ScriptedServer server{loop_, [](ScriptedServer& me, auto query, auto client) { me.send(answer_to(query), client); }};
  for (int i = 0; i < 300; ++i) ASSERT_TRUE(exchange(server.endpoint()));
  ASSERT_TRUE(sim::set_kernel_ports(40'000, 40'999));
  EXPECT_EQ(answered_of(100, server.endpoint(), std::chrono::milliseconds{2000}), 100U);
  const auto before = upstream_.sockets();
  for (int i = 0; i < 500; ++i) ASSERT_TRUE(exchange(server.endpoint()));
  EXPECT_GE(upstream_.sockets().fresh, before.fresh + 450);
  EXPECT_EQ(upstream_.counts().timeouts, 0U);
}

TEST_P(UpstreamDatagramsTest, a_machine_that_gives_more_ports_meanwhile_is_found_out) {
  ScriptedServer server{loop_, [](ScriptedServer& me, auto query, auto client) { me.send(answer_to(query), client); }};
  for (int i = 0; i < 300; ++i) ASSERT_TRUE(exchange(server.endpoint()));
  ASSERT_TRUE(sim::set_kernel_ports(1024, 65'535));
  for (std::uint32_t i = 0; i < 2 * KernelPorts::tried_again_after; ++i) ASSERT_TRUE(exchange(server.endpoint()));
  const std::uint64_t fresh = upstream_.sockets().fresh;
  for (int i = 0; i < 300; ++i) ASSERT_TRUE(exchange(server.endpoint()));
  EXPECT_LE(upstream_.sockets().fresh, fresh + 5);
  EXPECT_EQ(upstream_.counts().timeouts, 0U);
}

TEST_P(KeptSocketsTest, a_kernel_that_does_not_heed_what_it_is_told_is_not_asked_for_ever) {
  ASSERT_TRUE(sim::set_kernel_ports(usual_ports.first, usual_ports.last));
  is_kernel_heedless = true;
  ScriptedServer server{loop_, [](ScriptedServer& me, auto query, auto client) { me.send(answer_to(query), client); }};
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(exchange(server.endpoint()));
  ports_asked_for = 0;
  for (int i = 0; i < 300; ++i) EXPECT_TRUE(exchange(server.endpoint()));
  EXPECT_EQ(ports_asked_for, 0U);
  EXPECT_EQ(upstream_.counts().timeouts, 0U);
  is_kernel_heedless = false;
  upstream_.use({});
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(exchange(server.endpoint()));
  EXPECT_GT(ports_asked_for, 20U) << "new settings try again";
}

TEST_P(KeptSocketsTest, a_kernel_that_does_not_tell_the_port_leaves_nobody_deaf) {
  is_kernel_forgetful = true;
  ScriptedServer server{loop_, [](ScriptedServer& me, auto query, auto client) { me.send(answer_to(query), client); }};
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(exchange(server.endpoint()));
  EXPECT_EQ(upstream_.counts().timeouts, 0U);
  EXPECT_EQ(upstream_.sockets().kept, 1U) << "the one that showed it";
  EXPECT_EQ(upstream_.sockets().fresh, 50U);
  EXPECT_EQ(server.queries, 51U) << "the query of that one was asked again";
  is_kernel_forgetful = false;
  upstream_.use({});
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(exchange(server.endpoint()));
  EXPECT_GE(upstream_.sockets().kept, 8U) << "new settings try again";
}

}  // namespace
}  // namespace redoubt::resolver
