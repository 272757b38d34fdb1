// keykeeper's TLS keys: what it signs and what it refuses, what its secret becomes, which files it takes.
#include "dnssec/tls/tls_keys.hpp"

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "dnssec/tls/handshake_shape.hpp"
#include "dnssec/tls/self_signed.hpp"

namespace redoubt::keykeeper {
namespace {

/// An empty file that nobody else has.
struct File {
  File() : descriptor{::memfd_create("secret", MFD_CLOEXEC)} {}
  ~File() { ::close(descriptor); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  std::string text() const {
    std::string octets(4096, '\0');
    octets.resize(static_cast<std::size_t>(::pread(descriptor, octets.data(), octets.size(), 0)));
    return octets;
  }
  void write(const std::string& octets) const {
    ASSERT_EQ(::ftruncate(descriptor, 0), 0);
    ASSERT_EQ(::pwrite(descriptor, octets.data(), octets.size(), 0), static_cast<ssize_t>(octets.size()));
  }
  int descriptor;
};

Octets certificate_verify(std::size_t hash_octets = 32) {
  Octets message(64, 0x20);
  const std::string_view context{"TLS 1.3, server CertificateVerify\0", 34};
  message.insert(message.end(), context.begin(), context.end());
  message.resize(message.size() + hash_octets, 0xab);
  return message;
}

Octets key_exchange(std::uint8_t curve = 29, std::size_t key_octets = 32) {
  Octets message(64, 0x11);
  message.insert(message.end(), {3, 0, curve, static_cast<std::uint8_t>(key_octets)});
  message.resize(message.size() + key_octets, 4);
  return message;
}

const std::vector<std::string> names{"dns.example"};
const std::vector<dns::IpAddress> addresses{*dns::IpAddress::from_text("192.0.2.1"),
                                            *dns::IpAddress::from_text("2001:db8::1")};

Certificate parsed(const Octets& der) {
  const unsigned char* at = der.data();
  return Certificate{d2i_X509(nullptr, &at, static_cast<long>(der.size()))};
}

KeyHash hash_in(const Octets& certificate) {
  unsigned char* octets = nullptr;
  const Certificate read = parsed(certificate);
  const int count = i2d_PUBKEY(X509_get0_pubkey(read.get()), &octets);
  KeyHash hash{};
  SHA256(octets, static_cast<std::size_t>(count), hash.data());
  OPENSSL_free(octets);
  return hash;
}

class TlsKeysTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(prepare_locked_memory()); }
};

TEST(HandshakeShape, takes_what_tls_servers_sign) {
  EXPECT_TRUE(is_server_handshake(certificate_verify(32)));
  EXPECT_TRUE(is_server_handshake(certificate_verify(48)));
  EXPECT_TRUE(is_server_handshake(key_exchange(29, 32)));
  EXPECT_TRUE(is_server_handshake(key_exchange(23, 65)));
  EXPECT_TRUE(is_server_handshake(key_exchange(24, 97)));
}

TEST(HandshakeShape, refuses_everything_else) {
  EXPECT_FALSE(is_server_handshake({}));
  EXPECT_FALSE(is_server_handshake(certificate_verify(20)));
  EXPECT_FALSE(is_server_handshake(certificate_verify(33)));
  Octets client = certificate_verify();
  client[64 + 9] = 'c';  // "TLS 1.3, client..." would be a client's
  EXPECT_FALSE(is_server_handshake(client));
  Octets spaces = certificate_verify();
  spaces[10] = 0x21;
  EXPECT_FALSE(is_server_handshake(spaces));
  EXPECT_FALSE(is_server_handshake(key_exchange(29, 33)));
  EXPECT_FALSE(is_server_handshake(key_exchange(30, 32)));
  Octets explicit_curve = key_exchange();
  explicit_curve[64] = 1;
  EXPECT_FALSE(is_server_handshake(explicit_curve));
  Octets longer = key_exchange();
  longer.push_back(0);
  EXPECT_FALSE(is_server_handshake(longer));
  EXPECT_FALSE(is_server_handshake(Octets(300, 0x30)));  // a certificate's beginning, say
}

TEST_F(TlsKeysTest, the_secret_is_made_once_and_found_again) {
  const File file;
  const auto made = Secret::from_file(file.descriptor);
  ASSERT_TRUE(made);
  const std::string text = file.text();
  EXPECT_EQ(text.size(), 48U);
  const auto found = Secret::from_file(file.descriptor);
  ASSERT_TRUE(found);
  EXPECT_EQ(file.text(), text);
  const LockedOctets one = made->derive("a", 32);
  const LockedOctets same = found->derive("a", 32);
  const LockedOctets other = found->derive("b", 32);
  EXPECT_TRUE(std::ranges::equal(one.octets(), same.octets()));
  EXPECT_FALSE(std::ranges::equal(one.octets(), other.octets()));
}

TEST_F(TlsKeysTest, a_file_that_holds_anything_else_is_left_as_it_is) {
  const File file;
  for (const std::string& text : {std::string("redoubt secret 1 short"), std::string(48, 'x'), std::string(49, 'y')}) {
    file.write(text);
    EXPECT_FALSE(Secret::from_file(file.descriptor));
    EXPECT_EQ(file.text(), text);
  }
}

TEST_F(TlsKeysTest, our_own_certificate_has_all_names_and_the_same_key_at_every_start) {
  const File file;
  const auto secret = Secret::from_file(file.descriptor);
  TlsKeys first;
  const auto certificate = first.self_signed(*secret, names, addresses, {});
  ASSERT_TRUE(certificate);
  const Certificate read = parsed(*certificate);
  EXPECT_EQ(X509_check_host(read.get(), "dns.example", 0, 0, nullptr), 1);
  EXPECT_EQ(X509_check_ip_asc(read.get(), "192.0.2.1", 0), 1);
  EXPECT_EQ(X509_check_ip_asc(read.get(), "2001:db8::1", 0), 1);
  EXPECT_EQ(X509_verify(read.get(), X509_get0_pubkey(read.get())), 1);
  EXPECT_EQ(X509_check_ca(read.get()), 0);
  TlsKeys second;
  EXPECT_EQ(second.self_signed(*secret, names, addresses, *certificate), *certificate);  // the former one will do
  const auto other = second.self_signed(*secret, {}, addresses, *certificate);           // not for other names
  ASSERT_TRUE(other);
  EXPECT_NE(*other, *certificate);
  EXPECT_EQ(hash_in(*other), hash_in(*certificate));
}

TEST_F(TlsKeysTest, a_former_certificate_of_another_key_will_not_do) {
  const File one;
  const File two;
  TlsKeys keys;
  const auto foreign = keys.self_signed(*Secret::from_file(one.descriptor), names, addresses, {});
  const auto own = keys.self_signed(*Secret::from_file(two.descriptor), names, addresses, *foreign);
  ASSERT_TRUE(own);
  EXPECT_NE(hash_in(*own), hash_in(*foreign));
}

TEST_F(TlsKeysTest, names_that_cannot_stand_in_a_certificate_are_refused) {
  const File file;
  const auto secret = Secret::from_file(file.descriptor);
  TlsKeys keys;
  EXPECT_FALSE(keys.self_signed(*secret, {}, {}, {}));
  EXPECT_FALSE(keys.self_signed(*secret, std::vector<std::string>{"a b"}, {}, {}));
  EXPECT_FALSE(keys.self_signed(*secret, std::vector<std::string>{std::string("a\0b", 3)}, {}, {}));
}

TEST_F(TlsKeysTest, handshakes_are_signed_and_nothing_else_is) {
  const File file;
  TlsKeys keys;
  const auto certificate = keys.self_signed(*Secret::from_file(file.descriptor), names, addresses, {});
  const KeyHash hash = hash_in(*certificate);
  const Octets message = certificate_verify();
  const Octets signature = keys.sign(hash, 0x0403, message);
  ASSERT_FALSE(signature.empty());
  const Certificate read = parsed(*certificate);
  const DigestContext context{EVP_MD_CTX_new()};
  ASSERT_EQ(EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, X509_get0_pubkey(read.get())), 1);
  EXPECT_EQ(EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(), message.size()), 1);
  EXPECT_TRUE(keys.sign(hash, 0x0403, Octets{1, 2, 3}).empty());
  EXPECT_TRUE(keys.sign(hash, 0x0804, message).empty());  // RSA, with an EC key
  EXPECT_TRUE(keys.sign(hash, 0x0203, message).empty());  // SHA-1
  KeyHash unknown = hash;
  unknown[0] ^= 1U;
  EXPECT_TRUE(keys.sign(unknown, 0x0403, message).empty());
}

struct Pem {
  std::string certificate;
  std::string key;
};

Pem pem_of(EVP_PKEY* key) {
  const Octets der = *self_signed_certificate(*key, names, addresses, {});
  const Bio out{BIO_new(BIO_s_mem())};
  PEM_write_bio_X509(out.get(), parsed(der).get());
  char* text = nullptr;
  long octets = BIO_get_mem_data(out.get(), &text);
  Pem pem{std::string(text, static_cast<std::size_t>(octets)), {}};
  const Bio key_out{BIO_new(BIO_s_mem())};
  PEM_write_bio_PrivateKey(key_out.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  octets = BIO_get_mem_data(key_out.get(), &text);
  pem.key.assign(text, static_cast<std::size_t>(octets));
  return pem;
}

std::span<const std::uint8_t> octets_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// The context of the signature before is used again.
TEST_F(TlsKeysTest, the_same_key_signs_again_with_each_scheme_in_turn) {
  for (EVP_PKEY* made : {EVP_EC_gen("P-256"), EVP_RSA_gen(2048)}) {
    const Key key{made};
    const Pem pem = pem_of(made);
    TlsKeys keys;
    const auto chain = keys.take(octets_of(pem.certificate), octets_of(pem.key));
    ASSERT_TRUE(chain);
    const bool rsa = EVP_PKEY_is_a(made, "RSA") == 1;
    for (const int scheme : {0, 1, 0, 0, 1, 1, 0}) {
      const auto number = static_cast<std::uint16_t>(rsa ? 0x0804 + scheme : 0x0403 + 0x100 * scheme);
      Octets message = certificate_verify();
      const Octets signature = keys.sign(hash_in(chain->front()), number, message);
      const DigestContext context{EVP_MD_CTX_new()};
      EVP_PKEY_CTX* how = nullptr;
      ASSERT_EQ(EVP_DigestVerifyInit(context.get(), &how, scheme == 0 ? EVP_sha256() : EVP_sha384(), nullptr, made), 1);
      if (rsa) {
        ASSERT_EQ(EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PSS_PADDING), 1);
      }
      EXPECT_EQ(EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(), message.size()), 1)
          << std::hex << number;
    }
  }
}

TEST_F(TlsKeysTest, files_of_each_kind_of_key_are_taken) {
  for (EVP_PKEY* made : {EVP_EC_gen("P-256"), EVP_EC_gen("P-384"), EVP_RSA_gen(2048)}) {
    const Key key{made};
    const Pem pem = pem_of(made);
    TlsKeys keys;
    const auto chain = keys.take(octets_of(pem.certificate + pem.certificate), octets_of(pem.key));
    ASSERT_TRUE(chain) << chain.error();
    EXPECT_EQ(chain->size(), 2U);
    const bool rsa = EVP_PKEY_is_a(made, "RSA") == 1;
    EXPECT_FALSE(keys.sign(hash_in(chain->front()), rsa ? 0x0804 : 0x0403, certificate_verify()).empty());
    if (!rsa) continue;
    EXPECT_FALSE(keys.sign(hash_in(chain->front()), 0x0401, key_exchange()).empty());
    EXPECT_TRUE(keys.sign(hash_in(chain->front()), 0x0401, certificate_verify()).empty());  // PKCS #1 is TLS 1.2's
  }
}

TEST_F(TlsKeysTest, files_that_do_not_fit_are_refused_without_a_word_of_their_content) {
  const Key one{EVP_EC_gen("P-256")};
  const Key two{EVP_EC_gen("P-256")};
  const Key weak{EVP_RSA_gen(1024)};
  const Key odd{EVP_EC_gen("P-521")};
  TlsKeys keys;
  const auto trouble = [&](const std::string& certificate, const std::string& key) {
    const auto chain = keys.take(octets_of(certificate), octets_of(key));
    return chain ? std::string{} : chain.error();
  };
  EXPECT_EQ(trouble(pem_of(one.get()).certificate, pem_of(two.get()).key), "the key is not this certificate's");
  EXPECT_NE(trouble("root:x:0:0:root:/root:/bin/bash", pem_of(one.get()).key), "");
  EXPECT_EQ(trouble("root:x:0:0:root", "secret").find("root:x"), std::string::npos);
  EXPECT_NE(trouble(pem_of(one.get()).certificate, "secret"), "");
  EXPECT_NE(trouble(pem_of(weak.get()).certificate, pem_of(weak.get()).key), "");
  EXPECT_NE(trouble(pem_of(odd.get()).certificate, pem_of(odd.get()).key), "");
  EXPECT_EQ(keys.size(), 0U);
}

TEST_F(TlsKeysTest, few_keys_are_held_at_a_time_the_newest) {
  TlsKeys keys;
  std::vector<KeyHash> hashes;
  for (std::size_t i = 0; i < max_tls_keys + 2; ++i) {
    const Key key{EVP_EC_gen("P-256")};
    const Pem pem = pem_of(key.get());
    hashes.push_back(hash_in(keys.take(octets_of(pem.certificate), octets_of(pem.key)).value().front()));
  }
  EXPECT_EQ(keys.size(), max_tls_keys);
  EXPECT_TRUE(keys.sign(hashes.front(), 0x0403, certificate_verify()).empty());
  EXPECT_FALSE(keys.sign(hashes.back(), 0x0403, certificate_verify()).empty());
}

}  // namespace
}  // namespace redoubt::keykeeper
