#pragma once
// One request to resolverd's API, over its unix socket.
#include <chrono>
#include <expected>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace redoubt::ctl {

struct ApiReply {
  unsigned status = 0;
  std::string body;
};

class ApiClient {
 public:
  explicit ApiClient(std::string socket, std::chrono::milliseconds patience = std::chrono::seconds{15})
      : socket_{std::move(socket)}, patience_{patience} {}

  /// The error is one line for the user: what could not be reached, why, what to try.
  std::expected<ApiReply, std::string> get(const std::string& target) const { return request("GET", target, {}); }
  std::expected<ApiReply, std::string> post(const std::string& target, const std::string& body) const {
    return request("POST", target, body);
  }
  /// The same for an answer whose lines come one by one: each is handed over as it comes, without its end of line. The
  /// reply's body has only what did not come so.
  using OnLine = std::function<void(std::string_view line)>;
  std::expected<ApiReply, std::string> post_for_lines(const std::string& target, const std::string& body,
                                                      const OnLine& on_line) const {
    return request("POST", target, body, on_line);
  }
  const std::string& socket() const { return socket_; }

 private:
  std::expected<ApiReply, std::string> request(const std::string& method, const std::string& target,
                                               const std::string& body, const OnLine& on_line = nullptr) const;

  std::string socket_;
  std::chrono::milliseconds patience_;
};

/// For a query string: everything but letters, digits and -._~ as %NN.
std::string percent_encoded(std::string_view text);

}  // namespace redoubt::ctl
