#pragma once
// The private halves of zone keys: read from their sealed files when they are first asked for, made, and used to sign.
// May be shared by threads.
#include <cstdint>
#include <deque>
#include <expected>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dns/name.hpp"
#include "dnssec/keeper/sealed_files.hpp"
#include "dnssec/keys/key_role.hpp"
#include "dnssec/keys/private_key.hpp"
#include "dnssec/keys/sealed.hpp"
#include "dnssec/keys/signing_shape.hpp"

namespace redoubt::keykeeper {

/// What the keys are sealed under: a person's passphrase costs a guesser much, 32 random octets need not.
struct Seal {
  dnssec::Secret passphrase;
  dnssec::SealCost cost = dnssec::SealCost::sensible;
};

struct ZoneKeyWish {
  dns::Name zone;
  std::uint8_t algorithm = 0;
  dnssec::KeyRole role = dnssec::KeyRole::zsk;  ///< not foreign
  unsigned rsa_bits = dnssec::default_rsa_bits;
  std::vector<std::uint16_t> taken;  ///< tags that it may not have
};

struct ZoneKeyRules {
  /// Records that speak of keys are signed only when each names a key in the folder; otherwise whatever they name.
  bool only_own = true;
  /// Told about files of keys that cannot be read, and about keys without a role, one line each; by any thread.
  std::function<void(const std::string&)> complain = nullptr;
  /// Told about each signature over a set that speaks of keys, one line each; by any thread.
  std::function<void(const std::string&)> tell = nullptr;
};

inline constexpr std::size_t max_keys_of_zone = 64;
inline constexpr std::size_t max_keys = 4096;  ///< in the folder, of all zones
/// Private keys that are open at once: locked memory is bounded. The one that was opened first goes first.
inline constexpr std::size_t max_open_keys = 128;

/// The error of what had to wait for a key that is being made or opened: no thread waits, for others want signatures.
inline constexpr std::string_view too_busy = "keykeeper is making or opening another key; try again";

/// All errors are one line, for whoever asked; too_busy passes by itself. One key is made at a time and one file
/// opened, so two threads at most are away for long.
class ZoneKeys {
 public:
  ZoneKeys(SealedFiles files, Seal seal, ZoneKeyRules rules)
      : files_{std::move(files)}, seal_{std::move(seal)}, rules_{std::move(rules)} {
    files_.sweep();
  }

  /// RDATA of the DNSKEY records of that zone's keys. Files that cannot be read are left out, with a complaint.
  std::expected<std::vector<dnssec::Octets>, std::string> list(const dns::Name& zone);
  /// The new key's DNSKEY RDATA, once its files are on the disk. Its tag is nobody else's, also once revoked.
  std::expected<dnssec::Octets, std::string> make(const ZoneKeyWish& wish);
  /// Takes its files away, and the key out of memory; a signature that is being made is the last one.
  /// errors   there is no such key, or what the system said
  std::expected<void, std::string> remove(const dns::Name& zone, std::uint8_t algorithm, std::uint16_t tag);
  /// A key whose file is gone, or another one by now, does not sign, open or not.
  /// One signature for each set, in their order. Nothing is signed when one of them is no signing input of that key, or
  /// is not for a key of that role, or speaks of keys and the rules are against it. Keys that earlier versions wrote
  /// have no role: they sign any set, but those that speak of keys only where no key with the SEP flag is there.
  /// now   seconds since 1970
  std::expected<std::vector<dnssec::Octets>, std::string> sign(const dns::Name& zone, std::uint8_t algorithm,
                                                               std::uint16_t tag, std::span<const dnssec::Octets> sets,
                                                               std::int64_t now);

 private:
  struct OpenKey {
    std::string stem;
    dnssec::Octets dnskey;
    std::optional<dnssec::KeyRole> role;  ///< as its sealed file says
    dnssec::PrivateKey secret;
    FileIdentity file;  ///< that it was read from
  };
  using Shared = std::shared_ptr<const OpenKey>;
  std::expected<Shared, std::string> find(const std::string& stem);
  std::expected<Shared, std::string> open(const std::string& stem) const;
  /// The open key, if its file is still the one that it was read from; it is forgotten where it is not. What else the
  /// system says is an error and no more: the key signs again when it passes.
  std::expected<Shared, std::string> look(const std::string& stem);
  void forget(const std::string& stem);
  void tell_of_signature(const OpenKey& key, const dns::Name& zone, const dnssec::SigningInput& set) const;
  std::expected<void, std::string> write(const OpenKey& key, dnssec::KeyRole role, const dns::Name& zone) const;
  std::expected<std::vector<std::string>, std::string> stems_of(const dns::Name& zone) const;
  std::expected<std::vector<dnssec::Octets>, std::string> read_all(const std::vector<std::string>& stems);
  std::expected<void, std::string> check_key_set(const OpenKey& key, const dns::Name& zone,
                                                 const dnssec::SigningInput& set,
                                                 std::span<const dnssec::Octets> held) const;

  SealedFiles files_;
  Seal seal_;
  ZoneKeyRules rules_;
  std::mutex making_;   ///< one key after the other, so that each sees the tags of those before
  std::mutex opening_;  ///< of files, one after the other: what opens them costs memory
  std::mutex mutex_;    ///< of open_
  std::deque<Shared> open_;
};

}  // namespace redoubt::keykeeper
