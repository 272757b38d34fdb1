#include "dns/address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace redoubt::dns {

namespace {

/// A whole unsigned number not above `maximum`; no sign, no blanks, nothing behind it.
std::optional<unsigned> number(std::string_view text, unsigned maximum) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty() || value > maximum) return std::nullopt;
  return value;
}

}  // namespace

std::optional<IpAddress> IpAddress::from_octets(std::span<const std::uint8_t> octets) {
  IpAddress address;
  if (octets.size() != 4 && octets.size() != 16) return std::nullopt;
  std::memcpy(address.octets_.data(), octets.data(), octets.size());
  address.is_v6_ = octets.size() == 16;
  return address;
}

std::optional<IpAddress> IpAddress::from_text(std::string_view text) {
  char terminated[INET6_ADDRSTRLEN];
  if (text.empty() || text.size() >= sizeof terminated) return std::nullopt;
  std::memcpy(terminated, text.data(), text.size());
  terminated[text.size()] = '\0';
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  IpAddress address;
  if (inet_pton(AF_INET, terminated, address.octets_.data()) == 1) return address;
  address = IpAddress{};
  if (inet_pton(AF_INET6, terminated, address.octets_.data()) != 1) return std::nullopt;
  address.is_v6_ = true;
  return address;
}

IpAddress IpAddress::unmapped() const {
  static constexpr std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (!is_v6_ || std::memcmp(octets_.data(), mapped.data(), mapped.size()) != 0) return *this;
  return v4({octets_[12], octets_[13], octets_[14], octets_[15]});
}

std::string IpAddress::to_text() const {
  char text[INET6_ADDRSTRLEN];
  inet_ntop(is_v6_ ? AF_INET6 : AF_INET, octets_.data(), text, sizeof text);
  return text;
}

std::optional<Endpoint> Endpoint::from_text(std::string_view text, std::uint16_t default_port) {
  const std::size_t at = text.find('@');
  const auto address = IpAddress::from_text(text.substr(0, at));
  if (!address) return std::nullopt;
  if (at == std::string_view::npos) return Endpoint{*address, default_port};
  const auto port = number(text.substr(at + 1), 65535);
  if (!port || *port == 0) return std::nullopt;
  return Endpoint{*address, static_cast<std::uint16_t>(*port)};
}

std::string Endpoint::to_text() const { return address.to_text() + "@" + std::to_string(port); }

std::optional<Prefix> Prefix::make(IpAddress address, std::uint8_t length) {
  const auto octets = address.octets();
  if (length > octets.size() * 8) return std::nullopt;
  for (std::size_t bit = length; bit < octets.size() * 8; ++bit) {
    if ((octets[bit / 8] >> (7 - bit % 8)) & 1) return std::nullopt;
  }
  return Prefix{address, length};
}

Prefix Prefix::around(const IpAddress& address, std::uint8_t length) {
  std::array<std::uint8_t, 16> octets{};
  const std::size_t whole = address.octets().size();
  const auto bits = static_cast<std::uint8_t>(std::min<std::size_t>(length, whole * 8));
  std::ranges::copy(address.octets(), octets.begin());
  for (std::size_t bit = bits; bit < whole * 8; ++bit)
    octets[bit / 8] = static_cast<std::uint8_t>(octets[bit / 8] & ~(0x80U >> (bit % 8)));
  return Prefix{*IpAddress::from_octets(std::span{octets}.first(whole)), bits};
}

std::optional<Prefix> Prefix::from_text(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto address = IpAddress::from_text(text.substr(0, slash));
  if (!address) return std::nullopt;
  const unsigned whole = address->is_v6() ? 128 : 32;
  if (slash == std::string_view::npos) return make(*address, static_cast<std::uint8_t>(whole));
  const auto length = number(text.substr(slash + 1), whole);
  if (!length) return std::nullopt;
  return make(*address, static_cast<std::uint8_t>(*length));
}

bool Prefix::contains(const IpAddress& address) const {
  if (address.is_v6() != address_.is_v6()) return false;
  const auto mine = address_.octets();
  const auto theirs = address.octets();
  const std::size_t whole = length_ / 8;
  if (std::memcmp(mine.data(), theirs.data(), whole) != 0) return false;
  const unsigned bits = length_ % 8;
  return bits == 0 || (mine[whole] ^ theirs[whole]) >> (8 - bits) == 0;
}

std::string Prefix::to_text() const { return address_.to_text() + "/" + std::to_string(length_); }

}  // namespace redoubt::dns
