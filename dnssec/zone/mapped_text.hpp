#pragma once
// The text of a file that is too large to be held: mapped, and given back to the system piece by piece.
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace redoubt::dnssec {

class MappedText {
 public:
  /// errors: "PATH: what the system said"
  static std::expected<MappedText, std::string> open(const std::string& path);
  MappedText(MappedText&& other) noexcept : text_{std::exchange(other.text_, {})} {}
  MappedText& operator=(MappedText&&) = delete;
  ~MappedText();
  /// As long as this lives, and nobody cuts the file short.
  std::string_view text() const { return text_; }
  /// That part of the text leaves memory; who looks at it again reads it anew.
  void release(std::string_view part) const;

 private:
  explicit MappedText(std::string_view text) : text_{text} {}
  std::string_view text_;
};

}  // namespace redoubt::dnssec
