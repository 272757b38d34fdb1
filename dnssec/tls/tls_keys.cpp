#include "dnssec/tls/tls_keys.hpp"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>

#include <algorithm>
#include <utility>

#include "dnssec/tls/handshake_shape.hpp"
#include "dnssec/tls/self_signed.hpp"

namespace redoubt::keykeeper {

namespace {

constexpr int least_rsa_bits = 2048;

std::optional<KeyHash> hash_of(const EVP_PKEY& key) {
  unsigned char* octets = nullptr;
  const int count = i2d_PUBKEY(&key, &octets);
  if (count <= 0) return std::nullopt;
  KeyHash hash{};
  SHA256(octets, static_cast<std::size_t>(count), hash.data());
  OPENSSL_free(octets);
  return hash;
}

Bio reading(std::span<const std::uint8_t> octets) {
  return Bio{BIO_new_mem_buf(octets.data(), static_cast<int>(octets.size()))};
}

/// A key with a passphrase is not asked for it: there is nobody to ask.
int no_passphrase(char*, int, int, void*) { return -1; }

bool is_usable(const EVP_PKEY& key) {
  if (EVP_PKEY_is_a(&key, "RSA") == 1) return EVP_PKEY_get_bits(&key) >= least_rsa_bits;
  std::array<char, 32> group{};
  std::size_t length = 0;
  if (EVP_PKEY_is_a(&key, "EC") != 1 || EVP_PKEY_get_group_name(&key, group.data(), group.size(), &length) != 1)
    return false;
  const std::string_view name{group.data(), length};
  return name == "prime256v1" || name == "P-256" || name == "secp384r1" || name == "P-384";
}

std::expected<std::vector<Octets>, std::string> chain_from(std::span<const std::uint8_t> pem) {
  const Bio bio = reading(pem);
  std::vector<Octets> chain;
  while (bio) {
    const Certificate certificate{PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr)};
    if (!certificate) break;
    unsigned char* der = nullptr;
    const int count = i2d_X509(certificate.get(), &der);
    if (count > 0) chain.emplace_back(der, der + count);
    OPENSSL_free(der);
    if (count <= 0 || chain.back().size() > max_certificate || chain.size() > max_chain_certificates)
      return std::unexpected{std::string{"the certificates are too many or too large"}};
  }
  ERR_clear_error();
  if (chain.empty()) return std::unexpected{std::string{"there is no certificate in PEM in the file"}};
  return chain;
}

struct Scheme {
  std::uint16_t number;
  const char* kind;
  const char* digest;
  int padding;  ///< of RSA
};
constexpr std::array schemes{Scheme{0x0403, "EC", "SHA256", 0},
                             Scheme{0x0503, "EC", "SHA384", 0},
                             Scheme{0x0603, "EC", "SHA512", 0},
                             Scheme{0x0804, "RSA", "SHA256", RSA_PKCS1_PSS_PADDING},
                             Scheme{0x0805, "RSA", "SHA384", RSA_PKCS1_PSS_PADDING},
                             Scheme{0x0806, "RSA", "SHA512", RSA_PKCS1_PSS_PADDING},
                             Scheme{0x0401, "RSA", "SHA256", RSA_PKCS1_PADDING},
                             Scheme{0x0501, "RSA", "SHA384", RSA_PKCS1_PADDING},
                             Scheme{0x0601, "RSA", "SHA512", RSA_PKCS1_PADDING}};

/// A context that has signed already knows its key: told again, it would begin from nothing.
Octets signature_of(EVP_PKEY& key, EVP_MD_CTX& context, bool is_fresh, const Scheme& scheme,
                    std::span<const std::uint8_t> message) {
  EVP_PKEY_CTX* key_context = nullptr;  // the digest context's
  if (EVP_DigestSignInit_ex(&context, &key_context, scheme.digest, nullptr, nullptr, is_fresh ? &key : nullptr,
                            nullptr) != 1)
    return {};
  if (scheme.padding != 0 && EVP_PKEY_CTX_set_rsa_padding(key_context, scheme.padding) <= 0) return {};
  if (scheme.padding == RSA_PKCS1_PSS_PADDING &&
      EVP_PKEY_CTX_set_rsa_pss_saltlen(key_context, RSA_PSS_SALTLEN_DIGEST) <= 0)
    return {};
  Octets signature(static_cast<std::size_t>(EVP_PKEY_get_size(&key)));
  std::size_t count = signature.size();
  if (EVP_DigestSign(&context, signature.data(), &count, message.data(), message.size()) != 1) return {};
  signature.resize(count);
  return signature;
}

}  // namespace

bool TlsKeys::hold(Key key) {
  const auto hash = hash_of(*key);
  if (!hash) return false;
  std::erase_if(keys_, [&](const Held& held) { return held.hash == *hash; });
  keys_.push_front({*hash, std::move(key), {}});
  if (keys_.size() > max_tls_keys) keys_.pop_back();
  return true;
}

std::expected<std::vector<Octets>, std::string> TlsKeys::take(std::span<const std::uint8_t> certificates,
                                                              std::span<const std::uint8_t> key) {
  auto chain = chain_from(certificates);
  if (!chain) return chain;
  const auto fail = [](std::string_view what) {
    ERR_clear_error();
    return std::unexpected{std::string{what}};
  };
  const Bio bio = reading(key);
  Key own{bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr) : nullptr};
  if (!own) return fail("there is no private key in PEM, without a passphrase, in the key's file");
  if (!is_usable(*own)) return fail("the key is of a kind that is not supported: P-256, P-384, or RSA of 2048 bits");
  const unsigned char* at = chain->front().data();
  const Certificate first{d2i_X509(nullptr, &at, static_cast<long>(chain->front().size()))};
  if (!first || X509_check_private_key(first.get(), own.get()) != 1) return fail("the key is not this certificate's");
  if (!hold(std::move(own))) return fail("the key cannot be used");
  return chain;
}

std::expected<Octets, std::string> TlsKeys::self_signed(const Secret& secret, std::span<const std::string> names,
                                                        std::span<const dns::IpAddress> addresses,
                                                        std::span<const std::uint8_t> former) {
  Key own = derived_key(secret);
  if (!own) return std::unexpected{std::string{"our own key cannot be made"}};
  auto certificate = self_signed_certificate(*own, names, addresses, former);
  if (certificate && !hold(std::move(own))) return std::unexpected{std::string{"our own key cannot be used"}};
  return certificate;
}

Octets TlsKeys::sign(const KeyHash& key, std::uint16_t scheme, std::span<const std::uint8_t> message) {
  const auto held = std::ranges::find(keys_, key, &Held::hash);
  const auto known = std::ranges::find(schemes, scheme, &Scheme::number);
  if (held == keys_.end() || known == schemes.end() || EVP_PKEY_is_a(held->key.get(), known->kind) != 1) return {};
  if (!is_server_handshake(message)) return {};
  if (known->padding == RSA_PKCS1_PADDING && !is_tls12_key_exchange(message)) return {};
  const auto ready = std::ranges::find(held->ready, scheme, &Ready::scheme);
  if (ready != held->ready.end()) {
    Octets signature = signature_of(*held->key, *ready->context, false, *known, message);
    if (!signature.empty()) return signature;
    held->ready.erase(ready);  // in what state it is nobody knows
  }
  DigestContext fresh{EVP_MD_CTX_new()};
  if (!fresh) return {};
  Octets signature = signature_of(*held->key, *fresh, true, *known, message);
  if (!signature.empty()) held->ready.push_back({scheme, std::move(fresh)});
  return signature;
}

}  // namespace redoubt::keykeeper
