#include "dns/edns.hpp"

#include <algorithm>

namespace redoubt::dns {

namespace {

constexpr std::uint16_t do_bit = 0x8000;

struct Phrase {
  EdeCode code;
  std::string_view text;
};
/// IANA, "Extended DNS Error Codes".
constexpr std::array phrases{
    Phrase{EdeCode::other, "Other"},
    Phrase{EdeCode::unsupported_dnskey_algorithm, "Unsupported DNSKEY Algorithm"},
    Phrase{EdeCode::unsupported_ds_digest, "Unsupported DS Digest Type"},
    Phrase{EdeCode::stale_answer, "Stale Answer"},
    Phrase{EdeCode::forged_answer, "Forged Answer"},
    Phrase{EdeCode::dnssec_indeterminate, "DNSSEC Indeterminate"},
    Phrase{EdeCode::dnssec_bogus, "DNSSEC Bogus"},
    Phrase{EdeCode::signature_expired, "Signature Expired"},
    Phrase{EdeCode::signature_not_yet_valid, "Signature Not Yet Valid"},
    Phrase{EdeCode::dnskey_missing, "DNSKEY Missing"},
    Phrase{EdeCode::rrsigs_missing, "RRSIGs Missing"},
    Phrase{EdeCode::no_zone_key_bit, "No Zone Key Bit Set"},
    Phrase{EdeCode::nsec_missing, "NSEC Missing"},
    Phrase{EdeCode::cached_error, "Cached Error"},
    Phrase{EdeCode::not_ready, "Not Ready"},
    Phrase{EdeCode::blocked, "Blocked"},
    Phrase{EdeCode::censored, "Censored"},
    Phrase{EdeCode::filtered, "Filtered"},
    Phrase{EdeCode::prohibited, "Prohibited"},
    Phrase{EdeCode::stale_nxdomain, "Stale NXDOMAIN Answer"},
    Phrase{EdeCode::not_authoritative, "Not Authoritative"},
    Phrase{EdeCode::not_supported, "Not Supported"},
    Phrase{EdeCode::no_reachable_authority, "No Reachable Authority"},
    Phrase{EdeCode::network_error, "Network Error"},
    Phrase{EdeCode::invalid_data, "Invalid Data"},
    Phrase{EdeCode::signature_expired_before_valid, "Signature Expired before Valid"},
    Phrase{EdeCode::too_early, "Too Early"},
    Phrase{EdeCode::unsupported_nsec3_iterations, "Unsupported NSEC3 Iterations Value"},
    Phrase{EdeCode::unable_to_conform, "Unable to conform to policy"},
    Phrase{EdeCode::synthesized, "Synthesized"},
    Phrase{EdeCode::invalid_query_type, "Invalid Query Type"},
};

std::vector<std::uint8_t> copied(std::span<const std::uint8_t> octets) { return {octets.begin(), octets.end()}; }

/// RFC 7871 §6: the address is cut to the prefix, and the bits behind it are zero.
bool is_well_cut(const ClientSubnet& subnet) {
  const unsigned most = subnet.family == 1 ? 32 : subnet.family == 2 ? 128 : 0;
  if (subnet.source_prefix > most || subnet.scope_prefix > most) return false;
  if (subnet.address.size() != (subnet.source_prefix + 7U) / 8U) return false;
  const unsigned spare = static_cast<unsigned>(subnet.address.size() * 8) - subnet.source_prefix;
  return subnet.address.empty() || (subnet.address.back() & ((1U << spare) - 1U)) == 0;
}

void read_cookie(Edns& edns, WireReader& data) {
  const auto octets = data.rest();
  if (edns.cookie) return;  // all but the first are ignored (RFC 7873 §5.2)
  const bool right_size = octets.size() == 8 || (octets.size() >= 16 && octets.size() <= 40);  // RFC 7873 §4
  if (!right_size) return data.fail(Fault::bad_option);
  edns.cookie.emplace();
  std::copy_n(octets.begin(), 8, edns.cookie->client.begin());
  edns.cookie->server = copied(octets.subspan(8));
}

void read_client_subnet(Edns& edns, WireReader& data) {
  ClientSubnet subnet;
  subnet.family = data.u16();
  subnet.source_prefix = data.u8();
  subnet.scope_prefix = data.u8();
  subnet.address = copied(data.rest());
  if (data.ok() && !is_well_cut(subnet)) return data.fail(Fault::bad_option);
  if (!edns.client_subnet) edns.client_subnet = std::move(subnet);
}

void read_keepalive(Edns& edns, WireReader& data) {
  std::optional<std::uint16_t> tenths;
  if (data.left() != 0) tenths = data.u16();
  if (data.left() != 0) return data.fail(Fault::bad_option);
  if (!edns.tcp_keepalive) edns.tcp_keepalive = tenths;
}

void read_extended_error(Edns& edns, WireReader& data) {
  ExtendedError error;
  error.code = static_cast<EdeCode>(data.u16());
  const auto text = data.rest();
  error.text.assign(text.begin(), text.end());
  edns.extended_errors.push_back(std::move(error));
}

void read_option(Edns& edns, std::uint16_t code, WireReader& data) {
  switch (static_cast<OptionCode>(code)) {
    case OptionCode::cookie:
      return read_cookie(edns, data);
    case OptionCode::client_subnet:
      return read_client_subnet(edns, data);
    case OptionCode::tcp_keepalive:
      return read_keepalive(edns, data);
    case OptionCode::extended_error:
      return read_extended_error(edns, data);
    case OptionCode::nsid: {
      const auto octets = data.rest();
      if (!edns.nsid) edns.nsid = copied(octets);
      return;
    }
    case OptionCode::padding: {
      const auto octets = data.rest();
      if (!edns.padding) edns.padding = static_cast<std::uint16_t>(octets.size());
      return;
    }
    case OptionCode::expire:
    case OptionCode::chain:
    case OptionCode::key_tag:
    case OptionCode::report_channel:
    case OptionCode::zone_version:
      break;
  }
  const bool repeated = std::ranges::find(edns.unknown, code, &UnknownOption::code) != edns.unknown.end();
  const auto octets = data.rest();
  if (!repeated) edns.unknown.push_back({code, copied(octets)});
}

/// The octets of an OPT record. An option that would make its RDATA longer than a record can hold is left out.
class OptionWriter {
 public:
  OptionWriter() {
    wire_.reserve(usual_octets);
    wire_.assign({0, 0, static_cast<std::uint8_t>(type::opt.value)});
  }
  void u16(std::size_t value) {
    wire_.push_back(static_cast<std::uint8_t>(value >> 8));
    wire_.push_back(static_cast<std::uint8_t>(value & 0xff));
  }
  void octets(std::span<const std::uint8_t> value) { wire_.insert(wire_.end(), value.begin(), value.end()); }
  /// Its code and length, when it still fits; the caller writes the data then.
  [[nodiscard]] bool start(OptionCode code, std::size_t length) {
    if (length > 65535 || wire_.size() - fixed_octets + 4 + length > 65535) return false;
    u16(static_cast<std::uint16_t>(code));
    u16(length);
    return true;
  }
  std::vector<std::uint8_t> finish() && {
    const std::size_t length = wire_.size() - fixed_octets;
    wire_[fixed_octets - 2] = static_cast<std::uint8_t>(length >> 8);
    wire_[fixed_octets - 1] = static_cast<std::uint8_t>(length & 0xff);
    return std::move(wire_);
  }

 private:
  static constexpr std::size_t fixed_octets = 11;
  static constexpr std::size_t usual_octets = 64;  // with a cookie and little else
  std::vector<std::uint8_t> wire_;
};

void write_options(const Edns& edns, OptionWriter& out) {
  if (edns.nsid && out.start(OptionCode::nsid, edns.nsid->size())) out.octets(*edns.nsid);
  if (edns.client_subnet && out.start(OptionCode::client_subnet, 4 + edns.client_subnet->address.size())) {
    const ClientSubnet& subnet = *edns.client_subnet;
    out.u16(subnet.family);
    out.u16(static_cast<std::size_t>(subnet.source_prefix) << 8 | subnet.scope_prefix);
    out.octets(subnet.address);
  }
  if (edns.cookie && out.start(OptionCode::cookie, 8 + edns.cookie->server.size())) {
    out.octets(edns.cookie->client);
    out.octets(edns.cookie->server);
  }
  if (edns.tcp_keepalive && out.start(OptionCode::tcp_keepalive, *edns.tcp_keepalive ? 2 : 0)) {
    if (*edns.tcp_keepalive) out.u16(**edns.tcp_keepalive);
  }
  for (const ExtendedError& error : edns.extended_errors) {
    if (!out.start(OptionCode::extended_error, 2 + error.text.size())) continue;
    out.u16(static_cast<std::uint16_t>(error.code));
    out.octets({reinterpret_cast<const std::uint8_t*>(error.text.data()), error.text.size()});  // characters as octets
  }
  for (const UnknownOption& option : edns.unknown) {
    if (out.start(static_cast<OptionCode>(option.code), option.data.size())) out.octets(option.data);
  }
  if (edns.padding && out.start(OptionCode::padding, *edns.padding)) {  // last, as RFC 8467 §4 would have it
    const std::vector<std::uint8_t> zeros(*edns.padding);
    out.octets(zeros);
  }
}

}  // namespace

std::string describe(EdeCode code) {
  const auto at = std::ranges::find(phrases, code, &Phrase::code);
  return at != phrases.end() ? std::string{at->text} : "Code " + std::to_string(static_cast<std::uint16_t>(code));
}

Parsed<Edns> parse_edns(std::uint16_t udp_payload, std::uint32_t ttl_field, WireReader rdata) {
  Edns edns;
  edns.udp_payload = udp_payload;
  edns.extended_rcode = static_cast<std::uint8_t>(ttl_field >> 24);
  edns.version = static_cast<std::uint8_t>(ttl_field >> 16 & 0xff);
  edns.dnssec_ok = (ttl_field & do_bit) != 0;
  edns.reserved_flags = static_cast<std::uint16_t>(ttl_field & 0x7fff);
  if (edns.version != 0) return edns;  // its RDATA may have another format; BADVERS is all that it gets
  for (std::size_t count = 0; rdata.ok() && rdata.left() != 0; ++count) {
    if (count == max_options) {
      rdata.fail(Fault::bad_option);
      break;
    }
    const std::uint16_t code = rdata.u16();
    const std::uint16_t length = rdata.u16();
    WireReader data = rdata.window(length);
    if (!rdata.ok()) break;
    read_option(edns, code, data);
    rdata.adopt(data);
  }
  return rdata.finish(std::move(edns));
}

std::vector<std::uint8_t> edns_to_wire(const Edns& edns) {
  OptionWriter out;
  out.u16(edns.udp_payload);
  out.u16(static_cast<std::size_t>(edns.extended_rcode) << 8 | edns.version);
  out.u16((edns.dnssec_ok ? std::size_t{do_bit} : 0U) | (edns.reserved_flags & 0x7fffU));
  out.u16(0);  // the length of its RDATA, when it is known
  write_options(edns, out);
  return std::move(out).finish();
}

std::array<std::uint8_t, plain_opt_octets> plain_opt(bool dnssec_ok) {
  constexpr auto high = [](std::size_t value) { return static_cast<std::uint8_t>(value >> 8); };
  return {0,
          0,
          type::opt.value,
          high(default_udp_payload),
          default_udp_payload & 0xff,
          0,
          0,
          dnssec_ok ? high(do_bit) : std::uint8_t{0},
          0,
          0,
          0};
}

}  // namespace redoubt::dns
