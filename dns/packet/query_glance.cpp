#include "dns/packet/query_glance.hpp"

#include <algorithm>

#include "dns/header.hpp"

namespace redoubt::dns {

namespace {

constexpr std::size_t question_tail_octets = 4;  // type and class

constexpr std::uint8_t recursion_desired_alone = 0x01;
constexpr std::uint8_t authentic_bit = 0x20;
constexpr std::uint8_t checking_disabled_bit = 0x10;
constexpr std::uint8_t dnssec_ok_bit = 0x80;

std::uint16_t u16(std::span<const std::uint8_t> octets, std::size_t at) {
  return static_cast<std::uint16_t>(octets[at] << 8 | octets[at + 1]);
}

std::uint8_t lower(std::uint8_t octet) {
  return octet >= 'A' && octet <= 'Z' ? static_cast<std::uint8_t>(octet | 0x20) : octet;
}

/// The question's name, label by label. Octets read, root label included; 0: no plain name.
std::size_t read_name(std::span<const std::uint8_t> wire, QueryGlance& glance) {
  std::size_t at = 0;
  for (;;) {
    if (at >= wire.size() || at >= max_name_octets) return 0;
    const std::uint8_t label = wire[at];
    glance.name[at++] = label;
    if (label == 0) return at;
    // Behind the label the root label at least has to fit.
    if (label > max_label_octets || at + label >= std::min(wire.size(), max_name_octets)) return 0;
    for (const std::size_t end = at + label; at < end; ++at) glance.name[at] = lower(wire[at]);
  }
}

/// The RDATA of an OPT: at most a cookie (RFC 7873 §4) and padding (RFC 7830 §3).
bool read_options(std::span<const std::uint8_t> options, QueryGlance& glance) {
  constexpr std::size_t head_octets = 4;  // code and length
  while (!options.empty()) {
    if (options.size() < head_octets) return false;
    const auto code = static_cast<OptionCode>(u16(options, 0));
    const std::size_t octets = u16(options, 2);
    if (octets > options.size() - head_octets) return false;
    const auto data = options.subspan(head_octets, octets);
    options = options.subspan(head_octets + octets);
    if (code == OptionCode::padding && !glance.padded) {
      glance.padded = true;
    } else if (code == OptionCode::cookie && glance.cookie.empty() && (octets == 8 || (octets >= 16 && octets <= 40))) {
      glance.cookie = data;
    } else {
      return false;
    }
  }
  return true;
}

bool read_opt(std::span<const std::uint8_t> opt, QueryGlance& glance) {
  if (opt.size() < plain_opt_octets) return false;
  const bool plain = opt[0] == 0 && u16(opt, 1) == type::opt.value && opt[5] == 0 && opt[6] == 0 &&
                     (opt[7] & ~dnssec_ok_bit) == 0 && opt[8] == 0 && u16(opt, 9) == opt.size() - plain_opt_octets;
  glance.edns = true;
  glance.udp_payload = std::max(u16(opt, 3), minimum_udp_payload);
  glance.dnssec_ok = (opt[7] & dnssec_ok_bit) != 0;
  return plain && read_options(opt.subspan(plain_opt_octets), glance);
}

void put_key_tail(QueryGlance& glance) {
  glance.name[glance.name_octets] = static_cast<std::uint8_t>(glance.type.value >> 8);
  glance.name[glance.name_octets + 1U] = static_cast<std::uint8_t>(glance.type.value);
  glance.name[glance.name_octets + 2U] =
      static_cast<std::uint8_t>((glance.dnssec_ok ? 1 : 0) | (glance.checking_disabled ? 2 : 0));
}

bool is_data(RrType type) { return type.value != 0 && type != type::opt && !is_meta(type); }

}  // namespace

bool look_at(std::span<const std::uint8_t> query, QueryGlance& glance) {
  if (query.size() < header_octets + 1 + question_tail_octets) return false;
  const bool plain_header = query[2] == recursion_desired_alone &&
                            (query[3] & ~(authentic_bit | checking_disabled_bit)) == 0 && u16(query, 4) == 1 &&
                            u16(query, 6) == 0 && u16(query, 8) == 0 && u16(query, 10) <= 1;
  if (!plain_header) return false;
  const std::span<const std::uint8_t> body = query.subspan(header_octets);
  const std::size_t name_octets = read_name(body, glance);
  if (name_octets == 0 || body.size() < name_octets + question_tail_octets) return false;
  glance.name_octets = static_cast<std::uint8_t>(name_octets);
  glance.type = {u16(body, name_octets)};
  if (!is_data(glance.type) || u16(body, name_octets + 2) != rr_class::in.value) return false;
  glance.authentic = (query[3] & authentic_bit) != 0;
  glance.checking_disabled = (query[3] & checking_disabled_bit) != 0;
  glance.edns = glance.dnssec_ok = glance.padded = false;
  glance.udp_payload = minimum_udp_payload;
  glance.cookie = {};
  const std::span<const std::uint8_t> rest = body.subspan(name_octets + question_tail_octets);
  if (!(u16(query, 10) == 0 ? rest.empty() : read_opt(rest, glance))) return false;
  put_key_tail(glance);
  return true;
}

}  // namespace redoubt::dns
