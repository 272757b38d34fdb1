#include "dns/rdata.hpp"

#include <algorithm>

namespace redoubt::dns {

namespace {

/// Opaque whenever the class gives the type another meaning, or none (RFC 3597 §3): only IN and the class-independent
/// types have rows.
const RrTypeInfo* row_of(RrType type, RrClass rr_class) {
  const RrTypeInfo* row = find_rr_type(type);
  if (row == nullptr || rr_class == rr_class::in || type == type::opt || type == type::tsig || type == type::tkey)
    return row;
  const bool depends_on_class =
      std::ranges::any_of(row->fields, [](Field field) { return field == Field::ipv4 || field == Field::ipv6; });
  return depends_on_class ? nullptr : row;
}

void append(std::vector<std::uint8_t>& out, std::span<const std::uint8_t> octets) {
  out.insert(out.end(), octets.begin(), octets.end());
}

/// One length octet and what it counts.
void read_string(WireReader& window, std::vector<std::uint8_t>& out) {
  const std::uint8_t length = window.u8();
  const auto octets = window.octets(length);
  if (!window.ok()) return;
  out.push_back(length);
  append(out, octets);
}

/// RFC 4034 §4.1.2: windows ascend, each of 1 to 32 octets, the last of them not zero.
void read_type_bitmap(WireReader& window, std::vector<std::uint8_t>& out) {
  int last = -1;
  while (window.ok() && window.left() != 0) {
    const std::uint8_t number = window.u8();
    const std::uint8_t length = window.u8();
    const auto bits = window.octets(length);
    if (!window.ok()) return;
    if (number <= last || length == 0 || length > 32 || bits.back() == 0) return window.fail(Fault::bad_rdata);
    last = number;
    out.push_back(number);
    out.push_back(length);
    append(out, bits);
  }
}

void read_name(WireReader& window, bool may_be_compressed, std::vector<std::uint8_t>& out) {
  const Name name = may_be_compressed ? window.name() : window.uncompressed_name();
  if (window.ok()) append(out, name.wire());
}

void read_field(Field field, WireReader& window, std::vector<std::uint8_t>& out) {
  switch (field) {
    case Field::none:
      return;
    case Field::u8:
      return append(out, window.octets(1));
    case Field::u16:
      return append(out, window.octets(2));
    case Field::u32:
    case Field::ipv4:
      return append(out, window.octets(4));
    case Field::u48:
      return append(out, window.octets(6));
    case Field::ipv6:
      return append(out, window.octets(16));
    case Field::name_compressed:
    case Field::name_lowered:
      return read_name(window, true, out);
    case Field::name_plain:
      return read_name(window, false, out);
    case Field::string:
    case Field::hash8:
      return read_string(window, out);
    case Field::strings:
      do {
        read_string(window, out);
      } while (window.ok() && window.left() != 0);
      return;
    case Field::prefixed16: {
      const std::uint16_t length = window.u16();
      const auto octets = window.octets(length);
      if (!window.ok()) return;
      out.push_back(static_cast<std::uint8_t>(length >> 8));
      out.push_back(static_cast<std::uint8_t>(length & 0xff));
      return append(out, octets);
    }
    case Field::type_bitmap:
      return read_type_bitmap(window, out);
    case Field::rest_nonempty:
      if (window.ok() && window.left() == 0) return window.fail(Fault::short_read);
      [[fallthrough]];
    case Field::rest:
      return append(out, window.rest());
  }
}

std::size_t name_octets(std::span<const std::uint8_t> rdata) {
  std::size_t at = 0;
  while (at < rdata.size() && rdata[at] != 0) at += rdata[at] + 1U;
  return std::min(at + 1, rdata.size());
}

/// Octets of a field in valid uncompressed RDATA.
std::size_t field_octets(Field field, std::span<const std::uint8_t> rdata) {
  switch (field) {
    case Field::none:
      return 0;
    case Field::u8:
      return 1;
    case Field::u16:
      return 2;
    case Field::u32:
    case Field::ipv4:
      return 4;
    case Field::u48:
      return 6;
    case Field::ipv6:
      return 16;
    case Field::name_compressed:
    case Field::name_lowered:
    case Field::name_plain:
      return name_octets(rdata);
    case Field::string:
    case Field::hash8:
      return rdata.empty() ? 0 : rdata[0] + 1U;
    case Field::prefixed16:
      return rdata.size() < 2 ? rdata.size() : (static_cast<std::size_t>(rdata[0]) << 8 | rdata[1]) + 2U;
    case Field::strings:
    case Field::type_bitmap:
    case Field::rest:
    case Field::rest_nonempty:
      return rdata.size();
  }
  return rdata.size();
}

}  // namespace

void read_rdata(RrType type, RrClass rr_class, WireReader& window, std::vector<std::uint8_t>& out) {
  const RrTypeInfo* row = row_of(type, rr_class);
  if (row == nullptr) return append(out, window.rest());
  for (const Field field : row->fields) {
    if (field == Field::none || !window.ok()) break;
    read_field(field, window, out);
  }
  if (window.ok() && window.left() != 0) window.fail(Fault::left_over);
}

bool is_valid_rdata(RrType type, RrClass rr_class, std::span<const std::uint8_t> rdata) {
  if (rdata.size() > 65535) return false;
  NameWork work{rdata.size()};
  WireReader window{rdata, work};
  std::vector<std::uint8_t> out;
  out.reserve(rdata.size());
  read_rdata(type, rr_class, window, out);
  return window.ok() && std::ranges::equal(out, rdata);  // a pointer would have made it longer
}

RdataFields::RdataFields(RrType type, std::span<const std::uint8_t> rdata) : row_{find_rr_type(type)}, rdata_{rdata} {}

bool RdataFields::next() {
  offset_ += octets_;
  if (row_ == nullptr) {
    field_ = Field::rest;
    octets_ = rdata_.size();
    return index_++ == 0;
  }
  if (index_ == row_->fields.size() || row_->fields[index_] == Field::none) return false;
  field_ = row_->fields[index_++];
  octets_ = std::min(field_octets(field_, rdata_.subspan(offset_)), rdata_.size() - offset_);
  return true;
}

void canonicalise(RrType type, std::span<std::uint8_t> rdata) {
  for (RdataFields fields{type, rdata}; fields.next();) {
    if (fields.field() != Field::name_compressed && fields.field() != Field::name_lowered) continue;
    for (std::uint8_t& octet : rdata.subspan(fields.offset(), fields.octets())) {  // lengths are below 'A'
      if (octet >= 'A' && octet <= 'Z') octet = static_cast<std::uint8_t>(octet + ('a' - 'A'));
    }
  }
}

std::optional<Name> target_name(RrType type, std::span<const std::uint8_t> rdata) {
  std::size_t skip = 0;
  if (type == type::mx) {
    skip = 2;
  } else if (type == type::srv) {
    skip = 6;
  } else if (type != type::ns && type != type::cname && type != type::dname && type != type::ptr) {
    return std::nullopt;
  }
  if (rdata.size() < skip) return std::nullopt;
  const auto name = Name::from_wire(rdata.subspan(skip));
  if (!name) return std::nullopt;
  return *name;
}

Parsed<Soa> parse_soa(std::span<const std::uint8_t> rdata) {
  NameWork work{rdata.size()};
  WireReader reader{rdata, work};
  // Braces evaluate left to right.
  return reader.finish(Soa{.primary = reader.uncompressed_name(),
                           .mailbox = reader.uncompressed_name(),
                           .serial = reader.u32(),
                           .refresh = reader.u32(),
                           .retry = reader.u32(),
                           .expire = reader.u32(),
                           .minimum = reader.u32()});
}

}  // namespace redoubt::dns
