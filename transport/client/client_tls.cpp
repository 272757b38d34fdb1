#include "transport/client/client_tls.hpp"

#include <openssl/err.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <utility>

#include "transport/tls/manner.hpp"
#include "transport/tls/tls_stream.hpp"

namespace redoubt::transport {

namespace {

// RFC 7301 §3.1: each name with its length in front.
constexpr std::string_view dot{"\3dot"};
constexpr std::string_view doh{"\2h2"};
constexpr std::uint16_t https_port = 443;

/// What an SSL has of the server it speaks to: trust may change while it lives.
struct Server {
  dns::Endpoint at;
  ServerIdentity identity;
};
void free_server(void*, void* server, CRYPTO_EX_DATA*, int, long, void*) { delete static_cast<Server*>(server); }
int server_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, free_server);
  return index;
}
int owner_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

const Server& server_of(const SSL* ssl) { return *static_cast<Server*>(SSL_get_ex_data(ssl, server_index())); }

bool has_pinned_key(X509* certificate, const std::vector<KeyPin>& pins) {
  unsigned char* octets = nullptr;
  const int count = certificate == nullptr ? 0 : i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &octets);
  if (count <= 0) return false;
  KeyPin pin{};
  SHA256(octets, static_cast<std::size_t>(count), pin.data());
  OPENSSL_free(octets);
  return std::ranges::find(pins, pin) != pins.end();
}

/// Of those that cannot be read nothing is trusted; the others stay of use.
void trust_in(SSL_CTX& context, const std::vector<std::vector<std::uint8_t>>& authorities) {
  X509_STORE* store = SSL_CTX_get_cert_store(&context);
  for (const auto& der : authorities) {
    const unsigned char* at = der.data();
    const CertificatePointer certificate{d2i_X509(nullptr, &at, static_cast<long>(der.size()))};
    if (certificate) X509_STORE_add_cert(store, certificate.get());
  }
  ERR_clear_error();
}

}  // namespace

std::string authority_of(const dns::Endpoint& server, const ServerIdentity& identity) {
  std::string host = identity.name;
  if (host.empty()) host = server.address.is_v6() ? "[" + server.address.to_text() + "]" : server.address.to_text();
  return server.port == https_port ? host : host + ":" + std::to_string(server.port);
}

ClientTls::~ClientTls() = default;

void ClientTls::use(ClientTrust trust) {
  if (context_ && trust == trust_) return;
  sessions_.clear();
  trust_ = std::move(trust);
  context_ = trust_.servers.empty() && trust_.strangers_at == 0 ? nullptr : fresh_context();
}

SslContextPointer ClientTls::fresh_context() {
  if (!prepare_openssl()) return {};
  SslContextPointer context{SSL_CTX_new(TLS_client_method())};
  if (!context || !set_manner(*context)) return {};
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context.get(), keep_session);
  SSL_CTX_set_ex_data(context.get(), owner_index(), this);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_cert_verify_callback(context.get(), verify, this);
  trust_in(*context, trust_.authorities);
  return context;
}

/// Within the handshake: who is not who he has to be gets an alert, and no query.
int ClientTls::verify(X509_STORE_CTX* store, void*) {
  const auto* ssl = static_cast<const SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  const ServerIdentity& wanted = server_of(ssl).identity;
  if (!wanted.pins.empty()) {
    if (has_pinned_key(X509_STORE_CTX_get0_cert(store), wanted.pins)) return 1;
    X509_STORE_CTX_set_error(store, wrong_key_error);
    return 0;
  }
  if (!wanted.name.empty()) return X509_verify_cert(store) == 1 ? 1 : 0;
  if (wanted.anybody) return 1;
  X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
  return 0;
}

/// returns  1: it is ours now
int ClientTls::keep_session(SSL* ssl, SSL_SESSION* session) {
  auto& self = *static_cast<ClientTls*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), owner_index()));
  const bool of_now = self.context_.get() == SSL_get_SSL_CTX(ssl);
  if (!of_now || SSL_SESSION_is_resumable(session) != 1) return 0;
  const dns::Endpoint& server = server_of(ssl).at;
  if (self.sessions_.size() >= max_client_sessions && !self.sessions_.contains(server))
    self.sessions_.erase(self.sessions_.begin());
  self.sessions_[server] = Session{session};
  return 1;
}

std::unique_ptr<ByteStream> ClientTls::connect(const dns::Endpoint& server, Socket socket, bool anybody) {
  static const ServerIdentity stranger{.name = {}, .pins = {}, .anybody = true};
  if (!speaks_with(server, anybody) || !context_) return nullptr;
  const auto known = trust_.servers.find(server);
  SslPointer ssl{SSL_new(context_.get())};
  if (!ssl) return nullptr;
  const ServerIdentity& identity = known == trust_.servers.end() ? stranger : known->second;
  auto remembered = std::make_unique<Server>(server, identity);
  if (SSL_set_ex_data(ssl.get(), server_index(), remembered.get()) != 1) return nullptr;
  static_cast<void>(remembered.release());  // the SSL's now
  const std::string_view offered = identity.path.empty() ? dot : doh;
  SSL_set_alpn_protos(ssl.get(), reinterpret_cast<const unsigned char*>(offered.data()),  // NOLINT: the API's way
                      static_cast<unsigned>(offered.size()));
  if (!identity.name.empty()) {
    SSL_set_hostflags(ssl.get(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (SSL_ctrl(ssl.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                 const_cast<char*>(identity.name.c_str())) != 1 ||  // NOLINT: SSL_set_tlsext_host_name(); only read
        SSL_set1_host(ssl.get(), identity.name.c_str()) != 1)
      return nullptr;
  }
  if (auto session = sessions_.extract(server)) SSL_set_session(ssl.get(), session.mapped().get());
  SSL_set_connect_state(ssl.get());
  return std::make_unique<TlsStream>(std::move(socket), std::move(ssl), nullptr, counters_);
}

}  // namespace redoubt::transport
