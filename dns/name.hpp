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
  Name() : length_{1} { octets_[0] = 0; }
  Name(const Name& other) : length_{other.length_} { std::memcpy(octets_.data(), other.octets_.data(), length_); }
  Name& operator=(const Name& other) {
    length_ = other.length_;
    std::memmove(octets_.data(), other.octets_.data(), length_);
    return *this;
  }
  ~Name() = default;

  /// Master-file escapes (`\.`, `\065`); a missing final dot is taken as present. "." is the root; "" is an error.
  static std::expected<Name, NameTextError> from_text(std::string_view text);
  /// One whole uncompressed name and nothing after it.
  static Parsed<Name> from_wire(std::span<const std::uint8_t> wire);
  /// For constants in code: aborts when the text is no name.
  static Name literal(std::string_view text);

  /// Uncompressed, with the root label at its end.
  std::span<const std::uint8_t> wire() const { return {octets_.data(), length_}; }
  /// Labels without the root: 0 for the root, 2 for example.com.
  std::size_t label_count() const;
  bool is_root() const { return length_ == 1; }
  bool is_wildcard() const { return length_ > 2 && octets_[0] == 1 && octets_[1] == '*'; }
  /// The first (leftmost) label's octets without its length; empty for the root.
  std::span<const std::uint8_t> first_label() const { return {octets_.data() + 1, is_root() ? 0U : octets_[0]}; }
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
    return length_ == other.length_ && std::memcmp(octets_.data(), other.octets_.data(), length_) == 0;
  }
  /// Canonical order (RFC 4034 §6.1): from the rightmost label.
  std::weak_ordering operator<=>(const Name& other) const;

 private:
  friend class WireReader;
  std::array<std::uint8_t, max_name_octets> octets_;  // only the first length_ are ever read
  std::uint8_t length_;
};

}  // namespace redoubt::dns
