#pragma once
// Who certifies the clients of a listener, and what name a client has shown by its certificate (RFC 8446 §4.3.2).
#include <openssl/ssl.h>

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dns/name.hpp"
#include "transport/tls/openssl.hpp"

namespace redoubt::transport {

/// Octets of a client's certificates; a handshake with more fails.
inline constexpr long max_client_certificates_octets = 32 * 1024;

class ClientAuthorities {
 public:
  /// authorities: DER. required: who shows no certificate is not served. Null when one of them cannot be read, or there
  /// is none.
  static std::shared_ptr<const ClientAuthorities> make(const std::vector<std::vector<std::uint8_t>>& authorities,
                                                       bool required);

  /// Has this connection ask its client for a certificate, and hold it against `authorities`. Sessions are resumed
  /// among connections with the same authorities alone, for a ticket brings the name along. False: the connection is of
  /// no use.
  static bool set_up(SSL& ssl, std::shared_ptr<const ClientAuthorities> authorities);
  /// Whether the same clients are let in.
  bool same_as(const ClientAuthorities& other) const { return digest_ == other.digest_; }
  /// What every context of a server has to have: its connections may be set up as above. No session outlives the
  /// certificate that its client has shown.
  static void prepare(SSL_CTX& context);
  /// The first DNS name of the certificate that the client has shown; nothing when it has shown none, or has no such
  /// name. Of a connection that was set up as above and has shaken hands.
  static std::optional<dns::Name> name_of(const SSL& ssl);

 private:
  struct FreeStack {
    void operator()(STACK_OF(X509) * stack) const { sk_X509_pop_free(stack, X509_free); }
  };
  static int verify(X509_STORE_CTX* store, void*);
  static SSL_TICKET_RETURN judge_ticket(SSL* ssl, SSL_SESSION* session, const unsigned char* name, std::size_t octets,
                                        SSL_TICKET_STATUS status, void*);
  static const ClientAuthorities* of(const SSL* ssl);

  std::unique_ptr<STACK_OF(X509), FreeStack> trusted_;
  std::vector<std::uint8_t> digest_;  ///< of all of them: what sessions are told apart by
  bool required_ = false;
};

}  // namespace redoubt::transport
