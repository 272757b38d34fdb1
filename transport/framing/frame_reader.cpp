#include "transport/framing/frame_reader.hpp"

#include "dns/header.hpp"

namespace redoubt::transport {

namespace {

/// Kept between messages; whatever is larger goes back, so that thousands of idle connections stay small.
constexpr std::size_t kept_capacity = 1024;

std::size_t length_at(std::span<const std::uint8_t> frame) {
  return static_cast<std::size_t>(frame[0]) << 8U | frame[1];
}

}  // namespace

void FrameReader::append(std::span<const std::uint8_t> octets) {
  if (begin_ == held_.size() && held_.capacity() > kept_capacity) {
    held_ = {};
  } else {
    held_.erase(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(begin_));
  }
  begin_ = 0;
  held_.insert(held_.end(), octets.begin(), octets.end());
}

std::expected<std::optional<std::span<const std::uint8_t>>, FrameFault> FrameReader::next() {
  const std::span<const std::uint8_t> left = std::span{held_}.subspan(begin_);
  if (left.empty()) {
    begin_ = 0;
    held_.clear();
    if (held_.capacity() > kept_capacity) held_.shrink_to_fit();
    return std::nullopt;
  }
  if (left.size() < frame_length_octets) return std::nullopt;
  const std::size_t length = length_at(left);
  // Judged by the length alone: its octets are not waited for.
  if (length < dns::header_octets) return std::unexpected{FrameFault::too_short};
  if (left.size() - frame_length_octets < length) return std::nullopt;
  begin_ += frame_length_octets + length;
  return left.subspan(frame_length_octets, length);
}

std::size_t FrameReader::coming(std::span<std::span<const std::uint8_t>> into) const {
  std::size_t count = 0;
  for (std::span<const std::uint8_t> left = std::span{held_}.subspan(begin_);
       count < into.size() && left.size() >= frame_length_octets; ++count) {
    const std::size_t length = length_at(left);
    if (length < dns::header_octets || left.size() - frame_length_octets < length) break;
    into[count] = left.subspan(frame_length_octets, length);
    left = left.subspan(frame_length_octets + length);
  }
  return count;
}

}  // namespace redoubt::transport
