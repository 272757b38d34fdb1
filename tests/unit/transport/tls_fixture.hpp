#pragma once
// Certificates made for a test, a signer that has their key, and a client that speaks TLS.
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>

#include <map>
#include <memory>
#include <string>

#include "tests/unit/transport/server_fixture.hpp"
#include "transport/tls/server_tls.hpp"

namespace redoubt::transport::test {

enum class KeyKind : std::uint8_t { p256, p384, rsa };

inline EVP_PKEY* make_key(KeyKind kind) {
  prepare_openssl();
  if (kind == KeyKind::rsa) return EVP_RSA_gen(2048);
  return EVP_EC_gen(kind == KeyKind::p256 ? "P-256" : "P-384");
}

/// Self-signed, DER. days < 0: expired.
inline Octets make_certificate(EVP_PKEY* key, const std::string& alternative_names = "DNS:dns.example,IP:127.0.0.1",
                               int days = 30, const std::string& common_name = "test", long seconds = 0) {
  CertificatePointer certificate{X509_new()};
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 7);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -40L * 86400);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), days * 86400L + seconds);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME* name = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(common_name.c_str()), -1,
                             -1, 0);
  X509_set_issuer_name(certificate.get(), name);
  X509_EXTENSION* names = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, alternative_names.c_str());
  X509_add_ext(certificate.get(), names, -1);
  X509_EXTENSION_free(names);
  EXPECT_GT(X509_sign(certificate.get(), key, EVP_sha256()), 0);
  unsigned char* der = nullptr;
  const int octets = i2d_X509(certificate.get(), &der);
  Octets out{der, der + octets};
  OPENSSL_free(der);
  return out;
}

/// Has the key, as keykeeper would, and answers from the loop; or not at all.
class LocalSigner : public HandshakeSigner {
 public:
  LocalSigner(Executor executor, KeyPointer key) : executor_{std::move(executor)}, key_{std::move(key)} {}
  /// Keys that others than the first one's certificate have.
  void also_hold(KeyPointer key) { more_.push_back(std::move(key)); }
  std::optional<SignatureId> sign(const SignatureRequest& request, Done done) override {
    if (refuses) return std::nullopt;
    const SignatureId id = ++last_;
    schemes.push_back(request.scheme);
    messages.emplace_back(request.message.begin(), request.message.end());
    waiting_.emplace(id, std::move(done));
    if (answers) {
      later(executor_, [this, id, signature = signature_of(request)] { finish(id, signature); });
    }
    return id;
  }
  void forget(SignatureId id) override { waiting_.erase(id); }
  std::size_t waiting() const { return waiting_.size(); }
  void finish(SignatureId id, const Octets& signature) {
    const auto found = waiting_.find(id);
    if (found == waiting_.end()) return;
    const Done done = std::move(found->second);
    waiting_.erase(found);
    done(signature);
  }

  bool answers = true;
  bool refuses = false;
  std::vector<std::uint16_t> schemes;
  std::vector<Octets> messages;

 private:
  EVP_PKEY* key_for(const SignatureRequest& request) const {
    for (const KeyPointer& key : more_) {
      unsigned char* octets = nullptr;
      const int count = i2d_PUBKEY(key.get(), &octets);
      std::array<std::uint8_t, 32> hash{};
      SHA256(octets, static_cast<std::size_t>(count), hash.data());
      OPENSSL_free(octets);
      if (std::ranges::equal(hash, request.key)) return key.get();
    }
    return key_.get();
  }
  Octets signature_of(const SignatureRequest& request) const {
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    EVP_PKEY_CTX* key_context = nullptr;
    const std::uint8_t hash = static_cast<std::uint8_t>(request.scheme >> 8U);
    const bool pss = hash == 8;
    const unsigned strength = pss ? request.scheme & 0xffU : hash;  // 4: SHA-256, 5: SHA-384, 6: SHA-512
    const EVP_MD* digest = strength == 4 ? EVP_sha256() : strength == 5 ? EVP_sha384() : EVP_sha512();
    EVP_DigestSignInit(context, &key_context, digest, nullptr, key_for(request));
    if (pss) {
      EVP_PKEY_CTX_set_rsa_padding(key_context, RSA_PKCS1_PSS_PADDING);
      EVP_PKEY_CTX_set_rsa_pss_saltlen(key_context, RSA_PSS_SALTLEN_DIGEST);
    }
    std::size_t octets = 1024;
    Octets signature(octets);
    EXPECT_EQ(EVP_DigestSign(context, signature.data(), &octets, request.message.data(), request.message.size()), 1);
    signature.resize(octets);
    EVP_MD_CTX_free(context);
    return signature;
  }

  Executor executor_;
  KeyPointer key_;
  std::vector<KeyPointer> more_;
  SignatureId last_ = 0;
  std::map<SignatureId, Done> waiting_;
};

/// A client that never waits: step() does what can be done now.
class TlsPeer {
 public:
  struct Manner {
    int least = TLS1_2_VERSION;
    int most = TLS1_3_VERSION;
    std::string alpn{"\3dot"};
    SSL_SESSION* session = nullptr;
    std::string from = "127.0.0.1";
    std::string server_name{};            ///< SNI
    const Octets* certificate = nullptr;  ///< of the client
    EVP_PKEY* key = nullptr;              ///< its key
  };
  explicit TlsPeer(const dns::Endpoint& server) : TlsPeer{server, Manner{}} {}
  TlsPeer(const dns::Endpoint& server, const Manner& manner) : peer_{server, manner.from} {
    const int on = 1;
    ::setsockopt(peer_.socket().get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    context_.reset(SSL_CTX_new(TLS_client_method()));
    SSL_CTX_set_min_proto_version(context_.get(), manner.least);
    SSL_CTX_set_max_proto_version(context_.get(), manner.most);
    if (manner.most < TLS1_2_VERSION) SSL_CTX_set_cipher_list(context_.get(), "ALL:@SECLEVEL=0");
    SSL_CTX_set_session_cache_mode(context_.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_set_ex_data(context_.get(), 0, this);
    SSL_CTX_sess_set_new_cb(context_.get(), [](SSL* ssl, SSL_SESSION* session) {
      auto& self = *static_cast<TlsPeer*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), 0));
      SSL_SESSION_free(std::exchange(self.session_, session));
      return 1;
    });
    ssl_.reset(SSL_new(context_.get()));
    if (!manner.alpn.empty()) {
      SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<const unsigned char*>(manner.alpn.data()),
                          static_cast<unsigned>(manner.alpn.size()));
    }
    if (!manner.server_name.empty()) {
      SSL_ctrl(ssl_.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
               const_cast<char*>(manner.server_name.c_str()));  // only read
    }
    if (manner.certificate != nullptr) {
      SSL_use_certificate_ASN1(ssl_.get(), manner.certificate->data(), static_cast<int>(manner.certificate->size()));
      SSL_use_PrivateKey(ssl_.get(), manner.key);
    }
    if (manner.session != nullptr) SSL_set_session(ssl_.get(), manner.session);
    SSL_set_fd(ssl_.get(), peer_.socket().get());
    SSL_set_connect_state(ssl_.get());
  }
  ~TlsPeer() { SSL_SESSION_free(session_); }
  TlsPeer(const TlsPeer&) = delete;
  TlsPeer& operator=(const TlsPeer&) = delete;

  /// Goes on with the handshake, then takes what is there. False once the connection is over.
  bool step() {
    if (over_) return false;
    ERR_clear_error();
    if (!established_) {
      const int result = SSL_do_handshake(ssl_.get());
      if (result != 1) return going_on(result);
      established_ = true;
    }
    std::array<std::uint8_t, 16384> buffer;
    while (true) {
      const int count = SSL_read(ssl_.get(), buffer.data(), static_cast<int>(buffer.size()));
      if (count <= 0) return going_on(count);
      ++reads_;
      received_.insert(received_.end(), buffer.begin(), buffer.begin() + count);
    }
  }
  bool established() {
    step();
    return established_;
  }
  bool over() { return !step(); }
  bool write(const Octets& octets) {
    return SSL_write(ssl_.get(), octets.data(), static_cast<int>(octets.size())) == static_cast<int>(octets.size());
  }
  /// Whole messages that came so far.
  std::vector<Octets> messages() {
    step();
    std::vector<Octets> all;
    for (std::size_t at = 0; at + 2 <= received_.size();) {
      const std::size_t octets = static_cast<std::size_t>(received_[at]) << 8U | received_[at + 1];
      if (at + 2 + octets > received_.size()) break;
      all.emplace_back(received_.begin() + static_cast<std::ptrdiff_t>(at + 2),
                       received_.begin() + static_cast<std::ptrdiff_t>(at + 2 + octets));
      at += 2 + octets;
    }
    return all;
  }
  SSL* ssl() { return ssl_.get(); }
  SSL_SESSION* session() { return session_; }
  Peer& peer() { return peer_; }
  Octets& received() { return received_; }
  /// Records of data that came.
  std::size_t reads() const { return reads_; }

 private:
  bool going_on(int result) {
    const int error = SSL_get_error(ssl_.get(), result);
    over_ = error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE;
    return !over_;
  }

  Peer peer_;
  SslContextPointer context_;
  SslPointer ssl_;
  SSL_SESSION* session_ = nullptr;
  Octets received_;
  std::size_t reads_ = 0;
  bool established_ = false;
  bool over_ = false;
};

/// A stream server that speaks TLS.
class TlsServerTest : public ServerTest {
 protected:
  void SetUp() override { serve(KeyKind::p256, Protocol::tls); }
  void TearDown() override {
    server_.reset();
    tls_.reset();
  }
  void serve(KeyKind kind, Protocol protocol) {
    limits_.with(Limit::idle_time, 60'000).with(Limit::idle_time_busy, 60'000).with(Limit::message_time, 60'000);
    limits_.with(Limit::write_time, 60'000).with(Limit::answer_time, 60'000);
    server_.reset();
    KeyPointer key{make_key(kind)};
    const Octets certificate = make_certificate(key.get());
    signer_ = std::make_unique<LocalSigner>(executor(), std::move(key));
    tls_ = std::make_unique<ServerTls>(*signer_, counters_);
    ASSERT_EQ(tls_->use({certificate}), "");
    server_ = std::make_unique<StreamServer>(executor(), resolver_, counters_, tls_.get());
    server_->use(limits_);
    Socket socket = listening_socket();
    at_ = local_endpoint(socket);
    ASSERT_TRUE(server_->listen(listener, {protocol, "/dns-query"}, std::move(socket)));
  }
  bool established(TlsPeer& peer) {
    return run_until([&] { return peer.established(); });
  }
  bool over(TlsPeer& peer) {
    return run_until([&] { return peer.over(); });
  }

  std::unique_ptr<LocalSigner> signer_;
  std::unique_ptr<ServerTls> tls_;
};

}  // namespace redoubt::transport::test
