#include "resolver/role/upstream_datagrams.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <map>
#include <optional>
#include <set>

#include "resolver/iterate/query_message.hpp"
#include "resolver/role/system.hpp"
#include "tests/unit/resolver_role/scripted_server.hpp"

namespace redoubt::resolver {
namespace {

class UpstreamDatagramsTest : public testing::Test {
 protected:
  std::expected<Reply, NetworkFault> exchange(const dns::Endpoint& server,
                                              std::chrono::milliseconds patience = std::chrono::milliseconds{2000}) {
    const dns::Question question{dns::Name::literal("www.example.com"), dns::type::a};
    std::optional<std::expected<Reply, NetworkFault>> result;
    asio::co_spawn(loop_,
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

  asio::io_context loop_{1};
  SystemRandom random_;
  UpstreamDatagrams upstream_{loop_.get_executor(), random_};
};

TEST_F(UpstreamDatagramsTest, the_matching_reply_is_taken) {
  ScriptedServer server{loop_, [](ScriptedServer& me, auto query, auto client) { me.send(answer_to(query), client); }};
  const auto reply = exchange(server.endpoint());
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->mismatched, 0U);
  EXPECT_EQ(server.queries, 1U);
}

TEST_F(UpstreamDatagramsTest, replies_with_one_wrong_detail_are_counted_and_waited_past) {
  std::uint32_t wrong = 0;
  ScriptedServer server{loop_, [&](ScriptedServer& me, std::vector<std::uint8_t> query, sockaddr_in client) {
                          const auto good = answer_to(query);
                          const auto spoil = [&](std::size_t at, std::uint8_t mask) {
                            auto bad = good;
                            bad[at] ^= mask;
                            me.send(bad, client);
                            ++wrong;
                          };
                          for (const std::size_t bit : {0U, 3U, 7U}) {
                            spoil(0, static_cast<std::uint8_t>(1U << bit));  // id
                            spoil(1, static_cast<std::uint8_t>(1U << bit));
                          }
                          spoil(2, 0x80);                 // QR
                          spoil(2, 0x08);                 // opcode
                          spoil(5, 0x01);                 // QDCOUNT 0
                          spoil(5, 0x03);                 // QDCOUNT 2
                          spoil(13, 0x20);                // one letter in the other case
                          spoil(14, 0x01);                // another name
                          spoil(good.size() - 12, 0x01);  // class (OPT is the last eleven octets)
                          spoil(good.size() - 14, 0x01);  // type
                          me.send({}, client);            // empty, and cut at every kind of place
                          ++wrong;
                          for (const std::size_t size : {1U, 11U, 12U, 20U}) {
                            me.send(std::span{good}.first(size), client);
                            ++wrong;
                          }
                          me.send(std::vector<std::uint8_t>(3000, 0xff), client);
                          ++wrong;
                          me.send(good, client);
                        }};
  const auto reply = exchange(server.endpoint());
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->mismatched, wrong);
  EXPECT_EQ(server.queries, 1U) << "waiting past wrong replies must cost no packet";
}

TEST_F(UpstreamDatagramsTest, a_flood_of_wrong_replies_ends_the_exchange_as_spoofed) {
  ScriptedServer server{loop_, [](ScriptedServer& me, std::vector<std::uint8_t> query, sockaddr_in client) {
                          auto bad = answer_to(query);
                          for (std::uint32_t i = 0; i < max_mismatched_replies; ++i) {
                            bad[0] = static_cast<std::uint8_t>(query[0] + 1 + i % 200);
                            me.send(bad, client);
                          }
                        }};
  EXPECT_EQ(exchange(server.endpoint()).error(), NetworkFault::spoofed);
}

TEST_F(UpstreamDatagramsTest, wrong_replies_alone_end_as_spoofed_when_the_time_is_up) {
  ScriptedServer server{
      loop_, [](ScriptedServer& me, std::vector<std::uint8_t> query, sockaddr_in client) { me.send(query, client); }};
  EXPECT_EQ(exchange(server.endpoint(), std::chrono::milliseconds{50}).error(), NetworkFault::spoofed);
}

TEST_F(UpstreamDatagramsTest, silence_is_a_time_out_and_a_closed_port_is_known_at_once) {
  ScriptedServer server{loop_, [](ScriptedServer&, auto, auto) {}};
  EXPECT_EQ(exchange(server.endpoint(), std::chrono::milliseconds{50}).error(), NetworkFault::timed_out);
  dns::Endpoint closed = server.endpoint();
  closed.address = dns::IpAddress::v4({127, 0, 0, 99});
  EXPECT_EQ(exchange(closed).error(), NetworkFault::refused);
}

TEST_F(UpstreamDatagramsTest, a_reply_from_another_address_never_arrives) {
  const int stranger = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ScriptedServer server{loop_, [&](ScriptedServer& me, std::vector<std::uint8_t> query, sockaddr_in client) {
                          const auto good = answer_to(query);
                          sendto(stranger, good.data(), good.size(), 0, reinterpret_cast<sockaddr*>(&client),
                                 sizeof client);
                          auto marked = good;
                          marked[3] |= 0x03;  // the real one says NXDOMAIN, so that they can be told apart
                          me.send(marked, client);
                        }};
  const auto reply = exchange(server.endpoint());
  close(stranger);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->message[3] & 0x0f, 3);
  EXPECT_EQ(reply->mismatched, 0U);
}

TEST_F(UpstreamDatagramsTest, ports_and_ids_are_spread_evenly_over_their_whole_range) {
  std::map<unsigned, unsigned> port_buckets;
  std::map<unsigned, unsigned> id_buckets;
  std::set<std::uint16_t> ports;
  ScriptedServer server{loop_, [&](ScriptedServer& me, std::vector<std::uint8_t> query, sockaddr_in client) {
                          const std::uint16_t port = ntohs(client.sin_port);
                          EXPECT_GE(port, 1024);
                          ports.insert(port);
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
}

TEST_F(UpstreamDatagramsTest, ports_stay_in_the_configured_range_and_a_held_port_is_never_shared) {
  OutgoingSettings settings;
  settings.first_port = 40'000;
  settings.last_port = 40'003;
  upstream_.use(settings);
  std::set<std::uint16_t> held;
  ScriptedServer server{loop_, [&](ScriptedServer&, auto, sockaddr_in client) { held.insert(ntohs(client.sin_port)); }};
  std::size_t ended = 0;
  std::size_t without_port = 0;
  const dns::Question question{dns::Name::literal("www.example.com"), dns::type::a};
  for (int i = 0; i < 6; ++i) {
    asio::co_spawn(loop_,
                   upstream_.exchange({server.endpoint(), UpstreamTransport::udp,
                                       make_query(question, {.edns = true, .random_case = true}, random_).wire,
                                       std::chrono::steady_clock::now() + std::chrono::milliseconds{200}}),
                   [&](const std::exception_ptr&, const std::expected<Reply, NetworkFault>& reply) {
                     ++ended;
                     if (reply.error() == NetworkFault::no_resources) ++without_port;
                   });
  }
  while (ended < 6) loop_.run_one();
  EXPECT_EQ(held, (std::set<std::uint16_t>{40'000, 40'001, 40'002, 40'003}));
  EXPECT_EQ(without_port, 2U);
}

TEST_F(UpstreamDatagramsTest, the_source_address_is_drawn_from_the_pool_of_its_family) {
  OutgoingSettings settings;
  settings.addresses = {*dns::IpAddress::from_text("127.0.0.21"), *dns::IpAddress::from_text("::1"),
                        *dns::IpAddress::from_text("127.0.0.22")};
  upstream_.use(settings);
  std::map<std::uint32_t, unsigned> sources;
  ScriptedServer server{loop_, [&](ScriptedServer& me, std::vector<std::uint8_t> query, sockaddr_in client) {
                          ++sources[ntohl(client.sin_addr.s_addr) & 0xff];
                          me.send(answer_to(query), client);
                        }};
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(exchange(server.endpoint()));
  ASSERT_EQ(sources.size(), 2U);
  EXPECT_GT(sources[21], 50U);
  EXPECT_GT(sources[22], 50U);
}

}  // namespace
}  // namespace redoubt::resolver
