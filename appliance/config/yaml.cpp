#include "appliance/config/yaml.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <optional>
#include <sstream>
#include <tuple>
#include <utility>

#include "appliance/log/log.hpp"

namespace redoubt::config {

namespace {

/// Leaves yaml-cpp's recursion early; caught in parse_yaml().
struct Refused {
  Remark remark;
};

Place place_of(const YAML::Mark& mark) {
  if (mark.is_null()) return {};
  return {static_cast<std::uint32_t>(mark.line) + 1, static_cast<std::uint32_t>(mark.column) + 1};
}

/// Builds the tree from yaml-cpp's events rather than from its nodes: those would resolve aliases and follow any depth.
class TreeBuilder final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override {
    if (root_) refuse(mark, "found a second document, expected one");
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    refuse_anchor(mark, anchor);
    take(Node{.kind = NodeKind::null, .place = place_of(mark), .text = {}, .keys = {}, .children = {}});
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    refuse(mark, "found an alias (*), expected a value: aliases are not taken");
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_anchor(mark, anchor);
    const bool in_quotes = tag == "!";  // what yaml-cpp says of a quoted scalar; "?" of a plain one
    if (in_quotes) last_quoted_ = place_of(mark);
    if (!in_quotes && tag != "?" && !tag.empty())
      refuse(mark, fmt::format("found the tag {}, expected a value without one", quoted(tag)));
    take(Node{.kind = NodeKind::scalar,
              .place = place_of(mark),
              .text = value,
              .quoted = in_quotes,
              .keys = {},
              .children = {}});
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override {
    open(NodeKind::list, mark, tag, anchor, style);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override {
    open(NodeKind::map, mark, tag, anchor, style);
  }
  void OnMapEnd() override { close(); }

  /// Where the last scalar in quotes began; line 0 when there was none.
  Place last_quoted() const { return last_quoted_; }
  /// The innermost [ or { that is open still.
  const Node* open_bracket() const { return open_.empty() || !open_.back().in_brackets ? nullptr : &open_.back().node; }
  Node finish() { return root_ ? *std::move(root_) : Node{}; }

 private:
  [[noreturn]] static void refuse(const YAML::Mark& mark, std::string text) {
    throw Refused{{place_of(mark), std::move(text)}};
  }
  static void refuse_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) refuse(mark, "found an anchor (&), expected a value: anchors are not taken");
  }

  void open(NodeKind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
            YAML::EmitterStyle::value style) {
    refuse_anchor(mark, anchor);
    if (tag != "?" && !tag.empty())
      refuse(mark, fmt::format("found the tag {}, expected a value without one", quoted(tag)));
    if (open_.size() >= max_depth) refuse(mark, fmt::format("found more than {} levels, expected fewer", max_depth));
    open_.push_back({.node = {.kind = kind, .place = place_of(mark), .text = {}, .keys = {}, .children = {}},
                     .in_brackets = style == YAML::EmitterStyle::Flow});
  }

  void close() {
    Node done = std::move(open_.back().node);
    open_.pop_back();
    take(std::move(done));
  }

  void take(Node node) {
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& parent = open_.back();
    if (parent.node.kind == NodeKind::map && !parent.has_key) {
      if (node.kind != NodeKind::scalar)
        throw Refused{{node.place, fmt::format("found {}, expected a key", describe(node))}};
      parent.node.keys.push_back(std::move(node));
      parent.has_key = true;
      return;
    }
    // yaml-cpp puts a value that is not there behind the line's end; its key is the better place to point at.
    if (node.kind == NodeKind::null && parent.node.kind == NodeKind::map) node.place = parent.node.keys.back().place;
    parent.node.children.push_back(std::move(node));
    parent.has_key = false;
  }

  struct Open {
    Node node;
    bool in_brackets;
    bool has_key = false;  ///< of a map: the next node is its value
  };
  std::vector<Open> open_;
  std::optional<Node> root_;
  Place last_quoted_;
};

/// yaml-cpp takes the end of the file for the end of a scalar in quotes; a file that was cut short must not pass for a
/// whole one.
bool is_closed(std::string_view text, Place opening) {
  if (opening.line == 0) return true;
  for (std::uint32_t line = 1; line < opening.line; ++line)
    text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
  text.remove_prefix(std::min<std::size_t>(opening.column - 1, text.size()));
  if (text.empty()) return true;
  const char quote = text.front();
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (quote == '"' && text[i] == '\\')
      ++i;
    else if (text[i] == quote && quote == '\'' && i + 1 < text.size() && text[i + 1] == quote)
      ++i;
    else if (text[i] == quote)
      return true;
  }
  return quote != '"' && quote != '\'';  // a block scalar (| or >) ends with the file
}

std::string_view line_of(std::string_view text, std::uint32_t number) {
  for (std::uint32_t line = 1; line < number && !text.empty(); ++line)
    text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
  return text.substr(0, text.find('\n'));
}

/// yaml-cpp's own words, but for what people meet often and cannot find by them: a bracket that is not closed, which it
/// tells behind the end of the file, and a tab in front of a line.
Remark explained(std::string_view text, const TreeBuilder& builder, const YAML::Exception& error) {
  const Place place = place_of(error.mark);
  const std::size_t end = text.find_last_not_of(" \t\r\n");
  const auto last_line =
      static_cast<std::uint32_t>(1 + std::ranges::count(text.substr(0, end == std::string_view::npos ? 0 : end), '\n'));
  // Behind the end, or, in a file without a line's end, at its begin.
  const auto is_at_end = [&](Place opened) {
    return place.line > last_line || std::tie(place.line, place.column) < std::tie(opened.line, opened.column);
  };
  if (const Node* bracket = builder.open_bracket(); bracket != nullptr && is_at_end(bracket->place))
    return {bracket->place, fmt::format("found a {} that is not closed, expected its end",
                                        bracket->kind == NodeKind::list ? '[' : '{')};
  const std::string_view line = line_of(text, place.line);
  const std::size_t tab = line.substr(0, line.find_first_not_of(" \t")).find('\t');
  if (place.line != 0 && tab != std::string_view::npos)
    return {{place.line, static_cast<std::uint32_t>(tab) + 1},
            "found a tab in front of the line, expected spaces: YAML takes no tabs there"};
  return {place, fmt::format("found what is no YAML ({}), expected YAML", log::printable(error.msg))};
}

/// Octets of the UTF-8 sequence (RFC 3629 §4) at the front of `text`; 0 when there is none.
std::size_t utf8_sequence(std::string_view text) {
  const auto at = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const auto tail = [&](std::size_t i, unsigned least = 0x80, unsigned most = 0xbf) {
    return at(i) >= least && at(i) <= most;
  };
  const unsigned first = at(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return tail(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef)
    return tail(1, first == 0xe0 ? 0xa0 : 0x80, first == 0xed ? 0x9f : 0xbf) && tail(2) ? 3 : 0;
  if (first >= 0xf0 && first <= 0xf4)
    return tail(1, first == 0xf0 ? 0x90 : 0x80, first == 0xf4 ? 0x8f : 0xbf) && tail(2) && tail(3) ? 4 : 0;
  return 0;
}

/// Before yaml-cpp sees it: UTF-8, and no control octets but line ends and tabs. yaml-cpp would guess at other
/// encodings.
std::optional<Remark> look_over(std::string_view text) {
  Place place{1, 1};
  for (std::size_t i = 0; i < text.size();) {
    const auto octet = static_cast<unsigned char>(text[i]);
    const std::size_t length = utf8_sequence(text.substr(i));
    if (length == 0) return Remark{place, fmt::format("found octet 0x{:02x}, expected UTF-8 text", octet)};
    if ((octet < 0x20 && octet != '\n' && octet != '\r' && octet != '\t') || octet == 0x7f)
      return Remark{place, fmt::format("found control octet 0x{:02x}, expected text", octet)};
    place =
        octet == '\n' ? Place{place.line + 1, 1} : Place{place.line, place.column + static_cast<std::uint32_t>(length)};
    i += length;
  }
  return std::nullopt;
}

}  // namespace

std::string describe(const Node& node) {
  switch (node.kind) {
    case NodeKind::null:
      return "nothing";
    case NodeKind::scalar:
      return quoted(node.text);
    case NodeKind::list:
      return "a list";
    case NodeKind::map:
      return "a map";
  }
  return {};
}

std::expected<Node, Remark> parse_yaml(std::string_view text) {
  if (text.size() > max_file_octets) {
    return std::unexpected{
        Remark{{}, fmt::format("found more than {0} octets, expected at most {0}", max_file_octets)}};
  }
  if (auto remark = look_over(text)) return std::unexpected{*std::move(remark)};
  TreeBuilder builder;
  try {
    std::istringstream stream{std::string{text}};
    YAML::Parser parser{stream};
    while (parser.HandleNextDocument(builder)) {
    }
    if (!is_closed(text, builder.last_quoted()))
      return std::unexpected{Remark{builder.last_quoted(), "found a quote that is not closed, expected its end"}};
    return builder.finish();
  } catch (Refused& refused) {
    return std::unexpected{std::move(refused.remark)};
  } catch (const YAML::Exception& error) {
    return std::unexpected{explained(text, builder, error)};
  }
}

}  // namespace redoubt::config
