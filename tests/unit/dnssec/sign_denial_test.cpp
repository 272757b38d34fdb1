// What a signed zone tells of the names in it (RFC 9276 §3.1; attacks: zone walking and guessing).
#include <gtest/gtest.h>

#include <fstream>

#include "dnssec/sign/denial.hpp"
#include "dnssec/zone/load.hpp"
#include "tests/unit/dnssec/temporary_folder.hpp"

namespace redoubt::dnssec {
namespace {

using dns::Name;
using tests::TemporaryFolder;

Zone zone_of_a_hundred(const TemporaryFolder& folder) {
  std::ofstream{folder.file("zone")} << [] {
    std::string text = "@ 3600 IN SOA ns host 1 3600 600 86400 900\n@ 3600 IN NS ns\nns 3600 IN A 192.0.2.1\n";
    for (int i = 0; i < 100; ++i) text += "secret-" + std::to_string(i * i) + " 3600 IN A 192.0.2.9\n";
    return text;
  }();
  auto zone = load_zone(folder.file("zone"), {.origin = Name::literal("example")});
  EXPECT_TRUE(zone) << (zone ? "" : zone.error());
  return std::move(*zone);
}

/// Nobody who lists the hashes has to be slowed down by what slows every validator (RFC 9276 §2), and none of them is
/// told a name.
TEST(DenialChains, by_hash_have_no_salt_and_no_iteration_and_say_no_name) {
  const TemporaryFolder folder;
  const Zone zone = zone_of_a_hundred(folder);
  const SigningRules rules{.denial = DenialKind::nsec3};
  const auto chain = DenialChain::build(zone, rules, 2);
  ASSERT_TRUE(chain) << chain.error();
  ASSERT_EQ(chain->hashed().size(), 102U);
  for (std::size_t k = 0; k < chain->hashed().size(); ++k) {
    const Octets rdata = chain->nsec3_rdata(k);
    const auto nsec3 = Nsec3::parse(rdata);
    ASSERT_TRUE(nsec3);
    EXPECT_EQ(nsec3->hash_algorithm, nsec3_sha1);
    EXPECT_EQ(nsec3->iterations, 0U);
    EXPECT_TRUE(nsec3->salt.empty());
    EXPECT_FALSE(nsec3->is_opt_out());
    // Each span ends where the next begins: it denies nothing that is there, and everything else once.
    const auto& next = chain->hashed()[(k + 1) % chain->hashed().size()].hash;
    EXPECT_TRUE(std::ranges::equal(nsec3->next_hashed, next));
    EXPECT_EQ(chain->nsec3_owner(k).to_text().find("secret"), std::string::npos);
  }
  const Octets rdata = nsec3param_rdata();
  const auto parameters = Nsec3Param::parse(rdata);
  ASSERT_TRUE(parameters);
  EXPECT_EQ(parameters->hash_algorithm, nsec3_sha1);
  EXPECT_EQ(parameters->iterations, 0U);
  EXPECT_TRUE(parameters->salt.empty());
}

/// The other way round, so that the test above can fail: by NSEC the next name is told.
TEST(DenialChains, by_name_tell_the_next_one) {
  const TemporaryFolder folder;
  const Zone zone = zone_of_a_hundred(folder);
  const SigningRules rules{.denial = DenialKind::nsec};
  const auto chain = DenialChain::build(zone, rules, 1);
  ASSERT_TRUE(chain) << chain.error();
  const Octets rdata = chain->nsec_rdata(1);
  const auto nsec = Nsec::parse(rdata);
  ASSERT_TRUE(nsec);
  EXPECT_NE(nsec->next.to_text().find("secret"), std::string::npos);
}

}  // namespace
}  // namespace redoubt::dnssec
