#pragma once
// A folder of keys in one sealed file, and back.
#include <expected>
#include <string>

#include "dnssec/keys/sealed.hpp"

namespace redoubt::dnssec {

/// Keys, private halves as they lie there, and states of zones; closed under the passphrase.
/// errors: one line
std::expected<void, std::string> back_up_keys(const std::string& folder, const std::string& file,
                                              const Secret& passphrase, SealCost cost = SealCost::sensible);

/// Into a folder that holds none of these files: nothing is overwritten. Returns how many files it wrote.
std::expected<std::size_t, std::string> restore_keys(const std::string& file, const std::string& folder,
                                                     const Secret& passphrase);

}  // namespace redoubt::dnssec
