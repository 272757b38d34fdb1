#include "dnssec/keeper/zone_keys.hpp"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string_view>

#include "dnssec/keys/key_names.hpp"
#include "dnssec/keys/key_text.hpp"

namespace redoubt::keykeeper {

namespace {

using dnssec::Algorithm;
using dnssec::Dnskey;
using dnssec::KeyRole;
using dnssec::Octets;
using dnssec::OctetView;
using dnssec::PrivateKey;

constexpr std::string_view sealed_ending = ".sealed";
constexpr std::size_t max_sealed_octets = 32 * 1024;
constexpr unsigned secret_mode = 0600;
constexpr unsigned public_mode = 0644;
constexpr unsigned max_tries = 100;  // for a tag that is free

/// "+013+12345" at a stem's end.
struct Numbers {
  std::uint16_t algorithm = 0;
  std::uint16_t tag = 0;
};
std::optional<Numbers> numbers_of(std::string_view stem) {
  constexpr std::size_t length = 10;
  if (stem.size() < length) return std::nullopt;
  const std::string_view end = stem.substr(stem.size() - length);
  Numbers found;
  const auto read = [](std::string_view text, std::uint16_t& number) {
    const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc{} && at == text.data() + text.size();
  };
  if (end[0] != '+' || end[4] != '+' || !read(end.substr(1, 3), found.algorithm) || !read(end.substr(5), found.tag))
    return std::nullopt;
  return found;
}

/// A sealed file has the private half and perhaps a role: which flags the key is published with, its tag tells.
std::optional<Octets> dnskey_with_tag(const PrivateKey& key, std::uint16_t tag, std::optional<KeyRole> role) {
  for (const std::uint16_t flags : {dnssec::ksk_flags, dnssec::zsk_flags}) {
    if (role && dnssec::flags_of(*role) != flags) continue;
    Octets rdata = dnssec::dnskey_rdata(flags, key.algorithm(), key.public_key());
    if (dnssec::key_tag(rdata) == tag) return rdata;
  }
  return std::nullopt;
}

/// Also with the REVOKE bit, which it may get one day (RFC 5011 §3).
std::array<std::uint16_t, 2> tags_of(OctetView dnskey) {
  Octets revoked{dnskey.begin(), dnskey.end()};
  revoked[1] |= Dnskey::revoke_bit;
  return {dnssec::key_tag(dnskey), dnssec::key_tag(revoked)};
}

/// As other tools' .key files have it.
std::string dnskey_text(const dns::Name& zone, OctetView rdata) {
  constexpr std::size_t head = 4;  // flags, protocol, algorithm
  const OctetView key = rdata.subspan(head);
  std::string base64(sodium_base64_ENCODED_LEN(key.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(base64.data(), base64.size(), key.data(), key.size(), sodium_base64_VARIANT_ORIGINAL);
  base64.pop_back();
  return fmt::format("{} 3600 IN DNSKEY {} {} {} {}\n", zone.to_text(), rdata[0] << 8 | rdata[1], rdata[2], rdata[3],
                     base64);
}

OctetView octets_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};  // characters are octets
}

}  // namespace

std::expected<ZoneKeys::Shared, std::string> ZoneKeys::open(const std::string& stem) const {
  const auto fault = [&](std::string_view what) { return std::unexpected{fmt::format("{}.sealed: {}", stem, what)}; };
  const auto numbers = numbers_of(stem);
  if (!numbers) return fault("its name is no key's");
  const std::string name = stem + std::string{sealed_ending};
  const auto file = files_.identity(name);  // before it is read: another one in its place is noticed later
  if (!file) return std::unexpected{file.error().what};
  const auto sealed = files_.read(name, max_sealed_octets);
  if (!sealed) return std::unexpected{sealed.error()};
  const auto text = dnssec::open_sealed(dnssec::as_text(*sealed), seal_.passphrase);
  if (!text) return fault(dnssec::describe(text.error()));
  auto secret = dnssec::private_key_from_text(*text);
  if (!secret) return fault(secret.error());
  const auto role = dnssec::role_in_key_text(*text);
  if (!role) return fault(role.error());
  auto dnskey = dnskey_with_tag(*secret, numbers->tag, *role);
  if (!dnskey || static_cast<std::uint16_t>(secret->algorithm()) != numbers->algorithm)
    return fault("it holds another key than its name says");
  if (!*role && rules_.complain)
    rules_.complain(
        fmt::format("{}.sealed: an earlier version wrote it, and it has no role: the key signs whatever a "
                    "key of the zone may; key export and key import --role give it one",
                    stem));
  return std::make_shared<const OpenKey>(OpenKey{stem, *std::move(dnskey), *role, *std::move(secret), *file});
}

void ZoneKeys::forget(const std::string& stem) {
  const std::lock_guard lock{mutex_};
  std::erase_if(open_, [&](const Shared& key) { return key->stem == stem; });
}

std::expected<ZoneKeys::Shared, std::string> ZoneKeys::look(const std::string& stem) {
  Shared open;
  {
    const std::lock_guard lock{mutex_};
    const auto found =
        std::ranges::find(open_, stem, [](const Shared& key) -> const std::string& { return key->stem; });
    if (found == open_.end()) return nullptr;
    open = *found;
  }
  const auto file = files_.identity(stem + std::string{sealed_ending});
  if (file && *file == open->file) return open;
  if (file || file.error().is_gone) forget(stem);
  if (!file) return std::unexpected{file.error().what};
  return nullptr;
}

std::expected<ZoneKeys::Shared, std::string> ZoneKeys::find(const std::string& stem) {
  if (auto found = look(stem); !found || *found) return found;
  const std::unique_lock one{opening_, std::try_to_lock};
  if (!one) return std::unexpected{std::string{too_busy}};
  if (auto found = look(stem); !found || *found) return found;  // another thread has opened it meanwhile
  auto opened = open(stem);
  if (!opened) return opened;
  const std::lock_guard lock{mutex_};
  if (open_.size() == max_open_keys) open_.pop_front();
  open_.push_back(*opened);
  return opened;
}

std::expected<std::vector<std::string>, std::string> ZoneKeys::stems_of(const dns::Name& zone) const {
  auto names = files_.names("K" + dnssec::zone_file_name(zone) + "+", sealed_ending, max_keys_of_zone);
  if (!names) return names;
  for (std::string& name : *names) name.resize(name.size() - sealed_ending.size());
  return names;
}

std::expected<std::vector<Octets>, std::string> ZoneKeys::read_all(const std::vector<std::string>& stems) {
  std::vector<Octets> keys;
  for (const std::string& stem : stems) {
    const auto key = find(stem);
    if (key) {
      keys.push_back((*key)->dnskey);
    } else if (key.error() == too_busy) {
      return std::unexpected{key.error()};
    } else if (rules_.complain) {
      rules_.complain(key.error());  // the zone's other keys are good for all that
    }
  }
  return keys;
}

std::expected<std::vector<Octets>, std::string> ZoneKeys::list(const dns::Name& zone) {
  const auto stems = stems_of(zone);
  if (!stems) return std::unexpected{stems.error()};
  {
    const std::string beginning = "K" + dnssec::zone_file_name(zone) + "+";
    const std::lock_guard lock{mutex_};
    std::erase_if(open_, [&](const Shared& key) {
      return key->stem.starts_with(beginning) && std::ranges::find(*stems, key->stem) == stems->end();
    });
  }
  return read_all(*stems);
}

std::expected<void, std::string> ZoneKeys::remove(const dns::Name& zone, std::uint8_t algorithm, std::uint16_t tag) {
  const auto* info = dnssec::find_algorithm(algorithm);
  if (info == nullptr) return std::unexpected{std::string{"an unknown algorithm"}};
  const std::string stem = dnssec::key_file_stem(zone, info->algorithm, tag);
  const std::unique_lock one{opening_, std::try_to_lock};  // or another thread could be opening it
  if (!one) return std::unexpected{std::string{too_busy}};
  auto erased = files_.erase(stem + std::string{sealed_ending});
  forget(stem);
  if (erased) static_cast<void>(files_.erase(stem + ".key"));  // public, and perhaps not there
  return erased;
}

void ZoneKeys::tell_of_signature(const OpenKey& key, const dns::Name& zone, const dnssec::SigningInput& set) const {
  if (!rules_.tell) return;
  const std::string_view type = set.type == dns::type::dnskey ? "DNSKEY"
                                : set.type == dns::type::cds  ? "CDS"
                                                              : "CDNSKEY";
  rules_.tell(
      fmt::format("{} signed the {} RRset of {}, {} records", key.stem, type, zone.to_text(), set.rdata.size()));
}

std::expected<void, std::string> ZoneKeys::write(const OpenKey& key, KeyRole role, const dns::Name& zone) const {
  const auto text = dnssec::sealed_text_of(key.secret, role);
  if (text.empty()) return std::unexpected{std::string{"no memory for the key"}};
  const auto sealed = dnssec::seal(text, seal_.passphrase, seal_.cost);
  if (!sealed) return std::unexpected{std::string{dnssec::describe(sealed.error())}};
  // The private half first: a kill in between leaves a key that nobody publishes.
  if (auto done = files_.write(key.stem + std::string{sealed_ending}, octets_of(*sealed), secret_mode); !done)
    return done;
  return files_.write(key.stem + ".key", octets_of(dnskey_text(zone, key.dnskey)), public_mode);
}

std::expected<Octets, std::string> ZoneKeys::make(const ZoneKeyWish& wish) {
  const auto* info = dnssec::find_algorithm(wish.algorithm);
  if (info == nullptr) return std::unexpected{std::string{"an unknown algorithm"}};
  const std::unique_lock one{making_, std::try_to_lock};
  if (!one) return std::unexpected{std::string{too_busy}};
  const auto stems = stems_of(wish.zone);
  if (!stems) return std::unexpected{stems.error()};
  if (stems->size() >= max_keys_of_zone)
    return std::unexpected{fmt::format("the zone has {} keys here already, and may have no more", stems->size())};
  const auto all = files_.names("K", sealed_ending, max_keys);
  if (!all) return std::unexpected{all.error()};
  if (all->size() >= max_keys)
    return std::unexpected{fmt::format("keykeeper has {} keys already, and may have no more", all->size())};
  const auto others = read_all(*stems);
  if (!others) return std::unexpected{others.error()};
  const auto is_taken = [&](std::uint16_t tag) {
    // By name too: one that cannot be read today is not written over.
    return std::ranges::find(wish.taken, tag) != wish.taken.end() ||
           std::ranges::find(*stems, dnssec::key_file_stem(wish.zone, info->algorithm, tag)) != stems->end() ||
           std::ranges::any_of(*others, [&](const Octets& other) {
             const auto tags = tags_of(other);
             return tags[0] == tag || tags[1] == tag;
           });
  };
  for (unsigned tries = 0; tries < max_tries; ++tries) {
    auto key = PrivateKey::generate(info->algorithm, wish.rsa_bits);
    if (!key) return std::unexpected{std::string{dnssec::describe(key.error())}};
    Octets dnskey = dnssec::dnskey_rdata(dnssec::flags_of(wish.role), info->algorithm, key->public_key());
    const auto tags = tags_of(dnskey);
    if (is_taken(tags[0]) || is_taken(tags[1])) continue;
    const OpenKey made{
        dnssec::key_file_stem(wish.zone, info->algorithm, tags[0]), dnskey, wish.role, *std::move(key), {}};
    if (auto written = write(made, wish.role, wish.zone.lowercased()); !written)
      return std::unexpected{written.error()};
    return dnskey;
  }
  return std::unexpected{std::string{"the zone has so many keys that no tag is free"}};
}

std::expected<void, std::string> ZoneKeys::check_key_set(const OpenKey& key, const dns::Name& zone,
                                                         const dnssec::SigningInput& set,
                                                         std::span<const Octets> held) const {
  // What a key without a role may do, those beside it say.
  const auto is_entry_point = [](OctetView dnskey) { return Dnskey::parse(dnskey)->is_entry_point(); };
  const auto is_better = [&](const Octets& other) {
    return Dnskey::parse(other)->algorithm == Dnskey::parse(key.dnskey)->algorithm && is_entry_point(other);
  };
  if (!key.role && !is_entry_point(key.dnskey) && std::ranges::any_of(held, is_better))
    return std::unexpected{std::string{"speaks of keys: one with the SEP flag has to sign it"}};
  if (rules_.only_own && !dnssec::names_only(set, zone, held)) {
    return std::unexpected{
        fmt::format("names a key of {} that is not in keykeeper's folder, or asks for deletion; only "
                    "`zone-keys.only-own: false` allows that",
                    zone.to_text())};
  }
  return {};
}

std::expected<std::vector<Octets>, std::string> ZoneKeys::sign(const dns::Name& zone, std::uint8_t algorithm,
                                                               std::uint16_t tag, std::span<const Octets> sets,
                                                               std::int64_t now) {
  const auto* info = dnssec::find_algorithm(algorithm);
  if (info == nullptr) return std::unexpected{std::string{"an unknown algorithm"}};
  const auto key = find(dnssec::key_file_stem(zone, info->algorithm, tag));
  if (!key) return std::unexpected{key.error()};
  const dnssec::SigningIdentity identity{zone, info->algorithm, tag};
  std::vector<dnssec::SigningInput> about_keys;
  std::optional<std::vector<Octets>> held;  // read when it matters, for that may mean to open all of them
  for (const Octets& octets : sets) {
    const auto refuse = [&](std::string_view what) {
      return std::unexpected{fmt::format("refused: set {} {}", &octets - sets.data() + 1, what)};
    };
    const auto set = dnssec::read_signing_input(octets, identity, now);
    if (!set) return refuse(fmt::format("is no RRset of {} that this key may sign, or for too long", zone.to_text()));
    const bool is_of_keys = dnssec::speaks_of_keys(set->type);
    if ((*key)->role && !(is_of_keys ? dnssec::is_for_keys(*(*key)->role) : dnssec::is_for_zone(*(*key)->role)))
      return refuse(is_of_keys ? "speaks of keys, and this key is a ZSK" : "is the zone's data, and this key is a KSK");
    if (!is_of_keys) continue;
    if (!held) {
      auto listed = list(zone);
      if (!listed) return listed;
      held = *std::move(listed);
    }
    if (const auto checked = check_key_set(**key, zone, *set, *held); !checked) return refuse(checked.error());
    about_keys.push_back(*set);
  }
  dnssec::Signer signer{(*key)->secret};
  std::vector<Octets> signatures(sets.size());
  for (std::size_t i = 0; i < sets.size(); ++i) {
    if (!signer.sign(sets[i], signatures[i])) return std::unexpected{std::string{"the cryptographic library failed"}};
  }
  for (const dnssec::SigningInput& set : about_keys) tell_of_signature(**key, zone, set);
  return signatures;
}

}  // namespace redoubt::keykeeper
