#pragma once
// A folder of keys in the files that BIND, ldns and Knot users know: Kzone.+013+12345.key with the public record and
// .private with the private half, or .sealed, the same closed under a passphrase, or .token, the PKCS#11 URI of the
// device that has it, or .keykeeper, where resolverd has it. A key is there once its .key is.
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dns/name.hpp"
#include "dnssec/keys/key_house.hpp"
#include "dnssec/keys/key_names.hpp"
#include "dnssec/keys/private_key.hpp"
#include "dnssec/keys/sealed.hpp"
#include "dnssec/keys/token_uri.hpp"

namespace redoubt::dnssec {

struct StoredKey {
  dns::Name zone;
  std::string stem;  ///< file name without its ending, "Kexample.+013+12345"
  Octets dnskey;     ///< RDATA
  std::uint16_t flags = 0;
  std::uint16_t tag = 0;
  Algorithm algorithm = Algorithm::ecdsa_p256_sha256;
  /// Null when only the public half is here: a foreign or an offline key. Shared, for signing threads look at it.
  std::shared_ptr<const PrivateKey> secret;
  /// Its .key file says that it was rolled away, or that its time is over (BIND's Inactive and Delete): it is never
  /// taken into use again, even when nothing else remembers it.
  bool retired = false;
  bool exposed = false;  ///< others than root and we may read the file of its private half, or own it
  /// What resolverd's keykeeper lets it sign, where it has the private half and that is known here.
  std::optional<KeyRole> kept_as;
  bool is_entry_point() const { return (flags & Dnskey::entry_point_bit) != 0; }
};

inline constexpr std::size_t max_keys_in_folder = 4096;
/// A .token file names a module that is loaded, and runs as whoever signs.
inline constexpr std::string_view token_file_is_open =
    "others than root and the user who signs may change it, and it says which code is loaded; look at it, then chown "
    "and "
    "chmod 600 it";

/// All errors are one line, and name the file.
class KeyFolder {
 public:
  /// path must exist. With a passphrase, private halves are written sealed, and sealed ones can be read.
  KeyFolder(std::string path, std::optional<Secret> passphrase, SealCost cost = SealCost::sensible)
      : path_{std::move(path)}, passphrase_{std::move(passphrase)}, cost_{cost} {}

  /// Where the private halves of .keykeeper files are. make_there: new keys are made in it, too.
  void use(std::shared_ptr<KeyHouse> house, bool make_there) {
    house_ = std::move(house);
    make_there_ = make_there;
  }

  /// All of them, of every zone, by file name. Private halves are not read.
  std::expected<std::vector<StoredKey>, std::string> list() const;
  /// Those of one zone, with their private halves where those are here. Retired keys stay closed: see unlock().
  std::expected<std::vector<StoredKey>, std::string> keys_of(const dns::Name& zone) const;
  /// A new key, made where use() says, whose tag no other key of the zone has, nor would have once revoked (attacks:
  /// equal key tags).
  std::expected<StoredKey, std::string> generate(const dns::Name& zone, Algorithm algorithm, KeyRole role,
                                                 unsigned rsa_bits = default_rsa_bits) const;
  /// As generate(), in a token: its private half is never here.
  /// uri  of the token; what it says of a key does not count
  std::expected<StoredKey, std::string> generate_in_token(const dns::Name& zone, Algorithm algorithm, KeyRole role,
                                                          TokenUri uri, unsigned rsa_bits = default_rsa_bits) const;
  /// Takes in a key that is in a token already.
  std::expected<StoredKey, std::string> add_from_token(const dns::Name& zone, Algorithm algorithm, KeyRole role,
                                                       const TokenUri& uri) const;
  /// Takes in a key. Refused when the zone has one of its tag.
  std::expected<StoredKey, std::string> add(const dns::Name& zone, KeyRole role, PrivateKey key) const;
  /// Takes a key out of the house that use() named, for good: here it is retired first, so that it is nobody else's key
  /// then; the .key file stays as a memory of it.
  /// forget_missing  whether to go on where the house no longer has it; otherwise that is an error
  std::expected<void, std::string> erase_in_house(const StoredKey& key, std::int64_t now, bool forget_missing) const;
  /// Takes the private half away; the public record stays as a memory of it.
  std::expected<void, std::string> forget_secret(const StoredKey& key) const;
  /// Writes into the .key file that the key leaves, unless it says so already.
  /// stem  of its files
  /// now   seconds since 1970
  std::expected<void, std::string> retire(const std::string& stem, std::int64_t now) const;
  /// The folder, for its owner alone, if it is not there.
  std::expected<void, std::string> make() const;
  /// Reads the private half of a key of list().
  std::expected<void, std::string> unlock(StoredKey& key) const;
  /// What is wrong with an exposed key, and what to do.
  std::string exposure_of(const StoredKey& key) const;
  /// errors: a line for each of these keys that is exposed
  std::expected<void, std::string> refuse_exposed(std::span<const StoredKey> keys) const;
  const std::string& path() const { return path_; }

 private:
  std::expected<void, std::string> unlock_in_token(StoredKey& key, const std::string& path) const;
  std::expected<void, std::string> unlock_in_house(StoredKey& key, const std::string& path) const;
  std::expected<StoredKey, std::string> generate_in_house(const dns::Name& zone, Algorithm algorithm, KeyRole role,
                                                          unsigned rsa_bits, std::span<const StoredKey> others) const;
  std::expected<StoredKey, std::string> publish(StoredKey stored, PrivateKey key) const;
  std::expected<StoredKey, std::string> write_token_key(StoredKey stored, PrivateKey key, const TokenUri& uri) const;
  std::string file(const StoredKey& key, const char* ending) const { return path_ + "/" + key.stem + ending; }

  std::string path_;
  std::optional<Secret> passphrase_;
  SealCost cost_;
  std::shared_ptr<KeyHouse> house_;
  bool make_there_ = false;
};

/// The one line of a .key file, with its line end.
std::string dnskey_line(const dns::Name& zone, OctetView dnskey, std::uint32_t ttl);

}  // namespace redoubt::dnssec
