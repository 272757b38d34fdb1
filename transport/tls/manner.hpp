#pragma once
// How we speak TLS, to clients and to servers (RFC 9325).
#include "transport/tls/openssl.hpp"

namespace redoubt::transport {

/// Versions, suites, groups, signatures, and how buffers are held. False when OpenSSL has none of that.
bool set_manner(SSL_CTX& context);

}  // namespace redoubt::transport
