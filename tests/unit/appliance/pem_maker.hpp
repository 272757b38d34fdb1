#pragma once
// Certificates and keys in PEM, made for a test.
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <string>

#include "dnssec/tls/objects.hpp"

namespace redoubt::test {

struct Pem {
  std::string certificate;
  std::string key;
};

inline std::string text_in(const keykeeper::Bio& bio) {
  char* text = nullptr;
  const long octets = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<std::size_t>(octets)};
}

/// Self-signed, with a key of its own. days < 0: it has expired.
inline Pem make_pem(int days = 90) {
  const keykeeper::Key key{EVP_EC_gen("P-256")};
  const keykeeper::Certificate certificate{X509_new()};
  X509_set_version(certificate.get(), X509_VERSION_3);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -400L * 86400);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), days * 86400L);
  X509_set_pubkey(certificate.get(), key.get());
  X509_sign(certificate.get(), key.get(), EVP_sha256());
  const keykeeper::Bio out{BIO_new(BIO_s_mem())};
  PEM_write_bio_X509(out.get(), certificate.get());
  const keykeeper::Bio key_out{BIO_new(BIO_s_mem())};
  PEM_write_bio_PrivateKey(key_out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  return {text_in(out), text_in(key_out)};
}

}  // namespace redoubt::test
