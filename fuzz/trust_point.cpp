// Entrances: trust_point_from_text, and observe() with keys and signatures as any server may send them. Properties: a
// state that can be read is written back equal; keys that no trusted one signed change no anchor; a zone never loses
// its last one.
#include "dnssec/anchors/trust_point.hpp"

#include <algorithm>
#include <span>
#include <string_view>

#include "fuzz/require.hpp"

namespace {

using namespace redoubt;
using fuzz::require;

class NoBound final : public dnssec::Effort {
 public:
  bool spend(dnssec::Work, std::uint64_t) override { return ++steps_ < 1000; }

 private:
  unsigned steps_ = 0;
};

/// A key whose private half nobody has.
dnssec::Octets anchor() {
  dnssec::Octets rdata{0x01, 0x01, 3, 15};
  for (std::uint8_t i = 0; i < 32; ++i) rdata.push_back(static_cast<std::uint8_t>(i * 7 + 1));
  return rdata;
}

/// RDATA of both kinds in turn, each behind its length in one octet.
void split(std::span<const std::uint8_t> input, dns::RdataList& keys, dns::RdataList& signatures) {
  for (bool is_key = true; !input.empty(); is_key = !is_key) {
    const std::size_t length = std::min<std::size_t>(input.front(), input.size() - 1);
    const auto rdata = input.subspan(1, length);
    input = input.subspan(1 + length);
    // As they come in: what is no such RDATA never gets this far.
    if (is_key && dnssec::Dnskey::parse(rdata)) keys.add(rdata);
    if (!is_key && dnssec::Rrsig::parse(rdata)) signatures.add(rdata);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (const auto point = dnssec::trust_point_from_text({reinterpret_cast<const char*>(data), size}))
    require(dnssec::trust_point_from_text(dnssec::to_text(*point)) == point, "what is read is written back equal");
  dns::RdataList keys;
  dns::RdataList signatures;
  split({data, size}, keys, signatures);
  dnssec::TrustPoint point = dnssec::begin_trust_point(dns::Name{}, {{}, {anchor()}});
  const dnssec::Vouchers before = dnssec::anchors_of(point);
  NoBound effort;
  const dnssec::SignatureRules rules{.now = 1'800'000'000};
  const auto seen = dnssec::observe(point, {keys, signatures}, {1'800'000'000, {}}, rules, effort);
  require(!seen.anchors_changed && dnssec::anchors_of(point) == before, "nobody but a trusted key changes anchors");
  return 0;
}
