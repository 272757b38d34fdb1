// Entrance: RDATA of DNSKEY, DS, RRSIG, NSEC, NSEC3, NSEC3PARAM, CDS and CDNSKEY, as zones and servers have it, and
// keys and signatures inside. Properties: what is valid for its type is read; bitmaps read back as the types they list;
// a key that is taken refuses a made-up signature; canonical form never grows beyond the set and its owner names.
#include <algorithm>
#include <array>

#include "dns/rdata.hpp"
#include "dnssec/base/canonical.hpp"
#include "dnssec/base/public_key.hpp"
#include "dnssec/base/records.hpp"
#include "fuzz/require.hpp"

using namespace redoubt;
using namespace redoubt::dnssec;
using redoubt::fuzz::require;

namespace {

constexpr std::array<std::uint16_t, 8> types{48, 43, 46, 47, 50, 51, 59, 60};

void check_bitmap(OctetView bitmap) {
  const auto listed = types_of(bitmap);
  for (const dns::RrType type : listed) require(bitmap_has(bitmap, type), "a listed type is there");
  Octets again;
  append_bitmap(again, listed);
  require(std::ranges::equal(again, bitmap), "a valid bitmap is written as it was read");
}

void check_key(OctetView rdata) {
  const auto key = Dnskey::parse(rdata);
  require(key.has_value(), "a valid DNSKEY is read");
  (void)key_tag(rdata);
  const auto usable = PublicKey::from_dnskey(key->algorithm, key->public_key);
  if (usable) require(!usable->verifies(rdata, Octets(64, 1)), "64 ones are no signature");
}

void check(dns::RrType type, OctetView rdata) {
  switch (type.value) {
    case 48:
    case 60:
      return check_key(rdata);
    case 43:
    case 59:
      return require(Ds::parse(rdata).has_value(), "a valid DS is read");
    case 46: {
      const auto rrsig = Rrsig::parse(rdata);
      require(rrsig.has_value(), "a valid RRSIG is read");
      require(rrsig_prefix(*rrsig).size() + rrsig->signature.size() == rdata.size(), "prefix and signature are all");
      return;
    }
    case 47: {
      const auto nsec = Nsec::parse(rdata);
      require(nsec.has_value(), "a valid NSEC is read");
      return check_bitmap(nsec->types);
    }
    case 50: {
      const auto nsec3 = Nsec3::parse(rdata);
      require(nsec3.has_value(), "a valid NSEC3 is read");
      return check_bitmap(nsec3->types);
    }
    case 51:
      return require(Nsec3Param::parse(rdata).has_value(), "a valid NSEC3PARAM is read");
    default:
      return;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1 || size > 4096) return 0;
  const dns::RrType type{types[data[0] % types.size()]};
  const OctetView rdata{data + 1, size - 1};
  // Whatever they are, reading them is safe.
  (void)Dnskey::parse(rdata);
  (void)Ds::parse(rdata);
  (void)Rrsig::parse(rdata);
  (void)Nsec::parse(rdata);
  (void)Nsec3::parse(rdata);
  (void)Nsec3Param::parse(rdata);
  (void)types_of(rdata);
  if (!dns::is_valid_rdata(type, dns::rr_class::in, rdata)) return 0;
  check(type, rdata);
  dns::RdataList list;
  list.add(rdata);
  list.add(rdata);
  const dns::Name owner = dns::Name::literal("www.example.");
  Octets out;
  const Octets prefix(18, 3);
  if (append_signed_data(out, prefix, {owner, type, list}))
    require(out.size() <= prefix.size() + owner.wire().size() + 10 + rdata.size(), "each record stands there once");
  return 0;
}
