#include "dns/reader.hpp"

#include <array>
#include <cstring>
#include <utility>

#include "dns/unwritten.hpp"

namespace redoubt::dns {

void WireReader::fail(Fault fault) {
  if (!fault_) fault_ = WireError{fault, static_cast<std::uint16_t>(at_)};
}

void WireReader::adopt(const WireReader& window) {
  if (!fault_) fault_ = window.fault_;
}

WireReader WireReader::window(std::size_t count) {
  WireReader inner{message_, *work_};
  inner.at_ = at_;
  octets(count);
  inner.end_ = at_;
  inner.fault_ = fault_;
  return inner;
}

Name WireReader::name() { return read_name(true); }
Name WireReader::uncompressed_name() { return read_name(false); }

void WireReader::skip_name() {
  while (ok()) {
    const std::uint8_t length = u8();
    if (length == 0) return;
    if ((length & 0xc0) == 0xc0) {
      u8();
      return;
    }
    if (length > max_label_octets) return fail(Fault::bad_label_type);
    octets(length);
  }
}

/// Two phases in one walk: labels where the reader stands, then, behind the first pointer, labels that lie strictly
/// before the place the last pointer led from. Each hop lowers `bound`, so the walk ends; 255 octets are counted across
/// all hops.
Name WireReader::read_name(bool pointers_allowed) {
  if (fault_) return Name{};
  REDOUBT_UNWRITTEN std::array<std::uint8_t, max_name_octets> octets;  // `written` of them
  std::size_t at = at_;
  std::size_t bound = end_;  // no octet at or behind it is read
  std::size_t lowest = at_;  // pointers must lead before this
  std::size_t written = 0;
  bool jumped = false;
  const auto give_up = [&](Fault fault) {
    if (!jumped) at_ = at < end_ ? at : end_;
    fail(fault);
    return Name{};
  };
  for (;;) {
    if (at >= bound) return give_up(Fault::short_read);
    if (!work_->spend()) return give_up(Fault::work_exceeded);
    const std::uint8_t length = message_[at];
    if (length == 0) break;
    if ((length & 0xc0) == 0xc0) {
      if (!pointers_allowed) return give_up(Fault::compressed_name);
      if (bound - at < 2) return give_up(Fault::short_read);
      const std::size_t target = static_cast<std::size_t>((length & 0x3f) << 8 | message_[at + 1]);
      if (target >= lowest) return give_up(Fault::pointer_not_backwards);
      if (!jumped) at_ = at + 2;
      jumped = true;
      lowest = target;
      bound = message_.size();
      at = target;
      continue;
    }
    if (length > max_label_octets) return give_up(Fault::bad_label_type);
    const std::size_t whole = length + std::size_t{1};
    if (whole > bound - at) return give_up(Fault::short_read);
    if (written + whole + 1 > max_name_octets) return give_up(Fault::name_too_long);
    std::memcpy(octets.data() + written, message_.data() + at, whole);
    written += whole;
    at += whole;
  }
  if (!jumped) at_ = at + 1;
  octets[written] = 0;
  Name name{written + 1};
  std::memcpy(name.room(), octets.data(), written + 1);
  return name;
}

}  // namespace redoubt::dns
