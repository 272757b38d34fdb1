// DNS over HTTPS (RFC 8484) to clients that mean well.
#include <sys/mman.h>

#include <cstring>

#include "dns/message.hpp"
#include "tests/unit/transport/http2_fixture.hpp"
#include "transport/http/http_framing.hpp"
#include "transport/http/session_pages.hpp"

namespace redoubt::transport::test {
namespace {

TEST_F(HttpServerTest, get_and_post_bring_the_same_query_and_its_answer) {
  Http2Peer peer{at_};
  const Octets message = query(0);
  for (const std::int32_t stream : {peer.get(message), peer.post(message)}) {
    ASSERT_TRUE(run_until([&] {
      peer.step();
      give_all();
      return peer.whole(stream);
    }));
    const HttpResponse& response = peer.response(stream);
    EXPECT_EQ(response.status(), "200");
    EXPECT_EQ(response.fields.at("content-type"), "application/dns-message");
    EXPECT_EQ(response.fields.at("content-length"), std::to_string(message.size()));
    EXPECT_EQ(response.body, answer_to(message));
    EXPECT_FALSE(response.fields.contains("access-control-allow-origin"));
  }
  ASSERT_EQ(resolver_.asked.size(), 2U);
  EXPECT_EQ(resolver_.asked[0].query, message);
  EXPECT_EQ(resolver_.asked[1].query, message);
  EXPECT_EQ(resolver_.asked[0].origin.protocol, Protocol::https);
}

/// RFC 9218 §2.1: it is said at once, so that no client builds a tree of who goes first.
TEST_F(HttpServerTest, no_tree_of_priorities_is_offered) {
  Http2Peer peer{at_};
  const auto stream = peer.post(query(1));
  ASSERT_TRUE(run_until([&] {
    peer.step();
    return resolver_.asked.size() == 1;
  }));
  give(resolver_.asked[0]);
  ASSERT_TRUE(run_until([&] { return peer.whole(stream); }));
  EXPECT_EQ(nghttp2_session_get_remote_settings(peer.session(), NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES), 1U);
}

TEST(Http2Framing, what_is_coming_are_the_whole_messages_that_were_posted) {
  const Limits limits;
  const auto framing = http2_framing("/dns-query", limits);
  std::array<std::span<const std::uint8_t>, 8> coming;
  EXPECT_EQ(framing->coming(coming).messages, 0U);
  Octets octets = preface();
  for (const std::uint16_t stream : {std::uint16_t{1}, std::uint16_t{5}}) {
    octets += frame(Frame::headers, end_headers, stream, post_fields());
    octets += frame(Frame::data, end_stream, stream, query(stream));
  }
  octets += frame(Frame::headers, end_headers | end_stream, 7, get_fields("/dns-query?dns=" + base64url(query(7))));
  octets += frame(Frame::headers, end_headers, 9, post_fields());
  octets += frame(Frame::data, 0, 9, query(9));
  framing->append(octets);
  EXPECT_EQ(framing->coming(std::span{coming}.first(1)).messages, 1U) << "there is room for no more";
  ASSERT_EQ(framing->coming(coming).messages, 2U);
  EXPECT_TRUE(std::ranges::equal(coming[0], query(1)));
  EXPECT_TRUE(std::ranges::equal(coming[1], query(5)));
  const auto first = framing->next();
  ASSERT_TRUE(first && *first);
  EXPECT_TRUE(std::ranges::equal((*first)->message, query(1)));
  ASSERT_EQ(framing->coming(coming).messages, 1U);
  EXPECT_TRUE(std::ranges::equal(coming[0], query(5)));
}

/// Or each of a row of requests by GET, which bring none, would have the whole row looked at for it.
TEST(Http2Framing, no_more_requests_are_looked_at_than_there_is_room_for_messages) {
  const Limits limits;
  const auto framing = http2_framing("/dns-query", limits);
  Octets octets = preface();
  for (std::uint16_t stream = 1; stream < 2 * 40; stream += 2)
    octets += frame(Frame::headers, end_headers | end_stream, stream,
                    get_fields("/dns-query?dns=" + base64url(query(stream))));
  framing->append(octets);
  std::array<std::span<const std::uint8_t>, 8> coming;
  for (std::size_t left = 40; left > 0; --left) {
    const auto looked = framing->coming(coming);
    EXPECT_EQ(looked.messages, 0U);
    EXPECT_EQ(looked.looked_at, std::min<std::size_t>(left, 8));
    const auto next = framing->next();
    ASSERT_TRUE(next && *next);
  }
}

TEST_F(HttpServerTest, answers_leave_in_the_order_in_which_they_come) {
  Http2Peer peer{at_};
  const std::int32_t first = peer.post(query(1));
  const std::int32_t second = peer.post(query(2));
  ASSERT_TRUE(run_until([&] {
    peer.step();
    return resolver_.asked.size() == 2;
  }));
  give(resolver_.asked[1]);
  ASSERT_TRUE(whole(peer, second));
  EXPECT_FALSE(peer.whole(first));
  give(resolver_.asked[0]);
  ASSERT_TRUE(whole(peer, first));
  EXPECT_EQ(id_of(peer.response(first).body), 1);
}

/// Some clients take one answer from each read of their TLS library, and lose the others.
TEST_F(HttpServerTest, answers_that_leave_together_are_records_of_their_own) {
  constexpr std::size_t count = 5;
  Http2Peer peer{at_};
  std::vector<std::int32_t> streams;
  for (std::uint16_t i = 0; i < count; ++i) streams.push_back(peer.get(query(i)));
  ASSERT_TRUE(run_until([&] {
    peer.step();
    return resolver_.asked.size() == count;
  }));
  const std::size_t before = peer.tls().reads();
  for (std::size_t i = 0; i < count; ++i) give(resolver_.asked[i]);
  ASSERT_TRUE(
      run_until([&] { return std::ranges::all_of(streams, [&](std::int32_t stream) { return peer.whole(stream); }); }));
  EXPECT_GE(peer.tls().reads(), before + count);
}

/// Who writes several requests into one record reads several answers out of one.
TEST_F(HttpServerTest, who_gathers_requests_gets_answers_gathered) {
  constexpr std::size_t count = 5;
  Http2Peer peer{at_};
  ASSERT_TRUE(run_until([&] { return peer.step() && peer.tls().established(); }));
  peer.gather();
  std::vector<std::int32_t> streams;
  for (std::uint16_t i = 0; i < count; ++i) streams.push_back(peer.post(query(i)));
  ASSERT_TRUE(run_until([&] {
    peer.step();
    return resolver_.asked.size() == count;
  }));
  const std::size_t before = peer.tls().reads();
  for (std::size_t i = 0; i < count; ++i) give(resolver_.asked[i]);
  ASSERT_TRUE(
      run_until([&] { return std::ranges::all_of(streams, [&](std::int32_t stream) { return peer.whole(stream); }); }));
  EXPECT_LT(peer.tls().reads(), before + count);
  for (std::uint16_t i = 0; i < count; ++i) EXPECT_EQ(id_of(peer.response(streams[i]).body), i);
}

/// All sessions write their frames into one buffer; each answer is its asker's all the same.
TEST_F(HttpServerTest, large_answers_of_connections_in_turn_do_not_mix) {
  constexpr std::size_t count = 4;
  std::vector<std::unique_ptr<Http2Peer>> peers;
  std::vector<std::int32_t> streams;
  for (std::uint16_t i = 0; i < count; ++i) {
    peers.push_back(std::make_unique<Http2Peer>(at_));
    streams.push_back(peers.back()->post(query(i)));
  }
  ASSERT_TRUE(run_until([&] {
    for (const auto& peer : peers) peer->step();
    return resolver_.asked.size() == count;
  }));
  for (std::size_t i = 0; i < count; ++i) give(resolver_.asked[i], 40'000);  // three frames each
  ASSERT_TRUE(run_until([&] {
    bool all = true;
    for (std::size_t i = 0; i < count; ++i) all = peers[i]->whole(streams[i]) && all;
    return all;
  }));
  for (std::uint16_t i = 0; i < count; ++i) {
    const auto& body = peers[i]->response(streams[i]).body;
    EXPECT_EQ(id_of(body), i);
    EXPECT_EQ(body.size(), 40'000U);
  }
}

/// The flush that its first answers asked for finds it closed.
TEST_F(HttpServerTest, a_connection_that_is_closed_for_its_answers_is_not_written_to) {
  limit(Limit::queued_octets, 8000);
  Http2Peer peer{at_};
  constexpr std::size_t count = 20;  // with such answers more than the window that a client opens by itself
  for (std::uint16_t i = 0; i < count; ++i) peer.post(query(i));
  ASSERT_TRUE(run_until([&] {
    peer.step();
    return resolver_.asked.size() == count;
  }));
  for (std::size_t i = 0; i < count; ++i) give(resolver_.asked[i], 6000);
  EXPECT_TRUE(run_until([&] { return peer.over(); }));
  EXPECT_EQ(counters_.closed_slow, 1U);
}

TEST_F(HttpServerTest, a_thousand_queries_on_one_connection_are_answered_although_a_hundred_go_at_a_time) {
  Http2Peer peer{at_};
  std::vector<std::int32_t> streams;
  for (std::uint16_t i = 0; i < 1000; ++i) streams.push_back(i % 2 == 0 ? peer.get(query(i)) : peer.post(query(i)));
  ASSERT_TRUE(run_until(
      [&] {
        peer.step();
        give_all(500);
        return peer.whole(streams.back());
      },
      60s));
  for (std::uint16_t i = 0; i < 1000; ++i) EXPECT_EQ(id_of(peer.response(streams[i]).body), i);
}

TEST_F(HttpServerTest, long_answers_wait_for_the_clients_window) {
  Http2Peer peer{at_};
  std::vector<std::int32_t> streams;
  for (std::uint16_t i = 0; i < 20; ++i) streams.push_back(peer.post(query(i)));
  ASSERT_TRUE(run_until(
      [&] {
        peer.step();
        give_all(6'000);
        return peer.whole(streams.back());
      },
      30s));
  for (const std::int32_t stream : streams) EXPECT_EQ(peer.response(stream).body.size(), 6'000U);
  EXPECT_TRUE(run_until([&] { return server_->queued_octets() == 0; }));
}

TEST_F(HttpServerTest, what_is_no_query_is_told_what_is_wrong) {
  Http2Peer peer{at_};
  const Octets message = query(1);
  Octets response = message;
  response[2] |= 0x80U;
  struct Case {
    std::int32_t stream;
    const char* status;
  };
  const std::vector<Case> cases{
      {peer.request("GET", "/elsewhere?dns=" + base64url(message)), "404"},
      {peer.request("GET", "/dns-query"), "400"},
      {peer.request("GET", "/dns-query?dns=not*base64"), "400"},
      {peer.request("GET", "/dns-query?dns=AAAA"), "400"},
      {peer.request("GET", "/dns-query?dns=" + base64url(response)), "400"},
      {peer.request("POST", "/dns-query", message, "text/plain"), "415"},
      {peer.request("POST", "/dns-query", Octets(5000, 1)), "413"},
      {peer.request("POST", "/dns-query", {}), "400"},
      {peer.request("PUT", "/dns-query"), "405"},
      {peer.request("HEAD", "/dns-query"), "400"},
      {peer.request("GET", "/dns-query?dns=" + base64url(Octets(4000, 1))), "431"},
  };
  for (const Case& one : cases) {
    ASSERT_TRUE(whole(peer, one.stream)) << one.status;
    EXPECT_EQ(peer.response(one.stream).status(), one.status) << one.stream;
    EXPECT_EQ(peer.response(one.stream).fields.at("cache-control"), "no-store");
    EXPECT_EQ(peer.response(one.stream).fields.contains("allow"), one.status == std::string{"405"});
  }
  EXPECT_TRUE(resolver_.asked.empty());
  const std::int32_t good = peer.get(message);
  ASSERT_TRUE(run_until([&] {
    peer.step();
    give_all();
    return peer.whole(good);
  }));
}

TEST_F(HttpServerTest, head_is_answered_as_get_without_the_body) {
  Http2Peer peer{at_};
  const std::string target = "/dns-query?dns=" + base64url(query(0));
  const std::int32_t get = peer.request("GET", target);
  const std::int32_t head = peer.request("HEAD", target);
  ASSERT_TRUE(run_until([&] {
    peer.step();
    give_all();
    return peer.whole(get) && peer.whole(head);
  }));
  EXPECT_EQ(peer.response(head).fields, peer.response(get).fields);
  EXPECT_EQ(peer.response(head).status(), "200");
  EXPECT_FALSE(peer.response(get).body.empty());
  EXPECT_TRUE(peer.response(head).body.empty());
}

TEST_F(HttpServerTest, a_browser_finds_a_page) {
  Http2Peer peer{at_};
  const std::int32_t page = peer.request("GET", "/");
  const std::int32_t head = peer.request("HEAD", "/");
  ASSERT_TRUE(whole(peer, page));
  EXPECT_EQ(peer.response(page).status(), "200");
  EXPECT_EQ(peer.response(page).fields.at("content-type"), "text/html; charset=utf-8");
  EXPECT_NE(peer.response(page).text().find("/dns-query"), std::string::npos);
  ASSERT_TRUE(whole(peer, head));
  EXPECT_TRUE(peer.response(head).body.empty());
}

TEST_F(HttpServerTest, a_query_without_an_answer_is_a_bad_request) {
  Http2Peer peer{at_};
  const std::int32_t stream = peer.get(query(3));
  ASSERT_TRUE(run_until([&] {
    peer.step();
    return resolver_.asked.size() == 1;
  }));
  server_->give(resolver_.asked[0].id, {});
  ASSERT_TRUE(whole(peer, stream));
  EXPECT_EQ(peer.response(stream).status(), "400");
  EXPECT_EQ(server_->connections(), 1U);
}

TEST_F(HttpServerTest, what_a_client_cancels_is_withdrawn) {
  Http2Peer peer{at_};
  const std::int32_t stream = peer.get(query(3));
  ASSERT_TRUE(run_until([&] {
    peer.step();
    return resolver_.asked.size() == 1;
  }));
  nghttp2_submit_rst_stream(peer.session(), NGHTTP2_FLAG_NONE, stream, NGHTTP2_CANCEL);
  ASSERT_TRUE(run_until([&] {
    peer.step();
    return resolver_.withdrawn.size() == 1;
  }));
  EXPECT_EQ(resolver_.withdrawn[0], resolver_.asked[0].id);
  EXPECT_EQ(server_->waiting_queries(), 0U);
  server_->give(resolver_.asked[0].id, answer_to(query(3)));  // old news
  const std::int32_t next = peer.get(query(4));
  ASSERT_TRUE(run_until([&] {
    peer.step();
    return resolver_.asked.size() == 2;
  }));
  give(resolver_.asked[1]);
  EXPECT_TRUE(whole(peer, next));
}

TEST_F(HttpServerTest, http_1_is_told_what_is_spoken_here) {
  for (const std::string words :
       {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET /dns-query?dns=AAAA HTTP/1.1\r\nHost: a\r\n\r\n"}) {
    TlsPeer peer{at_, {.alpn = "\10http/1.1"}};
    ASSERT_TRUE(established(peer));
    ASSERT_TRUE(peer.write({words.begin(), words.end()}));
    ASSERT_TRUE(over(peer));
    const std::string said{peer.received().begin(), peer.received().end()};
    const bool page = words.starts_with("GET / ");
    EXPECT_TRUE(said.starts_with(page ? "HTTP/1.1 200 OK\r\nConnection: close\r\n"
                                      : "HTTP/1.1 426 Upgrade Required\r\nUpgrade: h2\r\nConnection: upgrade, "
                                        "close\r\n"))
        << said;
  }
  EXPECT_TRUE(open_connections(0));
}

TEST_F(HttpServerTest, a_client_of_another_protocol_gets_an_alert) {
  TlsPeer peer{at_, {.alpn = "\3dot"}};
  ASSERT_TRUE(over(peer));
  EXPECT_EQ(counters_.handshakes_failed, 1U);
}

TEST_F(HttpServerTest, a_listener_that_goes_answers_first_and_says_that_it_goes) {
  Http2Peer peer{at_};
  const std::int32_t stream = peer.get(query(9));
  ASSERT_TRUE(run_until([&] {
    peer.step();
    return resolver_.asked.size() == 1;
  }));
  server_->drop_listener(listener);
  ASSERT_TRUE(run_until([&] { return peer.goaway().has_value(); }));
  EXPECT_EQ(*peer.goaway(), 0U);
  EXPECT_FALSE(peer.whole(stream));
  give(resolver_.asked[0], 50'000);
  ASSERT_TRUE(whole(peer, stream));
  EXPECT_EQ(peer.response(stream).body.size(), 50'000U);
  EXPECT_TRUE(over(peer.tls()));
  limit(Limit::write_time, 500);  // for the client to leave
  EXPECT_TRUE(open_connections(0));
}

TEST_F(HttpServerTest, requests_that_were_not_taken_may_be_sent_elsewhere) {
  limit(Limit::queries_in_flight, 1);
  Http2Peer peer{at_};
  const std::int32_t taken = peer.get(query(1));
  const std::int32_t waiting = peer.get(query(2));
  ASSERT_TRUE(run_until([&] {
    peer.step();
    return resolver_.asked.size() == 1;
  }));
  settle();
  server_->drop_listener(listener);
  ASSERT_TRUE(whole(peer, waiting));
  EXPECT_EQ(peer.response(waiting).reset, NGHTTP2_REFUSED_STREAM);
  give(resolver_.asked[0]);
  EXPECT_TRUE(whole(peer, taken));
}

TEST_F(HttpServerTest, an_idle_connection_is_closed) {
  limit(Limit::idle_time, 500);
  Http2Peer peer{at_};
  ASSERT_TRUE(run_until([&] { return peer.over(); }));
  EXPECT_EQ(counters_.closed_idle, 1U);
}

#ifndef REDOUBT_SANITIZED
/// Its session is born with the page that was given back last, where the library makes its table at birth.
TEST_F(HttpServerTest, an_idle_connection_gives_its_page_back_and_answers_all_the_same) {
  void* const page = take_session_page();
  std::memset(page, 1, session_page_octets);
  ASSERT_TRUE(give_session_page_back(page));
  const auto has_memory = [page] {
    unsigned char state = 0;
    EXPECT_EQ(::mincore(page, session_page_octets, &state), 0);
    return (state & 1U) != 0;
  };
  Http2Peer peer{at_};
  for (const std::uint16_t id : {std::uint16_t{1}, std::uint16_t{2}}) {
    const std::int32_t stream = peer.post(query(id));
    ASSERT_TRUE(run_until([&] {
      peer.step();
      return resolver_.asked.size() == id;
    }));
    EXPECT_TRUE(has_memory());
    give(resolver_.asked.back());
    ASSERT_TRUE(whole(peer, stream));
    EXPECT_EQ(peer.response(stream).status(), "200");
    void* const next = take_session_page();
    give_session_page_back(next);
    if (next == page) GTEST_SKIP() << "this nghttp2 takes no page at birth";
    ASSERT_TRUE(run_until([&] { return !has_memory(); }));
  }
}
#endif

}  // namespace
}  // namespace redoubt::transport::test
