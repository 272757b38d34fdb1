#include "tests/signing/test_key.hpp"

#include <openssl/core_names.h>
#include <openssl/evp.h>

#include <array>
#include <cstdio>
#include <cstdlib>

#include "dnssec/base/canonical.hpp"

namespace redoubt::signing {

namespace {

using dnssec::Algorithm;
using dnssec::AlgorithmInfo;
using dnssec::KeyKind;

constexpr dns::Ttl ttl_of_keys = dns::Ttl::from_wire(3600);

[[noreturn]] void wrong(const char* what) {
  std::fprintf(stderr, "signing for tests: %s\n", what);
  std::abort();
}

EVP_PKEY* make_key(const AlgorithmInfo& info, std::uint8_t seed) {
  if (info.algorithm == Algorithm::ed25519) {
    std::array<std::uint8_t, 32> secret;
    secret.fill(seed);
    return EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, secret.data(), secret.size());
  }
  if (info.kind == KeyKind::rsa) return EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{1024});
  const std::string curve{info.curve};
  if (info.kind == KeyKind::ecdsa) return EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", curve.c_str());
  return EVP_PKEY_Q_keygen(nullptr, nullptr, curve.c_str());
}

Octets number(EVP_PKEY* key, const char* name) {
  BIGNUM* value = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &value) != 1) wrong("no such number in the key");
  Octets out(static_cast<std::size_t>(BN_num_bytes(value)));
  BN_bn2bin(value, out.data());
  BN_free(value);
  return out;
}

Octets public_octets(const AlgorithmInfo& info, EVP_PKEY* key) {
  std::size_t length = 0;
  switch (info.kind) {
    case KeyKind::rsa: {
      const Octets exponent = number(key, OSSL_PKEY_PARAM_RSA_E);
      const Octets modulus = number(key, OSSL_PKEY_PARAM_RSA_N);
      return dnssec::rsa_public_octets({exponent, modulus});
    }
    case KeyKind::ecdsa: {
      Octets point(200);
      if (EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size(), &length) != 1)
        wrong("no public point");
      return {point.begin() + 1, point.begin() + static_cast<std::ptrdiff_t>(length)};
    }
    case KeyKind::eddsa: {
      Octets out(info.public_octets);
      length = out.size();
      if (EVP_PKEY_get_raw_public_key(key, out.data(), &length) != 1) wrong("no raw public key");
      return out;
    }
  }
  return {};
}

}  // namespace

TestKey::TestKey(Algorithm algorithm, std::shared_ptr<evp_pkey_st> key, std::uint16_t flags)
    : algorithm_{algorithm},
      key_{std::move(key)},
      dnskey_{dnssec::dnskey_rdata(flags, algorithm, public_octets(dnssec::info_of(algorithm), key_.get()))} {}

TestKey TestKey::make(Algorithm algorithm, std::uint8_t seed, std::uint16_t flags) {
  std::shared_ptr<EVP_PKEY> key{make_key(dnssec::info_of(algorithm), seed), EVP_PKEY_free};
  if (!key) wrong("no key");
  return {algorithm, std::move(key), flags};
}

TestKey TestKey::with_flags(std::uint16_t flags) const { return {algorithm_, key_, flags}; }

Octets TestKey::sign(OctetView data) const {
  const AlgorithmInfo& info = dnssec::info_of(algorithm_);
  const std::string digest{info.digest};
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(), EVP_MD_CTX_free};
  std::size_t length = 0;
  if (EVP_DigestSignInit_ex(context.get(), nullptr, digest.empty() ? nullptr : digest.c_str(), nullptr, nullptr,
                            key_.get(), nullptr) != 1 ||
      EVP_DigestSign(context.get(), nullptr, &length, data.data(), data.size()) != 1)
    wrong("cannot sign");
  Octets signature(length);
  if (EVP_DigestSign(context.get(), signature.data(), &length, data.data(), data.size()) != 1) wrong("cannot sign");
  signature.resize(length);
  if (info.kind != KeyKind::ecdsa) return signature;
  Octets raw(info.signature_octets);
  if (!dnssec::ecdsa_from_der(signature, raw)) wrong("no DER");
  return raw;
}

dns::Record sign_set(const TestKey& key, const dns::Name& zone, std::span<const dns::Record> set, Times times,
                     const Twist& twist) {
  const dns::Record& first = set.front();
  dnssec::Rrsig rrsig;
  rrsig.covered = first.type;
  rrsig.algorithm = twist.algorithm.value_or(key.algorithm());
  rrsig.labels = twist.labels.value_or(dnssec::rrsig_labels(first.owner));
  rrsig.original_ttl = first.ttl;
  rrsig.expiration = times.expiration;
  rrsig.inception = times.inception;
  rrsig.key_tag = twist.tag.value_or(key.tag());
  rrsig.signer = twist.signer.value_or(zone);
  dns::RdataList list;
  for (const dns::Record& record : set) list.add(record.rdata);
  Octets data;
  const Octets prefix = dnssec::rrsig_prefix(rrsig);
  if (!dnssec::append_signed_data(data, prefix, {first.owner, first.type, list})) data = prefix;
  Octets rdata = prefix;
  dnssec::append_octets(rdata, key.sign(data));
  return {first.owner, dns::type::rrsig, dns::rr_class::in, first.ttl, std::move(rdata)};
}

dns::Record dnskey_record(const dns::Name& zone, const TestKey& key) {
  return {zone, dns::type::dnskey, dns::rr_class::in, ttl_of_keys, key.dnskey()};
}

dns::Record ds_record(const dns::Name& zone, const TestKey& key, dnssec::DsDigest digest) {
  return {zone, dns::type::ds, dns::rr_class::in, ttl_of_keys, dnssec::ds_rdata(zone, key.dnskey(), digest)};
}

}  // namespace redoubt::signing
