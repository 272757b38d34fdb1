#include "transport/tls/client_authorities.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include <string_view>
#include <utility>

namespace redoubt::transport {

namespace {

using Held = std::shared_ptr<const ClientAuthorities>;
void free_held(void*, void* held, CRYPTO_EX_DATA*, int, long, void*) { delete static_cast<Held*>(held); }
int held_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, free_held);
  return index;
}

/// Of one that was good when it was shown.
bool has_expired(const X509& certificate) { return X509_cmp_current_time(X509_get0_notAfter(&certificate)) <= 0; }

struct FreeNames {
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
};

}  // namespace

std::shared_ptr<const ClientAuthorities> ClientAuthorities::make(
    const std::vector<std::vector<std::uint8_t>>& authorities, bool required) {
  auto made = std::make_shared<ClientAuthorities>();
  made->required_ = required;
  made->trusted_.reset(sk_X509_new_null());
  std::vector<std::uint8_t> all;
  for (const auto& der : authorities) {
    const unsigned char* at = der.data();
    CertificatePointer certificate{d2i_X509(nullptr, &at, static_cast<long>(der.size()))};
    if (!certificate || !made->trusted_ || sk_X509_push(made->trusted_.get(), certificate.get()) == 0) return nullptr;
    static_cast<void>(certificate.release());  // the stack's now
    all.insert(all.end(), der.begin(), der.end());
  }
  made->digest_.resize(SSL_MAX_SID_CTX_LENGTH);
  unsigned int octets = 0;
  static_assert(SSL_MAX_SID_CTX_LENGTH == 32);  // of SHA-256
  if (EVP_Digest(all.data(), all.size(), made->digest_.data(), &octets, EVP_sha256(), nullptr) != 1) return nullptr;
  // Whoever resumed where a certificate is optional has not shown one where it is required.
  made->digest_[0] = static_cast<std::uint8_t>((made->digest_[0] & 0xfeU) | (required ? 1U : 0U));
  return authorities.empty() ? nullptr : made;
}

void ClientAuthorities::prepare(SSL_CTX& context) {
  SSL_CTX_set_cert_verify_callback(&context, verify, nullptr);
  SSL_CTX_set_session_ticket_cb(&context, nullptr, judge_ticket, nullptr);
  SSL_CTX_set_max_cert_list(&context, max_client_certificates_octets);
}

const ClientAuthorities* ClientAuthorities::of(const SSL* ssl) {
  const auto* held = static_cast<Held*>(SSL_get_ex_data(ssl, held_index()));
  return held == nullptr ? nullptr : held->get();
}

bool ClientAuthorities::set_up(SSL& ssl, Held authorities) {
  const ClientAuthorities& wanted = *authorities;
  auto held = std::make_unique<Held>(std::move(authorities));
  if (SSL_set_ex_data(&ssl, held_index(), held.get()) != 1) return false;
  static_cast<void>(held.release());  // the SSL's now
  for (int i = 0; i < sk_X509_num(wanted.trusted_.get()); ++i) {
    if (SSL_add_client_CA(&ssl, sk_X509_value(wanted.trusted_.get(), i)) != 1) return false;
  }
  SSL_set_verify(&ssl, SSL_VERIFY_PEER | (wanted.required_ ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), nullptr);
  return SSL_set_session_id_context(&ssl, wanted.digest_.data(), static_cast<unsigned>(wanted.digest_.size())) == 1;
}

/// Called when a client shows a certificate, which it does only where it was asked for one.
int ClientAuthorities::verify(X509_STORE_CTX* store, void*) {
  const auto* ssl = static_cast<const SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  const ClientAuthorities* authorities = of(ssl);
  if (authorities == nullptr) {
    X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
    return 0;
  }
  X509_STORE_CTX_set0_trusted_stack(store, authorities->trusted_.get());
  return X509_verify_cert(store) == 1 ? 1 : 0;
}

/// Called for each ticket that a client brings. Without a session a whole handshake follows, in which the certificate
/// is asked for again.
SSL_TICKET_RETURN ClientAuthorities::judge_ticket(SSL*, SSL_SESSION* session, const unsigned char*, std::size_t,
                                                  SSL_TICKET_STATUS status, void*) {
  if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW) return SSL_TICKET_RETURN_IGNORE_RENEW;
  const X509* shown = SSL_SESSION_get0_peer(session);
  if (shown != nullptr && has_expired(*shown)) return SSL_TICKET_RETURN_IGNORE_RENEW;
  return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
}

std::optional<dns::Name> ClientAuthorities::name_of(const SSL& ssl) {
  if (of(&ssl) == nullptr || SSL_get_verify_result(&ssl) != X509_V_OK) return std::nullopt;
  const X509* certificate = SSL_get0_peer_certificate(&ssl);
  // It may have expired since the handshake.
  if (certificate == nullptr || has_expired(*certificate)) return std::nullopt;
  const std::unique_ptr<GENERAL_NAMES, FreeNames> names{
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr))};
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    int kind = 0;
    const auto* text =
        static_cast<const ASN1_STRING*>(GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names.get(), i), &kind));
    if (kind != GEN_DNS) continue;
    const std::string_view given{reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),  // NOLINT: the API's way
                                 static_cast<std::size_t>(ASN1_STRING_length(text))};
    // Master files' escapes have no place in a certificate, and a name there is no pattern.
    if (given.find('\\') != std::string_view::npos) continue;
    if (auto name = dns::Name::from_text(given); name && !name->is_root() && !name->is_wildcard())
      return name->lowercased();
  }
  ERR_clear_error();
  return std::nullopt;
}

}  // namespace redoubt::transport
