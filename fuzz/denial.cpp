// Entrance: the prover of absence, over any records that a zone may have signed. Properties: it ends; it never spends
// more hash blocks than it was given; too many iterations cost none; an NSEC of the very name is never proof that the
// name does not exist together with proof that it lacks a type that the NSEC lists.
#include "dnssec/verify/denial.hpp"

#include <array>

#include "dns/rdata.hpp"
#include "dns/reader.hpp"
#include "fuzz/require.hpp"

using namespace redoubt;
using namespace redoubt::dnssec;
using redoubt::fuzz::require;

namespace {

constexpr std::uint64_t allowance = 400;

class Purse final : public Effort {
 public:
  bool spend(Work work, std::uint64_t amount) override {
    require(work == Work::hash_block, "proofs check no signatures");
    if (amount > left) return false;
    left -= amount;
    return true;
  }
  std::uint64_t left = allowance;
};

/// Octets in turn; zeros when there are no more.
class Feed {
 public:
  explicit Feed(std::span<const std::uint8_t> octets) : octets_{octets} {}
  std::uint8_t next() {
    if (octets_.empty()) return 0;
    const std::uint8_t octet = octets_.front();
    octets_ = octets_.subspan(1);
    return octet;
  }
  std::span<const std::uint8_t> take(std::size_t count) {
    const auto taken = octets_.first(std::min(count, octets_.size()));
    octets_ = octets_.subspan(taken.size());
    return taken;
  }
  bool empty() const { return octets_.empty(); }

 private:
  std::span<const std::uint8_t> octets_;
};

/// A name below the zone, of few letters, so that names meet.
dns::Name name_from(Feed& feed, const dns::Name& zone) {
  dns::Name name = zone;
  for (int labels = feed.next() % 5; labels > 0; --labels) {
    const std::array<std::uint8_t, 1> label{static_cast<std::uint8_t>("*abcd"[feed.next() % 5])};
    if (auto longer = name.prepended(label)) name = *longer;
  }
  return name;
}

dns::Name owner_from(Feed& feed, const dns::Name& zone, bool is_nsec3) {
  if (!is_nsec3) return name_from(feed, zone);
  std::array<std::uint8_t, 32> label{};
  const std::uint8_t first = feed.next();
  for (std::uint8_t& letter : label) letter = static_cast<std::uint8_t>("0123456789abcdefghijklmnopqrstuv"[first % 32]);
  return zone.prepended(label).value_or(zone);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 2048) return 0;
  Feed feed{{data, size}};
  const dns::Name zone = dns::Name::literal(feed.next() % 2 == 0 ? "zone." : ".");
  const dns::Name name = name_from(feed, zone);
  const dns::RrType type{static_cast<std::uint16_t>(feed.next())};
  std::vector<DenialRecord> records;
  bool too_many = false;
  while (!feed.empty() && records.size() < 20) {
    const bool is_nsec3 = feed.next() % 2 == 1;
    const dns::RrType kind = is_nsec3 ? dns::type::nsec3 : dns::type::nsec;
    const dns::Name owner = owner_from(feed, zone, is_nsec3);
    const auto rdata = feed.take(feed.next());
    if (!dns::is_valid_rdata(kind, dns::rr_class::in, rdata)) continue;
    const auto nsec3 = is_nsec3 ? Nsec3::parse(rdata) : std::nullopt;
    too_many = too_many || (nsec3 && nsec3->iterations > CandidateLimits{}.nsec3_iterations);
    records.push_back({owner, kind, rdata});
  }
  const CandidateLimits limits;
  Purse purse;
  Prover prover{zone, records, limits, purse};
  const Proof no_name = prover.no_name(name);
  const Proof no_data = prover.no_data(name, type);
  (void)prover.expansion(name, static_cast<std::uint8_t>(name.label_count() > 0 ? name.label_count() - 1 : 0));
  (void)prover.no_ds(name);
  require(!(name == zone) || no_name.security != Security::secure, "a zone's apex exists");
  for (const DenialRecord& record : records) {
    if (record.type != dns::type::nsec || !(record.owner == name) || records.size() != 1) continue;
    const auto nsec = Nsec::parse(record.rdata);
    require(no_name.security != Security::secure, "a name with an NSEC of its own exists");
    if (nsec && bitmap_has(nsec->types, type)) require(no_data.security != Security::secure, "a listed type exists");
  }
  if (too_many && records.size() == 1) require(purse.left == allowance, "too many iterations cost nothing");
  return 0;
}
