#pragma once
// A folder of keys in one sealed file, and back.
#include <expected>
#include <string>
#include <vector>

#include "dns/name.hpp"
#include "dnssec/keys/sealed.hpp"

namespace redoubt::dnssec {

struct BackupChoice {
  std::vector<dns::Name> zones;  ///< whose files go in; empty: all
  /// States that cannot be read are left out, and told; otherwise one of them stops all. Keys are never left out.
  bool skip_damaged = false;
};
struct BackedUp {
  std::size_t files = 0;
  std::vector<std::string> left_out;  ///< states, and what is wrong with each
};

/// Keys, private halves as they lie there, and states of zones; closed under the passphrase. At most 64 MiB of them.
/// errors: one line; there is no file of that zone
std::expected<BackedUp, std::string> back_up_keys(const std::string& folder, const std::string& file,
                                                  const Secret& passphrase, SealCost cost = SealCost::sensible,
                                                  const BackupChoice& choice = {});

/// Into a folder that holds none of these files: nothing is overwritten. Returns how many files it wrote.
std::expected<std::size_t, std::string> restore_keys(const std::string& file, const std::string& folder,
                                                     const Secret& passphrase);

}  // namespace redoubt::dnssec
