#pragma once
// The lines of a master file (RFC 1035 §5.1) as one record each: comments gone, parentheses undone.
#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "dns/text.hpp"

namespace redoubt::dns {

/// The text of one record. The longest RDATA there is, written as escapes of four characters an octet, fits.
inline constexpr std::size_t max_line_text = 512 * 1024;

class MasterFileLines {
 public:
  struct Line {
    std::size_t number;  ///< where it begins, counted from 1
    /// Without comments and parentheses; control characters are escapes (\DDD); never blank. Until the next call.
    std::string_view text;
  };

  explicit MasterFileLines(std::string_view text) : text_{text} {}
  /// The next line that is not blank; nothing at the end. Errors: NUL, a string or parenthesis that is not closed, a
  /// line over max_line_text.
  std::expected<std::optional<Line>, TextError> next();

 private:
  std::optional<Line> read_plain();
  std::expected<Line, TextError> read_one();

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t number_ = 1;  // of the line that at_ is in
  std::string line_;        // of a line that is not in the text as it is
};

}  // namespace redoubt::dns
