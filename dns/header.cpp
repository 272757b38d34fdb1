#include "dns/header.hpp"

#include "dns/reader.hpp"

namespace redoubt::dns {

namespace {
constexpr unsigned qr = 0x8000, aa = 0x0400, tc = 0x0200, rd = 0x0100, ra = 0x0080, z = 0x0040, ad = 0x0020,
                   cd = 0x0010;
constexpr unsigned bit(bool set, unsigned mask) { return set ? mask : 0U; }
}  // namespace

std::uint16_t Header::flags_to_wire() const {
  return static_cast<std::uint16_t>(bit(response, qr) | (static_cast<unsigned>(opcode) & 0xfU) << 11 |
                                    bit(authoritative, aa) | bit(truncated, tc) | bit(recursion_desired, rd) |
                                    bit(recursion_available, ra) | bit(reserved, z) | bit(authentic, ad) |
                                    bit(checking_disabled, cd) | (rcode_low & 0xfU));
}

void Header::flags_from_wire(std::uint16_t flags) {
  response = (flags & qr) != 0;
  opcode = static_cast<Opcode>(flags >> 11 & 0xf);
  authoritative = (flags & aa) != 0;
  truncated = (flags & tc) != 0;
  recursion_desired = (flags & rd) != 0;
  recursion_available = (flags & ra) != 0;
  reserved = (flags & z) != 0;
  authentic = (flags & ad) != 0;
  checking_disabled = (flags & cd) != 0;
  rcode_low = static_cast<std::uint8_t>(flags & 0xf);
}

Header read_header(WireReader& reader) {
  Header header;
  header.id = reader.u16();
  header.flags_from_wire(reader.u16());
  header.questions = reader.u16();
  header.answers = reader.u16();
  header.authorities = reader.u16();
  header.additionals = reader.u16();
  return header;
}

}  // namespace redoubt::dns
