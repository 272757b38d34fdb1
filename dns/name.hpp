#pragma once
// Domain names in wire form (RFC 1035 §3.1). A Name that exists is valid: labels of 1 to 63 octets, at most 255 octets
// in all including the root label, no compression. Nobody re-checks it. The case of letters is kept and never compared.
#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "dns/wire_error.hpp"

namespace redoubt::dns {

inline constexpr std::size_t max_name_octets = 255;  // RFC 1035 §2.3.4
inline constexpr std::size_t max_label_octets = 63;  // RFC 1035 §2.3.4
inline constexpr std::size_t max_labels = 127;       // what 255 octets can hold, the root label not counted

/// A key for the hash of names: without it nobody outside can choose names that collide (attacks: hash flooding).
using HashKey = std::array<std::uint8_t, 16>;

enum class NameTextFault : std::uint8_t { empty_label, label_too_long, name_too_long, bad_escape, empty };
struct NameTextError {
  NameTextFault fault;
  std::uint16_t column;  ///< octets from the start of the text
};
std::string_view describe(NameTextFault fault);

class Name {
 public:
  /// The root.
  Name() noexcept : length_{1} { here_[0] = 0; }
  Name(const Name& other) : length_{other.length_} { take_copy(other); }
  /// The root is left behind.
  Name(Name&& other) noexcept : here_{other.here_}, length_{other.length_} { other.be_root(); }
  Name& operator=(const Name& other) {
    if (this != &other) *this = Name{other};
    return *this;
  }
  Name& operator=(Name&& other) noexcept {
    if (this == &other) return *this;
    if (!is_here()) give_back();
    here_ = other.here_;
    length_ = other.length_;
    other.be_root();
    return *this;
  }
  ~Name() {
    if (!is_here()) give_back();
  }

  /// Master-file escapes (`\.`, `\065`); a missing final dot is taken as present. "." is the root; "" is an error.
  static std::expected<Name, NameTextError> from_text(std::string_view text);
  /// One whole uncompressed name and nothing after it.
  static Parsed<Name> from_wire(std::span<const std::uint8_t> wire);
  /// For constants in code: aborts when the text is no name.
  static Name literal(std::string_view text);

  /// Uncompressed, with the root label at its end.
  std::span<const std::uint8_t> wire() const { return {data(), length_}; }
  /// Labels without the root: 0 for the root, 2 for example.com.
  std::size_t label_count() const;
  bool is_root() const { return length_ == 1; }
  bool is_wildcard() const { return length_ > 2 && data()[0] == 1 && data()[1] == '*'; }
  /// The first (leftmost) label's octets without its length; empty for the root.
  std::span<const std::uint8_t> first_label() const { return {data() + 1, data()[0]}; }
  /// One label less; the root stays the root.
  Name parent() const;
  /// The rightmost `labels` labels; the whole name when it has no more.
  Name suffix(std::size_t labels) const;
  /// `label` in front of this name, or nothing when that would be longer than a name may be.
  std::optional<Name> prepended(std::span<const std::uint8_t> label) const;
  /// This name with `from` at its end replaced by `to` (DNAME, RFC 6672 §2.2). Nothing when it is not below `from`, or
  /// too long.
  std::optional<Name> with_suffix_replaced(const Name& from, const Name& to) const;
  /// Equal to `ancestor` or below it.
  bool is_at_or_below(const Name& ancestor) const;
  bool is_strictly_below(const Name& ancestor) const { return length_ > ancestor.length_ && is_at_or_below(ancestor); }
  /// Canonical case for DNSSEC (RFC 4034 §6.2).
  Name lowercased() const;
  /// Printable ASCII only: everything else, and what a zone file would misread, is escaped. Absolute, with its final
  /// dot.
  std::string to_text() const;

  /// Keyed SipHash-2-4 of the lower-case wire form.
  std::uint64_t hash(const HashKey& key) const;

  /// Letters compare without case (RFC 4343).
  bool operator==(const Name& other) const;
  /// Octet for octet, case included: what 0x20 and the check of an echoed question compare.
  bool identical(const Name& other) const {
    return length_ == other.length_ && std::memcmp(data(), other.data(), length_) == 0;
  }
  /// Canonical order (RFC 4034 §6.1): from the rightmost label.
  std::weak_ordering operator<=>(const Name& other) const;

  /// What it holds of the heap, beside itself.
  std::size_t heap_octets() const { return is_here() ? 0 : length_; }

 private:
  friend class WireReader;
  /// Nearly all names are shorter than this and need no memory of their own. Names are everywhere: with room for the
  /// longest in each, what one resolution touched was four times as much (docs/decisions/0061).
  static constexpr std::size_t octets_here = 63;

  /// Of that many octets, which are still to be written to room().
  explicit Name(std::size_t length) : length_{static_cast<std::uint8_t>(length)} {
    if (!is_here()) borrow();
  }
  bool is_here() const { return length_ <= octets_here; }
  const std::uint8_t* data() const { return is_here() ? here_.data() : elsewhere(); }
  std::uint8_t* room() { return is_here() ? here_.data() : elsewhere(); }
  std::uint8_t* elsewhere() const {
    std::uint8_t* there = nullptr;
    std::memcpy(static_cast<void*>(&there), here_.data(), sizeof there);
    return there;
  }
  void be_root() {
    length_ = 1;
    here_[0] = 0;
  }
  void take_copy(const Name& other) {
    if (is_here())
      here_ = other.here_;
    else
      copy_elsewhere(other);
  }
  void copy_elsewhere(const Name& other);
  void borrow();
  void give_back();

  std::array<std::uint8_t, octets_here> here_;  // only the first length_ are ever read; of a long name, where it stands
  std::uint8_t length_;
};

}  // namespace redoubt::dns
