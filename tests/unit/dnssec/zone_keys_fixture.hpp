#pragma once
// Keys of one zone in a folder of their own, and what somebody could ask them to sign.
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>
#include <string_view>
#include <vector>

#include "dns/rrset.hpp"
#include "dnssec/base/canonical.hpp"
#include "dnssec/keeper/zone_keys.hpp"
#include "dnssec/keys/key_text.hpp"
#include "tests/unit/dnssec/temporary_folder.hpp"

namespace redoubt::keykeeper::testing_keys {

using dnssec::KeyRole;
using dnssec::Octets;
using tests::TemporaryFolder;

inline constexpr std::int64_t now = 1'795'000'000;
inline const dns::Name zone = dns::Name::literal("Zone.Example.");

inline ZoneKeys keys_in(const TemporaryFolder& folder, std::string_view passphrase = "a passphrase",
                        ZoneKeyRules rules = {}) {
  return {SealedFiles{FileHandle{::open(folder.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)}},
          Seal{{passphrase.begin(), passphrase.end()}, dnssec::SealCost::interactive}, std::move(rules)};
}

inline ZoneKeyWish wish(std::uint8_t algorithm = 13, KeyRole role = KeyRole::zsk) {
  return {.zone = zone, .algorithm = algorithm, .role = role, .rsa_bits = 1024, .taken = {}};
}

inline Octets set_of(std::uint8_t algorithm, std::uint16_t tag, const dns::Name& name, dns::RrType type,
                     const std::vector<Octets>& records) {
  const Octets prefix = dnssec::rrsig_prefix({.covered = type,
                                              .algorithm = algorithm,
                                              .labels = dnssec::rrsig_labels(name),
                                              .original_ttl = dns::Ttl::from_wire(60),
                                              .expiration = static_cast<std::uint32_t>(now + 86400),
                                              .inception = static_cast<std::uint32_t>(now - 3600),
                                              .key_tag = tag,
                                              .signer = zone,
                                              .signature = {}});
  dns::RdataList rdata;
  for (const Octets& one : records) rdata.add(one);
  Octets out;
  EXPECT_TRUE(dnssec::append_signed_data(out, prefix, {name, type, rdata}));
  return out;
}

inline Octets set_for(std::uint8_t algorithm, std::uint16_t tag, const char* owner = "www.zone.example.") {
  return set_of(algorithm, tag, dns::Name::literal(owner), dns::type::a, {{192, 0, 2, 80}});
}

/// Whether that key signs these records at the zone's apex; why not in `why`.
inline bool signs(ZoneKeys& keys, const Octets& by, dns::RrType type, const std::vector<Octets>& records,
                  std::string* why = nullptr) {
  const std::uint16_t tag = dnssec::key_tag(by);
  const auto done = keys.sign(zone, 13, tag, std::vector<Octets>{set_of(13, tag, zone, type, records)}, now);
  if (!done && why != nullptr) *why = done.error();
  return done.has_value();
}

inline Octets revoked(Octets dnskey) {
  dnskey[1] |= dnssec::Dnskey::revoke_bit;
  return dnskey;
}

inline std::string stem_of(const Octets& dnskey) {
  return fmt::format("Kzone.example.+013+{:05}", dnssec::key_tag(dnskey));
}

/// Whether that key signs an address.
inline bool signs_data(ZoneKeys& keys, const Octets& by) {
  const std::uint16_t tag = dnssec::key_tag(by);
  return keys.sign(zone, 13, tag, std::vector<Octets>{set_for(13, tag)}, now).has_value();
}

/// A key in a sealed file of its own making.
inline Octets put(const TemporaryFolder& folder, std::uint16_t flags, std::string_view more) {
  const auto key = dnssec::PrivateKey::generate(dnssec::Algorithm::ecdsa_p256_sha256);
  auto text = dnssec::private_key_to_text(*key);
  dnssec::append_text(text, more);
  Octets dnskey = dnssec::dnskey_rdata(flags, key->algorithm(), key->public_key());
  const std::string_view passphrase = "a passphrase";
  const std::string name = stem_of(dnskey) + ".sealed";
  folder.write(
      name, *dnssec::seal(text, dnssec::Secret{passphrase.begin(), passphrase.end()}, dnssec::SealCost::interactive));
  EXPECT_EQ(::chmod(folder.file(name).c_str(), 0600), 0);
  return dnskey;
}

}  // namespace redoubt::keykeeper::testing_keys
