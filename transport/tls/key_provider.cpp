#include "transport/tls/key_provider.hpp"

#include <openssl/async.h>
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "transport/net/block_pool.hpp"
#include "transport/tls/key_schedule.hpp"

namespace redoubt::transport {

namespace {

constexpr const char* provider_name = "redoubt-keys";
constexpr const char* ours = "provider=redoubt-keys";
constexpr const char* theirs = "provider=default";

thread_local HandshakeSignature* current_signature = nullptr;

// --- keys: the public half, and the name of the whole

struct Key {
  KeyPointer half;
  KeyHash hash{};
};

void* key_new(void*) { return new (std::nothrow) Key; }
void key_free(void* key) { delete static_cast<Key*>(key); }

int key_has(const void* key, int) { return static_cast<const Key*>(key)->half != nullptr ? 1 : 0; }

int key_match(const void* one, const void* other, int) {
  const EVP_PKEY* first = static_cast<const Key*>(one)->half.get();
  const EVP_PKEY* second = static_cast<const Key*>(other)->half.get();
  return first != nullptr && second != nullptr && EVP_PKEY_eq(first, second) == 1 ? 1 : 0;
}

int import_as(const char* kind, void* into, OSSL_PARAM* params) {
  const KeyContextPointer context{EVP_PKEY_CTX_new_from_name(nullptr, kind, theirs)};
  EVP_PKEY* made = nullptr;
  if (!context || EVP_PKEY_fromdata_init(context.get()) <= 0 ||
      EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, params) <= 0)
    return 0;
  Key& key = *static_cast<Key*>(into);
  key.half.reset(made);
  const auto hash = hash_of_key(*made);
  if (!hash) return 0;
  key.hash = *hash;
  return 1;
}

/// Takes what any OpenSSL key can be asked for; private parts are not looked at.
int ec_import(void* into, int, const OSSL_PARAM* params) {
  return import_as("EC", into, const_cast<OSSL_PARAM*>(params));  // NOLINT: fromdata only reads
}
int rsa_import(void* into, int, const OSSL_PARAM* params) {
  return import_as("RSA", into, const_cast<OSSL_PARAM*>(params));  // NOLINT: fromdata only reads
}

/// Not as a private key: else OpenSSL would move the key to its own provider and sign there.
int key_export(void* from, int selection, OSSL_CALLBACK* take, void* argument) {
  if ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0) return 0;
  OSSL_PARAM* params = nullptr;
  if (EVP_PKEY_todata(static_cast<Key*>(from)->half.get(), EVP_PKEY_PUBLIC_KEY, &params) <= 0) return 0;
  const int result = take(params, argument);
  OSSL_PARAM_free(params);
  return result;
}

const OSSL_PARAM* ec_types(int) {
  static const OSSL_PARAM types[] = {// NOLINT: the API\'s macros
                                     OSSL_PARAM_DEFN(OSSL_PKEY_PARAM_GROUP_NAME, OSSL_PARAM_UTF8_STRING, nullptr, 0),
                                     OSSL_PARAM_DEFN(OSSL_PKEY_PARAM_PUB_KEY, OSSL_PARAM_OCTET_STRING, nullptr, 0),
                                     OSSL_PARAM_END};
  return types;
}
const OSSL_PARAM* rsa_types(int) {
  static const OSSL_PARAM types[] = {// NOLINT: the API\'s macros
                                     OSSL_PARAM_DEFN(OSSL_PKEY_PARAM_RSA_N, OSSL_PARAM_UNSIGNED_INTEGER, nullptr, 0),
                                     OSSL_PARAM_DEFN(OSSL_PKEY_PARAM_RSA_E, OSSL_PARAM_UNSIGNED_INTEGER, nullptr, 0),
                                     OSSL_PARAM_END};
  return types;
}

int key_get_params(void* key, OSSL_PARAM* params) {
  return EVP_PKEY_get_params(static_cast<Key*>(key)->half.get(), params);
}
const OSSL_PARAM* key_gettable_params(void*) {
  static const OSSL_PARAM params[] = {
      // NOLINT: the API\'s macros
      OSSL_PARAM_DEFN(OSSL_PKEY_PARAM_BITS, OSSL_PARAM_INTEGER, nullptr, 0),
      OSSL_PARAM_DEFN(OSSL_PKEY_PARAM_SECURITY_BITS, OSSL_PARAM_INTEGER, nullptr, 0),
      OSSL_PARAM_DEFN(OSSL_PKEY_PARAM_MAX_SIZE, OSSL_PARAM_INTEGER, nullptr, 0),
      OSSL_PARAM_DEFN(OSSL_PKEY_PARAM_GROUP_NAME, OSSL_PARAM_UTF8_STRING, nullptr, 0),
      OSSL_PARAM_DEFN(OSSL_PKEY_PARAM_DEFAULT_DIGEST, OSSL_PARAM_UTF8_STRING, nullptr, 0),
      OSSL_PARAM_END};
  return params;
}

const char* ec_operation_name(int operation) { return operation == OSSL_OP_SIGNATURE ? "ECDSA" : "EC"; }

// --- signatures

/// As RFC 8446 §4.2.3 numbers them; zero when the combination is none of TLS.
std::uint16_t ecdsa_scheme(std::string_view digest) {
  if (digest == "SHA2-256" || digest == "SHA256") return 0x0403;
  if (digest == "SHA2-384" || digest == "SHA384") return 0x0503;
  if (digest == "SHA2-512" || digest == "SHA512") return 0x0603;
  return 0;
}
std::uint16_t rsa_scheme(std::string_view digest, bool pss) {
  if (digest == "SHA2-256" || digest == "SHA256") return pss ? 0x0804 : 0x0401;
  if (digest == "SHA2-384" || digest == "SHA384") return pss ? 0x0805 : 0x0501;
  if (digest == "SHA2-512" || digest == "SHA512") return pss ? 0x0806 : 0x0601;
  return 0;
}

struct Signing {
  Key* key = nullptr;
  std::string digest;
  bool rsa = false;
  bool pss = false;
};

void* signing_new(void*, const char*) { return new (std::nothrow) Signing; }
void signing_free(void* signing) { delete static_cast<Signing*>(signing); }

int signing_set_params(void* context, const OSSL_PARAM* params) {
  Signing& signing = *static_cast<Signing*>(context);
  if (params == nullptr) return 1;
  if (const OSSL_PARAM* mode = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PAD_MODE)) {
    int number = 0;
    if (mode->data_type == OSSL_PARAM_UTF8_STRING) {
      signing.pss = std::string_view{static_cast<const char*>(mode->data)} == OSSL_PKEY_RSA_PAD_MODE_PSS;
    } else if (OSSL_PARAM_get_int(mode, &number) != 0) {
      signing.pss = number == RSA_PKCS1_PSS_PADDING;
    } else {
      return 0;
    }
  }
  return 1;  // the salt is always as long as the digest (RFC 8446 §4.2.3)
}
const OSSL_PARAM* signing_settable_params(void*, void*) {
  static const OSSL_PARAM params[] = {
      // NOLINT: the API\'s macros
      OSSL_PARAM_DEFN(OSSL_SIGNATURE_PARAM_PAD_MODE, OSSL_PARAM_UTF8_STRING, nullptr, 0),
      OSSL_PARAM_DEFN(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, OSSL_PARAM_UTF8_STRING, nullptr, 0),
      OSSL_PARAM_DEFN(OSSL_SIGNATURE_PARAM_DIGEST, OSSL_PARAM_UTF8_STRING, nullptr, 0), OSSL_PARAM_END};
  return params;
}

int begin(void* context, const char* digest, void* key, const OSSL_PARAM* params, bool rsa) try {
  Signing& signing = *static_cast<Signing*>(context);
  if (key != nullptr) signing.key = static_cast<Key*>(key);
  if (signing.key == nullptr || digest == nullptr) return 0;
  signing.digest = digest;
  signing.rsa = rsa;
  return signing_set_params(context, params);
} catch (const std::exception&) {
  return 0;
}
int ecdsa_begin(void* context, const char* digest, void* key, const OSSL_PARAM* params) {
  return begin(context, digest, key, params, false);
}
int rsa_begin(void* context, const char* digest, void* key, const OSSL_PARAM* params) {
  return begin(context, digest, key, params, true);
}

/// TLS signs in one call; the others are here because OpenSSL wants them.
int never_update(void*, const unsigned char*, std::size_t) { return 0; }
int never_final(void*, unsigned char*, std::size_t*, std::size_t) { return 0; }

int digest_sign(void* context, unsigned char* into, std::size_t* octets, std::size_t room, const unsigned char* message,
                std::size_t message_octets) try {
  const Signing& signing = *static_cast<const Signing*>(context);
  const auto most = static_cast<std::size_t>(EVP_PKEY_get_size(signing.key->half.get()));
  if (into == nullptr) {
    *octets = most;
    return 1;
  }
  const std::uint16_t scheme = signing.rsa ? rsa_scheme(signing.digest, signing.pss) : ecdsa_scheme(signing.digest);
  HandshakeSignature* handshake = HandshakeSignature::current();
  if (scheme == 0 || handshake == nullptr) return 0;
  const std::vector<std::uint8_t> signature =
      handshake->wait_for({signing.key->hash, scheme, {message, message_octets}});
  if (signature.empty() || signature.size() > std::min(room, most)) return 0;
  std::ranges::copy(signature, into);
  *octets = signature.size();
  return 1;
} catch (const std::exception&) {
  return 0;
}

// --- the tables that OpenSSL reads

template <class Function>
OSSL_DISPATCH entry(int number, Function* function) {
  return {number, reinterpret_cast<void (*)()>(function)};  // NOLINT: the API's way
}

using Dispatch = std::vector<OSSL_DISPATCH>;

Dispatch key_dispatch(OSSL_FUNC_keymgmt_import_fn* import, OSSL_FUNC_keymgmt_import_types_fn* types) {
  return {entry(OSSL_FUNC_KEYMGMT_NEW, key_new),
          entry(OSSL_FUNC_KEYMGMT_FREE, key_free),
          entry(OSSL_FUNC_KEYMGMT_HAS, key_has),
          entry(OSSL_FUNC_KEYMGMT_MATCH, key_match),
          entry(OSSL_FUNC_KEYMGMT_IMPORT, import),
          entry(OSSL_FUNC_KEYMGMT_IMPORT_TYPES, types),
          entry(OSSL_FUNC_KEYMGMT_EXPORT, key_export),
          entry(OSSL_FUNC_KEYMGMT_EXPORT_TYPES, types),
          entry(OSSL_FUNC_KEYMGMT_GET_PARAMS, key_get_params),
          entry(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, key_gettable_params)};
}

Dispatch signature_dispatch(OSSL_FUNC_signature_digest_sign_init_fn* begin_signing) {
  return {entry(OSSL_FUNC_SIGNATURE_NEWCTX, signing_new),
          entry(OSSL_FUNC_SIGNATURE_FREECTX, signing_free),
          entry(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, begin_signing),
          entry(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_UPDATE, never_update),
          entry(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_FINAL, never_final),
          entry(OSSL_FUNC_SIGNATURE_DIGEST_SIGN, digest_sign),
          entry(OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, signing_set_params),
          entry(OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, signing_settable_params),
          {0, nullptr}};
}

struct Tables {
  Dispatch ec_keys = key_dispatch(ec_import, ec_types);
  Dispatch rsa_keys = key_dispatch(rsa_import, rsa_types);
  Dispatch ecdsa = signature_dispatch(ecdsa_begin);
  Dispatch rsa = signature_dispatch(rsa_begin);
  std::vector<OSSL_ALGORITHM> keys;
  std::vector<OSSL_ALGORITHM> signatures;

  Tables() {
    ec_keys.push_back(entry(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, ec_operation_name));
    for (Dispatch* dispatch : {&ec_keys, &rsa_keys}) dispatch->push_back({0, nullptr});
    keys = {{"EC:id-ecPublicKey:1.2.840.10045.2.1", ours, ec_keys.data(), nullptr},
            {"RSA:rsaEncryption:1.2.840.113549.1.1.1", ours, rsa_keys.data(), nullptr},
            {nullptr, nullptr, nullptr, nullptr}};
    signatures = {{"ECDSA", ours, ecdsa.data(), nullptr},
                  {"RSA:rsaEncryption:1.2.840.113549.1.1.1", ours, rsa.data(), nullptr},
                  {nullptr, nullptr, nullptr, nullptr}};
  }
};

const Tables& tables() {
  static const Tables all;
  return all;
}

const OSSL_ALGORITHM* query(void*, int operation, int* no_cache) {
  *no_cache = 0;
  if (operation == OSSL_OP_KEYMGMT) return tables().keys.data();
  if (operation == OSSL_OP_KDF) return key_schedule_algorithms();
  return operation == OSSL_OP_SIGNATURE ? tables().signatures.data() : nullptr;
}

int start_provider(const OSSL_CORE_HANDLE*, const OSSL_DISPATCH*, const OSSL_DISPATCH** functions, void** context) {
  static const Dispatch own{entry(OSSL_FUNC_PROVIDER_QUERY_OPERATION, query), {0, nullptr}};
  static int nothing = 0;
  *functions = own.data();
  *context = &nothing;  // OpenSSL wants one
  return 1;
}

/// The built-in provider stays the one that everything else is done by: what is ours has to be asked for. Both stay
/// loaded for the process's life.
bool load_provider() {
  if (!prepare_openssl() || OSSL_PROVIDER_add_builtin(nullptr, provider_name, start_provider) != 1 ||
      EVP_set_default_properties(nullptr, "?provider=default") != 1)
    return false;
  static const std::array loaded{OSSL_PROVIDER_load(nullptr, "default"), OSSL_PROVIDER_load(nullptr, provider_name)};
  return std::ranges::all_of(loaded, [](const OSSL_PROVIDER* provider) { return provider != nullptr; }) &&
         prepare_key_schedule();
}

}  // namespace

bool prepare_openssl() {
  static const bool ready = [] {
    // Only before OpenSSL has any memory; where it has, it keeps the C library's.
    CRYPTO_set_mem_functions(
        [](std::size_t octets, const char*, int) { return take_large_block(octets); },
        [](void* block, std::size_t octets, const char*, int) { return std::realloc(block, octets); },
        [](void* block, const char*, int) { give_large_block_back(block); });
    return OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr) == 1;
  }();
  return ready;
}

HandshakeSignature::Scope::Scope(HandshakeSignature& signature)
    : before_{std::exchange(current_signature, &signature)} {}
HandshakeSignature::Scope::~Scope() { current_signature = before_; }
HandshakeSignature* HandshakeSignature::current() { return current_signature; }

void HandshakeSignature::give_up() {
  if (!id_) return;
  signer_.forget(*std::exchange(id_, std::nullopt));
  signature_.emplace();
}

std::vector<std::uint8_t> HandshakeSignature::wait_for(const SignatureRequest& request) {
  if (ASYNC_get_current_job() == nullptr) return {};
  signature_.reset();
  id_ = signer_.sign(request, [this](std::vector<std::uint8_t> signature) {
    id_.reset();
    signature_ = std::move(signature);
    wake_();
  });
  if (!id_) return {};
  while (!signature_) {
    if (ASYNC_pause_job() != 1) return {};
  }
  return std::exchange(signature_, std::nullopt).value();
}

std::optional<KeyHash> hash_of_key(EVP_PKEY& key) {
  unsigned char* octets = nullptr;
  const int count = i2d_PUBKEY(&key, &octets);
  if (count <= 0) return std::nullopt;
  KeyHash hash{};
  SHA256(octets, static_cast<std::size_t>(count), hash.data());
  OPENSSL_free(octets);
  return hash;
}

KeyPointer remote_key_of(const X509& certificate) {
  static const bool loaded = load_provider();
  EVP_PKEY* half = X509_get0_pubkey(&certificate);
  if (!loaded || half == nullptr) return {};
  const char* kind = EVP_PKEY_is_a(half, "EC") == 1 ? "EC" : EVP_PKEY_is_a(half, "RSA") == 1 ? "RSA" : nullptr;
  OSSL_PARAM* params = nullptr;
  if (kind == nullptr || EVP_PKEY_todata(half, EVP_PKEY_PUBLIC_KEY, &params) <= 0) return {};
  const KeyContextPointer context{EVP_PKEY_CTX_new_from_name(nullptr, kind, ours)};
  EVP_PKEY* made = nullptr;
  if (context && EVP_PKEY_fromdata_init(context.get()) > 0)
    EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, params);
  OSSL_PARAM_free(params);
  return KeyPointer{made};
}

}  // namespace redoubt::transport
