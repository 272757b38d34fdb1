#pragma once
// Private keys as BIND's and ldns' tools keep them in files: "Private-key-format: v1.3" and one field a line.
#include <expected>
#include <optional>
#include <string>

#include "dnssec/keys/private_key.hpp"

namespace redoubt::dnssec {

/// Of any version 1; fields that are not part of the key (timing metadata) are passed over.
/// errors   "line 3: ...", what is wrong
std::expected<PrivateKey, std::string> private_key_from_text(OctetView text);
/// Empty when the library had no memory.
Secret private_key_to_text(const PrivateKey& key);

/// As it is written into sealed files: with the key's role, which is then as safe as the key. Not for other tools:
/// they take the field for a fault.
Secret sealed_text_of(const PrivateKey& key, KeyRole role);
/// Nothing where the text has none, as earlier versions wrote it.
/// errors   "line 3: ...", what is wrong: a role that no key of ours has, or two of them
std::expected<std::optional<KeyRole>, std::string> role_in_key_text(OctetView text);

inline constexpr std::size_t max_key_text = 16 * 1024;  ///< an RSA key of 4096 bits has 3.4 KiB

}  // namespace redoubt::dnssec
