#include "dns/text_lines.hpp"

#include <array>

namespace redoubt::dns {

namespace {

/// What makes a line other than the octets that stand there, and what ends it.
constexpr auto is_special = [] {
  std::array<bool, 256> table{};
  for (const char c : {'\\', '"', ';', '(', ')', '\x7f'}) table[static_cast<unsigned char>(c)] = true;
  for (std::size_t c = 0; c < ' '; ++c) table[c] = true;
  return table;
}();

constexpr bool is_control(char c) {
  const auto octet = static_cast<unsigned char>(c);
  return octet < ' ' || octet == 0x7f;
}

/// An octet of data. Control characters become the escape \DDD (RFC 1035 §5.1): ldns takes some of them for blanks, in
/// strings, too, and what a record says must not hang on which reader it meets.
void append_octet(std::string& text, char c) {
  if (!is_control(c)) {
    text += c;
    return;
  }
  const auto octet = static_cast<unsigned char>(c);
  text += '\\';
  for (const int digit : {octet / 100, octet / 10 % 10, octet % 10}) text += static_cast<char>('0' + digit);
}

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
      const char escaped = text_[at_++];
      if (!is_control(escaped)) text += c;
      append_octet(text, escaped);
    } else if (c == '"') {
      quoted = !quoted;
      text += c;
    } else if (quoted) {
      append_octet(text, c);
    } else if (c == ';') {
      comment = true;
    } else if (c == '(' || c == ')') {
      if (c == ')' && depth == 0) return fault("a closing parenthesis without an opening one");
      depth = c == '(' ? depth + 1 : depth - 1;
      text += ' ';
    } else {
      append_octet(text, c == '\t' || c == '\r' ? ' ' : c);
    }
    if (text.size() > max_line_text) return fault("more text than one record can have");
  }
  if (quoted) return fault("a string that does not end");
  if (depth != 0) return fault("a parenthesis that is not closed");
  return Line{number, text};
}

}  // namespace redoubt::dns
