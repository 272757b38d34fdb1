#include "dnssec/tls/handshake_shape.hpp"

#include <algorithm>
#include <string_view>

namespace redoubt::keykeeper {

namespace {

constexpr std::size_t spaces = 64;
constexpr std::string_view context{"TLS 1.3, server CertificateVerify\0", 34};  // with its zero octet
constexpr std::size_t randoms = 64;                                             // the client's, then the server's
constexpr std::uint8_t named_curve = 3;
constexpr std::uint8_t uncompressed_point = 4;

bool is_certificate_verify(std::span<const std::uint8_t> message) {
  constexpr std::size_t in_front = spaces + context.size();
  if (message.size() != in_front + 32 && message.size() != in_front + 48) return false;  // SHA-256, SHA-384
  const auto is_space = [](std::uint8_t octet) { return octet == 0x20; };
  return std::ranges::all_of(message.first(spaces), is_space) &&
         std::ranges::equal(message.subspan(spaces, context.size()), context, {}, {},
                            [](char letter) { return static_cast<std::uint8_t>(letter); });
}

}  // namespace

bool is_tls12_key_exchange(std::span<const std::uint8_t> message) {
  constexpr std::size_t in_front = randoms + 4;  // curve type, curve, length of the key
  if (message.size() <= in_front || message[randoms] != named_curve || message[randoms + 1] != 0) return false;
  const auto key = message.subspan(in_front);
  if (message[randoms + 3] != key.size()) return false;
  switch (message[randoms + 2]) {  // RFC 8422 §5.1.1
    case 29:
      return key.size() == 32;  // x25519
    case 23:
      return key.size() == 65 && key[0] == uncompressed_point;  // secp256r1
    case 24:
      return key.size() == 97 && key[0] == uncompressed_point;  // secp384r1
    default:
      return false;
  }
}

bool is_server_handshake(std::span<const std::uint8_t> message) {
  return is_certificate_verify(message) || is_tls12_key_exchange(message);
}

}  // namespace redoubt::keykeeper
