#pragma once
// Everything that keykeeper and its two clients, control and transport, may say to each other. No private key is in any
// of it: keys are named by the SHA-256 of their SubjectPublicKeyInfo.
#include <array>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "appliance/channel/control_resolver.hpp"

namespace redoubt::channel {

using KeyHash = std::array<std::uint8_t, 32>;
/// DER, the server's own first, then those that signed it.
using CertificateChain = std::vector<std::vector<std::uint8_t>>;

inline constexpr std::uint32_t max_certificates = 16;        ///< that clients choose from by name
inline constexpr std::uint32_t max_chain = 8;                ///< certificates of one chain
inline constexpr std::size_t max_certificate_octets = 8192;  ///< of each
inline constexpr std::size_t max_handshake_message = 256;    ///< octets under a handshake's signature: at most 165
inline constexpr std::size_t max_signature_octets = 1024;    ///< RSA of 8192 bits
inline constexpr std::uint32_t max_certificate_names = 257;  ///< names, and addresses, of a certificate we make

inline constexpr std::uint32_t max_zone_keys = 64;             ///< of one zone
inline constexpr std::uint32_t max_taken_tags = 256;           ///< that a new key may not have
inline constexpr std::size_t max_dnskey_octets = 1024;         ///< RDATA: RSA of 4096 bits has 520
inline constexpr std::uint32_t max_sets_signed = 128;          ///< in one batch: RSA's signatures fill a message then
inline constexpr std::size_t max_batch_octets = 56 * 1024;     ///< of all that is to be signed in one batch
inline constexpr std::size_t max_zone_signature_octets = 512;  ///< RSA of 4096 bits

/// As trouble of an answer about zone keys: there is too much to do, or a key is being made or opened. It passes.
inline constexpr std::string_view keykeeper_is_busy = "keykeeper has too much to do; try again";

struct Ping {
  RequestId id;
};
struct Pong {
  RequestId id;
};

// --- from control
/// A self-signed certificate with these names and addresses, please, for the key that keykeeper keeps for that;
/// `former` (DER, may be empty) will do if it still fits.
struct MakeCertificate {
  RequestId id;
  std::vector<std::string> names;
  std::vector<dns::IpAddress> addresses;
  std::vector<std::uint8_t> former;
};
/// The public halves of that zone's keys, please.
struct ListZoneKeys {
  RequestId id;
  dns::Name zone;
};
/// What a key of a zone signs: DNSKEY, CDS and CDNSKEY RRsets; all others; both.
enum class ZoneKeyRole : std::uint8_t { ksk, zsk, csk };
inline constexpr std::uint32_t zone_key_roles = 3;
/// A new key for that zone.
struct MakeZoneKey {
  RequestId id;
  dns::Name zone;
  std::uint8_t algorithm;  ///< of a DNSKEY
  ZoneKeyRole role;        ///< for its life
  std::uint16_t rsa_bits;
  std::vector<std::uint16_t> taken;  ///< tags that it may not have, beside those of the keys that are there
};
/// Signatures over these signing inputs (RFC 4034 §3.1.8.1), by that key; all of them or none.
struct SignSets {
  RequestId id;
  dns::Name zone;
  std::uint8_t algorithm;
  std::uint16_t tag;
  std::vector<std::vector<std::uint8_t>> sets;
};
/// That key's files are to be erased, and the key to leave keykeeper's memory.
struct DeleteZoneKey {
  RequestId id;
  dns::Name zone;
  std::uint8_t algorithm;
  std::uint16_t tag;
};
using ControlToKeykeeper = std::variant<Ping, MakeCertificate, ListZoneKeys, MakeZoneKey, SignSets, DeleteZoneKey>;

// --- to control
/// trouble is empty when there is one.
struct CertificateMade {
  RequestId id;
  std::vector<std::uint8_t> certificate;
  std::string trouble;
};
/// What came of files that monitor handed to keykeeper (OpenTlsFiles): the chain, once its key is there too.
struct TlsFilesRead {
  RequestId id;
  CertificateChain chain;
  std::string trouble;
  bool key_exposed = false;  ///< others than the owner and the group of the key's file may read it
};
/// trouble is empty when that could be found out. RDATA of DNSKEY records.
struct ZoneKeysListed {
  RequestId id;
  std::vector<std::vector<std::uint8_t>> keys;
  std::string trouble;
};
struct ZoneKeyMade {
  RequestId id;
  std::vector<std::uint8_t> dnskey;
  std::string trouble;
};
/// In the order of the sets; none with trouble.
struct SetsSigned {
  RequestId id;
  std::vector<std::vector<std::uint8_t>> signatures;
  std::string trouble;
};
/// It is gone when trouble is empty.
struct ZoneKeyDeleted {
  RequestId id;
  std::string trouble;
};
using KeykeeperToControl =
    std::variant<Pong, CertificateMade, TlsFilesRead, ZoneKeysListed, ZoneKeyMade, SetsSigned, ZoneKeyDeleted>;

// --- from transport
/// Sign what a TLS server signs in its handshake. message: the octets under the signature; any other form than TLS's is
/// refused.
struct SignHandshake {
  RequestId id;
  KeyHash key;
  std::uint16_t scheme;  ///< SignatureScheme, RFC 8446 §4.2.3
  std::vector<std::uint8_t> message;
};
using TransportToKeykeeper = std::variant<Ping, SignHandshake>;

// --- to transport
/// An empty signature: refused.
struct HandshakeSigned {
  RequestId id;
  std::vector<std::uint8_t> signature;
};
using KeykeeperToTransport = std::variant<Pong, HandshakeSigned>;

std::vector<std::uint8_t> encode(const ControlToKeykeeper& message);
std::vector<std::uint8_t> encode(const KeykeeperToControl& message);
std::vector<std::uint8_t> encode(const TransportToKeykeeper& message);
std::vector<std::uint8_t> encode(const KeykeeperToTransport& message);
std::expected<ControlToKeykeeper, DecodeFault> decode_control_to_keykeeper(std::span<const std::uint8_t> octets);
std::expected<KeykeeperToControl, DecodeFault> decode_keykeeper_to_control(std::span<const std::uint8_t> octets);
std::expected<TransportToKeykeeper, DecodeFault> decode_transport_to_keykeeper(std::span<const std::uint8_t> octets);
std::expected<KeykeeperToTransport, DecodeFault> decode_keykeeper_to_transport(std::span<const std::uint8_t> octets);
std::size_t descriptors_of(const ControlToKeykeeper& message);
std::size_t descriptors_of(const KeykeeperToControl& message);
std::size_t descriptors_of(const TransportToKeykeeper& message);
std::size_t descriptors_of(const KeykeeperToTransport& message);

}  // namespace redoubt::channel
