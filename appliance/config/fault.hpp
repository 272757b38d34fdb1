#pragma once
// What is wrong with a configuration, and where.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace redoubt::config {

/// Counted from 1, columns in octets. line 0: the whole file rather than a place in it.
struct Place {
  std::uint32_t line = 0;
  std::uint32_t column = 0;
};

/// Where each value stands that the file gives; of entries with their number from 0, as in "tls.more[1].key".
using Places = std::map<std::string, Place, std::less<>>;

/// The place of `setting`; line 0 where the file does not have it. entry: where it is one of a list ("tls.more[].key").
Place place_in(const Places& places, std::string_view setting, std::size_t entry = 0);

/// One line without its file name; text from the file is in it in printable form.
struct Remark {
  Place place;
  std::string text;
  /// "redoubt.yaml:3:7: cache.size: found 'many', expected a size such as 256MiB"
  std::string to_text(std::string_view file) const;
};

/// Faults that are reported of one file; more are not looked for.
inline constexpr std::size_t max_faults = 20;

/// faults: the file must not come into force. warnings: it may, but somebody should know.
struct Remarks {
  std::vector<Remark> faults;
  std::vector<Remark> warnings;
};

/// 'text' in quotes, printable, cut where it is long: for "found ..." of a remark.
std::string quoted(std::string_view text);

}  // namespace redoubt::config
