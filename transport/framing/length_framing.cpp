#include "transport/framing/frame_reader.hpp"
#include "transport/framing/message_framing.hpp"

namespace redoubt::transport {

namespace {

class LengthFraming : public MessageFraming {
 public:
  void append(std::span<const std::uint8_t> octets) override { reader_.append(octets); }

  std::expected<std::optional<Incoming>, FramingBroken> next() override {
    const auto message = reader_.next();
    if (!message) return std::unexpected{FramingBroken{}};
    if (!*message) return std::nullopt;
    ++whole_;
    return Incoming{.tag = 0, .message = **message};
  }

  Coming coming(std::span<std::span<const std::uint8_t>> into) const override {
    const std::size_t count = reader_.coming(into);
    return {.messages = count, .looked_at = count};
  }

  std::uint64_t unfinished() const override { return reader_.unfinished() ? whole_ + 1 : 0; }
  std::uint64_t last_begun() const override { return reader_.unfinished() ? whole_ + 1 : whole_; }
  std::size_t overhead() const override { return frame_length_octets; }
  void put(ExchangeTag, std::span<const std::uint8_t> answer, OutputQueue& output) override {
    output.append_frame(answer);
  }

 private:
  FrameReader reader_;
  std::uint64_t whole_ = 0;  ///< messages that came whole
};

}  // namespace

std::unique_ptr<MessageFraming> length_framing() { return std::make_unique<LengthFraming>(); }

}  // namespace redoubt::transport
