// A few shapes by hand; many more come through the simulated Internet, and all others by fuzz/reply.cpp.
#include "resolver/iterate/classify.hpp"

#include <gtest/gtest.h>

#include "tests/sim/zone_text.hpp"

namespace redoubt::resolver {

namespace {

using sim::name_from_text;
using sim::records_from_text;

struct Said {
  const char* answer = "";
  const char* authority = "";
  const char* additional = "";
  dns::Rcode rcode = dns::Rcode::noerror;
  bool authoritative = true;
};

Classified classified(const Said& said, const char* qname = "www.shop.com.", dns::RrType type = dns::type::a) {
  dns::Message reply;
  reply.header.response = true;
  reply.header.authoritative = said.authoritative;
  reply.set_rcode(said.rcode);
  reply.answer = records_from_text(said.answer);
  reply.authority = records_from_text(said.authority);
  reply.additional = records_from_text(said.additional);
  return std::move(
      *classify(reply, {name_from_text(qname), type}, name_from_text("shop.com."), Settings{}, dns::HashKey{}));
}

constexpr const char* soa = "shop.com. SOA a b 1 2 3 4 5";

}  // namespace

TEST(Classify, answer) { EXPECT_EQ(classified({"www.shop.com. A 192.0.2.1"}).kind, ReplyKind::answer); }

TEST(Classify, alias_out_of_the_zone_ends_there) {
  const Classified found = classified({"www.shop.com. CNAME a.net.\na.net. CNAME b.net.\nb.net. A 192.0.2.1"});
  EXPECT_EQ(found.kind, ReplyKind::alias);
  EXPECT_EQ(found.end, name_from_text("a.net."));
  EXPECT_EQ(found.chain.size(), 1U);
  EXPECT_FALSE(found.data);
}

TEST(Classify, alias_out_and_back_in_is_not_followed_past_the_border) {
  const Classified found =
      classified({"www.shop.com. CNAME a.net.\na.net. CNAME x.shop.com.\nx.shop.com. A 192.0.2.1"});
  EXPECT_EQ(found.end, name_from_text("a.net."));
  EXPECT_FALSE(found.data);
}

TEST(Classify, links_are_put_in_order_however_they_came) {
  const Classified found =
      classified({"c.shop.com. A 192.0.2.1\nb.shop.com. CNAME c.shop.com.\nwww.shop.com. CNAME b.shop.com."});
  EXPECT_EQ(found.kind, ReplyKind::answer);
  ASSERT_EQ(found.chain.size(), 2U);
  EXPECT_EQ(found.chain[0].owner, name_from_text("www.shop.com."));
}

TEST(Classify, two_aliases_of_one_name_are_no_answer_to_who_asks_for_the_alias_either) {
  constexpr const char* two = "www.shop.com. CNAME a.shop.com.\nwww.shop.com. CNAME b.shop.com.";
  EXPECT_EQ(classified({two}).kind, ReplyKind::lame);
  EXPECT_EQ(classified({two}, "www.shop.com.", dns::type::cname).kind, ReplyKind::lame);
  EXPECT_EQ(classified({"www.shop.com. CNAME a.shop.com."}, "www.shop.com.", dns::type::cname).kind, ReplyKind::answer);
}

TEST(Classify, denials) {
  EXPECT_EQ(classified({"", soa, "", dns::Rcode::nxdomain}).kind, ReplyKind::no_name);
  EXPECT_EQ(classified({"", soa}).kind, ReplyKind::no_data);
  EXPECT_EQ(classified({"", "", "", dns::Rcode::nxdomain}).kind, ReplyKind::no_name);
  EXPECT_FALSE(classified({"", "", "", dns::Rcode::nxdomain}).soa) << "nothing to keep it by";
  EXPECT_EQ(classified({"", "", "", dns::Rcode::nxdomain, false}).kind, ReplyKind::lame);
  EXPECT_EQ(classified({"", "com. SOA a b 1 2 3 4 5", "", dns::Rcode::nxdomain, false}).kind, ReplyKind::lame);
  EXPECT_EQ(classified({"", "other.shop.com. SOA a b 1 2 3 4 5", "", dns::Rcode::nxdomain, false}).kind,
            ReplyKind::lame);
}

TEST(Classify, end_of_a_chain_is_not_denied_without_soa) {
  EXPECT_EQ(classified({"www.shop.com. CNAME x.shop.com."}).kind, ReplyKind::alias);
  EXPECT_EQ(classified({"www.shop.com. CNAME x.shop.com.", soa}).kind, ReplyKind::no_data);
  EXPECT_EQ(classified({"www.shop.com. CNAME x.shop.com.", soa, "", dns::Rcode::nxdomain}).kind, ReplyKind::no_name);
}

TEST(Classify, referral_with_glue_of_its_own_servers_only) {
  const Classified found = classified(
      {"", "eu.shop.com. NS ns.eu.shop.com.\neu.shop.com. NS ns.net.",
       "ns.eu.shop.com. A 192.0.2.1\nns.eu.shop.com. A 192.0.2.1\nns.net. A 192.0.2.2\nx.shop.com. A 192.0.2.3",
       dns::Rcode::noerror, false},
      "www.eu.shop.com.");
  ASSERT_EQ(found.kind, ReplyKind::referral);
  EXPECT_EQ(found.cut, name_from_text("eu.shop.com."));
  ASSERT_EQ(found.servers.size(), 2U);
  EXPECT_EQ(found.servers[0].addresses.size(), 1U) << "the same address twice counts once";
  EXPECT_TRUE(found.servers[1].addresses.empty()) << "ns.net. is none of shop.com.'s business";
}

TEST(Classify, referrals_to_anywhere_but_down_are_lame) {
  for (const char* owner : {"shop.com.", "com.", ".", "other.shop.com.", "net.", "deeper.www.shop.com."}) {
    const std::string ns = std::string{owner} + " NS ns.shop.com.";
    EXPECT_EQ(classified({"", ns.c_str(), "", dns::Rcode::noerror, false}).kind, ReplyKind::lame) << owner;
  }
  EXPECT_EQ(classified({"", "www.shop.com. NS ns.a.\nx.www.shop.com. NS ns.b.", "", dns::Rcode::noerror, false},
                       "y.x.www.shop.com.")
                .kind,
            ReplyKind::lame);
}

TEST(Classify, cut_at_the_name_of_a_ds_question_is_lame) {
  const Said said{"", "www.shop.com. NS ns.a.", "", dns::Rcode::noerror, false};
  EXPECT_EQ(classified(said, "www.shop.com.", dns::type::ds).kind, ReplyKind::lame);
  EXPECT_EQ(classified(said, "www.shop.com.", dns::type::a).kind, ReplyKind::referral);
}

TEST(Classify, dname_makes_its_own_cname) {
  const Classified found =
      classified({"x.shop.com. DNAME y.shop.com.\na.x.shop.com. CNAME forged.shop.com.\na.y.shop.com. A 192.0.2.1"},
                 "a.x.shop.com.");
  EXPECT_EQ(found.kind, ReplyKind::answer);
  EXPECT_EQ(found.end, name_from_text("a.y.shop.com."));
  ASSERT_EQ(found.chain.size(), 2U);
  EXPECT_EQ(found.chain[0].type, dns::type::dname);
}

TEST(Classify, ring_of_aliases_ends) {
  const Classified found = classified({"www.shop.com. CNAME b.shop.com.\nb.shop.com. CNAME www.shop.com."});
  EXPECT_EQ(found.kind, ReplyKind::alias);
  EXPECT_EQ(found.chain.size(), 2U);
}

}  // namespace redoubt::resolver
