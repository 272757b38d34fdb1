#include "dnssec/keys/private_key.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <array>
#include <deque>
#include <string>

namespace redoubt::dnssec {

namespace {

struct Free {
  void operator()(BIGNUM* number) const { BN_clear_free(number); }
  void operator()(BIO* bio) const { BIO_free_all(bio); }
  void operator()(EC_GROUP* group) const { EC_GROUP_free(group); }
  void operator()(EC_POINT* point) const { EC_POINT_free(point); }
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
  void operator()(OSSL_PARAM_BLD* builder) const { OSSL_PARAM_BLD_free(builder); }
  void operator()(OSSL_PARAM* parameters) const { OSSL_PARAM_free(parameters); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

/// Parameters of a key, in memory that OpenSSL wipes (BN_secure_new: the builder keeps such numbers apart).
class Parameters {
 public:
  Parameters() : builder_{OSSL_PARAM_BLD_new()}, ok_{builder_ != nullptr} {}
  void number(const char* name, OctetView octets) {
    if (!ok_) return;
    Owned<BIGNUM> value{BN_secure_new()};
    ok_ = value && BN_bin2bn(octets.data(), static_cast<int>(octets.size()), value.get()) != nullptr &&
          OSSL_PARAM_BLD_push_BN(builder_.get(), name, value.get()) == 1;
    numbers_.push_back(std::move(value));
  }
  void text(const char* name, std::string_view value) {
    const std::string& kept = texts_.emplace_back(value);
    ok_ = ok_ && OSSL_PARAM_BLD_push_utf8_string(builder_.get(), name, kept.c_str(), kept.size()) == 1;
  }
  /// value outlives this.
  void octets(const char* name, OctetView value) {
    ok_ = ok_ && OSSL_PARAM_BLD_push_octet_string(builder_.get(), name, value.data(), value.size()) == 1;
  }
  std::expected<KeyHandle, KeyFault> key(const char* type) {
    if (!ok_) return std::unexpected{KeyFault::no_resources};
    const Owned<OSSL_PARAM> parameters{OSSL_PARAM_BLD_to_param(builder_.get())};
    const Owned<EVP_PKEY_CTX> context{EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr)};
    EVP_PKEY* key = nullptr;
    if (!parameters || !context || EVP_PKEY_fromdata_init(context.get()) != 1)
      return std::unexpected{KeyFault::no_resources};
    if (EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_KEYPAIR, parameters.get()) != 1)
      return std::unexpected{KeyFault::malformed};
    return KeyHandle{key};
  }

 private:
  Owned<OSSL_PARAM_BLD> builder_;
  // The builder only points to what it is given.
  std::vector<Owned<BIGNUM>> numbers_;
  std::deque<std::string> texts_;
  bool ok_;
};

template <class Container>
Container number_of(const EVP_PKEY* key, const char* name, std::size_t width = 0) {
  BIGNUM* found = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &found) != 1) return {};
  const Owned<BIGNUM> number{found};
  Container octets(width != 0 ? width : static_cast<std::size_t>(BN_num_bytes(number.get())));
  if (BN_bn2binpad(number.get(), octets.data(), static_cast<int>(octets.size())) < 0) return {};
  return octets;
}

std::size_t curve_octets(const AlgorithmInfo& info) { return info.public_octets / 2; }

/// The public point, uncompressed and with its leading 4 (SEC 1 §2.3.3). Empty for a number that is no key.
Octets public_point(const AlgorithmInfo& info, OctetView secret) {
  const int curve = info.algorithm == Algorithm::ecdsa_p256_sha256 ? NID_X9_62_prime256v1 : NID_secp384r1;
  const Owned<EC_GROUP> group{EC_GROUP_new_by_curve_name(curve)};
  const Owned<BIGNUM> number{BN_secure_new()};
  if (!group || !number || BN_bin2bn(secret.data(), static_cast<int>(secret.size()), number.get()) == nullptr)
    return {};
  BN_set_flags(number.get(), BN_FLG_CONSTTIME);
  if (BN_is_zero(number.get()) || BN_cmp(number.get(), EC_GROUP_get0_order(group.get())) >= 0) return {};
  const Owned<EC_POINT> point{EC_POINT_new(group.get())};
  Octets out(info.public_octets + 1);
  if (!point || EC_POINT_mul(group.get(), point.get(), number.get(), nullptr, nullptr, nullptr) != 1 ||
      EC_POINT_point2oct(group.get(), point.get(), POINT_CONVERSION_UNCOMPRESSED, out.data(), out.size(), nullptr) !=
          out.size())
    return {};
  return out;
}

Octets public_octets(const AlgorithmInfo& info, const EVP_PKEY* key) {
  switch (info.kind) {
    case KeyKind::rsa: {
      const auto exponent = number_of<Octets>(key, OSSL_PKEY_PARAM_RSA_E);
      const auto modulus = number_of<Octets>(key, OSSL_PKEY_PARAM_RSA_N);
      if (exponent.empty() || modulus.empty()) return {};
      return rsa_public_octets({exponent, modulus});
    }
    case KeyKind::ecdsa: {
      Octets out = number_of<Octets>(key, OSSL_PKEY_PARAM_EC_PUB_X, curve_octets(info));
      append_octets(out, number_of<Octets>(key, OSSL_PKEY_PARAM_EC_PUB_Y, curve_octets(info)));
      return out;
    }
    case KeyKind::eddsa: {
      Octets out(info.public_octets);
      std::size_t size = out.size();
      if (EVP_PKEY_get_raw_public_key(key, out.data(), &size) != 1 || size != out.size()) return {};
      return out;
    }
  }
  return {};
}

}  // namespace

std::expected<PrivateKey, KeyFault> PrivateKey::finish(Algorithm algorithm, KeyHandle key) {
  const AlgorithmInfo& info = info_of(algorithm);
  Octets octets = public_octets(info, key.get());
  if (octets.empty() || (info.public_octets != 0 && octets.size() != info.public_octets))
    return std::unexpected{KeyFault::malformed};
  if (info.kind == KeyKind::rsa) {
    const int bits = EVP_PKEY_get_bits(key.get());
    if (bits < static_cast<int>(min_rsa_bits)) return std::unexpected{KeyFault::too_small};
    // What we would refuse to verify is not signed with.
    if (const auto checked = PublicKey::from_dnskey(static_cast<std::uint8_t>(algorithm), octets); !checked)
      return std::unexpected{checked.error()};
  }
  return PrivateKey{info, std::move(key), std::move(octets)};
}

std::expected<PrivateKey, KeyFault> PrivateKey::generate(Algorithm algorithm, unsigned rsa_bits) {
  const AlgorithmInfo& info = info_of(algorithm);
  if (!info.signs) return std::unexpected{KeyFault::unsupported_algorithm};
  if (info.kind == KeyKind::rsa && rsa_bits < min_rsa_bits) return std::unexpected{KeyFault::too_small};
  if (info.kind == KeyKind::rsa && rsa_bits > max_rsa_bits) return std::unexpected{KeyFault::too_large};
  const std::string curve{info.curve};
  EVP_PKEY* key = info.kind == KeyKind::rsa     ? EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{rsa_bits})
                  : info.kind == KeyKind::ecdsa ? EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", curve.c_str())
                                                : EVP_PKEY_Q_keygen(nullptr, nullptr, curve.c_str());
  if (key == nullptr) return std::unexpected{KeyFault::no_resources};
  return finish(algorithm, KeyHandle{key});
}

std::expected<PrivateKey, KeyFault> PrivateKey::from_rsa(Algorithm algorithm, const RsaParts& parts) {
  const AlgorithmInfo& info = info_of(algorithm);
  if (info.kind != KeyKind::rsa || !info.signs) return std::unexpected{KeyFault::unsupported_algorithm};
  for (const std::size_t size :
       {parts.modulus.size(), parts.public_exponent.size(), parts.private_exponent.size(), parts.prime1.size(),
        parts.prime2.size(), parts.exponent1.size(), parts.exponent2.size(), parts.coefficient.size()}) {
    if (size == 0) return std::unexpected{KeyFault::malformed};
    if (size > max_rsa_modulus_octets) return std::unexpected{KeyFault::too_large};
  }
  Parameters parameters;
  parameters.number(OSSL_PKEY_PARAM_RSA_N, parts.modulus);
  parameters.number(OSSL_PKEY_PARAM_RSA_E, parts.public_exponent);
  parameters.number(OSSL_PKEY_PARAM_RSA_D, parts.private_exponent);
  parameters.number(OSSL_PKEY_PARAM_RSA_FACTOR1, parts.prime1);
  parameters.number(OSSL_PKEY_PARAM_RSA_FACTOR2, parts.prime2);
  parameters.number(OSSL_PKEY_PARAM_RSA_EXPONENT1, parts.exponent1);
  parameters.number(OSSL_PKEY_PARAM_RSA_EXPONENT2, parts.exponent2);
  parameters.number(OSSL_PKEY_PARAM_RSA_COEFFICIENT1, parts.coefficient);
  auto key = parameters.key("RSA");
  if (!key) return std::unexpected{key.error()};
  const Owned<EVP_PKEY_CTX> check{EVP_PKEY_CTX_new_from_pkey(nullptr, key->get(), nullptr)};
  if (!check || EVP_PKEY_pairwise_check(check.get()) != 1) return std::unexpected{KeyFault::malformed};
  return finish(algorithm, std::move(*key));
}

std::expected<PrivateKey, KeyFault> PrivateKey::from_secret(Algorithm algorithm, OctetView secret) {
  const AlgorithmInfo& info = info_of(algorithm);
  if (!info.signs) return std::unexpected{KeyFault::unsupported_algorithm};
  switch (info.kind) {
    case KeyKind::rsa:
      return std::unexpected{KeyFault::malformed};
    case KeyKind::ecdsa: {
      if (secret.size() != curve_octets(info)) return std::unexpected{KeyFault::malformed};
      const Octets point = public_point(info, secret);
      if (point.empty()) return std::unexpected{KeyFault::malformed};
      Parameters parameters;
      parameters.text(OSSL_PKEY_PARAM_GROUP_NAME, info.curve);
      parameters.number(OSSL_PKEY_PARAM_PRIV_KEY, secret);
      parameters.octets(OSSL_PKEY_PARAM_PUB_KEY, point);
      auto key = parameters.key("EC");
      if (!key) return std::unexpected{key.error()};
      return finish(algorithm, std::move(*key));
    }
    case KeyKind::eddsa: {
      const std::string type{info.curve};
      KeyHandle key{EVP_PKEY_new_raw_private_key_ex(nullptr, type.c_str(), nullptr, secret.data(), secret.size())};
      if (!key) return std::unexpected{KeyFault::malformed};
      return finish(algorithm, std::move(key));
    }
  }
  return std::unexpected{KeyFault::malformed};
}

std::expected<PrivateKey, KeyFault> PrivateKey::from_pem(OctetView pem, Algorithm rsa) {
  const Owned<BIO> text{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))};
  if (!text) return std::unexpected{KeyFault::no_resources};
  const auto no_passphrase = [](char*, int, int, void*) { return 0; };  // rather than asking at the terminal
  KeyHandle key{PEM_read_bio_PrivateKey(text.get(), nullptr, no_passphrase, nullptr)};
  if (!key) return std::unexpected{KeyFault::malformed};
  if (EVP_PKEY_is_a(key.get(), "RSA") == 1) {
    if (info_of(rsa).kind != KeyKind::rsa || !info_of(rsa).signs)
      return std::unexpected{KeyFault::unsupported_algorithm};
    return finish(rsa, std::move(key));
  }
  if (EVP_PKEY_is_a(key.get(), "ED25519") == 1) return finish(Algorithm::ed25519, std::move(key));
  if (EVP_PKEY_is_a(key.get(), "ED448") == 1) return finish(Algorithm::ed448, std::move(key));
  if (EVP_PKEY_is_a(key.get(), "EC") == 1) {
    // Built anew from its number, so that whatever the file said about the public half does not count.
    std::array<char, 64> group{};
    if (EVP_PKEY_get_group_name(key.get(), group.data(), group.size(), nullptr) != 1)
      return std::unexpected{KeyFault::malformed};
    for (const Algorithm algorithm : {Algorithm::ecdsa_p256_sha256, Algorithm::ecdsa_p384_sha384}) {
      const std::string_view long_name = algorithm == Algorithm::ecdsa_p256_sha256 ? "prime256v1" : "secp384r1";
      if (group.data() != long_name && group.data() != info_of(algorithm).curve) continue;
      return from_secret(algorithm,
                         number_of<Secret>(key.get(), OSSL_PKEY_PARAM_PRIV_KEY, curve_octets(info_of(algorithm))));
    }
  }
  return std::unexpected{KeyFault::unsupported_algorithm};
}

std::expected<PrivateKey, KeyFault> PrivateKey::remote(Algorithm algorithm, Octets public_key,
                                                       std::shared_ptr<const RemoteKey> key) {
  const AlgorithmInfo& info = info_of(algorithm);
  if (!info.signs) return std::unexpected{KeyFault::unsupported_algorithm};
  if (const auto checked = PublicKey::from_dnskey(static_cast<std::uint8_t>(algorithm), public_key); !checked)
    return std::unexpected{checked.error()};
  PrivateKey made{info, KeyHandle{}, std::move(public_key)};
  made.remote_ = std::move(key);
  return made;
}

Secret PrivateKey::secret() const {
  if (is_remote()) return {};
  if (info_->kind == KeyKind::ecdsa)
    return number_of<Secret>(key_.get(), OSSL_PKEY_PARAM_PRIV_KEY, curve_octets(*info_));
  if (info_->kind != KeyKind::eddsa) return {};
  std::size_t size = 0;
  if (EVP_PKEY_get_raw_private_key(key_.get(), nullptr, &size) != 1) return {};
  Secret out(size);
  if (EVP_PKEY_get_raw_private_key(key_.get(), out.data(), &size) != 1) return {};
  return out;
}

std::optional<RsaParts> PrivateKey::rsa_parts() const {
  if (info_->kind != KeyKind::rsa || is_remote()) return std::nullopt;
  const EVP_PKEY* key = key_.get();
  return RsaParts{.modulus = number_of<Octets>(key, OSSL_PKEY_PARAM_RSA_N),
                  .public_exponent = number_of<Octets>(key, OSSL_PKEY_PARAM_RSA_E),
                  .private_exponent = number_of<Secret>(key, OSSL_PKEY_PARAM_RSA_D),
                  .prime1 = number_of<Secret>(key, OSSL_PKEY_PARAM_RSA_FACTOR1),
                  .prime2 = number_of<Secret>(key, OSSL_PKEY_PARAM_RSA_FACTOR2),
                  .exponent1 = number_of<Secret>(key, OSSL_PKEY_PARAM_RSA_EXPONENT1),
                  .exponent2 = number_of<Secret>(key, OSSL_PKEY_PARAM_RSA_EXPONENT2),
                  .coefficient = number_of<Secret>(key, OSSL_PKEY_PARAM_RSA_COEFFICIENT1)};
}

Secret PrivateKey::to_pem() const {
  if (is_remote()) return {};
  const Owned<BIO> out{BIO_new(BIO_s_secmem())};
  char* octets = nullptr;
  if (!out || PEM_write_bio_PKCS8PrivateKey(out.get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1)
    return {};
  const long size = BIO_get_mem_data(out.get(), &octets);
  if (size <= 0) return {};
  return {octets, octets + size};
}

Signer::Signer(const PrivateKey& key) : key_{&key}, digest_{find_digest(key.info_->digest)} {
  if (key.is_remote()) {
    remote_ = key.remote_->signer();
    return;
  }
  if (key.info_->kind == KeyKind::eddsa) {
    whole_.reset(EVP_MD_CTX_new());
    return;
  }
  context_.reset(EVP_PKEY_CTX_new_from_pkey(nullptr, key.key_.get(), nullptr));
  if (!context_) return;
  const bool ready = EVP_PKEY_sign_init(context_.get()) == 1 &&
                     (key.info_->kind != KeyKind::rsa ||
                      (EVP_PKEY_CTX_set_rsa_padding(context_.get(), RSA_PKCS1_PADDING) == 1 &&
                       EVP_PKEY_CTX_set_signature_md(context_.get(), find_digest(key.info_->digest)) == 1));
  if (!ready) context_.reset();
  scratch_.resize(static_cast<std::size_t>(EVP_PKEY_get_size(key.key_.get())));
}

bool RemoteSigner::sign_all(std::span<const Octets> data, std::vector<Octets>& out) {
  out.resize(data.size());
  for (std::size_t i = 0; i < data.size(); ++i) {
    if (!sign(data[i], out[i])) return false;
  }
  return true;
}

void Signer::note() {
  is_noting_ = remote_ && remote_->prefers_batches();
  noted_.clear();
  given_.clear();
  next_ = 0;
}

bool Signer::sign_noted() {
  is_noting_ = false;
  const std::size_t count = noted_.size();
  if (count == 0) return true;
  const bool done = remote_->sign_all(noted_, given_) && given_.size() == count;
  noted_.clear();
  return done;
}

bool Signer::sign(OctetView data, Octets& out) {
  if (is_noting_) {
    noted_.emplace_back(data.begin(), data.end());
    return true;
  }
  if (next_ < given_.size()) {
    append_octets(out, given_[next_++]);
    return true;
  }
  if (remote_) return remote_->sign(data, out);
  const AlgorithmInfo& info = *key_->info_;
  if (info.kind == KeyKind::eddsa) return sign_eddsa(data, out);
  std::array<std::uint8_t, 64> digest;
  std::size_t size = scratch_.size();
  if (!context_ || !digest_.of(data, digest) ||
      EVP_PKEY_sign(context_.get(), scratch_.data(), &size, digest.data(), digest_.octets()) != 1)
    return false;
  if (info.kind == KeyKind::rsa) {
    append_octets(out, OctetView{scratch_}.first(size));
    return true;
  }
  const std::size_t at = out.size();
  out.resize(at + info.signature_octets);
  if (ecdsa_from_der(OctetView{scratch_}.first(size), std::span{out}.subspan(at))) return true;
  out.resize(at);
  return false;
}

bool Signer::sign_eddsa(OctetView data, Octets& out) {
  const std::size_t at = out.size();
  std::size_t size = key_->info_->signature_octets;
  out.resize(at + size);
  if (whole_ &&
      EVP_DigestSignInit_ex(whole_.get(), nullptr, nullptr, nullptr, nullptr, key_->key_.get(), nullptr) == 1 &&
      EVP_DigestSign(whole_.get(), out.data() + at, &size, data.data(), data.size()) == 1 &&
      size == key_->info_->signature_octets)
    return true;
  out.resize(at);
  return false;
}

void Signer::Free::operator()(evp_pkey_ctx_st* context) const { EVP_PKEY_CTX_free(context); }
void Signer::Free::operator()(evp_md_ctx_st* context) const { EVP_MD_CTX_free(context); }

}  // namespace redoubt::dnssec
