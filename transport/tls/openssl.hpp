#pragma once
// OpenSSL's objects with owners.
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>

namespace redoubt::transport {

template <auto release>
struct Release {
  template <class T>
  void operator()(T* object) const {
    release(object);
  }
};
using SslPointer = std::unique_ptr<SSL, Release<SSL_free>>;
using SslContextPointer = std::unique_ptr<SSL_CTX, Release<SSL_CTX_free>>;
using KeyPointer = std::unique_ptr<EVP_PKEY, Release<EVP_PKEY_free>>;
using KeyContextPointer = std::unique_ptr<EVP_PKEY_CTX, Release<EVP_PKEY_CTX_free>>;
using CertificatePointer = std::unique_ptr<X509, Release<X509_free>>;

/// Once, before anything else of OpenSSL: no configuration file is read, whatever the environment says.
bool prepare_openssl();

}  // namespace redoubt::transport
