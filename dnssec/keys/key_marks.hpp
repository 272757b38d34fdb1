#pragma once
// What the files of a key say beside the key: that it leaves, and where and what for its private half is kept.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "dnssec/keys/key_role.hpp"

namespace redoubt::dnssec {

/// The line that a .key file gets in front when its key leaves.
/// time  seconds since 1970
std::string retired_line(std::int64_t time);
/// It has that line in front.
bool is_marked_retired(std::string_view text);
/// Whether a .key file says that its key's time is over. Our own mark counts whatever the clock says; BIND's Inactive
/// and Delete count once their time has come. Such stamps are in order as text.
bool says_retired(std::string_view text);

/// What a .keykeeper file says.
std::string keykeeper_text(KeyRole role);
/// Of a .keykeeper file; keykeeper has its own word on it. Nothing in those that earlier versions wrote.
std::optional<KeyRole> kept_role(std::string_view text);

}  // namespace redoubt::dnssec
