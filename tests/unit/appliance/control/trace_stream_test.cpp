// A trace on its way from the resolver to whoever asked for it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <nlohmann/json.hpp>

#include "appliance/control/api.hpp"
#include "dns/message.hpp"

namespace redoubt::control {
namespace {

using nlohmann::json;
using testing::HasSubstr;

/// The API with a resolver whose part the test plays.
class TraceStreamTest : public testing::Test {
 protected:
  TraceStreamTest() { start_resolver(); }

  void start_resolver() {
    auto pair = *channel::Channel::make_pair();
    resolver_ = std::move(pair.second);
    siblings_.attach(channel::Role::resolver, std::move(pair.first));
  }
  void ask() {
    api_.answer({.method = "POST", .target = "/v1/trace", .body = R"({"name":"www.example","stream":true})"},
                [this](HttpResponse response) { response_ = std::move(response); });
    run();
  }
  void run() {
    loop_.restart();
    while (loop_.poll() != 0) {
    }
  }
  channel::RequestId heard() {
    const auto received = resolver_.receive();
    const auto message = channel::decode_control_to_resolver(received->octets);
    return std::get<channel::TraceFor>(*message).id;
  }
  void tell(const channel::ResolverToControl& message) {
    resolver_.send(channel::encode(message));
    run();
  }
  static channel::TraceStep step(channel::RequestId id, std::string verdict) {
    return {.id = id,
            .kind = channel::TraceStepKind::cache,
            .at = 1,
            .took = 0,
            .depth = 0,
            .name = dns::Name::literal("www.example."),
            .type = dns::type::a,
            .zone = {},
            .server_name = {},
            .server = std::nullopt,
            .transport = channel::TraceTransport::udp,
            .verdict = std::move(verdict)};
  }
  static channel::Traced end(channel::RequestId id) {
    dns::Message answer;
    answer.header.response = true;
    return {.id = id, .allowed = true, .answer = answer.to_wire(), .spent = {}, .left_out = 3};
  }
  json line() {
    const auto piece = response_->stream->take();
    return piece ? json::parse(*piece) : json{};
  }

  boost::asio::io_context loop_;
  Siblings siblings_{loop_, [](auto&&...) {}, [](auto&&...) {}};
  Api api_{[this] {
    Appliance appliance;
    appliance.siblings = &siblings_;
    return appliance;
  }()};
  channel::Channel resolver_;
  std::optional<HttpResponse> response_;
};

TEST_F(TraceStreamTest, tells_each_step_before_the_next_one_has_happened) {
  ask();
  ASSERT_TRUE(response_ && response_->stream) << "the answer begins before the resolver has said anything";
  const auto id = heard();
  EXPECT_TRUE(line().is_null());
  tell(step(id, "first"));
  EXPECT_EQ(line()["verdict"], "first");
  EXPECT_TRUE(line().is_null());
  tell(step(id, "second"));
  EXPECT_EQ(line()["verdict"], "second");
  EXPECT_FALSE(response_->stream->has_ended());
  tell(end(id));
  const json result = line();
  EXPECT_EQ(result["answer"]["rcode"], "NOERROR");
  EXPECT_EQ(result["left_out"], 3);
  EXPECT_TRUE(response_->stream->has_ended());
}

TEST_F(TraceStreamTest, whose_resolver_ends_in_the_middle_says_so) {
  ask();
  tell(step(heard(), "first"));
  resolver_ = {};
  run();
  EXPECT_EQ(line()["verdict"], "first");
  EXPECT_THAT(line().value("error", ""), HasSubstr("started again"));
  EXPECT_TRUE(response_->stream->has_ended());
}

TEST_F(TraceStreamTest, whose_resolver_is_replaced_before_its_end_was_noticed_says_so) {
  ask();
  const auto id = heard();
  start_resolver();
  run();
  EXPECT_THAT(line().value("error", ""), HasSubstr("started again"));
  tell(end(id));  // what a new one says of an old question is nothing
  EXPECT_TRUE(response_->stream->has_ended());
}

TEST_F(TraceStreamTest, without_a_resolver_is_refused_with_a_status) {
  resolver_ = {};
  run();
  ask();
  EXPECT_EQ(response_->status, 503U);
  EXPECT_FALSE(response_->stream);
}

TEST_F(TraceStreamTest, names_a_server_that_is_put_aside_without_a_transport_that_was_not_used) {
  ask();
  auto aside = step(heard(), "put aside for 5 s more: lame");
  aside.kind = channel::TraceStepKind::aside;
  aside.zone = dns::Name::literal("example.");
  aside.server = dns::IpAddress::from_text("192.0.2.1");
  tell(aside);
  const json told = line();
  EXPECT_EQ(told["kind"], "aside");
  EXPECT_EQ(told["server"], "192.0.2.1");
  EXPECT_EQ(told["zone"], "example.");
  EXPECT_FALSE(told.contains("transport"));
  EXPECT_FALSE(told.contains("took"));
}

TEST_F(TraceStreamTest, that_nobody_reads_is_bounded_in_octets_and_in_steps) {
  ask();
  const auto id = heard();
  constexpr int steps = 5000;  // a resolver that was taken over tells more than any honest one
  for (int i = 0; i < steps; ++i) {
    tell(step(id, std::string(500, 'x')));
    ASSERT_LE(response_->stream->waiting_octets(), 128U * 1024);
  }
  tell(end(id));
  json last;
  std::size_t lines = 0;
  for (json one = line(); !one.is_null(); one = line(), ++lines) last = std::move(one);
  EXPECT_LT(lines, 300U);
  EXPECT_EQ(last["left_out"].get<std::size_t>(), 3 + max_trace_steps_heard - (lines - 1));
}

}  // namespace
}  // namespace redoubt::control
