#include "dnssec/zonemd.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "dns/rdata.hpp"
#include "dns/record_stream.hpp"

namespace redoubt::dnssec {

namespace {

constexpr std::uint8_t scheme_simple = 1;
constexpr std::size_t least_digest_octets = 12;  // §2.2.4
constexpr std::size_t fixed_octets = 6;          // serial, scheme, hash

struct Digest {
  std::uint32_t serial;
  std::uint8_t scheme;
  std::uint8_t hash;
  std::span<const std::uint8_t> octets;
};

std::optional<Digest> read_digest(std::span<const std::uint8_t> rdata) {
  if (rdata.size() < fixed_octets + least_digest_octets) return std::nullopt;
  const std::uint32_t serial = std::uint32_t{rdata[0]} << 24 | std::uint32_t{rdata[1]} << 16 |
                               std::uint32_t{rdata[2]} << 8 | std::uint32_t{rdata[3]};
  return Digest{serial, rdata[4], rdata[5], rdata.subspan(fixed_octets)};
}

bool is_known(const Digest& digest) {
  return digest.scheme == scheme_simple && (digest.hash == static_cast<std::uint8_t>(ZonemdHash::sha384) ||
                                            digest.hash == static_cast<std::uint8_t>(ZonemdHash::sha512));
}

/// The two first octets of RRSIG are the type it covers.
bool covers(const dns::Record& record, dns::RrType type) {
  return record.type == dns::type::rrsig && record.rdata.size() >= 2 &&
         (record.rdata[0] << 8 | record.rdata[1]) == type.value;
}

/// §3.3.1: what is about the digest is not in it.
bool is_digested(const dns::Name& apex, const dns::Record& record) {
  return !(record.owner == apex && (record.type == dns::type::zonemd || covers(record, dns::type::zonemd)));
}

/// §3.3.2: by owner, type and RDATA, all in canonical form.
std::vector<dns::Record> canonical(const dns::Name& apex, std::span<const dns::Record> records) {
  std::vector<dns::Record> sorted;
  sorted.reserve(records.size());
  for (const dns::Record& record : records) {
    if (!is_digested(apex, record)) continue;
    sorted.push_back(record);
    sorted.back().owner = record.owner.lowercased();
    dns::canonicalise(record.type, sorted.back().rdata);
  }
  std::ranges::sort(sorted, [](const dns::Record& a, const dns::Record& b) {
    if (const auto owners = a.owner <=> b.owner; owners != 0) return owners < 0;
    if (a.type != b.type) return a.type.value < b.type.value;
    return a.rdata < b.rdata;
  });
  const auto same = [](const dns::Record& a, const dns::Record& b) {
    return a.owner == b.owner && a.type == b.type && a.rdata == b.rdata;
  };
  const auto twice = std::ranges::unique(sorted, same);
  sorted.erase(twice.begin(), twice.end());
  return sorted;
}

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

}  // namespace

std::string_view describe(ZonemdFault fault) {
  switch (fault) {
    case ZonemdFault::no_soa:
      return "it does not have one SOA at its apex";
    case ZonemdFault::foreign_record:
      return "it holds records that are not of this zone";
    case ZonemdFault::no_digest:
      return "it has no ZONEMD record";
    case ZonemdFault::malformed:
      return "its ZONEMD records are malformed";
    case ZonemdFault::unsupported:
      return "its ZONEMD records use no scheme and hash that is known here";
    case ZonemdFault::wrong_serial:
      return "its ZONEMD records are of another serial";
    case ZonemdFault::digest_mismatch:
      return "its ZONEMD digest does not fit its records";
    case ZonemdFault::no_resources:
      return "there was no memory to digest it";
  }
  return "it is faulty";
}

std::vector<std::uint8_t> simple_digest(const dns::Name& apex, std::span<const dns::Record> records, ZonemdHash hash) {
  const std::unique_ptr<EVP_MD_CTX, FreeContext> context{EVP_MD_CTX_new()};
  const EVP_MD* algorithm = hash == ZonemdHash::sha384 ? EVP_sha384() : EVP_sha512();
  if (!context || EVP_DigestInit_ex(context.get(), algorithm, nullptr) != 1) return {};
  std::vector<std::uint8_t> octets;
  for (const dns::Record& record : canonical(apex, records)) {
    octets.clear();
    dns::append_record(octets, record);
    if (EVP_DigestUpdate(context.get(), octets.data(), octets.size()) != 1) return {};
  }
  std::vector<std::uint8_t> digest(static_cast<std::size_t>(EVP_MD_get_size(algorithm)));
  if (EVP_DigestFinal_ex(context.get(), digest.data(), nullptr) != 1) return {};
  return digest;
}

std::expected<void, ZonemdFault> verify_zone_digest(const dns::Name& apex, std::span<const dns::Record> records) {
  std::optional<dns::Soa> soa;
  std::vector<Digest> digests;
  std::set<std::pair<std::uint8_t, std::uint8_t>> kinds;
  for (const dns::Record& record : records) {
    if (record.rr_class != dns::rr_class::in || !record.owner.is_at_or_below(apex))
      return std::unexpected{ZonemdFault::foreign_record};
    if (!(record.owner == apex)) continue;
    if (record.type == dns::type::soa) {
      const auto parsed = dns::parse_soa(record.rdata);
      if (!parsed || soa) return std::unexpected{ZonemdFault::no_soa};
      soa = *parsed;
    } else if (record.type == dns::type::zonemd) {
      const auto digest = read_digest(record.rdata);
      if (!digest || !kinds.emplace(digest->scheme, digest->hash).second)
        return std::unexpected{ZonemdFault::malformed};
      digests.push_back(*digest);
    }
  }
  if (!soa) return std::unexpected{ZonemdFault::no_soa};
  if (digests.empty()) return std::unexpected{ZonemdFault::no_digest};

  ZonemdFault fault = ZonemdFault::unsupported;
  for (const Digest& digest : digests) {
    if (!is_known(digest)) continue;
    if (digest.serial != soa->serial) {
      fault = ZonemdFault::wrong_serial;
      continue;
    }
    const std::vector<std::uint8_t> ours = simple_digest(apex, records, static_cast<ZonemdHash>(digest.hash));
    if (ours.empty()) return std::unexpected{ZonemdFault::no_resources};
    if (std::ranges::equal(ours, digest.octets)) return {};
    fault = ZonemdFault::digest_mismatch;
  }
  return std::unexpected{fault};
}

}  // namespace redoubt::dnssec
