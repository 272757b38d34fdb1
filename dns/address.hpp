#pragma once
// Addresses as values: no sockets here. Text is `192.0.2.1`, `2001:db8::1`; an endpoint adds `@port` as NSD and Unbound
// write it.
#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace redoubt::dns {

class IpAddress {
 public:
  /// 0.0.0.0
  constexpr IpAddress() = default;
  static constexpr IpAddress v4(std::array<std::uint8_t, 4> octets) {
    IpAddress address;
    for (std::size_t i = 0; i < 4; ++i) address.octets_[i] = octets[i];
    return address;
  }
  static constexpr IpAddress v6(std::array<std::uint8_t, 16> octets) {
    IpAddress address;
    address.octets_ = octets;
    address.is_v6_ = true;
    return address;
  }
  /// 4 or 16 octets, as A and AAAA RDATA have them; nothing for other lengths.
  static std::optional<IpAddress> from_octets(std::span<const std::uint8_t> octets);
  static std::optional<IpAddress> from_text(std::string_view text);

  constexpr bool is_v6() const { return is_v6_; }
  constexpr std::span<const std::uint8_t> octets() const { return {octets_.data(), is_v6_ ? 16U : 4U}; }
  /// An IPv4 address inside ::ffff:0:0/96 as the IPv4 address it means; others as they are.
  IpAddress unmapped() const;
  std::string to_text() const;
  constexpr auto operator<=>(const IpAddress&) const = default;

 private:
  std::array<std::uint8_t, 16> octets_{};
  bool is_v6_ = false;
};

struct Endpoint {
  IpAddress address;
  std::uint16_t port = 0;
  /// "192.0.2.1@53"; a text without port gets `default_port`.
  static std::optional<Endpoint> from_text(std::string_view text, std::uint16_t default_port);
  std::string to_text() const;
  constexpr auto operator<=>(const Endpoint&) const = default;
};

/// A range of addresses. Bits behind the length are zero: a text where they are not is refused.
class Prefix {
 public:
  /// "10.0.0.0/8"; a bare address is a range of one.
  static std::optional<Prefix> from_text(std::string_view text);
  /// Nothing when the length is over 32 or 128 or bits behind it are set.
  static std::optional<Prefix> make(IpAddress address, std::uint8_t length);
  /// The range of that length that the address is in; a length over 32 or 128 means the address alone.
  static Prefix around(const IpAddress& address, std::uint8_t length);
  /// IPv4 and IPv6 never contain each other; unmap first where that matters.
  bool contains(const IpAddress& address) const;
  const IpAddress& address() const { return address_; }
  std::uint8_t length() const { return length_; }
  std::string to_text() const;
  auto operator<=>(const Prefix&) const = default;

 private:
  Prefix(IpAddress address, std::uint8_t length) : address_{address}, length_{length} {}
  IpAddress address_;
  std::uint8_t length_;
};

}  // namespace redoubt::dns
