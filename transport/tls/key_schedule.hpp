#pragma once
// TLS 1.3's key schedule (RFC 8446 §7.1) for our own provider of OpenSSL. A full handshake derives some twenty secrets,
// and OpenSSL's own way fetches a digest and makes, copies and frees five contexts for each.
#include <openssl/core.h>

#include <cstdint>

namespace redoubt::transport {

/// The properties that SSL_CTX_new_ex() needs for its handshakes to derive by this one. Two, for one alone would have
/// no more weight than that the built-in provider is preferred; nothing else of ours has them.
inline constexpr const char* our_key_schedule = "?redoubt.schedule=ours,?redoubt.kdf=ours";

/// For a provider's query, as OSSL_OP_KDF: "TLS13-KDF" with SHA-256 and SHA-384, secrets of one digest at most.
const OSSL_ALGORITHM* key_schedule_algorithms();

/// Fetches what it derives with, for the process's life. False: OpenSSL has it not, or no memory.
bool prepare_key_schedule();

/// So many secrets this thread has derived here.
std::uint64_t secrets_derived();

}  // namespace redoubt::transport
