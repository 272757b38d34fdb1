#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "transport/http/http_framing.hpp"

namespace redoubt::transport {

namespace {

constexpr std::string_view preface = "PRI * HTTP/2.0";  // RFC 9113 §3.4; no request of HTTP/1.1 begins so

class HttpsFraming : public MessageFraming {
 public:
  HttpsFraming(std::string path, const Limits& limits) : path_{std::move(path)}, limits_{limits} {}

  void append(std::span<const std::uint8_t> octets) override {
    if (spoken_) return spoken_->append(octets);
    first_.insert(first_.end(), octets.begin(), octets.end());
    const std::size_t compared = std::min(first_.size(), preface.size());
    const bool alike = std::equal(first_.begin(), first_.begin() + static_cast<std::ptrdiff_t>(compared),
                                  preface.begin(), [](std::uint8_t octet, char letter) { return octet == letter; });
    if (alike && compared < preface.size()) return;
    spoken_ = alike ? http2_framing(std::move(path_), limits_) : http1_framing(std::move(path_), limits_);
    spoken_->comes_in(pieces_);
    spoken_->append(std::exchange(first_, {}));
  }
  void comes_in(unsigned pieces) override {
    if (spoken_) return spoken_->comes_in(pieces);
    pieces_ += pieces;
  }
  std::expected<std::optional<Incoming>, FramingBroken> next() override {
    if (spoken_) return spoken_->next();
    return std::nullopt;
  }
  Coming coming(std::span<std::span<const std::uint8_t>> into) const override {
    return spoken_ ? spoken_->coming(into) : Coming{};
  }
  std::uint64_t unfinished() const override { return spoken_ ? spoken_->unfinished() : first_.empty() ? 0U : 1U; }
  std::uint64_t last_begun() const override { return spoken_ ? spoken_->last_begun() : first_.empty() ? 0U : 1U; }
  std::size_t overhead() const override { return spoken_ ? spoken_->overhead() : 0; }
  void put(ExchangeTag tag, std::span<const std::uint8_t> answer, OutputQueue& output) override {
    if (spoken_) spoken_->put(tag, answer, output);
  }
  bool takes_always() const override { return true; }
  bool put_nothing(ExchangeTag tag) override { return spoken_ && spoken_->put_nothing(tag); }
  bool speaks() const override { return spoken_ && spoken_->speaks(); }
  void speak(OutputQueue& output) override {
    if (spoken_) spoken_->speak(output);
  }
  std::optional<ExchangeTag> cancelled() override { return spoken_ ? spoken_->cancelled() : std::nullopt; }
  std::size_t held() const override { return spoken_ ? spoken_->held() : 0; }
  std::uint64_t first_held() const override { return spoken_ ? spoken_->first_held() : 0; }
  std::uint64_t last_put() const override { return spoken_ ? spoken_->last_put() : 0; }
  bool finished() const override { return spoken_ && spoken_->finished(); }
  bool broken() const override { return spoken_ && spoken_->broken(); }
  void rest() override {
    if (spoken_) spoken_->rest();
  }
  void retire(bool is_heard) override {
    if (spoken_) spoken_->retire(is_heard);
  }

 private:
  std::string path_;
  const Limits& limits_;
  std::vector<std::uint8_t> first_;
  unsigned pieces_ = 0;  ///< in which these came
  std::unique_ptr<MessageFraming> spoken_;
};

}  // namespace

std::unique_ptr<MessageFraming> https_framing(std::string path, const Limits& limits) {
  return std::make_unique<HttpsFraming>(std::move(path), limits);
}

}  // namespace redoubt::transport
