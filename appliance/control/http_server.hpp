#pragma once
// A small HTTP/1.1 server on a listening socket that is already there: for the API's unix socket and for metrics over
// TCP alike. Every connection is bounded in octets and in time, and so is the number of connections.
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "appliance/channel/channel.hpp"
#include "appliance/control/http_stream.hpp"

namespace redoubt::control {

inline constexpr std::size_t max_http_connections = 64;  // of one listener; more are closed at once
inline constexpr std::chrono::seconds http_read_patience{
    10};  // for a whole request, and for the next one on the connection
inline constexpr std::chrono::seconds http_answer_patience{30};  // for our own answer to be there
inline constexpr std::chrono::seconds http_write_patience{10};   // for the client to take it
inline constexpr unsigned max_requests_per_connection = 1000;

struct HttpRequest {
  std::string method;
  std::string target;
  std::string body;
};
struct HttpResponse {
  unsigned status = 200;
  std::string_view content_type = "application/json";
  std::string body;
  std::shared_ptr<HttpStream> stream = nullptr;  ///< in place of body; HTTP/1.1 alone has it (chunked)
};

class HttpServer {
 public:
  using Respond = std::function<void(HttpResponse)>;
  /// Calls respond once, now or later; without it the client is let go after http_answer_patience.
  using Handler = std::function<void(HttpRequest, Respond)>;

  enum class Kind : std::uint8_t { unix_socket, tcp };
  /// listener: duplicated, so the caller keeps its own.
  HttpServer(boost::asio::io_context& loop, Kind kind, int listener, Handler handler);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::uint64_t requests() const;

 private:
  class Listener;
  std::shared_ptr<Listener> listener_;
};

}  // namespace redoubt::control
