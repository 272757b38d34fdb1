#pragma once
// Messages written out by hand, as tests need them.
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

#include "dns/name.hpp"

namespace redoubt::dns::testing {

/// Appends what tests spell out: octets, numbers, text, names.
class Octets {
 public:
  Octets& u8(unsigned value) { return add({static_cast<std::uint8_t>(value)}); }
  Octets& u16(unsigned value) { return u8(value >> 8).u8(value & 0xff); }
  Octets& u32(std::uint32_t value) { return u16(value >> 16).u16(value & 0xffff); }
  Octets& text(std::string_view value) {
    octets_.insert(octets_.end(), value.begin(), value.end());
    return *this;
  }
  Octets& name(std::string_view value) {
    const Name parsed = Name::literal(value);
    octets_.insert(octets_.end(), parsed.wire().begin(), parsed.wire().end());
    return *this;
  }
  Octets& pointer(std::size_t target) { return u16(static_cast<unsigned>(0xc000 | target)); }
  Octets& add(std::initializer_list<std::uint8_t> octets) {
    octets_.insert(octets_.end(), octets);
    return *this;
  }
  Octets& fill(std::size_t count, std::uint8_t octet) {
    octets_.insert(octets_.end(), count, octet);
    return *this;
  }
  /// A header with these counts.
  Octets& header(unsigned flags, unsigned questions, unsigned answers, unsigned authorities, unsigned additionals) {
    return u16(0x1234).u16(flags).u16(questions).u16(answers).u16(authorities).u16(additionals);
  }
  std::size_t size() const { return octets_.size(); }
  const std::vector<std::uint8_t>& get() const { return octets_; }
  operator std::span<const std::uint8_t>() const { return octets_; }

 private:
  std::vector<std::uint8_t> octets_;
};

}  // namespace redoubt::dns::testing
