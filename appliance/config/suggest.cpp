#include "appliance/config/suggest.hpp"

#include <algorithm>
#include <cctype>
#include <vector>

namespace redoubt::config {

namespace {

constexpr std::size_t max_compared_octets = 64;  // keys are shorter; what is longer is no slip of the finger

bool same(char one, char other) {
  const auto plain = [](char c) {
    return c == '_' ? '-' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  };
  return plain(one) == plain(other);
}

/// Optimal string alignment distance; letters without case, '_' as '-'.
std::size_t distance(std::string_view one, std::string_view other) {
  std::vector<std::size_t> before_last(other.size() + 1), last(other.size() + 1), row(other.size() + 1);
  for (std::size_t j = 0; j <= other.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= one.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= other.size(); ++j) {
      const std::size_t replaced = last[j - 1] + (same(one[i - 1], other[j - 1]) ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && same(one[i - 1], other[j - 2]) && same(one[i - 2], other[j - 1]))
        row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
    std::swap(before_last, last);
    std::swap(last, row);
  }
  return last[other.size()];
}

}  // namespace

std::optional<std::string_view> nearest(std::string_view found, std::span<const std::string_view> candidates) {
  if (found.empty() || found.size() > max_compared_octets) return std::nullopt;
  std::optional<std::string_view> best;
  std::size_t least = 0;
  for (const std::string_view candidate : candidates) {
    const std::size_t edits = distance(found, candidate);
    if (edits > std::max<std::size_t>(1, candidate.size() / 3)) continue;
    if (!best || edits < least) {
      best = candidate;
      least = edits;
    }
  }
  return best;
}

}  // namespace redoubt::config
