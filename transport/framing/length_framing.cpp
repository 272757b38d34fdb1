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
    return Incoming{.tag = 0, .message = **message};
  }

  bool unfinished() const override { return reader_.unfinished(); }
  std::size_t overhead() const override { return frame_length_octets; }
  void put(ExchangeTag, std::span<const std::uint8_t> answer, OutputQueue& output) override {
    output.append_frame(answer);
  }

 private:
  FrameReader reader_;
};

}  // namespace

std::unique_ptr<MessageFraming> length_framing() { return std::make_unique<LengthFraming>(); }

}  // namespace redoubt::transport
