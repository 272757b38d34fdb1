#pragma once
// Keys that tests sign with.
#include <memory>
#include <vector>

#include "dns/rrset.hpp"
#include "dnssec/base/public_key.hpp"

namespace redoubt::signing {

using dnssec::Octets;
using dnssec::OctetView;

class TestKey {
 public:
  /// Ed25519 keys are the same for the same seed; others are fresh each time. RSA keys have 1024 bits, for speed.
  static TestKey make(dnssec::Algorithm algorithm = dnssec::Algorithm::ed25519, std::uint8_t seed = 1,
                      std::uint16_t flags = 257);
  /// The same key with other flags.
  TestKey with_flags(std::uint16_t flags) const;

  const Octets& dnskey() const { return dnskey_; }  ///< RDATA
  std::uint16_t tag() const { return dnssec::key_tag(dnskey_); }
  std::uint8_t algorithm() const { return dnskey_[3]; }
  Octets sign(OctetView data) const;

 private:
  TestKey(dnssec::Algorithm algorithm, std::shared_ptr<evp_pkey_st> key, std::uint16_t flags);
  dnssec::Algorithm algorithm_;
  std::shared_ptr<evp_pkey_st> key_;
  Octets dnskey_;
};

/// From inception to expiration, in seconds since 1970.
struct Times {
  std::uint32_t inception = 0;
  std::uint32_t expiration = 0;
};

/// What to write into an RRSIG instead of the truth.
struct Twist {
  std::optional<std::uint8_t> labels{};
  std::optional<dns::Name> signer{};
  std::optional<std::uint16_t> tag{};
  std::optional<std::uint8_t> algorithm{};
};

/// The RRSIG record over the RRset that these records are.
dns::Record sign_set(const TestKey& key, const dns::Name& zone, std::span<const dns::Record> set, Times times,
                     const Twist& twist = {});
dns::Record dnskey_record(const dns::Name& zone, const TestKey& key);
dns::Record ds_record(const dns::Name& zone, const TestKey& key, dnssec::DsDigest digest = dnssec::DsDigest::sha256);

}  // namespace redoubt::signing
