// TLS 1.3's key schedule by our own hand, beside the one that OpenSSL has built in.
#include "transport/tls/key_schedule.hpp"

#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/provider.h>

#include <random>
#include <string>

#include "tests/unit/transport/tls_fixture.hpp"

namespace redoubt::transport::test {
namespace {

constexpr int extracts = EVP_KDF_HKDF_MODE_EXTRACT_ONLY;
constexpr int expands = EVP_KDF_HKDF_MODE_EXPAND_ONLY;

struct Wanted {
  int mode = expands;
  std::string digest = "SHA256";
  std::optional<Octets> key = {};
  std::optional<Octets> salt = {};
  std::string label = "derived";
  std::optional<Octets> data = {};
  std::size_t octets = 32;
};

/// By the way that `properties` choose; nothing where that refuses.
std::optional<Octets> derived(Wanted wanted, const char* properties) {
  EVP_KDF* method = EVP_KDF_fetch(nullptr, OSSL_KDF_NAME_TLS1_3_KDF, properties);
  EVP_KDF_CTX* context = EVP_KDF_CTX_new(method);
  EVP_KDF_free(method);
  std::string prefix = "tls13 ";
  std::vector<OSSL_PARAM> params{
      OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &wanted.mode),
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, wanted.digest.data(), 0),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PREFIX, prefix.data(), prefix.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_LABEL, wanted.label.data(), wanted.label.size())};
  const auto put = [&](const char* name, std::optional<Octets>& octets) {
    if (octets) params.push_back(OSSL_PARAM_construct_octet_string(name, octets->data(), octets->size()));
  };
  put(OSSL_KDF_PARAM_KEY, wanted.key);
  put(OSSL_KDF_PARAM_SALT, wanted.salt);
  put(OSSL_KDF_PARAM_DATA, wanted.data);
  params.push_back(OSSL_PARAM_construct_end());
  Octets into(wanted.octets);
  const bool good = EVP_KDF_derive(context, into.data(), into.size(), params.data()) == 1;
  EVP_KDF_CTX_free(context);
  return good ? std::optional{into} : std::nullopt;
}

Octets from_hex(std::string_view text) {
  Octets octets;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2)
    octets.push_back(static_cast<std::uint8_t>(std::stoul(std::string{text.substr(i, 2)}, nullptr, 16)));
  return octets;
}

/// The provider is loaded with the first certificate.
class KeyScheduleTest : public TlsServerTest {
 protected:
  void SetUp() override { serve(KeyKind::p256, Protocol::tls); }

  Octets random_octets(std::size_t count) {
    Octets octets(count);
    for (std::uint8_t& octet : octets) octet = static_cast<std::uint8_t>(dice_());
    return octets;
  }
  static constexpr const char* builtin = "provider=default";
  std::mt19937 dice_{4711};
};

TEST_F(KeyScheduleTest, extracts_the_secrets_of_rfc_8448) {
  const auto early = derived({.mode = extracts}, our_key_schedule);
  ASSERT_TRUE(early);
  EXPECT_EQ(*early, from_hex("33ad0a1c607ec03b09e6cd9893680ce210adf300aa1f2660e1b22e10f170f92a"));
  const auto handshake = derived({.mode = extracts,
                                  .key = from_hex("8bd4054fb55b9d63fdfbacf9f04b9f0d35e6d63f537563efd46272900f89492d"),
                                  .salt = early},
                                 our_key_schedule);
  ASSERT_TRUE(handshake);
  EXPECT_EQ(*handshake, from_hex("1dc826e93606aa6fdc0aadc12f741b01046aa6b99f691ed221a9f0ca043fbeac"));
}

TEST_F(KeyScheduleTest, derives_what_the_built_in_one_derives) {
  for (const auto& [digest, octets] : {std::pair{"SHA256", 32U}, {"SHA2-256", 32U}, {"SHA384", 48U}}) {
    for (unsigned i = 0; i < 50; ++i) {
      Wanted wanted{.digest = digest,
                    .key = random_octets(octets),
                    .label = std::string(1 + dice_() % 200, 'l'),
                    .octets = 1 + dice_() % octets};
      if (i % 2 == 0) wanted.data = random_octets(dice_() % 100);
      EXPECT_EQ(derived(wanted, our_key_schedule), derived(wanted, builtin));
      Wanted next{.mode = extracts, .digest = digest, .octets = octets};
      if (i % 3 != 0) next.key = random_octets(octets);
      if (i % 4 != 0) next.salt = random_octets(octets);
      EXPECT_EQ(derived(next, our_key_schedule), derived(next, builtin));
      EXPECT_TRUE(derived(next, our_key_schedule));
    }
  }
}

TEST_F(KeyScheduleTest, refuses_what_tls_does_not_ask_for) {
  const Octets secret(32, 7);
  EXPECT_TRUE(derived({.key = secret}, our_key_schedule));
  EXPECT_FALSE(derived({}, our_key_schedule));  // without a secret
  EXPECT_FALSE(derived({.key = Octets(31, 7)}, our_key_schedule));
  EXPECT_FALSE(derived({.digest = "SHA512", .key = secret}, our_key_schedule));
  EXPECT_FALSE(derived({.key = secret, .octets = 33}, our_key_schedule));
  EXPECT_FALSE(derived({.key = secret, .label = std::string(250, 'l')}, our_key_schedule));
  EXPECT_FALSE(derived({.key = secret, .data = Octets(256, 7)}, our_key_schedule));
  EXPECT_FALSE(derived({.mode = 0, .key = secret}, our_key_schedule));
  EXPECT_FALSE(derived({.mode = extracts, .salt = Octets(33, 7)}, our_key_schedule));
}

TEST_F(KeyScheduleTest, handshakes_of_1_3_derive_by_it_and_nothing_else_is_ours) {
  const std::uint64_t before = secrets_derived();
  TlsPeer peer{at_, {.least = TLS1_3_VERSION}};
  ASSERT_TRUE(established(peer));
  EXPECT_GE(secrets_derived() - before, 15U);
  EVP_KEYMGMT* keys = EVP_KEYMGMT_fetch(nullptr, "EC", our_key_schedule);
  ASSERT_NE(keys, nullptr);
  EXPECT_STREQ(OSSL_PROVIDER_get0_name(EVP_KEYMGMT_get0_provider(keys)), "default");
  EVP_KEYMGMT_free(keys);
}

}  // namespace
}  // namespace redoubt::transport::test
