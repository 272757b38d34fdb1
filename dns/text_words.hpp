#pragma once
// The words of a line of a master file (RFC 1035 §5.1), with quotes and escapes.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace redoubt::dns {

/// `raw` is without its quotes and has its escapes.
struct TextWord {
  std::string_view raw;
  bool quoted = false;
};

/// Walks a line of MasterFileLines. A quote inside a word is a fault, for readers differ on it: some take it as it is,
/// some begin another word. The first fault sticks, and then there are no more words.
class TextWords {
 public:
  explicit TextWords(std::string_view text) : left_{text} { skip_blanks(); }
  bool done() const { return left_.empty(); }
  /// The next one; empty and unquoted where there is none.
  TextWord next();
  /// As next(), and a value in quotes may follow the first `=`: key="a b" (RFC 9460 §2.1). The word has the quotes.
  TextWord next_parameter();
  std::string_view left() const { return left_; }
  bool faulty() const { return faulty_; }

 private:
  void skip_blanks();
  TextWord cut(std::size_t end, std::size_t skip, bool quoted);
  TextWord fail();
  std::string_view left_;
  bool faulty_ = false;
};

/// What escapes stand for: \DDD an octet, \X the character X. Nothing where digits make no octet.
std::optional<std::vector<std::uint8_t>> unescaped(std::string_view raw);

/// A word as a fault shows it: in quotes, cut at 100 octets, and \DDD for what is no printable ASCII.
std::string shown(std::string_view word);

/// Seconds: "3600", "1h30m" (weeks, days, hours, minutes, seconds). Nothing for anything else, and above 32 bits.
std::optional<std::uint32_t> period_of(std::string_view word);

}  // namespace redoubt::dns
