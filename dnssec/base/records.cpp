#include "dnssec/base/records.hpp"

#include "dns/reader.hpp"
#include "dnssec/base/digest.hpp"

namespace redoubt::dnssec {

namespace {

/// Runs `fill` over a reader of that RDATA. Nothing when a field was missing or, unless `fill` took the rest, left
/// over.
template <class T, class Fill>
std::optional<T> read(OctetView rdata, Fill fill) {
  dns::NameWork work{rdata.size()};
  dns::WireReader reader{rdata, work};
  T value;
  fill(reader, value);
  if (!reader.finish(true)) return std::nullopt;
  return value;
}

}  // namespace

std::optional<Dnskey> Dnskey::parse(OctetView rdata) {
  return read<Dnskey>(rdata, [](dns::WireReader& reader, Dnskey& key) {
    key.flags = reader.u16();
    key.protocol = reader.u8();
    key.algorithm = reader.u8();
    key.public_key = reader.rest();
  });
}

Octets dnskey_rdata(std::uint16_t flags, Algorithm algorithm, OctetView public_key) {
  Octets out;
  out.reserve(4 + public_key.size());
  append_u16(out, flags);
  out.push_back(Dnskey::dnssec_protocol);
  out.push_back(static_cast<std::uint8_t>(algorithm));
  append_octets(out, public_key);
  return out;
}

std::uint16_t key_tag(OctetView dnskey_rdata) {
  std::uint32_t sum = 0;  // RDATA has 65,535 octets at most, so it cannot wrap
  for (std::size_t i = 0; i < dnskey_rdata.size(); ++i)
    sum += i % 2 == 0 ? std::uint32_t{dnskey_rdata[i]} << 8 : dnskey_rdata[i];
  return static_cast<std::uint16_t>((sum + (sum >> 16)) & 0xffff);
}

std::optional<Ds> Ds::parse(OctetView rdata) {
  return read<Ds>(rdata, [](dns::WireReader& reader, Ds& ds) {
    ds.key_tag = reader.u16();
    ds.algorithm = reader.u8();
    ds.digest_type = reader.u8();
    ds.digest = reader.rest();
  });
}

Octets ds_digest(const dns::Name& owner, OctetView dnskey_rdata, DsDigest digest) {
  const dns::Name lower = owner.lowercased();
  Octets octets;
  append_octets(octets, lower.wire());
  append_octets(octets, dnskey_rdata);
  const char* name = digest == DsDigest::sha1 ? "SHA1" : digest == DsDigest::sha256 ? "SHA256" : "SHA384";
  return digest_of(name, octets);
}

Octets ds_rdata(const dns::Name& owner, OctetView dnskey_rdata, DsDigest digest) {
  const auto key = Dnskey::parse(dnskey_rdata);
  const Octets octets = ds_digest(owner, dnskey_rdata, digest);
  Octets out;
  if (!key || octets.empty()) return out;
  append_u16(out, key_tag(dnskey_rdata));
  out.push_back(key->algorithm);
  out.push_back(static_cast<std::uint8_t>(digest));
  append_octets(out, octets);
  return out;
}

std::optional<Rrsig> Rrsig::parse(OctetView rdata) {
  return read<Rrsig>(rdata, [](dns::WireReader& reader, Rrsig& rrsig) {
    rrsig.covered = dns::RrType{reader.u16()};
    rrsig.algorithm = reader.u8();
    rrsig.labels = reader.u8();
    rrsig.original_ttl = dns::Ttl::from_wire(reader.u32());
    rrsig.expiration = reader.u32();
    rrsig.inception = reader.u32();
    rrsig.key_tag = reader.u16();
    rrsig.signer = reader.uncompressed_name();
    rrsig.signature = reader.rest();
  });
}

Octets rrsig_prefix(const Rrsig& rrsig) {
  Octets out;
  out.reserve(18 + rrsig.signer.wire().size() + 64);
  append_u16(out, rrsig.covered.value);
  out.push_back(rrsig.algorithm);
  out.push_back(rrsig.labels);
  append_u32(out, rrsig.original_ttl.seconds());
  append_u32(out, rrsig.expiration);
  append_u32(out, rrsig.inception);
  append_u16(out, rrsig.key_tag);
  const dns::Name lower = rrsig.signer.lowercased();
  append_octets(out, lower.wire());
  return out;
}

std::optional<Nsec> Nsec::parse(OctetView rdata) {
  return read<Nsec>(rdata, [](dns::WireReader& reader, Nsec& nsec) {
    nsec.next = reader.uncompressed_name();
    nsec.types = reader.rest();
  });
}

std::optional<Nsec3> Nsec3::parse(OctetView rdata) {
  return read<Nsec3>(rdata, [](dns::WireReader& reader, Nsec3& nsec3) {
    nsec3.hash_algorithm = reader.u8();
    nsec3.flags = reader.u8();
    nsec3.iterations = reader.u16();
    nsec3.salt = reader.octets(reader.u8());
    nsec3.next_hashed = reader.octets(reader.u8());
    nsec3.types = reader.rest();
  });
}

std::optional<Nsec3Param> Nsec3Param::parse(OctetView rdata) {
  return read<Nsec3Param>(rdata, [](dns::WireReader& reader, Nsec3Param& param) {
    param.hash_algorithm = reader.u8();
    param.flags = reader.u8();
    param.iterations = reader.u16();
    param.salt = reader.octets(reader.u8());
  });
}

bool bitmap_has(OctetView bitmap, dns::RrType type) {
  const std::size_t window = type.value >> 8;
  const std::size_t octet = (type.value & 0xff) / 8;
  while (bitmap.size() >= 2 && bitmap.size() - 2 >= bitmap[1]) {
    if (bitmap[0] == window) return octet < bitmap[1] && (bitmap[2 + octet] & 0x80 >> type.value % 8) != 0;
    bitmap = bitmap.subspan(2U + bitmap[1]);
  }
  return false;
}

void append_bitmap(Octets& out, std::span<const dns::RrType> types) {
  std::size_t window_at = 0;  // of the current window's number in `out`
  int window = -1;
  for (const dns::RrType type : types) {
    if (type.value >> 8 != window) {
      window = type.value >> 8;
      window_at = out.size();
      out.push_back(static_cast<std::uint8_t>(window));
      out.push_back(0);
    }
    const std::size_t octets = (type.value & 0xffU) / 8 + 1;
    out.resize(window_at + 2 + octets);  // never shrinks, for the types ascend
    out[window_at + 1] = static_cast<std::uint8_t>(octets);
    out.back() = static_cast<std::uint8_t>(out.back() | 0x80 >> type.value % 8);
  }
}

std::vector<dns::RrType> types_of(OctetView bitmap) {
  std::vector<dns::RrType> types;
  while (bitmap.size() >= 2 && bitmap.size() - 2 >= bitmap[1]) {
    for (std::size_t bit = 0; bit < bitmap[1] * 8U; ++bit) {
      if ((bitmap[2 + bit / 8] & 0x80 >> bit % 8) != 0)
        types.push_back({static_cast<std::uint16_t>(bitmap[0] << 8 | static_cast<int>(bit))});
    }
    bitmap = bitmap.subspan(2U + bitmap[1]);
  }
  return types;
}

void append_u16(Octets& out, std::uint16_t value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8));
  out.push_back(static_cast<std::uint8_t>(value & 0xff));
}

void append_u32(Octets& out, std::uint32_t value) {
  append_u16(out, static_cast<std::uint16_t>(value >> 16));
  append_u16(out, static_cast<std::uint16_t>(value & 0xffff));
}

}  // namespace redoubt::dnssec
