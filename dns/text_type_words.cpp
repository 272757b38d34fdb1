// Types that stand by name inside RDATA: a bitmap's, and the one that a signature covers. ldns reads a name that it
// does not know as TYPE0 and says nothing, so it gets to see numbers.
#include <algorithm>
#include <array>

#include "dns/rr_types.hpp"
#include "dns/text_reading.hpp"

namespace redoubt::dns {

namespace {

/// Where RDATA has types: behind so many other words, one or all that follow.
struct Place {
  RrType type;
  std::size_t words_before;
  bool to_the_end;
};
constexpr std::array places{Place{type::nsec, 1, true}, Place{type::nsec3, 5, true}, Place{RrType{62}, 2, true},
                            Place{type::rrsig, 0, false}, Place{RrType{24}, 0, false}};  // CSYNC; SIG
constexpr std::size_t words_before_type = 2;  // a TTL and a class, in any order

bool is_blank(char c) { return c == ' ' || c == '\t'; }

/// A word with its blanks in front; an escaped blank is a part of it. Empty at the end.
std::string_view word_at(std::string_view text) {
  std::size_t end = 0;
  while (end < text.size() && is_blank(text[end])) ++end;
  while (end < text.size() && !is_blank(text[end])) end += text[end] == '\\' ? 2 : 1;
  return text.substr(0, end);
}

std::string_view without_blanks(std::string_view word) {
  word.remove_prefix(static_cast<std::size_t>(std::ranges::find_if_not(word, is_blank) - word.begin()));
  return word;
}

}  // namespace

std::expected<std::string, std::string> with_numbered_types(std::string_view text) {
  std::string out;
  const auto copy_word = [&] {
    const std::string_view word = word_at(text);
    out += word;
    text.remove_prefix(word.size());
    return without_blanks(word);
  };
  std::optional<RrType> type;
  for (std::size_t i = 0; i <= words_before_type && !type; ++i) {
    type = rr_type_from_text(copy_word());
    if (type == type::any) type.reset();  // the class of that name
  }
  const auto* place = type ? std::ranges::find(places, *type, &Place::type) : places.end();
  if (place != places.end()) {
    for (std::size_t i = 0; i < place->words_before; ++i) copy_word();
    for (bool more = true; more; more = place->to_the_end) {
      const std::string_view word = without_blanks(word_at(text));
      if (word.empty()) break;
      const auto named = rr_type_from_text(word);
      if (!named) return std::unexpected{"an unknown type, '" + std::string{word} + "'"};
      out += " TYPE" + std::to_string(named->value);
      text.remove_prefix(word_at(text).size());
    }
  }
  out += text;
  return out;
}

}  // namespace redoubt::dns
