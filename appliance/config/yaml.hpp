#pragma once
// YAML text as a bounded tree that remembers where everything stood. Of YAML it takes scalars, lists and maps; anchors,
// aliases, tags and further documents are faults, so that a small file cannot unfold into a large one.
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "appliance/config/fault.hpp"

namespace redoubt::config {

inline constexpr std::size_t max_file_octets = 1024 * 1024;
inline constexpr unsigned max_depth = 16;

enum class NodeKind : std::uint8_t { null, scalar, list, map };

struct Node {
  NodeKind kind = NodeKind::null;
  Place place;
  std::string text;            ///< of a scalar
  bool quoted = false;         ///< a scalar that was written in quotes
  std::vector<Node> keys;      ///< of a map: scalars, one for each of `children`
  std::vector<Node> children;  ///< of a list or a map
};

/// What a node is, for "found ...": "a list", "'many'".
std::string describe(const Node& node);

/// An empty text is a null node. Keys may repeat: that is for the reader of the tree to judge.
std::expected<Node, Remark> parse_yaml(std::string_view text);

}  // namespace redoubt::config
