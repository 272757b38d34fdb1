// What no client of HTTP/2 can do to the others: the published floods, each with real sockets, while another client is
// served.
#include "tests/unit/transport/http2_fixture.hpp"

namespace redoubt::transport::test {
namespace {

/// What this process has worked: an answer's time in it does not depend on what else the machine does.
std::chrono::nanoseconds work() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return std::chrono::seconds{now.tv_sec} + std::chrono::nanoseconds{now.tv_nsec};
}

class HttpLimitsTest : public HttpServerTest {
 protected:
  /// Sends the same octets for as long as they are taken, `most` times at most, while an honest client asks. returns
  /// the most work that lay between a query of its and the answer
  std::chrono::nanoseconds flood(FramePeer& attacker, const std::function<Octets(unsigned)>& part, unsigned most) {
    Http2Peer honest{at_};
    std::chrono::nanoseconds slowest{};
    std::int32_t asked_on = honest.get(query(1));
    auto since = work();
    unsigned sent = 0;
    EXPECT_TRUE(run_until(
        [&] {
          for (int i = 0; i < 50 && sent < most; ++i) {
            if (!attacker.send(part(sent))) break;
            ++sent;
          }
          honest.step();
          answer_honest();
          if (honest.whole(asked_on)) {
            slowest = std::max(slowest, work() - since);
            asked_on = honest.get(query(1));
            since = work();
          }
          return sent == most || attacker.over();
        },
        60s));
    EXPECT_TRUE(run_until([&] {
      honest.step();
      answer_honest();
      return honest.whole(asked_on);
    }));
    return std::max(slowest, work() - since);
  }
  void answer_honest() {
    for (; given_ < resolver_.asked.size(); ++given_) {
      if (resolver_.asked[given_].query == query(1)) give(resolver_.asked[given_]);
    }
  }
  std::size_t asked_by_attacker() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(resolver_.asked, [](const auto& one) { return one.query != query(1); }));
  }
  void expect_end(FramePeer& attacker, std::uint32_t error = NGHTTP2_ENHANCE_YOUR_CALM) {
    EXPECT_TRUE(run_until([&] { return attacker.goaway().has_value() || attacker.over(); }));
    EXPECT_EQ(attacker.goaway(), error);
  }
  std::unique_ptr<FramePeer> attacker() {
    auto peer = std::make_unique<FramePeer>(at_);
    EXPECT_TRUE(run_until([&] { return peer->established(); }));
    EXPECT_TRUE(peer->send(preface()));
    return peer;
  }
};

struct Flood {
  const char* name;
  std::function<Octets(unsigned)> part;
  std::uint32_t error = NGHTTP2_ENHANCE_YOUR_CALM;
};
void PrintTo(const Flood& flood, std::ostream* out) { *out << flood.name; }

std::uint32_t stream_of(unsigned turn) { return 2 * turn + 1; }
std::string path_of_query(std::uint16_t id) { return "/dns-query?dns=" + base64url(query(id)); }

class EachFlood : public HttpLimitsTest, public ::testing::WithParamInterface<Flood> {};

TEST_P(EachFlood, ends_with_its_connection_while_others_are_served) {
  const auto peer = attacker();
  const std::chrono::nanoseconds slowest = flood(*peer, GetParam().part, 100'000);
  expect_end(*peer, GetParam().error);
  EXPECT_LE(asked_by_attacker(), 200U);
#ifndef REDOUBT_SANITIZED
  EXPECT_LT(slowest, 50ms);
#else
  static_cast<void>(slowest);
#endif
  limit(Limit::write_time, 500);
  EXPECT_TRUE(run_until([&] { return counters_.closed_malformed == 1; }));
  EXPECT_EQ(server_->waiting_queries(), 0U);
}

INSTANTIATE_TEST_SUITE_P(
    Http, EachFlood,
    ::testing::Values(
        Flood{"ping", [](unsigned) { return frame(Frame::ping, 0, 0, Octets(8, 1)); }},
        Flood{"settings", [](unsigned) { return frame(Frame::settings, 0, 0); }},
        Flood{"priority",
              [](unsigned turn) {
                return frame(Frame::priority, 0, stream_of(turn), {0, 0, 0, 0, 1});
              }},
        Flood{"window",
              [](unsigned) {
                return frame(Frame::window_update, 0, 0, {0, 0, 0, 1});
              }},
        Flood{"unknown", [](unsigned) { return frame(static_cast<Frame>(0x42), 0, 0, Octets(100, 1)); }},
        Flood{"emptydata",
              [](unsigned turn) {
                return turn == 0 ? frame(Frame::headers, end_headers, 1, post_fields()) : frame(Frame::data, 0, 1);
              }},
        Flood{"drippeddata",
              [](unsigned turn) {
                return turn == 0 ? frame(Frame::headers, end_headers, 1, post_fields()) : frame(Frame::data, 0, 1, {0});
              }},
        Flood{"rapidreset",
              [](unsigned turn) {
                Octets both =
                    frame(Frame::headers, end_headers | end_stream, stream_of(turn), get_fields(path_of_query(7)));
                both += frame(Frame::rst_stream, 0, stream_of(turn), {0, 0, 0, 8});
                return both;
              }},
        Flood{"madeyoureset",  // a window that is too large is an error for which the server resets the stream
              [](unsigned turn) {
                Octets both =
                    frame(Frame::headers, end_headers | end_stream, stream_of(turn), get_fields(path_of_query(7)));
                both += frame(Frame::window_update, 0, stream_of(turn), {0x7f, 0xff, 0xff, 0xff});
                return both;
              }},
        Flood{"afterend",  // so is data behind the end
              [](unsigned turn) {
                Octets both =
                    frame(Frame::headers, end_headers | end_stream, stream_of(turn), get_fields(path_of_query(7)));
                both += frame(Frame::data, 0, stream_of(turn), {0});
                return both;
              },
              NGHTTP2_STREAM_CLOSED},
        Flood{"zerowindow",
              [](unsigned) {
                return frame(Frame::window_update, 0, 0, {0, 0, 0, 0});
              },
              NGHTTP2_PROTOCOL_ERROR},
        Flood{"selfdependency",
              [](unsigned turn) {
                const std::uint32_t id = stream_of(turn);
                Octets fields{static_cast<std::uint8_t>(id >> 24U), static_cast<std::uint8_t>(id >> 16U),
                              static_cast<std::uint8_t>(id >> 8U), static_cast<std::uint8_t>(id), 1};
                fields += get_fields(path_of_query(7));
                return frame(Frame::headers, end_headers | end_stream | 0x20, id, fields);
              },
              NGHTTP2_PROTOCOL_ERROR},
        Flood{"nothingthere",
              [](unsigned turn) {
                return frame(Frame::headers, end_headers | end_stream, stream_of(turn), get_fields("/x"));
              }}),
    [](const auto& tested) { return std::string{tested.param.name}; });

TEST_F(HttpLimitsTest, a_header_without_end_is_cut_off) {
  const auto peer = attacker();
  flood(
      *peer,
      [](unsigned turn) {
        return turn == 0 ? frame(Frame::headers, 0, 1, get_fields("/"))
                         : frame(Frame::continuation, 0, 1, literal("x-a", std::string(100, 'a')));
      },
      100'000);
  EXPECT_TRUE(run_until([&] { return peer->goaway().has_value() || peer->over(); }));
  EXPECT_EQ(peer->goaway(), NGHTTP2_ENHANCE_YOUR_CALM);
}

TEST_F(HttpLimitsTest, a_header_that_unpacks_to_a_hundred_times_its_size_is_not_kept) {
  const auto peer = attacker();
  // One long field into the table (RFC 7541 §6.2.1), then thousands of references to it, an octet each.
  Octets fields = get_fields("/");
  fields += {0x40, 1, 'a', 0x7f, 0x81, 0x1e};  // value of 127 + 1 + 30 * 128 octets
  fields.insert(fields.end(), 3968, 'b');
  fields.insert(fields.end(), 10'000, 0xbe);  // index 62: the newest entry
  ASSERT_TRUE(peer->send(frame(Frame::headers, end_headers | end_stream, 1, fields)));
  expect_end(*peer);
  EXPECT_TRUE(resolver_.asked.empty());
}

TEST_F(HttpLimitsTest, too_many_fields_are_refused_and_far_too_many_end_the_connection) {
  const auto peer = attacker();
  Octets some = get_fields(path_of_query(7));
  for (int i = 0; i < 40; ++i) some += literal("cookie", "a");
  ASSERT_TRUE(peer->send(frame(Frame::headers, end_headers | end_stream, 1, some)));
  const std::size_t before = peer->received();
  ASSERT_TRUE(run_until([&] { return !peer->over() && peer->received() > before; }));
  EXPECT_FALSE(peer->goaway().has_value());
  Octets many = get_fields(path_of_query(7));
  for (int i = 0; i < 400; ++i) many += literal("cookie", "a");
  ASSERT_TRUE(peer->send(frame(Frame::headers, end_headers | end_stream, 3, many)));
  expect_end(*peer);
  EXPECT_TRUE(resolver_.asked.empty());
}

TEST_F(HttpLimitsTest, no_more_streams_than_allowed_live) {
  const auto peer = attacker();
  Octets all;
  for (unsigned i = 0; i < 150; ++i)
    all += frame(Frame::headers, end_headers | end_stream, stream_of(i), get_fields(path_of_query(7)));
  ASSERT_TRUE(peer->send(all));
  settle();
  EXPECT_LE(server_->waiting_queries(), 20U);
  EXPECT_LE(resolver_.asked.size(), 20U);
  for (int i = 0; i < 20; ++i) {
    give_all();
    settle();
  }
  EXPECT_EQ(resolver_.asked.size(), 100U);  // those beyond were refused
  EXPECT_FALSE(peer->over());
}

TEST_F(HttpLimitsTest, a_request_that_never_becomes_whole_ends_its_connection) {
  limit(Limit::message_time, 500);
  const auto peer = attacker();
  ASSERT_TRUE(peer->send(frame(Frame::headers, end_headers, 1, post_fields())));
  ASSERT_TRUE(run_until([&] { return peer->over(); }));
  EXPECT_EQ(counters_.closed_slow, 1U);
}

TEST_F(HttpLimitsTest, finishing_one_request_buys_no_time_for_the_others) {
  limit(Limit::message_time, 500);
  const auto peer = attacker();
  Octets both = frame(Frame::headers, end_headers, 1, post_fields());
  both += frame(Frame::headers, end_headers, 3, post_fields());
  ASSERT_TRUE(peer->send(both));
  ASSERT_TRUE(run_until([&] { return server_->connections() == 1; }));
  settle();
  const auto began = Clock::now();
  ASSERT_TRUE(peer->send(frame(Frame::data, end_stream, 1, query(7))));
  std::uint32_t next = 5;
  ASSERT_TRUE(run_until([&] {
    if (Clock::now() - began > 200ms && next == 5) {
      peer->send(frame(Frame::headers, end_headers, next, post_fields()));
      next += 2;
    }
    return peer->over();
  }));
  EXPECT_LT(Clock::now() - began, 1500ms);
  EXPECT_EQ(counters_.closed_slow, 1U);
}

TEST_F(HttpLimitsTest, answers_for_which_there_is_no_window_are_dropped_with_their_connection) {
  limit(Limit::write_time, 500);
  const auto peer = attacker();
  Octets all = frame(Frame::settings, 0, 0, {0, 4, 0, 0, 0, 0});  // INITIAL_WINDOW_SIZE 0
  all += frame(Frame::headers, end_headers | end_stream, 1, get_fields(path_of_query(7)));
  ASSERT_TRUE(peer->send(all));
  ASSERT_TRUE(asked(1));
  give(resolver_.asked[0], 3000);
  settle();
  EXPECT_EQ(server_->queued_octets(), 3000U);
  // Life on the connection is no reason to keep them.
  std::uint32_t stream = 3;
  auto last = Clock::now();
  ASSERT_TRUE(run_until([&] {
    if (Clock::now() - last > 100ms) {
      last = Clock::now();
      peer->send(frame(Frame::window_update, 0, 1, {0, 0, 0, 1}));
      peer->send(frame(Frame::headers, end_headers | end_stream, stream, get_fields("/")));
      stream += 2;
    }
    return peer->over();
  }));
  EXPECT_EQ(counters_.closed_slow, 1U);
  EXPECT_EQ(server_->queued_octets(), 0U);
}

TEST_F(HttpLimitsTest, what_is_held_for_want_of_a_window_is_bounded) {
  limit(Limit::queries_in_flight, 1000);
  const auto peer = attacker();
  ASSERT_TRUE(peer->send(frame(Frame::settings, 0, 0, {0, 4, 0, 0, 0, 0})));
  for (unsigned i = 0; i < 20; ++i)
    peer->send(frame(Frame::headers, end_headers | end_stream, stream_of(i), get_fields(path_of_query(7))));
  EXPECT_TRUE(run_until([&] {
    give_all(20'000);
    EXPECT_LE(server_->queued_octets(), limits_[Limit::queued_octets]);
    return peer->over() || resolver_.asked.size() == 20;
  }));
  settle();
  EXPECT_LE(server_->queued_octets(), limits_[Limit::queued_octets]);
}

TEST_F(HttpLimitsTest, bodies_beyond_the_window_are_a_fault_and_those_within_are_bounded) {
  const auto peer = attacker();
  Octets all;
  for (unsigned i = 0; i < 20; ++i) {
    all += frame(Frame::headers, end_headers, stream_of(i), post_fields());
    all += frame(Frame::data, 0, stream_of(i), Octets(4000, 1));
  }
  ASSERT_TRUE(peer->send(all));  // 80,000 octets; the window of a connection is 65,535
  EXPECT_TRUE(run_until([&] { return peer->goaway().has_value() || peer->over(); }));
  EXPECT_EQ(peer->goaway(), NGHTTP2_FLOW_CONTROL_ERROR);
}

TEST_F(HttpLimitsTest, noise_ends_its_connection_alone) {
  std::uint32_t state = 12345;
  for (int round = 0; round < 50; ++round) {
    const auto peer = attacker();
    Octets noise;
    for (int i = 0; i < 2000; ++i) {
      state = state * 1664525U + 1013904223U;
      noise.push_back(static_cast<std::uint8_t>(state >> 24U));
    }
    peer->send(noise);
    EXPECT_TRUE(run_until([&] { return peer->goaway().has_value() || peer->over(); }));
  }
  EXPECT_TRUE(resolver_.asked.empty());
}

}  // namespace
}  // namespace redoubt::transport::test
