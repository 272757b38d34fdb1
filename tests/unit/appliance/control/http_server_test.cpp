#include "appliance/control/http_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <boost/asio/io_context.hpp>
#include <thread>

#include "appliance/control/api_request.hpp"
#include "appliance/control/files.hpp"
#include "tests/unit/dnssec/temporary_folder.hpp"

namespace redoubt::control {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

/// A server on a socket of its own, on a thread of its own, that tells what it was asked.
class HttpServerTest : public testing::Test {
 protected:
  HttpServerTest() {
    listener_ = *open_api_listener(path());
    server_.emplace(loop_, HttpServer::Kind::unix_socket, listener_.get(),
                    [](const HttpRequest& request, const HttpServer::Respond& respond) {
                      respond({.status = 200,
                               .content_type = "text/plain",
                               .body = request.method + " " + request.target + " " + request.body});
                    });
    thread_ = std::thread{[this] { loop_.run(); }};
  }
  ~HttpServerTest() override {
    loop_.stop();
    thread_.join();
    server_.reset();
  }
  std::string path() const { return folder_ + "/socket"; }

  channel::Descriptor connect() const {
    channel::Descriptor socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::ranges::copy(path(), address.sun_path);
    EXPECT_EQ(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
              0);  // NOLINT: the API's way
    const timeval patience{.tv_sec = 20, .tv_usec = 0};
    ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return socket;
  }
  static void say(const channel::Descriptor& socket, std::string_view octets) {
    while (!octets.empty()) {
      const ssize_t sent = ::send(socket.get(), octets.data(), octets.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;  // the server had enough of it
      octets.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  /// Everything until the server closes.
  static std::string hear(const channel::Descriptor& socket) {
    std::string all;
    char block[4096];
    for (ssize_t count; (count = ::recv(socket.get(), block, sizeof block, 0)) > 0;)
      all.append(block, static_cast<std::size_t>(count));
    return all;
  }
  std::string exchange(std::string_view octets) const {
    const auto socket = connect();
    say(socket, octets);
    return hear(socket);
  }

  tests::TemporaryFolder temporary_;
  const std::string& folder_ = temporary_.path();
  boost::asio::io_context loop_{1};
  channel::Descriptor listener_;
  std::optional<HttpServer> server_;
  std::thread thread_;
};

TEST_F(HttpServerTest, answers_with_headers_that_keep_browsers_out_of_it) {
  const std::string answer = exchange("POST /x HTTP/1.1\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("Cache-Control: no-store\r\n"));
  EXPECT_THAT(answer, HasSubstr("X-Content-Type-Options: nosniff\r\n"));
  EXPECT_THAT(answer, testing::Not(HasSubstr("Access-Control")));
  EXPECT_TRUE(answer.ends_with("\r\n\r\nPOST /x abc"));
}

TEST_F(HttpServerTest, serves_many_requests_on_one_connection) {
  const std::string answer =
      exchange("GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\nGET /3 HTTP/1.1\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("GET /1 "));
  EXPECT_THAT(answer, HasSubstr("GET /2 "));
  EXPECT_TRUE(answer.ends_with("GET /3 "));
}

TEST_F(HttpServerTest, head_has_the_length_and_no_body) {
  const std::string answer = exchange("HEAD /x HTTP/1.1\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("Content-Length: 8\r\n"));
  EXPECT_TRUE(answer.ends_with("\r\n\r\n"));
}

TEST_F(HttpServerTest, long_headers_and_bodies_are_refused) {
  EXPECT_THAT(exchange("GET / HTTP/1.1\r\nX: " + std::string(max_request_header_octets, 'x') + "\r\n\r\n"),
              StartsWith("HTTP/1.1 431 "));
  EXPECT_THAT(exchange("POST / HTTP/1.1\r\nContent-Length: 65537\r\n\r\n"), StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(exchange("POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
}

TEST_F(HttpServerTest, what_is_no_http_is_refused) {
  EXPECT_THAT(exchange("\x16\x03\x01 hello\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(exchange("GET / HTTP/9.9\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
}

TEST_F(HttpServerTest, the_number_of_connections_is_bounded) {
  std::vector<channel::Descriptor> held;
  for (std::size_t i = 0; i < max_http_connections; ++i) {
    held.push_back(connect());
    say(held.back(), "GET /held HTTP/1.1\r\n\r\n");  // answered, and then kept open
    char one = 0;
    ASSERT_EQ(::recv(held.back().get(), &one, 1, 0), 1);
  }
  EXPECT_EQ(exchange(""), "");  // closed at once
  say(held.back(), "GET /last HTTP/1.1\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(hear(held.back()).ends_with("GET /last "));
}

TEST_F(HttpServerTest, slow_requests_run_out_of_time) {
  const auto socket = connect();
  const auto started = std::chrono::steady_clock::now();
  say(socket, "GET / HTTP/1.1\r\nX: ");
  EXPECT_EQ(hear(socket), "");
  const auto taken = std::chrono::steady_clock::now() - started;
  EXPECT_GE(taken, http_read_patience - std::chrono::seconds{1});
  EXPECT_LT(taken, http_read_patience + std::chrono::seconds{60}) << "the machine was busy, or nobody looked";
}

}  // namespace
}  // namespace redoubt::control
