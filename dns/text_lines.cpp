#include "dns/text_lines.hpp"

#include <array>

namespace redoubt::dns {

namespace {

/// What makes a line other than the octets that stand there, and what ends it.
constexpr auto is_special = [] {
  std::array<bool, 256> table{};
  for (const char c : {'\0', '\n', '\r', '\t', '\\', '"', ';', '(', ')'}) table[static_cast<unsigned char>(c)] = true;
  return table;
}();

}  // namespace

std::expected<std::optional<MasterFileLines::Line>, TextError> MasterFileLines::next() {
  while (at_ < text_.size()) {
    if (const auto plain = read_plain()) {
      if (plain->text.find_first_not_of(' ') != std::string_view::npos) return plain;
      continue;
    }
    const auto line = read_one();
    if (!line) return std::unexpected{line.error()};
    if (line->text.find_first_not_of(' ') != std::string_view::npos) return std::optional{*line};
  }
  return std::optional<Line>{};
}

/// Most lines of large files are as they are, and need no copy. Nothing, and nothing read, for any other.
std::optional<MasterFileLines::Line> MasterFileLines::read_plain() {
  std::size_t end = at_;
  while (end < text_.size() && !is_special[static_cast<unsigned char>(text_[end])]) ++end;
  if (end == text_.size() || text_[end] != '\n' || end - at_ > max_line_text) return std::nullopt;
  const Line line{number_, text_.substr(at_, end - at_)};
  at_ = end + 1;
  ++number_;
  return line;
}

/// Up to the line end that ends it, which is the first one outside parentheses.
std::expected<MasterFileLines::Line, TextError> MasterFileLines::read_one() {
  const std::size_t number = number_;
  std::string& text = line_;
  text.clear();
  const auto fault = [&](const char* what) { return std::unexpected{TextError{number, what}}; };
  std::size_t depth = 0;
  bool quoted = false;
  bool comment = false;
  while (at_ < text_.size()) {
    const char c = text_[at_++];
    if (c == '\0') return fault("a NUL octet");
    if (c == '\n') {
      ++number_;
      comment = false;
      if (quoted) return fault("a string that does not end on its line");
      if (depth == 0) return Line{number, text};
      text += ' ';
    } else if (comment) {
      continue;
    } else if (c == '\\' && at_ < text_.size() && text_[at_] != '\n' && text_[at_] != '\0') {
      text += c;
      text += text_[at_++];
    } else if (c == '"') {
      quoted = !quoted;
      text += c;
    } else if (quoted) {
      text += c;
    } else if (c == ';') {
      comment = true;
    } else if (c == '(' || c == ')') {
      if (c == ')' && depth == 0) return fault("a closing parenthesis without an opening one");
      depth = c == '(' ? depth + 1 : depth - 1;
      text += ' ';
    } else {
      text += c == '\t' || c == '\r' ? ' ' : c;
    }
    if (text.size() > max_line_text) return fault("more text than one record can have");
  }
  if (quoted) return fault("a string that does not end");
  if (depth != 0) return fault("a parenthesis that is not closed");
  return Line{number, text};
}

}  // namespace redoubt::dns
