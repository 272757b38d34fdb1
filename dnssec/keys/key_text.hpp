#pragma once
// Private keys as BIND's and ldns' tools keep them in files: "Private-key-format: v1.3" and one field a line.
#include <expected>
#include <string>

#include "dnssec/keys/private_key.hpp"

namespace redoubt::dnssec {

/// Of any version 1; fields that are not part of the key (timing metadata) are passed over.
/// errors   "line 3: ...", what is wrong
std::expected<PrivateKey, std::string> private_key_from_text(OctetView text);
/// Empty when the library had no memory.
Secret private_key_to_text(const PrivateKey& key);

inline constexpr std::size_t max_key_text = 16 * 1024;  ///< an RSA key of 4096 bits has 3.4 KiB

}  // namespace redoubt::dnssec
