// Proofs of absence by NSEC and NSEC3: each holds for what it is about, and for nothing else. The records are those of
// a zone that the tests' own signer made.
#include "dnssec/verify/denial.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/signing/signed_records.hpp"

namespace redoubt::dnssec {
namespace {

using dns::Name;
using signing::DenialBy;
using testing::HasSubstr;

class Purse final : public Effort {
 public:
  std::uint64_t blocks = 0;
  std::uint64_t most = 400;
  bool spend(Work work, std::uint64_t amount) override {
    if (work != Work::hash_block) return true;
    if (blocks + amount > most) return false;
    blocks += amount;
    return true;
  }
};

dns::Record record(const char* owner, dns::RrType type, Octets rdata = {1, 2, 3, 4}) {
  return {Name::literal(owner), type, dns::rr_class::in, dns::Ttl::from_wire(3600), std::move(rdata)};
}

struct Denial : testing::TestWithParam<DenialBy> {
  Name zone = Name::literal("example.");
  CandidateLimits limits{};
  Purse purse;
  signing::ZoneSigning signing{.keys = {signing::TestKey::make()}, .times = {0, 1000}, .denial = GetParam()};
  std::vector<dns::Record> all;
  std::vector<DenialRecord> records;

  void SetUp() override { build(); }
  void build() {
    limits.denial_records = 100;  // the whole chain: each proof picks what it needs
    all = signing::sign_zone(
        zone,
        {record("example.", dns::type::soa), record("example.", dns::type::ns), record("www.example.", dns::type::a),
         record("a.ent.example.", dns::type::a), record("alias.example.", dns::type::cname),
         record("*.wild.example.", dns::type::a), record("x.wild.example.", dns::type::a),
         record("plain.example.", dns::type::ns), record("safe.example.", dns::type::ns),
         record("safe.example.", dns::type::ds), record("dn.example.", dns::type::dname)},
        signing);
    records.clear();
    for (const dns::Record& one : all) {
      if (one.type == dns::type::nsec || one.type == dns::type::nsec3)
        records.push_back({one.owner, one.type, one.rdata});
    }
  }
  Prover prover() { return {zone, records, limits, purse}; }
  Security no_name(const char* name) { return prover().no_name(Name::literal(name)).security; }
  Security no_data(const char* name, dns::RrType type) { return prover().no_data(Name::literal(name), type).security; }
  Prover::Cut cut(const char* name) { return prover().no_ds(Name::literal(name)).cut; }
};

INSTANTIATE_TEST_SUITE_P(By, Denial, testing::Values(DenialBy::nsec, DenialBy::nsec3),
                         [](const auto& one) { return one.param == DenialBy::nsec ? "nsec" : "nsec3"; });

TEST_P(Denial, names_that_do_not_exist_are_denied_and_others_are_not) {
  EXPECT_EQ(no_name("nothing.example."), Security::secure);
  EXPECT_EQ(no_name("b.ent.example."), Security::secure);
  EXPECT_EQ(no_name("deep.below.www.example."), Security::secure);
  EXPECT_EQ(no_name("www.example."), Security::bogus);
  EXPECT_EQ(no_name("example."), Security::bogus);
  EXPECT_EQ(no_name("ent.example."), Security::bogus) << "an empty non-terminal exists";
  EXPECT_EQ(no_name("other.wild.example."), Security::bogus) << "a wildcard makes it";
}

TEST_P(Denial, a_cut_or_dname_says_nothing_of_what_is_below_it) {
  for (const char* name : {"www.plain.example.", "www.safe.example.", "x.dn.example."}) {
    EXPECT_EQ(no_name(name), Security::bogus) << name;
    EXPECT_EQ(no_data(name, dns::type::a), Security::bogus) << name;
  }
}

TEST_P(Denial, types_that_a_name_lacks_are_denied) {
  EXPECT_EQ(no_data("www.example.", dns::type::aaaa), Security::secure);
  EXPECT_EQ(no_data("www.example.", dns::type::a), Security::bogus);
  EXPECT_EQ(no_data("ent.example.", dns::type::a), Security::secure) << "an empty non-terminal has none";
  EXPECT_EQ(no_data("alias.example.", dns::type::a), Security::bogus) << "an alias leads elsewhere";
  EXPECT_EQ(no_data("example.", dns::type::aaaa), Security::secure);
  EXPECT_EQ(no_data("example.", dns::type::soa), Security::bogus);
  EXPECT_EQ(no_data("safe.example.", dns::type::a), Security::bogus) << "the zone above a cut has no say";
}

TEST_P(Denial, a_wildcard_without_the_type_denies_it) {
  EXPECT_EQ(no_data("other.wild.example.", dns::type::aaaa), Security::secure);
  EXPECT_EQ(no_data("other.wild.example.", dns::type::a), Security::bogus);
  EXPECT_EQ(no_data("x.wild.example.", dns::type::aaaa), Security::secure);
}

TEST_P(Denial, an_expansion_needs_proof_that_nothing_closer_exists) {
  const auto expansion = [&](const char* name, std::uint8_t labels) {
    return prover().expansion(Name::literal(name), labels).security;
  };
  EXPECT_EQ(expansion("other.wild.example.", 2), Security::secure);
  EXPECT_EQ(expansion("a.b.wild.example.", 2), Security::secure);
  EXPECT_EQ(expansion("x.wild.example.", 2), Security::bogus);
  EXPECT_EQ(expansion("y.x.wild.example.", 2), Security::bogus);
  EXPECT_EQ(expansion("other.wild.example.", 1), Security::bogus) << "wild.example. is closer than *.example.";
}

TEST_P(Denial, of_ds_tells_unsigned_cuts_from_names_that_are_none) {
  EXPECT_EQ(cut("plain.example."), Prover::Cut::unsigned_zone);
  EXPECT_EQ(cut("safe.example."), Prover::Cut::unproven);
  EXPECT_EQ(cut("www.example."), Prover::Cut::none);
  EXPECT_EQ(cut("ent.example."), Prover::Cut::none);
  EXPECT_EQ(cut("nothing.example."), Prover::Cut::no_name);
  EXPECT_EQ(cut("example."), Prover::Cut::unproven) << "a zone cannot deny its own DS";
}

TEST_P(Denial, without_one_of_its_records_a_proof_is_none) {
  const auto whole = records;
  for (const char* name : {"nothing.example.", "b.ent.example."}) {
    std::size_t needed = 0;
    for (std::size_t i = 0; i < whole.size(); ++i) {
      records = whole;
      records.erase(records.begin() + static_cast<std::ptrdiff_t>(i));
      if (no_name(name) == Security::bogus) ++needed;
    }
    EXPECT_GE(needed, 1U);
    EXPECT_LE(needed, 3U);
  }
  records.clear();
  EXPECT_EQ(no_name("nothing.example."), Security::bogus);
}

TEST_P(Denial, records_of_another_zone_are_none) {
  Name below = Name::literal("sub.example.");
  Prover other{below, records, limits, purse};
  EXPECT_EQ(other.no_name(Name::literal("x.sub.example.")).security, Security::bogus);
  EXPECT_EQ(other.no_ds(Name::literal("x.sub.example.")).cut, Prover::Cut::unproven);
}

struct Nsec3Denial : Denial {};
INSTANTIATE_TEST_SUITE_P(By, Nsec3Denial, testing::Values(DenialBy::nsec3));

TEST_P(Nsec3Denial, a_span_that_opts_out_never_makes_anything_secure) {
  signing.opt_out = true;
  build();
  EXPECT_EQ(no_name("nothing.example."), Security::insecure);
  EXPECT_EQ(cut("plain.example."), Prover::Cut::perhaps_a_zone);
  EXPECT_EQ(cut("nothing.example."), Prover::Cut::perhaps_a_zone);
  EXPECT_EQ(no_data("www.example.", dns::type::aaaa), Security::secure);
}

TEST_P(Nsec3Denial, salt_and_iterations_take_part) {
  signing.salt = {0xaa, 0xbb};
  signing.iterations = 5;
  build();
  EXPECT_EQ(no_name("nothing.example."), Security::secure);
  EXPECT_EQ(no_name("www.example."), Security::bogus);
}

TEST_P(Nsec3Denial, too_many_iterations_are_insecure_and_cost_no_hash) {
  signing.iterations = 51;
  build();
  for (const Proof& proof : {prover().no_name(Name::literal("nothing.example.")),
                             prover().no_data(Name::literal("www.example."), dns::type::aaaa),
                             prover().expansion(Name::literal("other.wild.example."), 2)}) {
    EXPECT_EQ(proof.security, Security::insecure);
    EXPECT_EQ(proof.reason.code, dns::EdeCode::unsupported_nsec3_iterations);
  }
  EXPECT_EQ(cut("nothing.example."), Prover::Cut::perhaps_a_zone);
  EXPECT_EQ(purse.blocks, 0U);
}

TEST_P(Nsec3Denial, deep_names_stop_at_the_allowance) {
  signing.iterations = 50;
  build();
  std::string deep;
  for (int i = 0; i < 110; ++i) deep += "a.";
  const Proof proof = prover().no_name(*Name::from_text(deep + "example."));
  EXPECT_EQ(proof.security, Security::bogus);
  EXPECT_THAT(proof.reason.text, HasSubstr("too many hashes"));
  EXPECT_LE(purse.blocks, 400U);
}

TEST_P(Nsec3Denial, records_with_different_parameters_prove_nothing) {
  Octets twisted{records.front().rdata.begin(), records.front().rdata.end()};
  twisted[3] = 7;
  records.front().rdata = twisted;
  EXPECT_EQ(no_name("nothing.example."), Security::bogus);
}

struct NsecDenial : Denial {};
INSTANTIATE_TEST_SUITE_P(By, NsecDenial, testing::Values(DenialBy::nsec));

/// RFC 9824: proofs that are made for the name that was asked for. Servers answer NOERROR with them; where one says
/// NXDOMAIN, the same NSEC proves that.
TEST_P(NsecDenial, compact_proofs_deny_the_name_that_they_are_of_and_no_other) {
  const auto compact = [&](const char* owner, std::vector<dns::RrType> types) {
    const Name name = Name::literal(owner);
    const Name next = *name.prepended(std::array<std::uint8_t, 1>{0});
    Octets rdata{next.wire().begin(), next.wire().end()};
    append_bitmap(rdata, types);
    all = {{name, dns::type::nsec, dns::rr_class::in, dns::Ttl::from_wire(3600), rdata}};
    records = {{all[0].owner, all[0].type, all[0].rdata}};
  };
  compact("nothing.example.", {dns::type::rrsig, dns::type::nsec, dns::type::nxname});
  EXPECT_EQ(no_data("nothing.example.", dns::type::a), Security::secure);
  EXPECT_EQ(no_data("NOTHING.example.", dns::type::txt), Security::secure);
  EXPECT_EQ(no_name("nothing.example."), Security::secure);
  for (const char* other : {"example.", "www.example.", "below.nothing.example.", "nothing.", "other.example."}) {
    EXPECT_EQ(no_name(other), Security::bogus) << other;
    EXPECT_EQ(no_data(other, dns::type::a), Security::bogus) << other;
  }
  compact("www.example.", {dns::type::a, dns::type::rrsig, dns::type::nsec});
  EXPECT_EQ(no_data("www.example.", dns::type::txt), Security::secure);
  EXPECT_EQ(no_data("www.example.", dns::type::a), Security::bogus);
  EXPECT_EQ(no_name("www.example."), Security::bogus) << "without NXNAME it exists";
}

TEST_P(NsecDenial, a_next_name_outside_the_zone_proves_nothing) {
  const Name next = Name::literal("zz.");
  Octets rdata{next.wire().begin(), next.wire().end()};
  const std::array types{dns::type::a};
  append_bitmap(rdata, types);
  records = {{Name::literal("a.example."), dns::type::nsec, rdata}};
  EXPECT_EQ(no_name("b.example."), Security::bogus);
}

}  // namespace
}  // namespace redoubt::dnssec
