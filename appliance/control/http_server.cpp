#include "appliance/control/http_server.hpp"

#include <fcntl.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <optional>
#include <utility>

#include "appliance/control/api_request.hpp"
#include "appliance/log/log.hpp"

namespace redoubt::control {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

namespace {

constexpr auto as_values = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t max_read_octets = max_request_header_octets + max_request_body_octets;
// When accept() fails for want of descriptors, trying again at once would only burn the processor.
constexpr std::chrono::milliseconds accept_pause{100};

using Parser = http::request_parser<http::string_body>;
using Message = http::response<http::string_body>;

template <class Body>
http::response<Body> head_of(const HttpResponse& response, const Parser& parser) {
  http::response<Body> message{static_cast<http::status>(response.status), 11};
  message.set(http::field::content_type,
              beast::string_view{response.content_type.data(), response.content_type.size()});
  message.set(http::field::cache_control, "no-store");
  message.set("X-Content-Type-Options", "nosniff");
  message.keep_alive(parser.get().keep_alive());
  return message;
}

Message to_message(HttpResponse response, const Parser& parser) {
  auto message = head_of<http::string_body>(response, parser);
  message.body() = std::move(response.body);
  message.prepare_payload();
  return message;
}

unsigned status_for(const boost::system::error_code& error) {
  if (error == http::error::body_limit) return 413;
  if (error == http::error::header_limit || error == http::error::buffer_overflow) return 431;
  return 400;
}

/// The answer of one handler call, awaited on the loop. Shared with the callback, which may outlive the connection.
struct Pending {
  explicit Pending(const asio::any_io_executor& executor) : wake{executor, http_answer_patience} {}
  asio::steady_timer wake;
  std::optional<HttpResponse> response;
};

}  // namespace

namespace {

/// A fault of ours, or no memory: it costs one connection.
void note(const std::exception_ptr& trouble) {
  if (!trouble) return;
  try {
    std::rethrow_exception(trouble);
  } catch (const std::exception& caught) {
    log::error("an HTTP connection ended: {}", log::printable(caught.what()));
  }
}

}  // namespace

class HttpServer::Listener : public std::enable_shared_from_this<Listener> {
 public:
  Listener(asio::io_context& loop, Handler handler) : loop_{loop}, handler_{std::move(handler)} {}
  virtual ~Listener() = default;
  virtual void start() = 0;
  virtual void close() = 0;
  std::uint64_t requests() const { return requests_; }

 protected:
  template <class Protocol>
  asio::awaitable<void> accept(asio::basic_socket_acceptor<Protocol>& acceptor) {
    const auto self = shared_from_this();
    while (acceptor.is_open()) {
      auto [error, socket] = co_await acceptor.async_accept(as_values);
      if (error == asio::error::operation_aborted) co_return;
      if (error) {
        asio::steady_timer pause{loop_, accept_pause};
        co_await pause.async_wait(as_values);
        continue;
      }
      if (connections_ >= max_http_connections) continue;  // closed as it goes out of scope
      ++connections_;
      asio::co_spawn(loop_, serve<Protocol>(beast::basic_stream<Protocol>{std::move(socket)}),
                     [self](const std::exception_ptr& trouble) {
                       --self->connections_;
                       note(trouble);
                     });
    }
  }

 private:
  template <class Protocol>
  asio::awaitable<void> serve(beast::basic_stream<Protocol> stream) {
    const auto self = shared_from_this();
    beast::flat_buffer buffer{max_read_octets};
    for (unsigned count = 0; count < max_requests_per_connection; ++count) {
      Parser parser;
      parser.header_limit(max_request_header_octets);
      parser.body_limit(max_request_body_octets);
      stream.expires_after(http_read_patience);
      const auto [error, octets] = co_await http::async_read(stream, buffer, parser, as_values);
      if (error == http::error::end_of_stream || error == beast::error::timeout) co_return;
      const bool understood = !error;
      // Only a fault of the request gets an answer; a connection that broke gets none.
      if (error && error.category() != make_error_code(http::error::bad_method).category()) co_return;
      stream.expires_never();
      HttpResponse response;
      if (understood) {
        response = co_await respond(parser.get());
      } else {
        response = {.status = status_for(error), .content_type = "text/plain", .body = "the request cannot be read\n"};
      }
      ++requests_;
      if (response.stream) {
        if (!co_await send_stream(stream, response, parser)) break;
        continue;
      }
      Message message = to_message(std::move(response), parser);
      if (!understood) message.keep_alive(false);
      if (understood && parser.get().method() == http::verb::head) message.body().clear();  // Content-Length stays
      stream.expires_after(http_write_patience);
      const auto [failed, written] = co_await http::async_write(stream, message, as_values);
      if (failed || !message.keep_alive()) break;
    }
    boost::system::error_code ignored;
    stream.socket().shutdown(Protocol::socket::shutdown_send, ignored);
  }

  /// False when the connection is at its end. Each piece has its own time to be taken.
  template <class Stream>
  static asio::awaitable<bool> send_stream(Stream& stream, const HttpResponse& response, const Parser& parser) {
    // Whatever becomes of the client, whoever makes the pieces gets to know.
    struct Reading {
      std::shared_ptr<HttpStream> pieces;
      ~Reading() { pieces->abandon(); }
    } reading{response.stream};
    auto head = head_of<http::empty_body>(response, parser);
    head.chunked(true);
    http::response_serializer<http::empty_body> serializer{head};
    stream.expires_after(http_write_patience);
    if (const auto [error, octets] = co_await http::async_write_header(stream, serializer, as_values); error)
      co_return false;
    const auto wake = std::make_shared<asio::steady_timer>(co_await asio::this_coro::executor);
    reading.pieces->on_change([wake] { wake->cancel(); });
    while (!reading.pieces->has_ended()) {
      if (const auto piece = reading.pieces->take()) {
        stream.expires_after(http_write_patience);
        const auto [error, octets] =
            co_await asio::async_write(stream, http::make_chunk(asio::buffer(*piece)), as_values);
        if (error) co_return false;
        continue;
      }
      stream.expires_never();
      wake->expires_after(http_answer_patience);
      const auto [woken] = co_await wake->async_wait(as_values);
      if (!woken) co_return false;  // nothing new for that long: whoever makes it is no more
    }
    stream.expires_after(http_write_patience);
    const auto [error, octets] = co_await asio::async_write(stream, http::make_chunk_last(), as_values);
    co_return !error && head.keep_alive();
  }

  asio::awaitable<HttpResponse> respond(const http::request<http::string_body>& request) {
    const auto executor = co_await asio::this_coro::executor;
    const auto pending = std::make_shared<Pending>(executor);
    const auto method = request.method_string();
    const auto target = request.target();
    handler_(
        {.method = {method.data(), method.size()}, .target = {target.data(), target.size()}, .body = request.body()},
        [pending](HttpResponse response) {
          pending->response = std::move(response);
          pending->wake.cancel();
        });
    if (!pending->response) co_await pending->wake.async_wait(as_values);
    if (pending->response && pending->response->stream && request.version() < 11) {
      pending->response->stream->abandon();
      co_return HttpResponse{.status = 505, .content_type = "text/plain", .body = "HTTP/1.1 only\n"};
    }
    if (pending->response) co_return std::move(*pending->response);
    co_return HttpResponse{.status = 504, .content_type = "text/plain", .body = "no answer in time\n"};
  }

  asio::io_context& loop_;
  Handler handler_;
  std::size_t connections_ = 0;
  std::uint64_t requests_ = 0;
};

namespace {

template <class Base, class Protocol>
class ListenerOn final : public Base {
 public:
  template <class Handler>
  ListenerOn(asio::io_context& loop, Protocol protocol, int listener, Handler handler)
      : Base{loop, std::move(handler)}, loop_{loop}, acceptor_{loop, protocol, listener} {}
  void start() override { asio::co_spawn(loop_, this->accept(acceptor_), asio::detached); }
  void close() override {
    boost::system::error_code ignored;
    acceptor_.close(ignored);
  }

 private:
  asio::io_context& loop_;
  asio::basic_socket_acceptor<Protocol> acceptor_;
};

}  // namespace

HttpServer::HttpServer(asio::io_context& loop, Kind kind, int listener, Handler handler) {
  const int own = ::fcntl(listener, F_DUPFD_CLOEXEC, 0);
  if (kind == Kind::unix_socket) {
    listener_ = std::make_shared<ListenerOn<Listener, asio::local::stream_protocol>>(
        loop, asio::local::stream_protocol{}, own, std::move(handler));
  } else {
    // The family does not matter to accept().
    listener_ =
        std::make_shared<ListenerOn<Listener, asio::ip::tcp>>(loop, asio::ip::tcp::v4(), own, std::move(handler));
  }
  listener_->start();
}

HttpServer::~HttpServer() { listener_->close(); }

std::uint64_t HttpServer::requests() const { return listener_->requests(); }

}  // namespace redoubt::control
