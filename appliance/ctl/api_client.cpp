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

/// One of a trace, its answer of 64 KiB included.
constexpr std::size_t max_line_octets = 2 * 1024 * 1024;

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

/// Puts lines together from pieces.
class Lines {
 public:
  explicit Lines(const ApiClient::OnLine& on_line) : on_line_{on_line} {}
  /// False when a line is longer than any that the daemon sends.
  bool add(std::string_view octets) {
    while (!octets.empty()) {
      const std::size_t end = octets.find('\n');
      begun_ += octets.substr(0, end);
      if (begun_.size() > max_line_octets) return false;
      if (end == std::string_view::npos) break;
      on_line_(begun_);
      begun_.clear();
      octets.remove_prefix(end + 1);
    }
    return true;
  }

 private:
  const ApiClient::OnLine& on_line_;
  std::string begun_;
};

std::string why(boost::system::error_code error) {
  return error == beast::error::timeout ? std::string{"no answer in time"} : error.message();
}

}  // namespace

std::expected<ApiReply, std::string> ApiClient::request(const std::string& method, const std::string& target,
                                                        const std::string& body, const OnLine& on_line) const {
  bool begun = false;  // the answer is under way
  const auto trouble = [&](boost::system::error_code error) {
    if (begun) return std::unexpected{fmt::format("resolverd's answer broke off: {}", why(error))};
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
  Lines lines{on_line};
  auto on_chunk = [&](std::uint64_t, beast::string_view octets, boost::system::error_code& error) {
    begun = true;
    if (!lines.add({octets.data(), octets.size()})) error = http::error::body_limit;
    return octets.size();
  };
  if (on_line) parser.on_chunk_body(on_chunk);
  if (const auto error = exchange.receive(parser)) return trouble(error);
  // Whoever knows no lines of its own accord sends them whole.
  if (on_line && !begun && parser.get().result_int() < 400) lines.add(parser.get().body() + "\n");
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
