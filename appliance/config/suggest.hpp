#pragma once
// "did you mean ...?"
#include <optional>
#include <span>
#include <string_view>

namespace redoubt::config {

/// The candidate that takes the fewest single edits (insert, remove, replace, swap neighbours) to reach, when those are
/// few for its length; otherwise nothing.
std::optional<std::string_view> nearest(std::string_view found, std::span<const std::string_view> candidates);

}  // namespace redoubt::config
