// Entrance: FrameReader, what a peer sends over a stream. Property: the messages do not depend on how the octets are
// cut into reads, and no more is held than a frame and one read.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "transport/framing/frame_reader.hpp"

namespace {

using redoubt::transport::FrameReader;

struct Outcome {
  std::vector<std::vector<std::uint8_t>> messages;
  bool fault = false;
  std::size_t left = 0;
  bool operator==(const Outcome&) const = default;
};

void require(bool holds) {
  if (!holds) std::abort();
}

/// Takes all messages that are whole; false after a fault.
bool take(FrameReader& reader, Outcome& outcome) {
  std::array<std::span<const std::uint8_t>, 3> coming;
  while (true) {
    const std::size_t count = reader.coming(coming);
    const auto message = reader.next();
    if (!message) {
      require(count == 0);
      outcome.fault = true;
      return false;
    }
    require(message->has_value() == (count != 0));
    if (!*message) return true;
    require(std::ranges::equal(**message, coming[0]));
    require((*message)->size() >= 12);
    outcome.messages.emplace_back((*message)->begin(), (*message)->end());
  }
}

/// sizes: of the reads, in turn, each plus one.
Outcome read_in_pieces(std::span<const std::uint8_t> stream, std::span<const std::uint8_t> sizes, std::size_t factor) {
  FrameReader reader;
  Outcome outcome;
  for (std::size_t i = 0; !stream.empty(); ++i) {
    const std::size_t wanted = sizes.empty() ? stream.size() : (std::size_t{sizes[i % sizes.size()]} + 1) * factor;
    const std::size_t octets = std::min(wanted, stream.size());
    reader.append(stream.first(octets));
    stream = stream.subspan(octets);
    require(reader.held() <= redoubt::transport::max_frame_octets + octets);
    require(reader.capacity() <= 2 * (redoubt::transport::max_frame_octets + octets));
    if (!take(reader, outcome)) return outcome;
  }
  outcome.left = reader.held();
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // The first octet says how many of the next ones are sizes of reads.
  if (size == 0) return 0;
  const std::span<const std::uint8_t> input{data + 1, size - 1};
  const std::size_t count = std::min<std::size_t>(data[0] % 16, input.size());
  const auto sizes = input.first(count);
  const auto stream = input.subspan(count);
  const Outcome whole = read_in_pieces(stream, {}, 1);
  require(read_in_pieces(stream, sizes, 1) == whole);
  require(read_in_pieces(stream, sizes, 64) == whole);
  return 0;
}
