#include "transport/tls/key_schedule.hpp"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "transport/tls/openssl.hpp"

namespace redoubt::transport {

namespace {

using Octets = std::span<const std::uint8_t>;

constexpr std::size_t most_digest_octets = 48;  // SHA-384
constexpr std::size_t most_block_octets = 128;

/// Octets that are nobody's business once this is over.
template <std::size_t count>
struct Secret {
  std::array<std::uint8_t, count> octets{};
  Secret() = default;
  ~Secret() { OPENSSL_cleanse(octets.data(), octets.size()); }
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  std::span<std::uint8_t> first(std::size_t octets_wanted) { return std::span{octets}.first(octets_wanted); }
};

struct Digest {
  EVP_MD* method;
  std::size_t octets;
  std::size_t block_octets;
};

/// Null where TLS 1.3 has no cipher suite with it. The methods are for the process's life.
const Digest* digest_of(std::string_view name) {
  static const Digest sha256{EVP_MD_fetch(nullptr, "SHA256", "provider=default"), 32, 64};
  static const Digest sha384{EVP_MD_fetch(nullptr, "SHA384", "provider=default"), 48, 128};
  const Digest* digest = name == "SHA2-256" || name == "SHA256"   ? &sha256
                         : name == "SHA2-384" || name == "SHA384" ? &sha384
                                                                  : nullptr;
  return digest != nullptr && digest->method != nullptr ? digest : nullptr;
}

/// One for all, with nothing in it between two derivations.
class Hashing {
 public:
  explicit Hashing(const Digest& digest) : digest_{digest} {}
  ~Hashing() { begin(); }  // which forgets what was hashed
  Hashing(const Hashing&) = delete;
  Hashing& operator=(const Hashing&) = delete;

  bool hash(std::initializer_list<Octets> parts, std::span<std::uint8_t> into) {
    if (!begin()) return false;
    for (const Octets part : parts) {
      if (EVP_DigestUpdate(context(), part.data(), part.size()) != 1) return false;
    }
    return EVP_DigestFinal_ex(context(), into.data(), nullptr) == 1;
  }

  /// RFC 2104. key: one block at most.
  bool authenticate(Octets key, std::initializer_list<Octets> parts, std::span<std::uint8_t> into) {
    constexpr std::uint8_t inner_pad = 0x36;
    constexpr std::uint8_t outer_pad = 0x5c;
    Secret<most_block_octets> pad;
    const auto block = pad.first(digest_.block_octets);
    std::ranges::copy(key, block.begin());
    for (std::uint8_t& octet : block) octet ^= inner_pad;
    if (!begin() || EVP_DigestUpdate(context(), block.data(), block.size()) != 1) return false;
    for (const Octets part : parts) {
      if (EVP_DigestUpdate(context(), part.data(), part.size()) != 1) return false;
    }
    Secret<most_digest_octets> inner;
    if (EVP_DigestFinal_ex(context(), inner.octets.data(), nullptr) != 1) return false;
    for (std::uint8_t& octet : block) octet ^= inner_pad ^ outer_pad;
    return hash({block, inner.first(digest_.octets)}, into);
  }

 private:
  static EVP_MD_CTX* context() {
    static thread_local const std::unique_ptr<EVP_MD_CTX, Release<EVP_MD_CTX_free>> one{EVP_MD_CTX_new()};
    return one.get();
  }
  bool begin() { return context() != nullptr && EVP_DigestInit_ex(context(), digest_.method, nullptr) == 1; }

  const Digest& digest_;
};

/// What libssl asks for.
struct Wish {
  int mode = -1;
  const Digest* digest = nullptr;
  std::optional<Octets> key;
  std::optional<Octets> salt;
  Octets prefix;
  Octets label;
  Octets data;
};

std::optional<Octets> octets_of(const OSSL_PARAM& parameter) {
  if (parameter.data_type != OSSL_PARAM_OCTET_STRING || (parameter.data == nullptr && parameter.data_size != 0))
    return std::nullopt;
  return Octets{static_cast<const std::uint8_t*>(parameter.data), parameter.data_size};
}

/// Each name is looked at once. Nothing when a value is of another type than it has to be.
std::optional<Wish> wish_of(const OSSL_PARAM* parameters) {
  Wish wish;
  for (; parameters != nullptr && parameters->key != nullptr; ++parameters) {
    const std::string_view name{parameters->key};
    if (name == OSSL_KDF_PARAM_MODE) {
      if (OSSL_PARAM_get_int(parameters, &wish.mode) != 1) return std::nullopt;
      continue;
    }
    if (name == OSSL_KDF_PARAM_DIGEST) {
      if (parameters->data_type != OSSL_PARAM_UTF8_STRING) return std::nullopt;
      wish.digest = digest_of({static_cast<const char*>(parameters->data), parameters->data_size});
      continue;
    }
    const auto octets = octets_of(*parameters);
    const bool known = name == OSSL_KDF_PARAM_KEY || name == OSSL_KDF_PARAM_SALT || name == OSSL_KDF_PARAM_PREFIX ||
                       name == OSSL_KDF_PARAM_LABEL || name == OSSL_KDF_PARAM_DATA;
    if (!known) continue;
    if (!octets) return std::nullopt;
    if (name == OSSL_KDF_PARAM_KEY) wish.key = *octets;
    if (name == OSSL_KDF_PARAM_SALT) wish.salt = *octets;
    if (name == OSSL_KDF_PARAM_PREFIX) wish.prefix = *octets;
    if (name == OSSL_KDF_PARAM_LABEL) wish.label = *octets;
    if (name == OSSL_KDF_PARAM_DATA) wish.data = *octets;
  }
  return wish;
}

/// HKDF-Expand-Label (RFC 8446 §7.1). One block of HKDF-Expand (RFC 5869 §2.3) is all that TLS needs.
bool expand_label(const Digest& digest, Octets secret, const Wish& wish, Octets context, std::span<std::uint8_t> into) {
  constexpr std::size_t most = 255;
  const std::size_t label_octets = wish.prefix.size() + wish.label.size();
  if (secret.size() != digest.octets || into.size() > digest.octets || label_octets > most || context.size() > most)
    return false;
  const std::array<std::uint8_t, 3> head{0, static_cast<std::uint8_t>(into.size()),
                                         static_cast<std::uint8_t>(label_octets)};
  const std::array<std::uint8_t, 1> context_octets{static_cast<std::uint8_t>(context.size())};
  constexpr std::array<std::uint8_t, 1> first_block{1};
  Secret<most_digest_octets> block;
  Hashing hashing{digest};
  if (!hashing.authenticate(secret, {head, wish.prefix, wish.label, context_octets, context, first_block},
                            block.octets))
    return false;
  std::ranges::copy(block.first(into.size()), into.begin());
  return true;
}

/// One column of the picture in RFC 8446 §7.1: what goes down to the next HKDF-Extract is derived first.
bool extract(const Digest& digest, const Wish& wish, std::span<std::uint8_t> into) {
  constexpr std::array<std::uint8_t, most_digest_octets> zeros{};
  if (into.size() != digest.octets) return false;
  Secret<most_digest_octets> derived;
  const auto salt = derived.first(digest.octets);
  Hashing hashing{digest};
  if (wish.salt) {
    std::array<std::uint8_t, most_digest_octets> of_nothing{};
    if (!hashing.hash({}, of_nothing) ||
        !expand_label(digest, *wish.salt, wish, std::span{of_nothing}.first(digest.octets), salt))
      return false;
  }
  const Octets key = wish.key.value_or(std::span{zeros}.first(digest.octets));
  return hashing.authenticate(salt, {key}, into);
}

thread_local constinit std::uint64_t derived_here = 0;

int derive(void*, unsigned char* into, std::size_t octets, const OSSL_PARAM* parameters) {
  const auto wish = wish_of(parameters);
  if (!wish || wish->digest == nullptr) return 0;
  const std::span<std::uint8_t> wanted{into, octets};
  bool good = false;
  if (wish->mode == EVP_KDF_HKDF_MODE_EXTRACT_ONLY) good = extract(*wish->digest, *wish, wanted);
  if (wish->mode == EVP_KDF_HKDF_MODE_EXPAND_ONLY && wish->key)
    good = expand_label(*wish->digest, *wish->key, *wish, wish->data, wanted);
  if (good) ++derived_here;
  return good ? 1 : 0;
}

/// Nothing is kept between calls: all that libssl has to say comes with the one that derives.
void* nothing_new(void*) {
  static int nothing = 0;
  return &nothing;
}
void nothing_free(void*) {}

}  // namespace

const OSSL_ALGORITHM* key_schedule_algorithms() {
  static const OSSL_DISPATCH functions[] = {// NOLINT: the API's arrays
                                            {OSSL_FUNC_KDF_NEWCTX, reinterpret_cast<void (*)()>(nothing_new)},
                                            {OSSL_FUNC_KDF_FREECTX, reinterpret_cast<void (*)()>(nothing_free)},
                                            {OSSL_FUNC_KDF_RESET, reinterpret_cast<void (*)()>(nothing_free)},
                                            {OSSL_FUNC_KDF_DERIVE, reinterpret_cast<void (*)()>(derive)},
                                            {0, nullptr}};
  static const OSSL_ALGORITHM algorithms[] = {
      // NOLINT
      {"TLS13-KDF", "provider=redoubt-keys,redoubt.schedule=ours,redoubt.kdf=ours", functions, nullptr},
      {nullptr, nullptr, nullptr, nullptr}};
  return algorithms;
}

bool prepare_key_schedule() { return digest_of("SHA256") != nullptr && digest_of("SHA384") != nullptr; }

std::uint64_t secrets_derived() { return derived_here; }

}  // namespace redoubt::transport
