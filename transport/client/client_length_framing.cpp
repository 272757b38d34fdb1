#include "transport/client/client_framing.hpp"
#include "transport/framing/frame_reader.hpp"

namespace redoubt::transport {

namespace {

class ClientLengthFraming : public ClientFraming {
 public:
  void put(std::span<const std::uint8_t> query, OutputQueue& output) override { output.append_frame(query); }
  void append(std::span<const std::uint8_t> octets) override { reader_.append(octets); }
  std::expected<std::optional<std::span<const std::uint8_t>>, FramingBroken> next() override {
    const auto message = reader_.next();
    if (!message) return std::unexpected{FramingBroken{}};
    return *message;
  }
  bool unfinished() const override { return reader_.unfinished(); }

 private:
  FrameReader reader_;
};

}  // namespace

std::unique_ptr<ClientFraming> client_length_framing() { return std::make_unique<ClientLengthFraming>(); }

}  // namespace redoubt::transport
