#pragma once
// DNS messages in a stream of octets: two length octets, then the message (RFC 1035 §4.2.2, RFC 7766 §8). What comes
// out does not depend on the pieces in which the octets came in.
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <vector>

namespace redoubt::transport {

inline constexpr std::size_t frame_length_octets = 2;
inline constexpr std::size_t max_frame_octets = frame_length_octets + 65535;

/// too_short: a length of less than a header, which can be no DNS message.
enum class FrameFault : std::uint8_t { too_short };

class FrameReader {
 public:
  /// Copies what was read. Holds what it was given and has not handed out, never more: nothing is reserved for a length
  /// that is only claimed. Whoever appends only when next() has nothing holds at most max_frame_octets and one append.
  void append(std::span<const std::uint8_t> octets);
  /// The next whole message, valid until the next call of any other member; nothing when octets are missing. A fault
  /// stays.
  std::expected<std::optional<std::span<const std::uint8_t>>, FrameFault> next();
  /// The messages that next() will bring, as many of the first as there is room for; valid as long. returns  how many
  std::size_t coming(std::span<std::span<const std::uint8_t>> into) const;
  /// Part of a message is here, or of its length.
  bool unfinished() const { return begin_ != held_.size(); }
  std::size_t held() const { return held_.size() - begin_; }
  /// What this object takes of memory beside itself.
  std::size_t capacity() const { return held_.capacity(); }

 private:
  std::vector<std::uint8_t> held_;
  std::size_t begin_ = 0;  ///< octets of held_ that are handed out already
};

}  // namespace redoubt::transport
