// Answers that are proven, and their spoilt twins.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sim/validation_fixture.hpp"

namespace redoubt::sim {
namespace {

using dns::Rcode;
using testing::Contains;
using testing::HasSubstr;
using testing::StartsWith;

struct Validation : ValidationFixture {};

INSTANTIATE_TEST_SUITE_P(By, Validation, both_denials, denial_name);

TEST_P(Validation, an_address_is_proven_from_the_root_down) { expect_secure("www.shop.com."); }

TEST_P(Validation, signatures_go_with_the_answer_to_who_asks_for_them) {
  const Answer answer = internet.ask("www.shop.com.");
  EXPECT_THAT(answer.answer(), Contains(HasSubstr("www.shop.com. RRSIG")));
  const Answer plain = internet.world().ask("www.shop.com.");
  EXPECT_EQ(plain.message.answer.size(), 1U);
  EXPECT_FALSE(plain.message.header.authentic) << "neither DO nor AD was asked for";
}

TEST_P(Validation, ad_in_the_question_alone_asks_for_ad) {
  dns::Query query = World::query("www.shop.com.");
  query.header.authentic = true;
  internet.publish();
  const Answer answer = internet.world().ask(query);
  EXPECT_TRUE(answer.message.header.authentic);
  EXPECT_EQ(answer.message.answer.size(), 1U);
}

TEST_P(Validation, a_cold_name_costs_the_walk_and_one_question_for_each_zones_keys) {
  EXPECT_EQ(internet.ask("www.shop.com.").packets, 6U) << trace();
  EXPECT_EQ(internet.ask("mail.shop.com.").packets, 1U) << trace();
  EXPECT_EQ(internet.ask("www.bank.com.").packets, 3U) << trace();
  EXPECT_EQ(internet.ask("www.plain.com.").packets, 2U) << "its referral says that it is unsigned\n" << trace();
}

TEST_P(Validation, aliases_are_proven_link_by_link) {
  expect_secure("alias.shop.com.");
  expect_secure("away.shop.com.");
  expect_insecure("alias.plain.com.");
}

TEST_P(Validation, a_dname_proves_what_it_makes) {
  expect_secure("www.old.shop.com.");
  expect_secure("www.old.shop.com.", "CNAME");
}

TEST_P(Validation, a_wildcard_answers_with_proof_that_nothing_is_closer) {
  expect_secure("a.wild.shop.com.");
  expect_secure("a.b.wild.shop.com.");
  expect_secure("x.cn.shop.com.");
}

TEST_P(Validation, what_is_not_there_is_proven_not_to_be) {
  expect_secure("nothing.shop.com.", "A", Rcode::nxdomain);
  expect_secure("www.shop.com.", "AAAA");
  expect_secure("ent.shop.com.", "A");
  expect_secure("a.wild.shop.com.", "AAAA");
  expect_secure("nothing.", "A", Rcode::nxdomain);
}

TEST_P(Validation, ds_and_dnskey_are_proven_at_their_own_side) {
  expect_secure("shop.com.", "DS");
  expect_secure("shop.com.", "DNSKEY");
  expect_secure(".", "DNSKEY");
  expect_secure(".", "NS");
  expect_secure("shop.com.", "SOA");
  expect_secure("www.shop.com.", "DS");
}

TEST_P(Validation, an_unsigned_zone_is_proven_to_be_one) {
  expect_insecure("www.plain.com.");
  expect_insecure("nothing.plain.com.", "A", Rcode::nxdomain);
  expect_insecure("www.plain.com.", "AAAA");
}

TEST_P(Validation, that_an_unsigned_zone_has_no_ds_is_a_proven_fact) {
  expect_secure("plain.com.", "DS");
  expect_insecure("www.plain.com.");
  expect_secure("plain.com.", "DS");
}

/// What the referral said of its DS has no SOA, which forwarders that validate for themselves miss (RFC 2308 §2.2).
TEST_P(Validation, the_missing_ds_of_an_unsigned_zone_is_denied_with_its_soa_whatever_was_asked_before) {
  expect_insecure("www.plain.com.");
  for (const bool cd : {true, false}) {
    const Answer answer = internet.ask("plain.com.", "DS", cd);
    EXPECT_EQ(answer.rcode(), Rcode::noerror);
    EXPECT_THAT(answer.authority(), Contains(HasSubstr("com. SOA"))) << cd;
  }
}

TEST_P(Validation, an_altered_signature_is_bogus) {
  spoil("shop.com.", [](auto& records) { spoil_signature(records, "www.shop.com.", "A"); });
  expect_bogus("www.shop.com.", 6);
  expect_secure("mail.shop.com.");
  expect_bogus("alias.shop.com.", 6);
}

TEST_P(Validation, altered_data_is_bogus) {
  spoil("shop.com.", [](auto& records) { find_records(records, "www.shop.com.", "A").front()->rdata = {6, 6, 6, 6}; });
  expect_bogus("www.shop.com.", 6);
}

TEST_P(Validation, a_stripped_signature_is_bogus) {
  spoil("shop.com.", [](auto& records) { strip_signature(records, "www.shop.com.", "A"); });
  expect_bogus("www.shop.com.", 10);
}

TEST_P(Validation, an_expired_signature_is_bogus) {
  internet.at("shop.com.").signing->times = {0U - 20 * 86'400, 0U - 2 * 86'400};
  expect_bogus("www.shop.com.", 7);
}

TEST_P(Validation, a_signature_of_tomorrow_is_bogus) {
  internet.at("shop.com.").signing->times = {3 * 86'400, 20 * 86'400};
  expect_bogus("www.shop.com.", 8);
}

TEST_P(Validation, a_signature_that_ends_before_it_begins_is_bogus) {
  internet.at("shop.com.").signing->times = {86'400, 0U - 86'400};
  expect_bogus("www.shop.com.", 25);
}

TEST_P(Validation, a_link_of_a_chain_that_is_bogus_spoils_it) {
  spoil("shop.com.", [](auto& records) { spoil_signature(records, "alias.shop.com.", "CNAME"); });
  expect_bogus("alias.shop.com.", 6);
  expect_secure("www.shop.com.");
}

TEST_P(Validation, a_dname_that_is_bogus_spoils_what_it_makes) {
  spoil("shop.com.", [](auto& records) { spoil_signature(records, "old.shop.com.", "DNAME"); });
  expect_bogus("www.old.shop.com.", 6);
}

TEST_P(Validation, keys_that_nobody_vouches_for_are_bogus) {
  internet.at("shop.com.").ds = {
      signing::ds_record(dns::Name::literal("shop.com."), signing::TestKey::make(dnssec::Algorithm::ed25519, 99))};
  expect_bogus("www.shop.com.", 9);
  expect_bogus("mail.shop.com.", 9);
}

TEST_P(Validation, a_zone_without_its_keys_is_bogus) {
  spoil("shop.com.", [](auto& records) {
    std::erase_if(records, [](const dns::Record& one) { return one.type == dns::type::dnskey; });
  });
  expect_bogus("www.shop.com.", 9);
}

TEST_P(Validation, keys_with_a_bad_signature_are_bogus) {
  spoil("shop.com.", [](auto& records) { spoil_signature(records, "shop.com.", "DNSKEY"); });
  expect_bogus("www.shop.com.", 6);
}

TEST_P(Validation, a_revoked_key_is_none) {
  auto& signing = *internet.at("shop.com.").signing;
  signing.keys = {signing.keys.front().with_flags(257 | dnssec::Dnskey::revoke_bit)};
  expect_bogus("www.shop.com.", 9);
}

TEST_P(Validation, a_key_without_the_zone_bit_is_none) {
  auto& signing = *internet.at("shop.com.").signing;
  signing.keys = {signing.keys.front().with_flags(1)};
  expect_bogus("www.shop.com.", 11);
}

TEST_P(Validation, a_ds_with_a_bad_signature_is_bogus) {
  spoil("com.", [](auto& records) { spoil_signature(records, "shop.com.", "DS"); });
  expect_bogus("www.shop.com.", 6);
  expect_secure("www.bank.com.");
}

TEST_P(Validation, a_ds_that_was_taken_away_without_proof_is_bogus) {
  spoil("com.", [](auto& records) {
    std::erase_if(records, [](const dns::Record& one) {
      return one.owner == dns::Name::literal("shop.com.") && one.type == dns::type::ds;
    });
  });
  const Answer answer = internet.ask("www.shop.com.");
  EXPECT_EQ(answer.rcode(), Rcode::servfail) << trace();
}

TEST_P(Validation, the_proof_that_a_zone_is_unsigned_must_itself_be_good) {
  spoil("com.", [](auto& records) {
    for (dns::Record& record : records) {
      const int covered = record.type == dns::type::rrsig ? record.rdata[0] << 8 | record.rdata[1] : 0;
      if (covered == dns::type::nsec.value || covered == dns::type::nsec3.value) record.rdata.back() ^= 1;
    }
  });
  expect_bogus("www.plain.com.", 12);
}

TEST_P(Validation, a_root_that_the_anchor_does_not_know_makes_everything_bogus) {
  internet.at(".").signing->keys = {signing::TestKey::make(dnssec::Algorithm::ed25519, 201)};
  expect_bogus("www.shop.com.", 9);
  expect_bogus("www.plain.com.", 9);
}

TEST_P(Validation, an_unknown_algorithm_makes_a_zone_insecure_and_says_so) {
  auto ds = signing::ds_record(dns::Name::literal("shop.com."), internet.at("shop.com.").signing->keys.front());
  ds.rdata[2] = 200;
  internet.at("shop.com.").ds = {ds};
  const Answer answer = internet.ask("www.shop.com.");
  EXPECT_EQ(answer.rcode(), Rcode::noerror) << trace();
  EXPECT_FALSE(answer.message.header.authentic);
  EXPECT_THAT(answer.error(), StartsWith("1 "));
}

TEST_P(Validation, an_unknown_digest_makes_a_zone_insecure_and_says_so) {
  auto ds = signing::ds_record(dns::Name::literal("shop.com."), internet.at("shop.com.").signing->keys.front());
  ds.rdata[3] = 200;
  internet.at("shop.com.").ds = {ds};
  const Answer answer = internet.ask("www.shop.com.");
  EXPECT_EQ(answer.rcode(), Rcode::noerror);
  EXPECT_FALSE(answer.message.header.authentic);
  EXPECT_THAT(answer.error(), StartsWith("2 "));
}

TEST_P(Validation, an_unknown_algorithm_beside_a_known_one_weakens_nothing) {
  const auto good = signing::ds_record(dns::Name::literal("shop.com."), internet.at("shop.com.").signing->keys.front());
  auto unknown = good;
  unknown.rdata[2] = 200;
  internet.at("shop.com.").ds = {unknown, good};
  spoil("shop.com.", [](auto& records) { strip_signature(records, "www.shop.com.", "A"); });
  expect_bogus("www.shop.com.", 10);
  expect_secure("mail.shop.com.");
}

TEST_P(Validation, every_algorithm_is_proven) {
  for (const auto algorithm :
       {dnssec::Algorithm::rsa_sha256, dnssec::Algorithm::rsa_sha512, dnssec::Algorithm::ecdsa_p256_sha256,
        dnssec::Algorithm::ecdsa_p384_sha384, dnssec::Algorithm::ed448}) {
    const std::string apex = "a" + std::to_string(static_cast<int>(algorithm)) + ".com.";
    internet.site(apex, "192.0.2." + std::to_string(50 + static_cast<int>(algorithm))).signing->keys = {
        signing::TestKey::make(algorithm)};
    internet.publish();
    expect_secure("www." + apex);
  }
}

TEST_P(Validation, sha1_makes_a_zone_insecure_unless_it_is_switched_on) {
  internet.site("old.com.", "192.0.2.40").signing->keys = {signing::TestKey::make(dnssec::Algorithm::rsa_sha1)};
  expect_insecure("www.old.com.");
  internet.world().settings().validation.sha1 = true;
  internet.world().use();
  internet.world().pass(3h);
  expect_secure("www.old.com.");
}

TEST_P(Validation, a_child_and_its_parent_on_the_same_server_are_two_zones) {
  internet.site("sub.shop.com.", "192.0.2.1");
  expect_secure("www.sub.shop.com.");
  internet.site("plain.shop.com.", "192.0.2.1").signing.reset();
  internet.publish();
  expect_insecure("www.plain.shop.com.");
}

}  // namespace
}  // namespace redoubt::sim
