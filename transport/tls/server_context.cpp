#include "transport/tls/server_context.hpp"

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <array>
#include <cstring>
#include <string_view>
#include <utility>

#include "transport/tls/client_authorities.hpp"
#include "transport/tls/key_provider.hpp"
#include "transport/tls/key_schedule.hpp"
#include "transport/tls/manner.hpp"

namespace redoubt::transport {

namespace {

// RFC 7301 §3.1: each name with its length in front.
constexpr std::string_view dot{"\3dot"};
constexpr std::string_view doh{"\2h2\10http/1.1"};

/// Of those the client offers, the first of ours. A DoT client that offers others is served without (RFC 7858 knows no
/// ALPN); an HTTP client that knows neither version is told so.
int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* octets, const unsigned char* offered,
                    unsigned int offered_octets, void* known) {
  const auto& ours = *static_cast<const std::string_view*>(known);
  unsigned char* found = nullptr;
  const int result =
      SSL_select_next_proto(&found, octets, reinterpret_cast<const unsigned char*>(ours.data()),  // NOLINT: the API's
                            static_cast<unsigned>(ours.size()), offered, offered_octets);
  *chosen = found;
  if (result == OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_OK;
  return &ours == &dot ? SSL_TLSEXT_ERR_NOACK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

int tickets_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

const EVP_CIPHER* ticket_cipher() {
  static EVP_CIPHER* cipher = EVP_CIPHER_fetch(nullptr, "AES-256-CBC", nullptr);  // for the process's life
  return cipher;
}

bool set_mac_key(EVP_MAC_CTX* mac, const TicketKey& key) {
  std::array<char, 7> digest{"SHA256"};
  const std::array params{
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, const_cast<std::uint8_t*>(key.mac.data()),  // NOLINT
                                        key.mac.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0), OSSL_PARAM_construct_end()};
  return EVP_MAC_CTX_set_params(mac, params.data()) == 1;
}

/// OpenSSL's callback: 1 sealed or opened, 2 opened and a new one is due, 0 no such key (a whole handshake follows), -1
/// trouble. Clients of TLS 1.3 use a ticket once (RFC 8446 §C.4): without a new one each second connection would cost a
/// signature.
int ticket_keys(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
                int sealing) {
  auto* keys = static_cast<TicketKeys*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), tickets_index()));
  const Clock::time_point now = Clock::now();
  const TicketKey* key =
      sealing != 0 ? keys->current(now) : keys->find(std::span<const std::uint8_t, 16>{name, 16}, now);
  if (key == nullptr) return sealing != 0 ? -1 : 0;
  if (!set_mac_key(mac, *key)) return -1;
  if (sealing == 0) {
    if (EVP_DecryptInit_ex(cipher, ticket_cipher(), nullptr, key->cipher.data(), iv) != 1) return -1;
    return SSL_version(ssl) == TLS1_3_VERSION ? 2 : 1;
  }
  std::memcpy(name, key->name.data(), key->name.size());
  if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(ticket_cipher())) != 1) return -1;
  return EVP_EncryptInit_ex(cipher, ticket_cipher(), nullptr, key->cipher.data(), iv) == 1 ? 1 : -1;
}

std::string set_up(SSL_CTX& context, Protocol protocol, TicketKeys& tickets) {
  SSL_CTX_set_options(&context, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  // The chain is the one that we were given; else OpenSSL would verify the certificate in each handshake, to find one.
  SSL_CTX_set_mode(&context, SSL_MODE_ASYNC | SSL_MODE_NO_AUTO_CHAIN);
  SSL_CTX_set_session_cache_mode(&context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(&context, 1);
  SSL_CTX_set_timeout(&context, std::chrono::seconds{ticket_time}.count());
  const std::string_view& known = protocol == Protocol::https ? doh : dot;
  SSL_CTX_set_alpn_select_cb(&context, choose_protocol, const_cast<std::string_view*>(&known));  // NOLINT
  SSL_CTX_set_ex_data(&context, tickets_index(), &tickets);
  SSL_CTX_set_tlsext_ticket_key_evp_cb(&context, ticket_keys);
  ClientAuthorities::prepare(context);
  const bool good =
      set_manner(context) &&
      SSL_CTX_set_session_id_context(&context, reinterpret_cast<const unsigned char*>(known.data()),  // NOLINT
                                     static_cast<unsigned>(known.size())) == 1;
  return good ? std::string{} : "TLS cannot be set up";
}

CertificatePointer certificate_from(std::span<const std::uint8_t> der) {
  const unsigned char* at = der.data();
  CertificatePointer certificate{d2i_X509(nullptr, &at, static_cast<long>(der.size()))};
  if (certificate && at != der.data() + der.size()) certificate.reset();
  return certificate;
}

std::string use_chain(SSL_CTX& context, const CertificateChain& chain) {
  for (std::size_t i = 0; i < chain.size(); ++i) {
    CertificatePointer certificate = certificate_from(chain[i]);
    if (!certificate) return "the certificate cannot be read";
    if (i > 0) {
      if (SSL_CTX_add0_chain_cert(&context, certificate.get()) != 1) return "the certificate's chain cannot be used";
      static_cast<void>(certificate.release());  // the context's now
      continue;
    }
    const KeyPointer key = remote_key_of(*certificate);
    if (!key) return "the certificate's key is of a kind that is not supported: EC and RSA are";
    if (SSL_CTX_use_certificate(&context, certificate.get()) != 1 || SSL_CTX_use_PrivateKey(&context, key.get()) != 1)
      return "the certificate's key is too weak, or of a curve that TLS does not use";
  }
  return chain.empty() ? "there is no certificate" : std::string{};
}

}  // namespace

std::expected<std::shared_ptr<ServerContext>, std::string> ServerContext::make(Protocol protocol,
                                                                               const CertificateChain& chain,
                                                                               TicketKeys& tickets) {
  if (!prepare_openssl()) return std::unexpected{std::string{"OpenSSL cannot be used"}};
  SslContextPointer context{SSL_CTX_new_ex(nullptr, our_key_schedule, TLS_server_method())};
  if (!context) return std::unexpected{std::string{"TLS cannot be set up"}};
  std::string trouble = set_up(*context, protocol, tickets);
  if (trouble.empty()) trouble = use_chain(*context, chain);
  if (!trouble.empty()) return std::unexpected{std::move(trouble)};
  return std::shared_ptr<ServerContext>{new ServerContext{std::move(context)}};
}

void ServerContext::use_for_names(std::vector<std::shared_ptr<const ServerContext>> others) {
  others_ = std::move(others);
  // What SSL_CTX_set_tlsext_servername_callback() and _arg() are, without their casts.
  SSL_CTX_callback_ctrl(context_.get(), SSL_CTRL_SET_TLSEXT_SERVERNAME_CB,
                        reinterpret_cast<void (*)()>(choose_by_name));  // NOLINT: the API's way
  SSL_CTX_ctrl(context_.get(), SSL_CTRL_SET_TLSEXT_SERVERNAME_ARG, 0, this);
}

bool ServerContext::has_name(const std::string& host) const {
  return X509_check_host(SSL_CTX_get0_certificate(context_.get()), host.data(), host.size(),
                         X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, nullptr) == 1;
}

/// A name that nobody has is no reason to turn a client away: clients that only encrypt ask for any.
int ServerContext::choose_by_name(SSL* ssl, int*, void* self) {
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (name == nullptr) return SSL_TLSEXT_ERR_NOACK;
  const auto& all = *static_cast<const ServerContext*>(self);
  const std::string host{name};
  if (all.has_name(host)) return SSL_TLSEXT_ERR_OK;
  for (const auto& other : all.others_) {
    if (!other->has_name(host)) continue;
    return SSL_set_SSL_CTX(ssl, other->context_.get()) == nullptr ? SSL_TLSEXT_ERR_ALERT_FATAL : SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_NOACK;
}

SslPointer ServerContext::open() const {
  SslPointer ssl{SSL_new(context_.get())};
  if (ssl) SSL_set_accept_state(ssl.get());
  return ssl;
}

}  // namespace redoubt::transport
