#include <algorithm>
#include <string>
#include <utility>

#include "transport/http/doh_request.hpp"
#include "transport/http/http_framing.hpp"

namespace redoubt::transport {

namespace {

constexpr std::string_view end_of_fields = "\r\n\r\n";

class Http1Framing : public MessageFraming {
 public:
  Http1Framing(std::string path, const Limits& limits) : path_{std::move(path)}, limits_{limits} {}

  void append(std::span<const std::uint8_t> octets) override {
    if (finished()) return;  // it is answered; what else comes is not looked at
    const std::size_t most = limits_[Limit::http_header_octets];
    const std::size_t room = most - std::min<std::size_t>(most, held_.size());
    held_.append(octets.begin(), octets.begin() + static_cast<std::ptrdiff_t>(std::min(room, octets.size())));
    if (held_.find(end_of_fields) != std::string::npos || octets.size() >= room) answer();
  }
  std::expected<std::optional<Incoming>, FramingBroken> next() override { return std::nullopt; }
  std::uint64_t unfinished() const override { return held_.empty() ? 0 : 1; }
  std::uint64_t last_begun() const override { return 1; }
  std::size_t overhead() const override { return 0; }
  void put(ExchangeTag, std::span<const std::uint8_t>, OutputQueue&) override {}
  bool takes_always() const override { return true; }
  bool speaks() const override { return finished() && !said_; }
  void speak(OutputQueue& output) override {
    if (!speaks()) return;
    said_ = true;
    output.append({reinterpret_cast<const std::uint8_t*>(reply_.data()), reply_.size()});  // NOLINT: its octets
  }
  bool finished() const override { return !reply_.empty(); }

 private:
  /// To somebody who looks at / by hand or with an old browser, the page; to all others what is missing.
  void answer() {
    HttpReply reply{426, "text/plain; charset=utf-8",
                    "DNS over HTTPS is spoken by HTTP/2 here (RFC 8484 section 5.2).\n"};
    if (held_.starts_with("GET / "))
      reply = std::get<HttpReply>(to_dns({"GET", "/", {}, {}}, path_ == "/" ? "" : path_));
    // Who sends Upgrade names it in Connection (RFC 9110 §7.8).
    reply_ = reply.status == 200 ? "HTTP/1.1 200 OK\r\nConnection: close\r\n"
                                 : "HTTP/1.1 426 Upgrade Required\r\nUpgrade: h2\r\nConnection: upgrade, close\r\n";
    reply_ += "Content-Type: " + std::string{reply.content_type} +
              "\r\nContent-Length: " + std::to_string(reply.body.size()) + "\r\n\r\n" + reply.body;
    held_.clear();
  }

  std::string path_;
  const Limits& limits_;
  std::string held_;
  std::string reply_;
  bool said_ = false;
};

}  // namespace

std::unique_ptr<MessageFraming> http1_framing(std::string path, const Limits& limits) {
  return std::make_unique<Http1Framing>(std::move(path), limits);
}

}  // namespace redoubt::transport
