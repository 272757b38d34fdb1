// Entrance: ImageReader, what a former life of the process left of its cache. Property: as it is, an image without the
// key is refused; its entries, with checksums made to fit, never harm, and what is read and written is read again as
// the same number of entries.
#include <cstdint>
#include <span>
#include <vector>

#include "fuzz/require.hpp"
#include "resolver/cache/kept_image.hpp"

namespace {

using namespace redoubt;
using namespace redoubt::resolver;

constexpr ImageKey key{1, 2, 3};
constexpr SettingsDigest settings{};
const Moment then{Instant{std::chrono::hours{9}}, WallTime{std::chrono::seconds{1'795'300'000}}};

std::vector<KeptEntry> entries_of(std::span<const std::uint8_t> image) {
  std::vector<KeptEntry> entries;
  auto reader = ImageReader::open(image, key);
  if (!reader) return entries;
  for (;;) {
    const auto more = reader->next(then, entries);
    if (!more) return {};
    if (!*more) return entries;
  }
}

std::vector<std::uint8_t> sealed(std::span<const std::uint8_t> content) {
  std::vector<std::uint8_t> image;
  ImageWriter writer{key, settings, then, 1U << 20U};
  image = writer.take();
  ImageTag tag{};
  std::vector<std::uint8_t> again;
  append_piece(again, key, 0, std::span{image}.subspan(20), tag);
  append_piece(image, key, 1, content, tag);
  append_piece(image, key, 2, {}, tag);
  return image;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::uint8_t> input{data, size};
  fuzz::require(entries_of(input).empty(), "an image without the key is none");
  if (input.empty() || size > 60'000) return 0;
  const auto entries = entries_of(sealed(input));
  if (entries.empty()) return 0;

  Cache cache{1U << 20U, dns::HashKey{}};
  for (const KeptEntry& entry : entries) {
    (void)cache.restore(entry, then.now);
    (void)cache.find(entry.draft.name, entry.draft.type, then.now);
    (void)cache.deepest_delegation(entry.draft.name, then.now);
  }
  ImageWriter writer{key, settings, then, 1U << 22U};
  for (const KeptEntry& entry : entries) fuzz::require(writer.add(entry), "there is room for what was read");
  writer.end();
  fuzz::require(entries_of(writer.take()).size() == writer.entries(), "what is written is read");
  return 0;
}
