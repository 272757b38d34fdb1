#include "transport/tls/manner.hpp"

namespace redoubt::transport {

namespace {

// RFC 9325 §4.2: forward secrecy and authenticated encryption, nothing else. AES-128 first: the cheapest that is
// strong.
constexpr const char* tls13_suites = "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384";
constexpr const char* tls12_suites =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:"
    "ECDHE-RSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384";
constexpr const char* groups = "X25519:P-256:P-384";
constexpr const char* signature_schemes =
    "ecdsa_secp256r1_sha256:ecdsa_secp384r1_sha384:rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:rsa_pss_rsae_sha512:"
    "rsa_pkcs1_sha256:rsa_pkcs1_sha384:rsa_pkcs1_sha512";

/// What SSL_CTX_set1_groups_list() and the like are, whose casts drop a const.
bool set_list(SSL_CTX& context, int which, const char* list) {
  return SSL_CTX_ctrl(&context, which, 0, const_cast<char*>(list)) == 1;  // NOLINT: only read
}

}  // namespace

bool set_manner(SSL_CTX& context) {
  SSL_CTX_set_options(&context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(&context,
                   SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(&context, 1);  // one read brings records whole
  return SSL_CTX_set_min_proto_version(&context, TLS1_2_VERSION) == 1 &&
         SSL_CTX_set_ciphersuites(&context, tls13_suites) == 1 &&
         SSL_CTX_set_cipher_list(&context, tls12_suites) == 1 && set_list(context, SSL_CTRL_SET_GROUPS_LIST, groups) &&
         set_list(context, SSL_CTRL_SET_SIGALGS_LIST, signature_schemes);
}

}  // namespace redoubt::transport
