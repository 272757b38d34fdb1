#include "dnssec/base/public_key.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <array>
#include <bit>
#include <mutex>
#include <string>

#include "dnssec/base/digest.hpp"

namespace redoubt::dnssec {

namespace {

struct Free {
  void operator()(BIGNUM* number) const { BN_free(number); }
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  void operator()(OSSL_PARAM_BLD* builder) const { OSSL_PARAM_BLD_free(builder); }
  void operator()(OSSL_PARAM* parameters) const { OSSL_PARAM_free(parameters); }
};
using Number = std::unique_ptr<BIGNUM, Free>;
using Context = std::unique_ptr<EVP_PKEY_CTX, Free>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Free>;

std::expected<KeyHandle, KeyFault> from_parameters(const char* type, OSSL_PARAM* parameters) {
  const Context context{EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr)};
  if (!context || EVP_PKEY_fromdata_init(context.get()) != 1) return std::unexpected{KeyFault::unsupported_algorithm};
  EVP_PKEY* key = nullptr;
  if (EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters) != 1)
    return std::unexpected{KeyFault::malformed};
  return KeyHandle{key};
}

std::size_t significant_bits(OctetView number) {
  const auto first = std::ranges::find_if(number, [](std::uint8_t octet) { return octet != 0; });
  if (first == number.end()) return 0;
  return static_cast<std::size_t>(number.end() - first - 1) * 8 + static_cast<std::size_t>(std::bit_width(*first));
}

std::expected<KeyHandle, KeyFault> make_rsa(OctetView public_key) {
  const auto parts = parse_rsa_public(public_key);
  if (!parts) return std::unexpected{KeyFault::malformed};
  // RFC 3110 §2 has no zeros in front; and what is kept by its octets must not have them without end.
  constexpr std::size_t most_exponent_octets = 16;
  if (parts->modulus.size() > max_rsa_modulus_octets + 1 || parts->exponent.size() > most_exponent_octets)
    return std::unexpected{KeyFault::too_large};
  const std::size_t bits = significant_bits(parts->modulus);
  if (bits > max_rsa_modulus_octets * 8 || significant_bits(parts->exponent) > max_rsa_exponent_bits)
    return std::unexpected{KeyFault::too_large};
  if (bits < min_rsa_modulus_octets * 8) return std::unexpected{KeyFault::too_small};
  const Number modulus{BN_bin2bn(parts->modulus.data(), static_cast<int>(parts->modulus.size()), nullptr)};
  const Number exponent{BN_bin2bn(parts->exponent.data(), static_cast<int>(parts->exponent.size()), nullptr)};
  const std::unique_ptr<OSSL_PARAM_BLD, Free> builder{OSSL_PARAM_BLD_new()};
  if (!modulus || !exponent || !builder ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) != 1)
    return std::unexpected{KeyFault::no_resources};
  const std::unique_ptr<OSSL_PARAM, Free> parameters{OSSL_PARAM_BLD_to_param(builder.get())};
  if (!parameters) return std::unexpected{KeyFault::no_resources};
  return from_parameters("RSA", parameters.get());
}

/// The curve without a point. Null: the library refuses it, or has no memory.
KeyHandle make_curve(std::string_view name) {
  std::string curve{name};
  std::array parameters{OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, curve.data(), 0),
                        OSSL_PARAM_construct_end()};
  const Context context{EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr)};
  EVP_PKEY* key = nullptr;
  if (!context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_KEY_PARAMETERS, parameters.data()) != 1)
    return nullptr;
  return KeyHandle{key};
}

/// Made once: the library takes twice as long to make the curve as to make a key on one that is there. Only read
/// afterwards, by any thread. Null: no memory, and the next call tries again.
EVP_PKEY* curve_named(std::string_view name) {
  static std::mutex lock;
  static std::array<KeyHandle, 2> curves;
  const std::lock_guard guard{lock};
  KeyHandle& curve = curves[name == "P-256" ? 0 : 1];
  if (!curve) curve = make_curve(name);
  return curve.get();
}

std::expected<KeyHandle, KeyFault> make_ecdsa(const AlgorithmInfo& info, OctetView public_key) {
  std::array<std::uint8_t, 1 + 2 * 48> point{4};  // uncompressed (SEC 1 §2.3.3), which RFC 6605 leaves out
  std::ranges::copy(public_key, point.begin() + 1);
  EVP_PKEY* const curve = curve_named(info.curve);
  KeyHandle key{EVP_PKEY_new()};
  if (curve == nullptr || !key || EVP_PKEY_copy_parameters(key.get(), curve) != 1)
    return std::unexpected{KeyFault::no_resources};
  // It looks whether the point lies on the curve.
  if (EVP_PKEY_set1_encoded_public_key(key.get(), point.data(), 1 + public_key.size()) != 1)
    return std::unexpected{KeyFault::malformed};
  return key;
}

std::expected<KeyHandle, KeyFault> make_eddsa(const AlgorithmInfo& info, OctetView public_key) {
  const std::string type{info.curve};
  KeyHandle key{EVP_PKEY_new_raw_public_key_ex(nullptr, type.c_str(), nullptr, public_key.data(), public_key.size())};
  if (!key) return std::unexpected{KeyFault::malformed};
  return key;
}

bool verify_eddsa(EVP_PKEY* key, OctetView data, OctetView signature) {
  const DigestContext context{EVP_MD_CTX_new()};
  return context && EVP_DigestVerifyInit_ex(context.get(), nullptr, nullptr, nullptr, nullptr, key, nullptr) == 1 &&
         EVP_DigestVerify(context.get(), signature.data(), signature.size(), data.data(), data.size()) == 1;
}

/// For any number of checks by that key (not EdDSA's). Null: no memory.
Context context_for(const AlgorithmInfo& info, EVP_PKEY* key) {
  Context context{EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr)};
  if (!context || EVP_PKEY_verify_init(context.get()) != 1) return nullptr;
  if (info.kind == KeyKind::rsa && (EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) != 1 ||
                                    EVP_PKEY_CTX_set_signature_md(context.get(), find_digest(info.digest)) != 1))
    return nullptr;
  return context;
}

bool verify_digest(const AlgorithmInfo& info, EVP_PKEY_CTX* context, OctetView data, OctetView signature) {
  const Octets digest = digest_of(info.digest, data);
  if (digest.empty()) return false;
  const Octets der = info.kind == KeyKind::ecdsa ? ecdsa_to_der(signature) : Octets{};
  if (info.kind == KeyKind::ecdsa) signature = der;
  return !signature.empty() &&
         EVP_PKEY_verify(context, signature.data(), signature.size(), digest.data(), digest.size()) == 1;
}

bool has_length(const AlgorithmInfo& info, OctetView signature) {
  return info.signature_octets == 0 || signature.size() == info.signature_octets;
}

/// One INTEGER (X.690 §8.3) of a non-negative number: shortest, and with a zero in front where its top bit is set.
void append_integer(Octets& der, OctetView number) {
  while (number.size() > 1 && number[0] == 0) number = number.subspan(1);
  const bool padded = (number[0] & 0x80) != 0;
  der.push_back(2);
  der.push_back(static_cast<std::uint8_t>(number.size() + (padded ? 1 : 0)));
  if (padded) der.push_back(0);
  append_octets(der, number);
}

/// Takes one INTEGER off the front of `der` and writes it right-aligned.
bool take_integer(OctetView& der, std::span<std::uint8_t> out) {
  if (der.size() < 2 || der[0] != 2 || der[1] >= 0x80 || der[1] > der.size() - 2) return false;
  OctetView number = der.subspan(2, der[1]);
  der = der.subspan(2U + der[1]);
  while (number.size() > 1 && number[0] == 0) number = number.subspan(1);
  if (number.empty() || number.size() > out.size()) return false;
  std::ranges::fill(out, std::uint8_t{0});
  std::ranges::copy(number, out.last(number.size()).begin());
  return true;
}

}  // namespace

std::string_view describe(KeyFault fault) {
  switch (fault) {
    case KeyFault::unsupported_algorithm:
      return "an algorithm that is not supported";
    case KeyFault::malformed:
      return "octets that are no key of its algorithm";
    case KeyFault::too_large:
      return "an RSA key with a modulus over 4096 bits or an exponent over 35";
    case KeyFault::too_small:
      return "an RSA key with a modulus under 512 bits";
    case KeyFault::no_resources:
      return "no memory for the key";
  }
  return "a bad key";
}

void FreeKey::operator()(evp_pkey_st* key) const { EVP_PKEY_free(key); }

std::optional<RsaPublic> parse_rsa_public(OctetView public_key) {
  if (public_key.empty()) return std::nullopt;
  std::size_t length = public_key[0];
  std::size_t at = 1;
  if (length == 0) {
    if (public_key.size() < 3) return std::nullopt;
    length = static_cast<std::size_t>(public_key[1] << 8 | public_key[2]);
    at = 3;
  }
  if (length == 0 || length >= public_key.size() - at) return std::nullopt;  // a modulus is behind it
  return RsaPublic{public_key.subspan(at, length), public_key.subspan(at + length)};
}

Octets rsa_public_octets(const RsaPublic& key) {
  Octets out;
  if (key.exponent.size() < 256) {
    out.push_back(static_cast<std::uint8_t>(key.exponent.size()));
  } else {
    out.push_back(0);
    append_u16(out, static_cast<std::uint16_t>(key.exponent.size()));
  }
  append_octets(out, key.exponent);
  append_octets(out, key.modulus);
  return out;
}

std::expected<PublicKey, KeyFault> PublicKey::from_dnskey(std::uint8_t algorithm, OctetView public_key) {
  const AlgorithmInfo* info = find_algorithm(algorithm);
  if (info == nullptr) return std::unexpected{KeyFault::unsupported_algorithm};
  if (info->public_octets != 0 && public_key.size() != info->public_octets) return std::unexpected{KeyFault::malformed};
  auto key = info->kind == KeyKind::rsa     ? make_rsa(public_key)
             : info->kind == KeyKind::ecdsa ? make_ecdsa(*info, public_key)
                                            : make_eddsa(*info, public_key);
  if (!key) return std::unexpected{key.error()};
  return PublicKey{*info, std::move(*key)};
}

bool PublicKey::verifies(OctetView data, OctetView signature) const {
  if (!has_length(*info_, signature)) return false;
  if (info_->kind == KeyKind::eddsa) return verify_eddsa(key_.get(), data, signature);
  const Context context = context_for(*info_, key_.get());
  return context && verify_digest(*info_, context.get(), data, signature);
}

std::expected<Verifier, KeyFault> Verifier::from_dnskey(std::uint8_t algorithm, OctetView public_key) {
  auto key = PublicKey::from_dnskey(algorithm, public_key);
  if (!key) return std::unexpected{key.error()};
  return Verifier{std::move(*key)};
}

bool Verifier::verifies(OctetView data, OctetView signature) {
  const AlgorithmInfo& info = *key_.info_;
  if (info.kind == KeyKind::eddsa) return key_.verifies(data, signature);
  if (!has_length(info, signature)) return false;
  if (!context_) context_.reset(context_for(info, key_.key_.get()).release());
  return context_ && verify_digest(info, context_.get(), data, signature);
}

void Verifier::Free::operator()(evp_pkey_ctx_st* context) const { EVP_PKEY_CTX_free(context); }

Octets ecdsa_to_der(OctetView raw) {
  if (raw.empty() || raw.size() % 2 != 0 || raw.size() > 2 * 48) return {};  // so that every length is one octet
  Octets der{0x30, 0};
  der.reserve(raw.size() + 8);
  append_integer(der, raw.first(raw.size() / 2));
  append_integer(der, raw.last(raw.size() / 2));
  der[1] = static_cast<std::uint8_t>(der.size() - 2);
  return der;
}

bool ecdsa_from_der(OctetView der, std::span<std::uint8_t> raw) {
  if (der.size() < 2 || der[0] != 0x30 || der[1] != der.size() - 2) return false;
  der = der.subspan(2);
  return take_integer(der, raw.first(raw.size() / 2)) && take_integer(der, raw.last(raw.size() / 2)) && der.empty();
}

}  // namespace redoubt::dnssec
