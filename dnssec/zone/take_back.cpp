#include "dnssec/zone/take_back.hpp"

#include <algorithm>
#include <string_view>

#include "dnssec/keys/durable_file.hpp"
#include "dnssec/keys/key_marks.hpp"
#include "dnssec/zone/state_file.hpp"

namespace redoubt::dnssec {

namespace {

constexpr std::size_t max_key_file = 64 * 1024;
constexpr unsigned public_mode = 0644;

/// KeyFolder::retire(), undone.
std::expected<void, std::string> unmark(const KeyFolder& keys, const std::string& stem) {
  const std::string path = keys.path() + "/" + stem + ".key";
  const auto read = read_secret_file(path, max_key_file);
  if (!read) return std::unexpected{read.error()};
  std::string_view text = as_text(*read);
  if (!is_marked_retired(text)) return {};
  text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
  return write_durably(path, octets_of(text), public_mode);
}

}  // namespace

std::expected<void, std::string> take_back(const KeyFolder& keys, const dns::Name& apex, const ZoneRolls& before,
                                           const ZoneRolls& refused, std::span<const std::string> made,
                                           std::int64_t now) {
  for (const std::string& stem : made) {
    if (auto done = keys.retire(stem, now); !done) return done;
  }
  if (auto stored = store_state(keys, apex, before, "zone sign: the output was refused, all stays as it was"); !stored)
    return stored;
  for (const RollingKey& key : before.keys) {
    const auto place = refused.place_of(key.stem);
    if (key.free || !key.wanted || key.role == KeyRole::foreign || !place || refused.keys[*place].wanted) continue;
    if (auto done = unmark(keys, key.stem); !done) return done;
  }
  return {};
}

}  // namespace redoubt::dnssec
