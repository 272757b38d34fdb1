// Answers that are made while they are sent.
#include "appliance/control/http_stream.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <boost/asio/io_context.hpp>

#include "appliance/control/files.hpp"
#include "appliance/control/http_server.hpp"
#include "tests/unit/dnssec/temporary_folder.hpp"

namespace redoubt::control {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(HttpStream, keeps_no_more_than_its_bound_and_counts_the_rest) {
  HttpStream stream{1000};
  for (int i = 0; i < 5000; ++i) stream.put(std::string(100, 'x'));
  EXPECT_EQ(stream.waiting_octets(), 1000U);
  EXPECT_EQ(stream.left_out(), 4990U);
  stream.take();
  stream.put(std::string(100, 'y'));
  EXPECT_EQ(stream.left_out(), 4990U);
  stream.end("the last one has room always");
  stream.put("nothing comes after it");
  std::string all;
  while (const auto piece = stream.take()) all += *piece;
  EXPECT_THAT(all, EndsWith("ythe last one has room always"));
  EXPECT_TRUE(stream.has_ended());
}

TEST(HttpStream, that_nobody_reads_keeps_nothing) {
  HttpStream stream{1000};
  stream.put("a piece");
  stream.abandon();
  stream.put("another");
  stream.end("the last");
  EXPECT_EQ(stream.waiting_octets(), 0U);
  EXPECT_FALSE(stream.take());
}

/// A server on a loop that the test turns, whose one answer is a stream that the test fills.
class HttpStreamTest : public testing::Test {
 protected:
  HttpStreamTest() {
    listener_ = *open_api_listener(folder_ + "/socket");
    server_.emplace(loop_, HttpServer::Kind::unix_socket, listener_.get(),
                    [this](const HttpRequest&, const HttpServer::Respond& respond) {
                      respond({.status = 200, .content_type = "application/x-ndjson", .body = {}, .stream = stream_});
                    });
    client_ = channel::Descriptor{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::ranges::copy(folder_ + "/socket", address.sun_path);
    EXPECT_EQ(::connect(client_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);  // NOLINT
  }
  ~HttpStreamTest() override {
    server_.reset();
    loop_.restart();
    loop_.poll();
  }
  void say(std::string_view octets) {
    ASSERT_EQ(::send(client_.get(), octets.data(), octets.size(), MSG_NOSIGNAL), std::ssize(octets));
  }
  /// All that can be done now.
  void run() {
    loop_.restart();
    while (loop_.poll() != 0) {
    }
  }
  /// What has come so far.
  std::string hear() {
    std::string all;
    char block[65536];
    for (ssize_t count; (count = ::recv(client_.get(), block, sizeof block, MSG_DONTWAIT)) > 0;)
      all.append(block, static_cast<std::size_t>(count));
    return all;
  }

  tests::TemporaryFolder temporary_;
  const std::string& folder_ = temporary_.path();
  boost::asio::io_context loop_{1};
  channel::Descriptor listener_;
  channel::Descriptor client_;
  std::shared_ptr<HttpStream> stream_ = std::make_shared<HttpStream>(64 * 1024);
  std::optional<HttpServer> server_;
};

constexpr std::string_view request = "POST /v1/trace HTTP/1.1\r\nContent-Length: 0\r\n\r\n";

TEST_F(HttpStreamTest, each_piece_goes_out_when_it_is_there) {
  say(request);
  run();
  const std::string head = hear();
  EXPECT_THAT(head, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(head, HasSubstr("Transfer-Encoding: chunked\r\n"));
  stream_->put("one\n");
  run();
  EXPECT_EQ(hear(), "4\r\none\n\r\n");
  run();
  EXPECT_EQ(hear(), "");
  stream_->put("two\n");
  stream_->end("three\n");
  run();
  EXPECT_EQ(hear(), "4\r\ntwo\n\r\n6\r\nthree\n\r\n0\r\n\r\n");
}

TEST_F(HttpStreamTest, a_client_that_does_not_read_costs_no_more_than_the_bound) {
  say(request);
  run();
  // As much as a socket's buffers take is gone; the rest waits, or is left out. Nobody who puts has to wait.
  for (int i = 0; i < 20'000; ++i) {
    stream_->put(std::string(999, 'x') + "\n");
    if (i % 10 == 0) run();
    ASSERT_LE(stream_->waiting_octets(), 64U * 1024);
  }
  EXPECT_GT(stream_->left_out(), 10'000U);
  stream_->end("the end\n");
  std::string all;
  for (int i = 0; i < 1000 && !all.ends_with("0\r\n\r\n"); ++i) {
    run();
    all += hear();
  }
  EXPECT_THAT(all, EndsWith("8\r\nthe end\n\r\n0\r\n\r\n"));
}

TEST_F(HttpStreamTest, whoever_makes_it_is_rid_of_a_client_that_is_gone) {
  say(request);
  run();
  client_.reset();
  for (int i = 0; i < 3; ++i) {
    stream_->put(std::string(1000, 'x'));
    run();
  }
  EXPECT_EQ(stream_->waiting_octets(), 0U);
  stream_->end("the end");
  EXPECT_EQ(stream_->waiting_octets(), 0U);
}

TEST_F(HttpStreamTest, the_connection_serves_on_after_it) {
  stream_->end("all\n");
  say(request);
  run();
  EXPECT_THAT(hear(), EndsWith("0\r\n\r\n"));
  stream_ = std::make_shared<HttpStream>(1000);
  stream_->end("again\n");
  say(request);
  run();
  EXPECT_THAT(hear(), HasSubstr("again\n"));
}

TEST_F(HttpStreamTest, http_1_0_has_no_such_answers) {
  say("GET / HTTP/1.0\r\n\r\n");
  run();
  EXPECT_THAT(hear(), StartsWith("HTTP/1.1 505 "));
}

}  // namespace
}  // namespace redoubt::control
