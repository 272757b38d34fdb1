#pragma once
// `zone sign` from file to file: read, decide what is due, sign, check what was written by a pass of its own, and only
// then put it in the place of what was there.
#include <expected>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "dnssec/sign/zone_signer.hpp"
#include "dnssec/zone/verify_zone.hpp"

namespace redoubt::dnssec {

struct SignFileOptions {
  std::string input;   ///< the zone file
  std::string output;  ///< may be the input
  std::optional<dns::Name> origin;
  SigningRules rules;
  std::vector<SigningKey> keys;
  bool withdrawn = false;  ///< see records_of_signer()
  std::int64_t now = 0;
  /// What is remembered of the run before, for an earlier output that is lost, damaged, or an old copy: the serial of
  /// what was put out (a new one comes after it, RFC 1982), and when that was.
  std::optional<std::uint32_t> last_serial = std::nullopt;
  std::optional<std::int64_t> last_run = std::nullopt;
  unsigned threads = 1;
  bool dry_run = false;
  bool everything = false;         ///< sign anew what the earlier output still has good
  bool clock_is_right = false;     ///< go on although the earlier output's times speak against the clock
  std::uint32_t max_zone_ttl = 0;  ///< a larger TTL in the zone is an error: rolls would not wait for it; 0: any
  /// In the check of the output so many of the new signatures are verified with the public halves of their keys: all
  /// when there are no more, else a sample of about so many, and of one in a hundred at least. Of those that were kept
  /// about so many, too. The rest of the check is always whole.
  std::size_t checked_signatures = 1000;
  /// RDATA of the keys that may have been the zone's: an earlier output that has DNSKEY records, and none of these, is
  /// another signer's and is not replaced. Empty: any is.
  std::vector<Octets> known_keys{};
  /// Called where nothing is replaced because of what was found in the earlier output or in the new one.
  std::function<void()> on_refusal = nullptr;
  std::function<void(std::string_view step, std::size_t done, std::size_t all)> progress = nullptr;
};

struct SignFileResult {
  dns::Name apex;
  SigningCounts counts;
  bool written = false;  ///< false: nothing was due, or it was a dry run
  bool was_due = false;  ///< something is new, changed, removed or near its end
  std::uint32_t serial = 0;
  std::uint32_t max_ttl = 0;              ///< the largest TTL of the zone: what rolls have to wait for
  std::uint32_t earliest_expiration = 0;  ///< of what is in the output now
  std::uint64_t verified = 0;
  std::vector<std::string> remarks;  ///< worth telling, and no error
};

/// A zone file, read: without what a signer makes itself.
struct SourceZone {
  Zone zone;
  std::uint32_t serial = 0;
  std::uint32_t soa_ttl = 0;
  std::uint32_t max_ttl = 0;          ///< the largest of the zone
  std::vector<Octets> left_out_keys;  ///< RDATA of DNSKEY records that were in the file
};

/// Of the options only the input, its origin, rules.cds and rules.zonemd count. errors: "FILE:LINE: what"
std::expected<SourceZone, std::string> read_source(const SignFileOptions& options);

/// May be called again with other keys: what it puts into the source's apex goes each time.
/// errors: one line or several; the old output stays as it was.
std::expected<SignFileResult, std::string> sign_file(const SignFileOptions& options, SourceZone& source);
/// From file to file.
std::expected<SignFileResult, std::string> sign_file(const SignFileOptions& options);

}  // namespace redoubt::dnssec
