#include "resolver/role/upstream_datagrams.hpp"

#include <array>
#include <boost/asio/ip/udp.hpp>
#include <functional>
#include <map>
#include <set>
#include <thread>

#include "tests/unit/resolver_role/upstream_fixture.hpp"

namespace redoubt::resolver {

namespace asio = boost::asio;

namespace {

TEST_P(UpstreamDatagramsTest, the_matching_reply_is_taken) {
  ScriptedServer server{loop_, [](ScriptedServer& me, auto query, auto client) { me.send(answer_to(query), client); }};
  const auto reply = exchange(server.endpoint());
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->mismatched, 0U);
  EXPECT_EQ(server.queries, 1U);
}

TEST_P(UpstreamDatagramsTest, replies_with_one_wrong_detail_are_counted_and_waited_past) {
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

TEST_P(UpstreamDatagramsTest, a_flood_of_wrong_replies_ends_the_exchange_as_spoofed) {
  ScriptedServer server{loop_, [](ScriptedServer& me, std::vector<std::uint8_t> query, sockaddr_in client) {
                          auto bad = answer_to(query);
                          for (std::uint32_t i = 0; i < max_mismatched_replies; ++i) {
                            bad[0] = static_cast<std::uint8_t>(query[0] + 1 + i % 200);
                            me.send(bad, client);
                          }
                        }};
  EXPECT_EQ(exchange(server.endpoint()).error(), NetworkFault::spoofed);
}

TEST_P(UpstreamDatagramsTest, wrong_replies_alone_end_as_spoofed_when_the_time_is_up) {
  ScriptedServer server{
      loop_, [](ScriptedServer& me, std::vector<std::uint8_t> query, sockaddr_in client) { me.send(query, client); }};
  EXPECT_EQ(exchange(server.endpoint(), std::chrono::milliseconds{500}).error(), NetworkFault::spoofed);
}

TEST_P(UpstreamDatagramsTest, silence_is_a_time_out_and_a_closed_port_is_known_at_once) {
  ScriptedServer server{loop_, [](ScriptedServer&, auto, auto) {}};
  EXPECT_EQ(exchange(server.endpoint(), std::chrono::milliseconds{50}).error(), NetworkFault::timed_out);
  dns::Endpoint closed = server.endpoint();
  closed.address = dns::IpAddress::v4({127, 0, 0, 99});
  EXPECT_EQ(exchange(closed).error(), NetworkFault::refused);
}

TEST_P(UpstreamDatagramsTest, a_reply_from_another_address_never_arrives) {
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

TEST_P(UpstreamDatagramsTest, the_source_address_is_drawn_from_the_pool_of_its_family) {
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

TEST_P(UpstreamDatagramsTest, what_comes_late_is_not_read_in_the_next_exchange) {
  std::vector<sockaddr_in> before;
  ScriptedServer mute{loop_, [&](ScriptedServer&, auto, sockaddr_in client) { before.push_back(client); }};
  ScriptedServer talkative{loop_, [](ScriptedServer& me, std::vector<std::uint8_t> query, sockaddr_in client) {
                             for (int i = 0; i < 5; ++i) me.send(answer_to(query), client);
                           }};
  ScriptedServer server{loop_, [&](ScriptedServer& me, std::vector<std::uint8_t> query, sockaddr_in client) {
                          auto forged = answer_to(query);
                          forged[3] |= 0x03;
                          for (const sockaddr_in& past : before) mute.send(forged, past);
                          me.send(answer_to(query), client);
                        }};
  EXPECT_EQ(exchange(mute.endpoint(), std::chrono::milliseconds{20}).error(), NetworkFault::timed_out);
  ASSERT_TRUE(exchange(talkative.endpoint()));
  ASSERT_EQ(before.size(), 1U);
  for (int i = 0; i < 20; ++i) {
    const auto reply = exchange(server.endpoint());
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->message[3] & 0x0f, 0);
    EXPECT_EQ(reply->mismatched, 0U);
  }
}

TEST_P(UpstreamDatagramsTest, a_closed_port_is_not_the_next_servers_fault) {
  ScriptedServer server{loop_, [](ScriptedServer& me, auto query, auto client) { me.send(answer_to(query), client); }};
  dns::Endpoint closed = server.endpoint();
  closed.address = dns::IpAddress::v4({127, 0, 0, 99});
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(exchange(closed).error(), NetworkFault::refused);
    EXPECT_TRUE(exchange(server.endpoint()));
  }
}

TEST_P(UpstreamDatagramsTest, a_reply_that_we_were_too_busy_to_read_in_time_is_none_too_late) {
  ScriptedServer server{
      loop_, [](ScriptedServer& me, std::vector<std::uint8_t> query, sockaddr_in client) {
        me.send(answer_to(query), client);
        std::this_thread::sleep_for(std::chrono::milliseconds{300});  // of the one thread that there is
      }};
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(exchange(server.endpoint(), std::chrono::milliseconds{150}));
  EXPECT_EQ(upstream_.counts().timeouts, 0U);
}

/// A server at ::1 that is asked again and again, with what came late for the exchange before in the same socket.
TEST_P(UpstreamDatagramsTest, replies_by_ipv6_are_taken_at_their_own_port_alone) {
  asio::ip::udp::socket server{loop_};
  boost::system::error_code error;
  server.open(asio::ip::udp::v6(), error);
  if (!error) server.bind({asio::ip::address_v6::loopback(), 0}, error);
  if (error) GTEST_SKIP() << "no IPv6 here";
  std::array<std::uint8_t, 512> room;
  asio::ip::udp::endpoint client;
  std::function<void()> serve = [&] {
    server.async_receive_from(asio::buffer(room), client, [&](boost::system::error_code trouble, std::size_t octets) {
      if (trouble) return;
      const auto answer = answer_to({room.begin(), room.begin() + static_cast<std::ptrdiff_t>(octets)});
      for (int i = 0; i < 3; ++i) server.send_to(asio::buffer(answer), client);  // two of them late
      serve();
    });
  };
  serve();
  std::array<std::uint8_t, 16> loopback{};
  loopback.back() = 1;
  const dns::Endpoint endpoint{dns::IpAddress::v6(loopback), server.local_endpoint().port()};
  for (int i = 0; i < 100; ++i) {
    const auto reply = exchange(endpoint);
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->mismatched, 0U);
  }
  if (GetParam().has(1024)) {
    EXPECT_LE(upstream_.sockets().fresh, 2U) << "but where the server's own port was drawn";
  }
  EXPECT_EQ(upstream_.sockets().kept + upstream_.sockets().fresh, 100U);
}

TEST_P(KeptSocketsTest, what_one_server_sends_beyond_its_reply_takes_no_room_from_the_next) {
  ScriptedServer loud{loop_, [&](ScriptedServer& me, std::vector<std::uint8_t> query, sockaddr_in client) {
                        for (int i = 0; i < 2000; ++i) me.send(answer_to(query), client);
                      }};
  ScriptedServer honest{loop_, [&](ScriptedServer& me, std::vector<std::uint8_t> query, sockaddr_in client) {
                          me.send(answer_to(query), client);
                        }};
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(exchange(loud.endpoint()));
    ASSERT_TRUE(exchange(honest.endpoint()));
  }
  EXPECT_EQ(upstream_.counts().timeouts, 0U);
}

TEST_P(UpstreamDatagramsTest, other_source_addresses_are_used_from_the_next_exchange_on) {
  std::set<std::uint32_t> sources;
  ScriptedServer server{loop_, [&](ScriptedServer& me, std::vector<std::uint8_t> query, sockaddr_in client) {
                          sources.insert(ntohl(client.sin_addr.s_addr) & 0xff);
                          me.send(answer_to(query), client);
                        }};
  for (const std::uint8_t last : {std::uint8_t{21}, std::uint8_t{22}}) {
    OutgoingSettings settings;
    settings.addresses = {dns::IpAddress::v4({127, 0, 0, last})};
    upstream_.use(settings);
    sources.clear();
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(exchange(server.endpoint()));
    EXPECT_EQ(sources, std::set<std::uint32_t>{last});
  }
  upstream_.use({});
  sources.clear();
  ASSERT_TRUE(exchange(server.endpoint()));
  EXPECT_EQ(sources, std::set<std::uint32_t>{1});
}

INSTANTIATE_TEST_SUITE_P(Sockets, KeptSocketsTest, testing::Values(all_ports), name_of);
INSTANTIATE_TEST_SUITE_P(Sockets, UpstreamDatagramsTest, testing::Values(few_ports, usual_ports, all_ports), name_of);

}  // namespace
}  // namespace redoubt::resolver
