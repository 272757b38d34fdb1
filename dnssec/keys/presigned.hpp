#pragma once
// Key sets that are signed ahead, by a KSK that is kept where no network is: which RRsets it is asked to sign, and what
// it signed. Both are text, so that whoever carries the file can read what he carries.
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "dns/rrset.hpp"
#include "dnssec/keys/key_folder.hpp"

namespace redoubt::dnssec {

inline constexpr std::size_t max_presigned_text = 4 * 1024 * 1024;
inline constexpr std::size_t max_presigned_sets = 1024;
inline constexpr std::size_t max_records_of_presigned = 256;

/// An RRset of the apex that speaks of keys: DNSKEY, CDS or CDNSKEY.
struct KeyRRset {
  dns::RrType type;
  std::uint32_t ttl = 0;
  std::vector<Octets> rdata;       ///< in canonical order, each once
  std::vector<Octets> signatures;  ///< RDATA of RRSIG records; empty in a request
  bool operator==(const KeyRRset&) const = default;
};

struct PresignedSets {
  dns::Name zone;
  std::int64_t from = 0;  ///< the span that the signatures shall hold for, seconds since 1970
  std::int64_t until = 0;
  std::vector<KeyRRset> sets;
  bool operator==(const PresignedSets&) const = default;
};

/// With signatures or, as a request, without.
std::string to_text(const PresignedSets& sets);
/// errors   "line 3: what is wrong"
std::expected<PresignedSets, std::string> presigned_from_text(std::string_view text);

/// Each set signed by each of these keys that the set's DNSKEY records name (CDS and CDNSKEY: by all of them).
/// keys     with their private halves; of that zone
/// errors   a set that none of them may sign, or the library failed
std::expected<PresignedSets, std::string> presign(const PresignedSets& request, std::span<const StoredKey> keys);

/// Whether each signature is by one of these keys, over its set, and for the whole span; what else is in it is refused.
/// errors   the first that is not
std::expected<void, std::string> check_presigned(const PresignedSets& sets, std::span<const StoredKey> keys);

}  // namespace redoubt::dnssec
