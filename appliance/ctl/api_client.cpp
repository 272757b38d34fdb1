#include "appliance/ctl/api_client.hpp"

#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <functional>

namespace redoubt::ctl {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

namespace {

/// More than the daemon ever sends: a cache listing at its limit.
constexpr std::uint64_t max_reply_octets = 16 * 1024 * 1024;

/// One exchange, step by step, each against the same deadline.
class Exchange {
 public:
  explicit Exchange(std::chrono::milliseconds patience) { stream_.expires_after(patience); }

  boost::system::error_code connect(const std::string& path) {
    return run([&](auto done) { stream_.async_connect(asio::local::stream_protocol::endpoint{path}, done); });
  }
  boost::system::error_code send(const http::request<http::string_body>& request) {
    return run([&](auto done) {
      http::async_write(stream_, request, [done](boost::system::error_code error, std::size_t) { done(error); });
    });
  }
  boost::system::error_code receive(http::response_parser<http::string_body>& parser) {
    parser.body_limit(max_reply_octets);
    return run([&](auto done) {
      http::async_read(stream_, buffer_, parser, [done](boost::system::error_code error, std::size_t) { done(error); });
    });
  }

 private:
  using Done = std::function<void(boost::system::error_code)>;

  boost::system::error_code run(const std::function<void(Done)>& start) {
    boost::system::error_code result;
    start([&](boost::system::error_code error) { result = error; });
    loop_.restart();
    loop_.run();
    return result;
  }

  asio::io_context loop_{1};
  beast::basic_stream<asio::local::stream_protocol> stream_{loop_};
  beast::flat_buffer buffer_;
};

std::string why(boost::system::error_code error) {
  return error == beast::error::timeout ? std::string{"no answer in time"} : error.message();
}

}  // namespace

std::expected<ApiReply, std::string> ApiClient::request(const std::string& method, const std::string& target,
                                                        const std::string& body) const {
  const auto trouble = [&](boost::system::error_code error) {
    const bool denied = error == boost::system::errc::permission_denied;
    return std::unexpected{fmt::format("cannot reach resolverd at {}: {}{}", socket_, why(error),
                                       denied ? "; it answers its own user, the group redoubt and root"
                                              : "; is it running? --socket names another socket")};
  };
  // The path of a unix socket has 108 octets at most, and Asio throws past that.
  if (socket_.size() >= 108)
    return std::unexpected{
        fmt::format("the socket's path is longer than the 107 octets that a unix socket's may have: {}", socket_)};

  Exchange exchange{patience_};
  if (const auto error = exchange.connect(socket_)) return trouble(error);
  http::request<http::string_body> request{http::string_to_verb(method), target, 11};
  request.set(http::field::host, "resolverd");
  request.set(http::field::connection, "close");
  if (!body.empty()) request.set(http::field::content_type, "application/json");
  request.body() = body;
  request.prepare_payload();
  if (const auto error = exchange.send(request)) return trouble(error);
  http::response_parser<http::string_body> parser;
  if (const auto error = exchange.receive(parser)) return trouble(error);
  return ApiReply{parser.get().result_int(), std::move(parser.get().body())};
}

std::string percent_encoded(std::string_view text) {
  static constexpr std::string_view plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  std::string out;
  for (const char c : text) {
    if (plain.find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

}  // namespace redoubt::ctl
