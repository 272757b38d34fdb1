#include "dns/name.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <new>

#include "dns/keyed_hash.hpp"
#include "dns/unwritten.hpp"

namespace redoubt::dns {

namespace {

/// ASCII letters only: nothing else in a name has case (RFC 4343 §3).
constexpr std::array<std::uint8_t, 256> lower_table = [] {
  std::array<std::uint8_t, 256> table{};
  for (std::size_t i = 0; i < table.size(); ++i)
    table[i] = static_cast<std::uint8_t>(i >= 'A' && i <= 'Z' ? i + ('a' - 'A') : i);
  return table;
}();

/// Eight octets at once. The sums carry into an octet's highest bit, and never out of it: 'A' and what follows it, and
/// what follows 'Z'. Octets of 128 and more are no letters.
std::uint64_t lower_of_eight(std::uint64_t octets) {
  constexpr std::uint64_t each = 0x0101010101010101;
  constexpr std::uint64_t highest = each * 0x80;
  const std::uint64_t low = octets & ~highest;
  const std::uint64_t is_from_a = low + each * (0x80 - 'A');
  const std::uint64_t is_behind_z = low + each * (0x80 - 'Z' - 1);
  return octets | ((is_from_a & ~is_behind_z & ~octets & highest) >> 2);
}
static_assert('a' - 'A' == 0x80 >> 2);

void copy_in_lower_case(const std::uint8_t* from, std::size_t count, std::uint8_t* to) {
  for (; count >= sizeof(std::uint64_t); count -= sizeof(std::uint64_t)) {
    std::uint64_t octets = 0;
    std::memcpy(&octets, from, sizeof octets);
    octets = lower_of_eight(octets);
    std::memcpy(to, &octets, sizeof octets);
    from += sizeof octets;
    to += sizeof octets;
  }
  for (std::size_t i = 0; i < count; ++i) to[i] = lower_table[from[i]];
}

/// Length octets are at most 63, below 'A', so a whole wire form can be compared without telling lengths from text.
bool equal_without_case(const std::uint8_t* left, const std::uint8_t* right, std::size_t count) {
  if (std::memcmp(left, right, count) == 0) return true;  // as they mostly are
  for (std::size_t i = 0; i < count; ++i) {
    if (lower_table[left[i]] != lower_table[right[i]]) return false;
  }
  return true;
}

/// Offsets of every label's length octet, the root's left out.
struct LabelOffsets {
  std::array<std::uint8_t, max_labels> at;
  std::size_t count = 0;
  explicit LabelOffsets(std::span<const std::uint8_t> wire) {
    for (std::size_t offset = 0; wire[offset] != 0; offset += wire[offset] + 1U)
      at[count++] = static_cast<std::uint8_t>(offset);
  }
};

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// One octet of master-file text, which may be an escape. at moves behind it.
std::expected<std::uint8_t, NameTextFault> read_escaped(std::string_view text, std::size_t& at) {
  if (text[at] != '\\') return static_cast<std::uint8_t>(text[at++]);
  if (++at >= text.size()) return std::unexpected{NameTextFault::bad_escape};
  if (!is_digit(text[at])) return static_cast<std::uint8_t>(text[at++]);
  if (text.size() - at < 3 || !is_digit(text[at + 1]) || !is_digit(text[at + 2]))
    return std::unexpected{NameTextFault::bad_escape};
  const int value = (text[at] - '0') * 100 + (text[at + 1] - '0') * 10 + (text[at + 2] - '0');
  if (value > 255) return std::unexpected{NameTextFault::bad_escape};
  at += 3;
  return static_cast<std::uint8_t>(value);
}

}  // namespace

std::string_view describe(NameTextFault fault) {
  switch (fault) {
    case NameTextFault::empty_label:
      return "an empty label";
    case NameTextFault::label_too_long:
      return "a label of more than 63 octets";
    case NameTextFault::name_too_long:
      return "more than 255 octets";
    case NameTextFault::bad_escape:
      return "an escape that is neither \\X nor \\DDD up to 255";
    case NameTextFault::empty:
      return "an empty name (the root is \".\")";
  }
  return "a bad name";
}

std::expected<Name, NameTextError> Name::from_text(std::string_view text) {
  const auto error = [](NameTextFault fault, std::size_t column) {
    return std::unexpected{NameTextError{fault, static_cast<std::uint16_t>(std::min<std::size_t>(column, 65535))}};
  };
  if (text.empty()) return error(NameTextFault::empty, 0);
  if (text == ".") return Name{};
  std::array<std::uint8_t, max_name_octets + 1> octets;
  std::size_t length_at = 0;  // of the label being read
  std::size_t end = 1;        // behind its last octet so far
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t column = at;
    if (text[at] == '.') {
      if (end == length_at + 1) return error(NameTextFault::empty_label, column);
      octets[length_at] = static_cast<std::uint8_t>(end - length_at - 1);
      length_at = end++;
      ++at;
      if (end > max_name_octets) return error(NameTextFault::name_too_long, column);
      continue;
    }
    const auto octet = read_escaped(text, at);
    if (!octet) return error(octet.error(), column);
    if (end - length_at > max_label_octets) return error(NameTextFault::label_too_long, column);
    if (end + 1 >= max_name_octets)
      return error(NameTextFault::name_too_long, column);  // the root's octet must fit behind it
    octets[end++] = *octet;
  }
  if (end > length_at + 1) {  // no final dot
    octets[length_at] = static_cast<std::uint8_t>(end - length_at - 1);
    length_at = end++;
  }
  octets[length_at] = 0;
  Name name{end};
  std::memcpy(name.room(), octets.data(), end);
  return name;
}

Parsed<Name> Name::from_wire(std::span<const std::uint8_t> wire) {
  const auto error = [](Fault fault, std::size_t offset) {
    return std::unexpected{WireError{fault, static_cast<std::uint16_t>(std::min<std::size_t>(offset, 65535))}};
  };
  std::size_t at = 0;
  for (;;) {
    if (at >= max_name_octets) return error(Fault::name_too_long, at);
    if (at >= wire.size()) return error(Fault::short_read, at);
    const std::uint8_t length = wire[at];
    if (length > max_label_octets)
      return error((length & 0xc0) == 0xc0 ? Fault::compressed_name : Fault::bad_label_type, at);
    at += length + 1U;
    if (length == 0) break;
  }
  if (at > max_name_octets) return error(Fault::name_too_long, at);
  if (at != wire.size()) return error(Fault::left_over, at);
  Name name{at};
  std::memcpy(name.room(), wire.data(), at);
  return name;
}

void Name::borrow() {
  auto* there = static_cast<std::uint8_t*>(::operator new(length_));
  std::memcpy(here_.data(), static_cast<const void*>(&there), sizeof there);
}

void Name::copy_elsewhere(const Name& other) {
  borrow();
  std::memcpy(elsewhere(), other.elsewhere(), length_);
}

void Name::give_back() { ::operator delete(elsewhere()); }

Name Name::literal(std::string_view text) {
  const auto name = from_text(text);
  if (!name) std::abort();
  return *name;
}

std::size_t Name::label_count() const {
  std::size_t count = 0;
  const std::uint8_t* const octets = data();
  for (std::size_t at = 0; octets[at] != 0; at += octets[at] + 1U) ++count;
  return count;
}

Name Name::parent() const {
  if (is_root()) return *this;
  const std::size_t skip = data()[0] + 1U;
  Name out{length_ - skip};
  std::memcpy(out.room(), data() + skip, out.length_);
  return out;
}

Name Name::suffix(std::size_t labels) const {
  const LabelOffsets offsets{wire()};
  if (labels >= offsets.count) return *this;
  const std::size_t skip = labels == 0 ? length_ - 1U : offsets.at[offsets.count - labels];
  Name out{length_ - skip};
  std::memcpy(out.room(), data() + skip, out.length_);
  return out;
}

std::optional<Name> Name::prepended(std::span<const std::uint8_t> label) const {
  if (label.empty() || label.size() > max_label_octets || label.size() + 1 + length_ > max_name_octets)
    return std::nullopt;
  Name out{label.size() + 1 + length_};
  std::uint8_t* const octets = out.room();
  octets[0] = static_cast<std::uint8_t>(label.size());
  std::memcpy(octets + 1, label.data(), label.size());
  std::memcpy(octets + 1 + label.size(), data(), length_);
  return out;
}

std::optional<Name> Name::with_suffix_replaced(const Name& from, const Name& to) const {
  if (!is_strictly_below(from)) return std::nullopt;
  const std::size_t kept = static_cast<std::size_t>(length_ - from.length_);
  if (kept + to.length_ > max_name_octets) return std::nullopt;
  Name out{kept + to.length_};
  std::memcpy(out.room(), data(), kept);
  std::memcpy(out.room() + kept, to.data(), to.length_);
  return out;
}

bool Name::is_at_or_below(const Name& ancestor) const {
  if (ancestor.length_ > length_) return false;
  const std::size_t start = static_cast<std::size_t>(length_ - ancestor.length_);
  const std::uint8_t* const octets = data();
  if (!equal_without_case(octets + start, ancestor.data(), ancestor.length_)) return false;
  // The octets agree; they count only when a label begins there.
  std::size_t at = 0;
  while (at < start) at += octets[at] + 1U;
  return at == start;
}

Name Name::lowercased() const {
  Name out{length_};
  copy_in_lower_case(data(), length_, out.room());
  return out;
}

std::string Name::to_text() const {
  static constexpr auto is_plain = [] {
    std::array<bool, 256> table{};
    for (std::size_t octet = ' ' + 1; octet < 0x7f; ++octet) table[octet] = true;
    for (const char c : std::string_view{".\\\"();@$"}) table[static_cast<unsigned char>(c)] = false;
    return table;
  }();
  if (is_root()) return ".";
  std::string text;
  text.reserve(length_);
  const std::uint8_t* const octets = data();
  for (std::size_t at = 0; octets[at] != 0; at += octets[at] + 1U) {
    const auto label = wire().subspan(at + 1, octets[at]);
    if (std::ranges::all_of(label, [](std::uint8_t octet) { return is_plain[octet]; })) {
      text.append(label.begin(), label.end());
      text += '.';
      continue;
    }
    for (const std::uint8_t octet : label) {
      if (octet <= ' ' || octet >= 0x7f) {
        text += '\\';
        text += static_cast<char>('0' + octet / 100);
        text += static_cast<char>('0' + octet / 10 % 10);
        text += static_cast<char>('0' + octet % 10);
        continue;
      }
      if (!is_plain[octet]) text += '\\';
      text += static_cast<char>(octet);
    }
    text += '.';
  }
  return text;
}

std::uint64_t Name::hash(const HashKey& key) const {
  REDOUBT_UNWRITTEN std::array<std::uint8_t, max_name_octets> lower;
  copy_in_lower_case(data(), length_, lower.data());
  return keyed_hash(std::span{lower}.first(length_), key);
}

bool Name::operator==(const Name& other) const {
  return length_ == other.length_ && equal_without_case(data(), other.data(), length_);
}

std::weak_ordering Name::operator<=>(const Name& other) const {
  const LabelOffsets mine{wire()};
  const LabelOffsets theirs{other.wire()};
  const std::size_t common = std::min(mine.count, theirs.count);
  for (std::size_t i = 1; i <= common; ++i) {
    const std::uint8_t* left = data() + mine.at[mine.count - i];
    const std::uint8_t* right = other.data() + theirs.at[theirs.count - i];
    const std::size_t shorter = std::min(left[0], right[0]);
    for (std::size_t k = 1; k <= shorter; ++k) {
      if (const auto order = lower_table[left[k]] <=> lower_table[right[k]]; order != 0) return order;
    }
    if (left[0] != right[0]) return left[0] <=> right[0];
  }
  return mine.count <=> theirs.count;
}

}  // namespace redoubt::dns
