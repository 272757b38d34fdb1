#include "dnssec/keys/key_folder.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "dns/text.hpp"
#include "dnssec/keys/durable_file.hpp"
#include "dnssec/keys/key_marks.hpp"
#include "dnssec/keys/key_text.hpp"
#include "dnssec/keys/token.hpp"

namespace redoubt::dnssec {

namespace {

constexpr std::size_t max_key_file = 64 * 1024;
constexpr std::uint32_t shown_ttl = 3600;
constexpr unsigned public_mode = 0644;
constexpr unsigned secret_mode = 0600;
constexpr std::size_t token_id_octets = 16;  // of CKA_ID: nobody else's, by chance
constexpr unsigned max_tries = 1000;         // for a tag of its own; the chance that one try fails is keys / 32768

std::unexpected<std::string> fault(const std::string& path, std::string_view what) {
  return std::unexpected{path + ": " + std::string{what}};
}

StoredKey describe_key(const dns::Name& zone, KeyRole role, const PrivateKey& key) {
  const std::uint16_t flags = flags_of(role);
  StoredKey stored;
  stored.zone = zone.lowercased();
  stored.flags = flags;
  stored.algorithm = key.algorithm();
  stored.dnskey = dnskey_rdata(flags, key.algorithm(), key.public_key());
  stored.tag = key_tag(stored.dnskey);
  stored.stem = key_file_stem(zone, stored.algorithm, stored.tag);
  return stored;
}

/// Before a key is made: else nobody could read what is written of it. A .token file ends its line.
std::expected<void, std::string> check_length(const TokenUri& uri) {
  if (to_text(uri).size() + 1 <= max_token_uri) return {};
  return std::unexpected{"the URI of the key in its token is longer than " + std::to_string(max_token_uri) +
                         " characters"};
}

std::expected<StoredKey, std::string> read_public(const std::string& path, std::string stem) {
  const auto text = read_secret_file(path, max_key_file);
  if (!text) return std::unexpected{text.error()};
  const auto records = dns::zone_from_text(as_text(*text), dns::Name{}, 2);
  if (!records) return fault(path + ":" + std::to_string(records.error().line), records.error().what);
  if (records->size() != 1 || (*records)[0].type != dns::type::dnskey) return fault(path, "it holds no single DNSKEY");
  const dns::Record& record = (*records)[0];
  const auto fields = Dnskey::parse(record.rdata);
  if (!fields || find_algorithm(fields->algorithm) == nullptr) return fault(path, "a key of an unknown algorithm");
  StoredKey key;
  key.zone = record.owner.lowercased();
  key.stem = std::move(stem);
  key.dnskey = record.rdata;
  key.flags = fields->flags;
  key.tag = key_tag(record.rdata);
  key.algorithm = Algorithm{fields->algorithm};
  key.retired = says_retired(as_text(*text));
  return key;
}

/// Also with the REVOKE bit, which it may get one day (RFC 5011 §3).
std::array<std::uint16_t, 2> tags_of(const StoredKey& key) {
  Octets revoked = key.dnskey;
  revoked[1] |= Dnskey::revoke_bit;
  return {key.tag, key_tag(revoked)};
}

bool tags_meet(const StoredKey& left, const StoredKey& right) {
  for (const std::uint16_t mine : tags_of(left)) {
    for (const std::uint16_t theirs : tags_of(right)) {
      if (mine == theirs) return true;
    }
  }
  return false;
}

}  // namespace

std::string dnskey_line(const dns::Name& zone, OctetView dnskey, std::uint32_t ttl) {
  return dns::record_to_text(
             {zone, dns::type::dnskey, dns::rr_class::in, dns::Ttl::from_wire(ttl), {dnskey.begin(), dnskey.end()}}) +
         "\n";
}

std::expected<std::vector<StoredKey>, std::string> KeyFolder::list() const {
  std::error_code error;
  std::vector<std::string> names;
  for (std::filesystem::directory_iterator at{path_, error}, end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (name.starts_with('K') && name.ends_with(".key")) names.push_back(name);
    if (names.size() > max_keys_in_folder) return fault(path_, "more keys than one folder may hold");
  }
  if (error) return fault(path_, error.message());
  std::ranges::sort(names);
  std::vector<StoredKey> keys;
  for (const std::string& name : names) {
    auto key = read_public(path_ + "/" + name, name.substr(0, name.size() - 4));
    if (!key) return std::unexpected{key.error()};
    keys.push_back(std::move(*key));
  }
  return keys;
}

std::expected<void, std::string> KeyFolder::unlock(StoredKey& key) const {
  std::error_code error;
  std::string path = file(key, ".private");
  const bool sealed = !std::filesystem::exists(path, error);
  if (sealed) path = file(key, ".sealed");
  if (sealed && !std::filesystem::exists(path, error)) {
    path = file(key, ".token");
    if (std::filesystem::exists(path, error)) return unlock_in_token(key, path);
    path = file(key, ".keykeeper");
    return std::filesystem::exists(path, error) ? unlock_in_house(key, path) : std::expected<void, std::string>{};
  }
  auto held = read_held_file(path, max_key_file);
  if (!held) return std::unexpected{held.error()};
  key.exposed = held->others_may_read();
  Secret text = std::move(held->octets);
  if (sealed) {
    if (!passphrase_) return fault(path, "it is sealed, and no passphrase was given");
    auto opened = open_sealed(as_text(text), *passphrase_);
    if (!opened) return fault(path, describe(opened.error()));
    text = std::move(*opened);
  }
  auto secret = private_key_from_text(text);
  if (!secret) return fault(path, secret.error());
  if (dnskey_rdata(key.flags, secret->algorithm(), secret->public_key()) != key.dnskey)
    return fault(path, "it is the private half of another key than the .key beside it");
  key.secret = std::make_shared<const PrivateKey>(std::move(*secret));
  return {};
}

std::expected<void, std::string> KeyFolder::unlock_in_token(StoredKey& key, const std::string& path) const {
  const auto held = read_held_file(path, max_token_uri);
  if (!held) return std::unexpected{held.error()};
  if (held->others_may_change()) return fault(path, token_file_is_open);  // it says which code is loaded
  std::string_view line = as_text(held->octets);
  const auto uri = token_uri_from_text(line.substr(0, line.find('\n')));
  if (!uri) return fault(path, uri.error());
  const auto token = Token::open(*uri);
  if (!token) return fault(path, token.error());
  auto secret = (*token)->find(*uri, key.algorithm);
  if (!secret) return fault(path, secret.error());
  if (dnskey_rdata(key.flags, secret->algorithm(), secret->public_key()) != key.dnskey)
    return fault(path, "it is the private half of another key than the .key beside it");
  key.secret = std::make_shared<const PrivateKey>(std::move(*secret));
  return {};
}

std::expected<void, std::string> KeyFolder::unlock_in_house(StoredKey& key, const std::string& path) const {
  if (!house_) return fault(path, "its private half is in resolverd's keykeeper, which is not asked here");
  auto found = house_->find(key.zone, key.dnskey);
  if (!found) return fault(path, found.error());
  const auto fields = Dnskey::parse(key.dnskey);
  auto secret =
      PrivateKey::remote(key.algorithm, {fields->public_key.begin(), fields->public_key.end()}, std::move(*found));
  if (!secret) return fault(path, describe(secret.error()));
  key.secret = std::make_shared<const PrivateKey>(std::move(*secret));
  const auto text = read_secret_file(path, max_key_file);
  if (!text) return std::unexpected{text.error()};
  key.kept_as = kept_role(as_text(*text));
  return {};
}

std::string KeyFolder::exposure_of(const StoredKey& key) const {
  std::error_code error;
  const bool is_plain = std::filesystem::exists(file(key, ".private"), error);
  return file(key, is_plain ? ".private" : ".sealed") +
         ": others than its owner may read it, or it is another user's; chown and chmod 600 it, and roll the key if "
         "they could (zone rollover start)";
}

std::expected<void, std::string> KeyFolder::refuse_exposed(std::span<const StoredKey> keys) const {
  std::string text;
  for (const StoredKey& key : keys) {
    if (key.exposed) text += exposure_of(key) + "\n";
  }
  if (text.empty()) return {};
  return std::unexpected{text + "nothing was signed; --despite-exposure signs with it"};
}

std::expected<std::vector<StoredKey>, std::string> KeyFolder::keys_of(const dns::Name& zone) const {
  auto keys = list();
  if (!keys) return keys;
  std::erase_if(*keys, [&](const StoredKey& key) { return !(key.zone == zone); });
  for (StoredKey& key : *keys) {
    if (key.retired) continue;
    if (auto unlocked = unlock(key); !unlocked) return std::unexpected{unlocked.error()};
  }
  return keys;
}

std::expected<StoredKey, std::string> KeyFolder::add(const dns::Name& zone, KeyRole role, PrivateKey key) const {
  StoredKey stored = describe_key(zone, role, key);
  const auto others = list();
  if (!others) return std::unexpected{others.error()};
  for (const StoredKey& other : *others) {
    if (other.zone == zone && tags_meet(stored, other))
      return fault(path_, "the zone has a key of this tag, " + other.stem);
  }
  if (key.is_remote()) return fault(path_, "the private half is elsewhere, in a token or in resolverd");
  const Secret text = passphrase_ ? sealed_text_of(key, role) : private_key_to_text(key);
  if (text.empty()) return fault(path_, "no memory for the key");
  // The private half first: a kill in between leaves a file that nobody looks at.
  if (passphrase_) {
    const auto sealed = seal(text, *passphrase_, cost_);
    if (!sealed) return fault(path_, describe(sealed.error()));
    if (auto done = write_durably(file(stored, ".sealed"), octets_of(*sealed), secret_mode); !done)
      return std::unexpected{done.error()};
  } else if (auto done = write_durably(file(stored, ".private"), text, secret_mode); !done) {
    return std::unexpected{done.error()};
  }
  return publish(std::move(stored), std::move(key));
}

/// Its public half, behind the private one: whoever sees a .key file finds all of the key.
std::expected<StoredKey, std::string> KeyFolder::publish(StoredKey stored, PrivateKey key) const {
  const std::string line = dnskey_line(stored.zone, stored.dnskey, shown_ttl);
  if (auto done = write_durably(file(stored, ".key"), octets_of(line), public_mode); !done)
    return std::unexpected{done.error()};
  stored.secret = std::make_shared<const PrivateKey>(std::move(key));
  return stored;
}

std::expected<StoredKey, std::string> KeyFolder::generate(const dns::Name& zone, Algorithm algorithm, KeyRole role,
                                                          unsigned rsa_bits) const {
  const auto others = list();
  if (!others) return std::unexpected{others.error()};
  if (house_ && make_there_) return generate_in_house(zone, algorithm, role, rsa_bits, *others);
  for (unsigned tries = 0; tries < max_tries; ++tries) {
    auto key = PrivateKey::generate(algorithm, rsa_bits);
    if (!key) return fault(path_, describe(key.error()));
    const StoredKey stored = describe_key(zone, role, *key);
    const bool free = std::ranges::none_of(
        *others, [&](const StoredKey& other) { return other.zone == zone && tags_meet(stored, other); });
    if (free) return add(zone, role, std::move(*key));
  }
  return fault(path_, "the zone has so many keys that no tag is free");
}

std::expected<StoredKey, std::string> KeyFolder::generate_in_house(const dns::Name& zone, Algorithm algorithm,
                                                                   KeyRole role, unsigned rsa_bits,
                                                                   std::span<const StoredKey> others) const {
  std::vector<std::uint16_t> taken;
  for (const StoredKey& other : others) {
    if (!(other.zone == zone)) continue;
    for (const std::uint16_t tag : tags_of(other)) taken.push_back(tag);
  }
  const auto dnskey = house_->make(zone, algorithm, role, rsa_bits, taken);
  if (!dnskey) return std::unexpected{dnskey.error()};
  const auto fields = Dnskey::parse(*dnskey);
  if (!fields || fields->flags != flags_of(role) || fields->algorithm != static_cast<std::uint8_t>(algorithm))
    return fault(path_, "resolverd made another key than it was asked for");
  auto held = house_->find(zone, *dnskey);
  if (!held) return std::unexpected{held.error()};
  auto key = PrivateKey::remote(algorithm, {fields->public_key.begin(), fields->public_key.end()}, std::move(*held));
  if (!key) return fault(path_, describe(key.error()));
  StoredKey stored = describe_key(zone, role, *key);
  for (const StoredKey& other : others) {
    if (other.zone == zone && tags_meet(stored, other))
      return fault(path_, "the zone has a key of this tag, " + other.stem);
  }
  const std::string text = keykeeper_text(role);
  if (auto done = write_durably(file(stored, ".keykeeper"), octets_of(text), public_mode); !done)
    return std::unexpected{done.error()};
  return publish(std::move(stored), std::move(*key));
}

std::expected<StoredKey, std::string> KeyFolder::write_token_key(StoredKey stored, PrivateKey key,
                                                                 const TokenUri& uri) const {
  const std::string text = to_text(uri) + "\n";
  if (auto done = write_durably(file(stored, ".token"), octets_of(text), secret_mode); !done)
    return std::unexpected{done.error()};
  return publish(std::move(stored), std::move(key));
}

std::expected<StoredKey, std::string> KeyFolder::generate_in_token(const dns::Name& zone, Algorithm algorithm,
                                                                   KeyRole role, TokenUri uri,
                                                                   unsigned rsa_bits) const {
  const auto others = list();
  if (!others) return std::unexpected{others.error()};
  const auto token = Token::open(uri);
  if (!token) return std::unexpected{token.error()};
  if (sodium_init() < 0) return fault(path_, "no random numbers");
  uri.object = zone.lowercased().to_text();
  for (unsigned tries = 0; tries < max_tries; ++tries) {
    uri.id.resize(token_id_octets);
    randombytes_buf(uri.id.data(), uri.id.size());
    if (auto fits = check_length(uri); !fits) return std::unexpected{fits.error()};
    auto key = (*token)->generate(algorithm, rsa_bits, uri.object, uri.id);
    if (!key) return std::unexpected{key.error()};
    StoredKey stored = describe_key(zone, role, *key);
    const bool free = std::ranges::none_of(
        *others, [&](const StoredKey& other) { return other.zone == zone && tags_meet(stored, other); });
    if (free) {
      const StoredKey files = stored;
      auto written = write_token_key(std::move(stored), std::move(*key), uri);
      if (written) return written;
      // A pair that no file names would stay in the token for ever.
      std::string error = written.error();
      if (auto gone = (*token)->destroy(uri.id); !gone) return std::unexpected{error + "; " + gone.error()};
      for (const char* ending : {".key", ".token"}) {
        std::error_code ignored;
        std::filesystem::remove(file(files, ending), ignored);
      }
      return std::unexpected{std::move(error)};
    }
    if (auto gone = (*token)->destroy(uri.id); !gone) return std::unexpected{gone.error()};
  }
  return fault(path_, "the zone has so many keys that no tag is free");
}

std::expected<StoredKey, std::string> KeyFolder::add_from_token(const dns::Name& zone, Algorithm algorithm,
                                                                KeyRole role, const TokenUri& uri) const {
  const auto others = list();
  if (!others) return std::unexpected{others.error()};
  const auto token = Token::open(uri);
  if (!token) return std::unexpected{token.error()};
  if (auto fits = check_length(uri); !fits) return std::unexpected{fits.error()};
  auto key = (*token)->find(uri, algorithm);
  if (!key) return std::unexpected{key.error()};
  StoredKey stored = describe_key(zone, role, *key);
  for (const StoredKey& other : *others) {
    if (other.zone == zone && tags_meet(stored, other))
      return fault(path_, "the zone has a key of this tag, " + other.stem);
  }
  return write_token_key(std::move(stored), std::move(*key), uri);
}

std::expected<void, std::string> KeyFolder::retire(const std::string& stem, std::int64_t now) const {
  const std::string path = path_ + "/" + stem + ".key";
  const auto text = read_secret_file(path, max_key_file);
  if (!text) return std::unexpected{text.error()};
  if (is_marked_retired(as_text(*text))) return {};
  const std::string marked = retired_line(now) + std::string{as_text(*text)};
  return write_durably(path, octets_of(marked), public_mode);
}

std::expected<void, std::string> KeyFolder::make() const {
  std::error_code error;
  if (std::filesystem::is_directory(path_, error)) return {};
  if (::mkdir(path_.c_str(), 0700) == 0) return {};
  return fault(path_, std::string{"it cannot be made: "} + std::strerror(errno));
}

std::expected<void, std::string> KeyFolder::erase_in_house(const StoredKey& key, std::int64_t now,
                                                           bool forget_missing) const {
  std::error_code error;
  if (!std::filesystem::exists(file(key, ".keykeeper"), error))
    return fault(file(key, ".keykeeper"), "it is not there: the private half is not in keykeeper");
  if (!house_) return fault(file(key, ".keykeeper"), "resolverd's keykeeper is not asked here");
  const auto held = house_->has(key.zone, key.dnskey);  // before anything is changed here
  if (!held) return fault(file(key, ".keykeeper"), held.error());
  // An earlier call may have erased it and ended before it was told so; or this keykeeper is not the one that has it.
  if (!*held && !forget_missing)
    return fault(file(key, ".keykeeper"),
                 "that keykeeper does not have it; if it was deleted before, --force forgets it");
  if (auto done = retire(key.stem, now); !done) return done;
  if (*held) {
    if (auto done = house_->erase(key.zone, key.dnskey); !done) return fault(file(key, ".keykeeper"), done.error());
  }
  return forget_secret(key);
}

std::expected<void, std::string> KeyFolder::forget_secret(const StoredKey& key) const {
  for (const char* ending : {".private", ".sealed", ".token", ".keykeeper"}) {
    std::error_code error;
    std::filesystem::remove(file(key, ending), error);
    if (error) return fault(file(key, ending), error.message());
  }
  return {};
}

}  // namespace redoubt::dnssec
