#include "dnssec/tls/self_signed.hpp"

#include <openssl/core_names.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <utility>

namespace redoubt::keykeeper {

namespace {

using GeneralNames = std::unique_ptr<GENERAL_NAMES, Release<GENERAL_NAMES_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Release<X509_EXTENSION_free>>;

constexpr std::string_view purpose{"redoubt: key of the self-signed TLS certificate, P-256, 1"};
/// 128 bits more than the group's order has: what is left of the bias cannot be seen (FIPS 186-5 A.2.1).
constexpr std::size_t wide_octets = 48;
/// A clock that is a day late still finds it valid.
constexpr long day = 86'400;

/// A number from 1 to the order less one.
Number scalar_from(const LockedOctets& wide, const EC_GROUP& group) {
  Number number{BN_secure_new()};
  Number limit{BN_dup(EC_GROUP_get0_order(&group))};
  Number result{BN_secure_new()};
  BN_CTX* context = BN_CTX_secure_new();
  const bool good = number && limit && result && context != nullptr &&
                    BN_bin2bn(wide.octets().data(), static_cast<int>(wide.octets().size()), number.get()) != nullptr &&
                    BN_sub_word(limit.get(), 1) == 1 && (BN_set_flags(number.get(), BN_FLG_CONSTTIME), true) &&
                    BN_mod(result.get(), number.get(), limit.get(), context) == 1 && BN_add_word(result.get(), 1) == 1;
  BN_CTX_free(context);
  if (!good) return {};
  BN_set_flags(result.get(), BN_FLG_CONSTTIME);
  return result;
}

bool add_name(GENERAL_NAMES& names, int type, std::span<const std::uint8_t> octets) {
  GENERAL_NAME* name = GENERAL_NAME_new();
  ASN1_STRING* value = type == GEN_IPADD ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();
  if (name == nullptr || value == nullptr ||
      ASN1_STRING_set(value, octets.data(), static_cast<int>(octets.size())) != 1) {
    GENERAL_NAME_free(name);
    ASN1_STRING_free(value);
    return false;
  }
  GENERAL_NAME_set0_value(name, type, value);
  if (sk_GENERAL_NAME_push(&names, name) > 0) return true;
  GENERAL_NAME_free(name);
  return false;
}

bool is_host_name(std::string_view name) {
  const auto fits = [](char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9') || letter == '-' || letter == '.' ||
           letter == '_';
  };
  return !name.empty() && name.size() <= 253 && std::ranges::all_of(name, fits);
}

Extension alternative_names(std::span<const std::string> names, std::span<const dns::IpAddress> addresses) {
  const GeneralNames all{GENERAL_NAMES_new()};
  bool good = all != nullptr;
  for (const std::string& name : names) {
    const std::span octets{reinterpret_cast<const std::uint8_t*>(name.data()), name.size()};  // NOLINT: its octets
    good = good && is_host_name(name) && add_name(*all, GEN_DNS, octets);
  }
  for (const dns::IpAddress& address : addresses) good = good && add_name(*all, GEN_IPADD, address.octets());
  if (!good || sk_GENERAL_NAME_num(all.get()) == 0) return {};
  return Extension{X509V3_EXT_i2d(NID_subject_alt_name, 0, all.get())};
}

bool add_extension(X509& certificate, int kind, const char* value) {
  const Extension extension{X509V3_EXT_conf_nid(nullptr, nullptr, kind, value)};
  return extension && X509_add_ext(&certificate, extension.get(), -1) == 1;
}

bool still_fits(const X509& former, EVP_PKEY& key, X509_EXTENSION& names) {
  const int at = X509_get_ext_by_NID(&former, NID_subject_alt_name, -1);
  if (at < 0 || EVP_PKEY_eq(X509_get0_pubkey(&former), &key) != 1) return false;
  const ASN1_OCTET_STRING* had = X509_EXTENSION_get_data(X509_get_ext(&former, at));
  if (ASN1_OCTET_STRING_cmp(had, X509_EXTENSION_get_data(&names)) != 0) return false;
  std::time_t later = std::time(nullptr) + std::chrono::seconds{self_signed_left}.count();
  return X509_cmp_time(X509_get0_notAfter(&former), &later) > 0 &&
         X509_cmp_current_time(X509_get0_notBefore(&former)) < 0;
}

bool set_random_serial(X509& certificate) {
  std::array<std::uint8_t, 16> octets{};
  if (RAND_bytes(octets.data(), static_cast<int>(octets.size())) != 1) return false;
  octets[0] = static_cast<std::uint8_t>((octets[0] & 0x7fU) | 0x40U);  // positive (RFC 5280 §4.1.2.2)
  const Number serial{BN_bin2bn(octets.data(), static_cast<int>(octets.size()), nullptr)};
  return serial && BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(&certificate)) != nullptr;
}

bool fill(X509& certificate, EVP_PKEY& key, X509_EXTENSION& names) {
  X509_NAME* subject = X509_get_subject_name(&certificate);
  const auto* title = reinterpret_cast<const unsigned char*>("Redoubt");  // NOLINT: the API's way
  return X509_set_version(&certificate, X509_VERSION_3) == 1 && set_random_serial(certificate) &&
         X509_gmtime_adj(X509_getm_notBefore(&certificate), -day) != nullptr &&
         X509_gmtime_adj(X509_getm_notAfter(&certificate), std::chrono::seconds{self_signed_time}.count()) != nullptr &&
         X509_set_pubkey(&certificate, &key) == 1 &&
         X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, title, -1, -1, 0) == 1 &&
         X509_set_issuer_name(&certificate, subject) == 1 && X509_add_ext(&certificate, &names, -1) == 1 &&
         add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE") &&
         add_extension(certificate, NID_key_usage, "critical,digitalSignature") &&
         add_extension(certificate, NID_ext_key_usage, "serverAuth");
}

}  // namespace

Key derived_key(const Secret& secret) {
  const LockedOctets wide = secret.derive(purpose, wide_octets);
  const Group group{EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1)};
  if (!wide || !group) return {};
  const Number scalar = scalar_from(wide, *group);
  const Point point{EC_POINT_new(group.get())};
  if (!scalar || !point || EC_POINT_mul(group.get(), point.get(), scalar.get(), nullptr, nullptr, nullptr) != 1)
    return {};
  std::array<std::uint8_t, 65> half{};
  if (EC_POINT_point2oct(group.get(), point.get(), POINT_CONVERSION_UNCOMPRESSED, half.data(), half.size(), nullptr) !=
      half.size())
    return {};
  const ParamBuilder builder{OSSL_PARAM_BLD_new()};
  if (!builder || OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, scalar.get()) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, half.data(), half.size()) != 1)
    return {};
  const Params params{OSSL_PARAM_BLD_to_param(builder.get())};
  const KeyContext context{EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr)};
  EVP_PKEY* made = nullptr;
  if (params && context && EVP_PKEY_fromdata_init(context.get()) > 0)
    EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_KEYPAIR, params.get());
  return Key{made};
}

std::expected<Octets, std::string> self_signed_certificate(EVP_PKEY& key, std::span<const std::string> names,
                                                           std::span<const dns::IpAddress> addresses,
                                                           std::span<const std::uint8_t> former) {
  const Extension alternatives = alternative_names(names, addresses);
  if (!alternatives) return std::unexpected{std::string{"a certificate needs names or addresses that can be written"}};
  if (!former.empty()) {
    const unsigned char* at = former.data();
    const Certificate read{d2i_X509(nullptr, &at, static_cast<long>(former.size()))};
    if (read && at == former.data() + former.size() && still_fits(*read, key, *alternatives))
      return Octets{former.begin(), former.end()};
  }
  const Certificate certificate{X509_new()};
  if (!certificate || !fill(*certificate, key, *alternatives) || X509_sign(certificate.get(), &key, EVP_sha256()) <= 0)
    return std::unexpected{std::string{"the certificate cannot be made"}};
  unsigned char* der = nullptr;
  const int count = i2d_X509(certificate.get(), &der);
  if (count <= 0) return std::unexpected{std::string{"the certificate cannot be written"}};
  Octets octets{der, der + count};
  OPENSSL_free(der);
  if (octets.size() > max_certificate) return std::unexpected{std::string{"too many names for one certificate"}};
  return octets;
}

}  // namespace redoubt::keykeeper
