#include "dns/text_lines.hpp"

namespace redoubt::dns {

std::expected<std::optional<MasterFileLines::Line>, TextError> MasterFileLines::next() {
  while (at_ < text_.size()) {
    auto line = read_one();
    if (!line) return std::unexpected{line.error()};
    if (line->text.find_first_not_of(' ') != std::string::npos) return std::optional{std::move(*line)};
  }
  return std::optional<Line>{};
}

/// Up to the line end that ends it, which is the first one outside parentheses.
std::expected<MasterFileLines::Line, TextError> MasterFileLines::read_one() {
  Line line{number_, {}};
  const auto fault = [&](const char* what) { return std::unexpected{TextError{line.number, what}}; };
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
      if (depth == 0) return line;
      line.text += ' ';
    } else if (comment) {
      continue;
    } else if (c == '\\' && at_ < text_.size() && text_[at_] != '\n' && text_[at_] != '\0') {
      line.text += c;
      line.text += text_[at_++];
    } else if (c == '"') {
      quoted = !quoted;
      line.text += c;
    } else if (quoted) {
      line.text += c;
    } else if (c == ';') {
      comment = true;
    } else if (c == '(' || c == ')') {
      if (c == ')' && depth == 0) return fault("a closing parenthesis without an opening one");
      depth = c == '(' ? depth + 1 : depth - 1;
      line.text += ' ';
    } else {
      line.text += c == '\t' || c == '\r' ? ' ' : c;
    }
    if (line.text.size() > max_line_text) return fault("more text than one record can have");
  }
  if (quoted) return fault("a string that does not end");
  if (depth != 0) return fault("a parenthesis that is not closed");
  return line;
}

}  // namespace redoubt::dns
