#include "dns/text_words.hpp"

#include <algorithm>

namespace redoubt::dns {

namespace {

bool is_blank(char c) { return c == ' ' || c == '\t'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr std::size_t most_shown = 100;  // octets of a word in a fault: a line may be as long as its file

/// Where a quoted string ends whose first character is at `at`: at its closing quote, or at the end where it has none.
std::size_t end_of_quoted(std::string_view text, std::size_t at) {
  while (at < text.size() && text[at] != '"') at += text[at] == '\\' ? 2 : 1;
  return std::min(at, text.size());
}

std::uint64_t seconds_in(char unit) {
  switch (unit) {
    case 'w':
    case 'W':
      return 604'800;
    case 'd':
    case 'D':
      return 86'400;
    case 'h':
    case 'H':
      return 3'600;
    case 'm':
    case 'M':
      return 60;
    case 's':
    case 'S':
      return 1;
    default:
      return 0;
  }
}

}  // namespace

void TextWords::skip_blanks() {
  left_.remove_prefix(static_cast<std::size_t>(std::ranges::find_if_not(left_, is_blank) - left_.begin()));
}

TextWord TextWords::fail() {
  faulty_ = true;
  left_ = {};
  return {};
}

TextWord TextWords::cut(std::size_t end, std::size_t skip, bool quoted) {
  const TextWord word{left_.substr(0, end), quoted};
  left_.remove_prefix(end + skip);
  skip_blanks();
  return word;
}

TextWord TextWords::next() {
  if (left_.starts_with('"')) {
    left_.remove_prefix(1);
    const std::size_t end = end_of_quoted(left_, 0);
    // Another string may follow at once; anything else would be a part of this word to some.
    const bool ends_well =
        end < left_.size() && (end + 1 == left_.size() || is_blank(left_[end + 1]) || left_[end + 1] == '"');
    return ends_well ? cut(end, 1, true) : fail();
  }
  std::size_t end = 0;
  while (end < left_.size() && !is_blank(left_[end])) {
    if (left_[end] == '"') return fail();
    end += left_[end] == '\\' ? 2 : 1;
  }
  return cut(std::min(end, left_.size()), 0, false);
}

TextWord TextWords::next_parameter() {
  const std::size_t value = left_.find('=') + 1;  // zero where there is none: a quote begins no parameter
  std::size_t end = 0;
  while (end < left_.size() && !is_blank(left_[end])) {
    if (left_[end] == '"') {
      if (end == 0 || end != value) return fail();
      end = end_of_quoted(left_, end + 1) + 1;
      if (end > left_.size() || (end < left_.size() && !is_blank(left_[end]))) return fail();
      break;
    }
    end += left_[end] == '\\' ? 2 : 1;
  }
  return cut(std::min(end, left_.size()), 0, false);
}

std::optional<std::vector<std::uint8_t>> unescaped(std::string_view raw) {
  std::vector<std::uint8_t> octets;
  octets.reserve(raw.size());
  for (std::size_t at = 0; at < raw.size(); ++at) {
    if (raw[at] != '\\') {
      octets.push_back(static_cast<std::uint8_t>(raw[at]));
      continue;
    }
    if (++at == raw.size()) return std::nullopt;
    if (!is_digit(raw[at])) {
      octets.push_back(static_cast<std::uint8_t>(raw[at]));
      continue;
    }
    if (raw.size() - at < 3 || !is_digit(raw[at + 1]) || !is_digit(raw[at + 2])) return std::nullopt;
    const int value = (raw[at] - '0') * 100 + (raw[at + 1] - '0') * 10 + (raw[at + 2] - '0');
    if (value > 255) return std::nullopt;
    octets.push_back(static_cast<std::uint8_t>(value));
    at += 2;
  }
  return octets;
}

std::string shown(std::string_view word) {
  std::string out = "'";
  for (const char c : word.substr(0, most_shown)) {
    const auto octet = static_cast<unsigned char>(c);
    if (octet >= 0x20 && octet < 0x7f) {
      out += c;
      continue;
    }
    const std::string digits = std::to_string(octet);
    out += "\\" + std::string(3 - digits.size(), '0') + digits;
  }
  return out + "'";
}

std::optional<std::uint32_t> period_of(std::string_view word) {
  constexpr std::uint64_t max = 0xffffffff;
  if (word.empty() || word.size() > 32) return std::nullopt;
  std::uint64_t total = 0;
  for (std::size_t at = 0; at < word.size();) {
    if (!is_digit(word[at])) return std::nullopt;
    std::uint64_t number = 0;
    while (at < word.size() && is_digit(word[at]) && number <= max)
      number = number * 10 + static_cast<unsigned>(word[at++] - '0');
    const std::uint64_t unit = at == word.size() ? 1 : seconds_in(word[at++]);
    total += number * unit;
    if (unit == 0 || number > max || total > max) return std::nullopt;
  }
  return static_cast<std::uint32_t>(total);
}

}  // namespace redoubt::dns
