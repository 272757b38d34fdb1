#pragma once
// The record cache as octets that outlive the process: written by one life of the resolver, read by the next. Times are
// absolute wall time, nothing depends on addresses in memory or on the process's secrets. A sequence of pieces, each
// with a keyed checksum that covers the one before it, and an end of its own: what is cut short, altered, put together
// from two images or made without the key is refused whole.
//
//   piece    length of the content u32 (zero: the end), 16 octets of BLAKE2b keyed over
//            (tag of the piece before, number of the piece u64, length u32, content), content
//   piece 0  magic, version u16, when it was written u64 (ms since 1970), digest of the settings
//   others   entries (kept_image.cpp), each whole; all numbers in network order
#include <array>
#include <cstdint>
#include <expected>
#include <span>
#include <string_view>
#include <vector>

#include "resolver/cache/packed_entry.hpp"

namespace redoubt::resolver {

using ImageKey = std::array<std::uint8_t, 32>;
using SettingsDigest = std::array<std::uint8_t, 32>;
using ImageTag = std::array<std::uint8_t, 16>;

struct KeptEntry {
  CacheDraft draft;
  bool visited = false;
};

/// Between which times of the two clocks an image is converted.
struct Moment {
  Instant now;
  WallTime wall;
};

struct ImageHead {
  WallTime written;         ///< in whole milliseconds
  SettingsDigest settings;  ///< of what decides about entries (role/kept_settings.hpp); others are not to be used
};

enum class ImageFault : std::uint8_t { short_image, foreign, wrong_checksum, bad_entry };
std::string_view describe(ImageFault fault);

/// A piece with that content behind the one with that tag; `tag` becomes its own.
void append_piece(std::vector<std::uint8_t>& image, const ImageKey& key, std::uint64_t number,
                  std::span<const std::uint8_t> content, ImageTag& tag);

class ImageWriter {
 public:
  /// An entry takes at most this much of an image, or is left out.
  static constexpr std::size_t max_entry_octets = 16'384;
  /// What the head and the end take.
  static constexpr std::size_t frame_octets = 256;

  /// octets bounds the image; at least frame_octets.
  ImageWriter(const ImageKey& key, const SettingsDigest& settings, Moment moment, std::size_t octets);

  /// False: there is no more room. What is larger than max_entry_octets, is a failure or belongs to the configuration
  /// is left out.
  bool add(const KeptEntry& entry);
  void end();
  /// Whole pieces that were not taken yet.
  std::vector<std::uint8_t> take() { return std::exchange(finished_, {}); }
  /// Of the image so far.
  std::size_t octets() const { return octets_; }
  std::uint64_t entries() const { return entries_; }

 private:
  void finish_piece();

  ImageKey key_;
  Moment moment_;
  std::size_t most_;
  std::size_t octets_ = 0;
  std::uint64_t entries_ = 0;
  std::uint64_t pieces_ = 0;
  ImageTag tag_{};
  std::vector<std::uint8_t> content_;
  std::vector<std::uint8_t> finished_;
};

class ImageReader {
 public:
  /// image lives as long as the reader; octets behind the end are nobody's. Reads the head.
  static std::expected<ImageReader, ImageFault> open(std::span<const std::uint8_t> image, const ImageKey& key);
  const ImageHead& head() const { return head_; }
  /// Appends the entries of the next piece that are still fresh at that moment. False: that was the end.
  std::expected<bool, ImageFault> next(Moment moment, std::vector<KeptEntry>& entries);
  std::size_t octets_read() const { return at_; }

 private:
  ImageReader(std::span<const std::uint8_t> image, const ImageKey& key) : image_{image}, key_{key} {}
  std::expected<std::span<const std::uint8_t>, ImageFault> piece();

  std::span<const std::uint8_t> image_;
  ImageKey key_;
  std::size_t at_ = 0;
  std::uint64_t pieces_ = 0;
  ImageTag tag_{};
  ImageHead head_{};
};

}  // namespace redoubt::resolver
