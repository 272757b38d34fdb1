#include "dns/packet/query_glance.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "tests/unit/resolver/packet_answers.hpp"

namespace redoubt::resolver {
namespace {

using namespace packets;

TEST(QueryGlance, plain_queries_are_read_as_parse_query_reads_them) {
  for (unsigned bits = 0; bits < 16; ++bits) {
    const Octets query = query_octets("wWw.eXaMple.", [bits](dns::Message& message) {
      message.header.authentic = (bits & 1) != 0;
      message.header.checking_disabled = (bits & 2) != 0;
      if ((bits & 4) != 0) message.edns.emplace().dnssec_ok = (bits & 8) != 0;
    });
    dns::QueryGlance glance;
    ASSERT_TRUE(dns::look_at(query, glance));
    const auto parsed = dns::parse_query(query);
    ASSERT_TRUE(parsed);
    EXPECT_TRUE(dns::Name::from_wire(glance.lower_name())->identical(parsed->question.name.lowercased()));
    EXPECT_EQ(glance.type, parsed->question.type);
    EXPECT_EQ(glance.authentic, parsed->header.authentic);
    EXPECT_EQ(glance.checking_disabled, parsed->header.checking_disabled);
    EXPECT_EQ(glance.edns, parsed->edns.has_value());
    EXPECT_EQ(glance.dnssec_ok, parsed->edns && parsed->edns->dnssec_ok);
  }
}

TEST(QueryGlance, longest_name_is_plain_and_a_longer_one_is_not) {
  const std::string label(63, 'x');
  const std::string longest = label + "." + label + "." + label + "." + std::string(61, 'y') + ".";
  dns::QueryGlance glance;
  Octets query = query_octets(longest);
  ASSERT_TRUE(dns::look_at(query, glance));
  EXPECT_EQ(glance.name_octets, 255);
  query[12 + 192] = 62;  // the last label, one octet longer than there is room
  query.insert(query.begin() + 12 + 193, 'z');
  EXPECT_FALSE(dns::look_at(query, glance));
  EXPECT_FALSE(dns::parse_query(query));
}

TEST(QueryGlance, whatever_is_not_plain_is_left_to_parse_query) {
  dns::QueryGlance glance;
  const auto plain = [&](const std::function<void(dns::Message&)>& change) {
    return dns::look_at(query_octets("www.example.", change), glance);
  };
  EXPECT_TRUE(plain({}));
  EXPECT_FALSE(plain([](dns::Message& message) { message.header.recursion_desired = false; }));
  EXPECT_FALSE(plain([](dns::Message& message) { message.header.response = true; }));
  EXPECT_FALSE(plain([](dns::Message& message) { message.header.truncated = true; }));
  EXPECT_FALSE(plain([](dns::Message& message) { message.header.reserved = true; }));
  EXPECT_FALSE(plain([](dns::Message& message) { message.header.opcode = dns::Opcode::notify; }));
  EXPECT_FALSE(plain([](dns::Message& message) { message.question->type = dns::type::any; }));
  EXPECT_FALSE(plain([](dns::Message& message) { message.question->rr_class = dns::rr_class::ch; }));
  EXPECT_FALSE(plain([](dns::Message& message) { message.edns.emplace().version = 1; }));
  EXPECT_FALSE(plain([](dns::Message& message) { message.edns.emplace().reserved_flags = 1; }));
  EXPECT_FALSE(plain([](dns::Message& message) { message.edns.emplace().nsid.emplace(); }));
  Octets query = query_octets("www.example.");
  query.push_back(0);
  EXPECT_FALSE(dns::look_at(query, glance));
  for (std::size_t octets = 0; octets + 1 < query.size(); ++octets)
    EXPECT_FALSE(dns::look_at(std::span{query}.first(octets), glance)) << octets;
}

TEST(QueryGlance, cookies_of_wrong_lengths_and_second_options_are_left_to_parse_query) {
  for (std::size_t octets = 0; octets <= 41; ++octets) {
    Octets query = query_octets("www.example.", [](dns::Message& message) { message.edns.emplace(); });
    query.back() = static_cast<std::uint8_t>(4 + octets);
    query.insert(query.end(), {0, 10, 0, static_cast<std::uint8_t>(octets)});
    query.resize(query.size() + octets, 7);
    dns::QueryGlance glance;
    const bool right = octets == 8 || (octets >= 16 && octets <= 40);
    EXPECT_EQ(dns::look_at(query, glance), right) << octets;
    EXPECT_EQ(dns::parse_query(query).has_value(), right) << octets;
    if (right) {
      EXPECT_EQ(glance.cookie.size(), octets);
    }
    EXPECT_FALSE(glance.padded);
    query.insert(query.end(), {0, 3, 0, 0});
    EXPECT_FALSE(dns::look_at(query, glance));
  }
}

TEST(PlainOpt, is_the_opt_of_an_edns_as_it_is_made) {
  for (const bool dnssec_ok : {false, true}) {
    dns::Edns edns;
    edns.dnssec_ok = dnssec_ok;
    const auto plain = dns::plain_opt(dnssec_ok);
    EXPECT_EQ(dns::edns_to_wire(edns), Octets(plain.begin(), plain.end()));
  }
}

}  // namespace
}  // namespace redoubt::resolver
