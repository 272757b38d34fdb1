#include "dnssec/caa.hpp"

#include <gtest/gtest.h>

#include <map>

namespace redoubt::dnssec {
namespace {

using dns::Name;

/// Names with their CAA records; "!" fails.
class World {
 public:
  World& has(const std::string& name, std::initializer_list<std::pair<const char*, const char*>> properties,
             std::uint8_t flags = 0) {
    CaaLookup& lookup = names_[name];
    lookup.outcome = CaaLookup::Outcome::found;
    for (const auto& [tag, value] : properties) lookup.properties.push_back({flags, tag, value});
    return *this;
  }
  World& fails(const std::string& name) {
    names_[name].trouble = "SERVFAIL";
    return *this;
  }
  CaaDecision decide(CaaRequest request) const {
    return decide_caa(request, [&](const Name& name) {
      const auto at = names_.find(name.to_text());
      CaaLookup lookup = at == names_.end() ? CaaLookup{} : at->second;
      if (at == names_.end()) lookup.outcome = CaaLookup::Outcome::none;
      lookup.name = name;
      return lookup;
    });
  }
  bool allows(const char* issuer, CaaPurpose purpose = CaaPurpose::certificate, const char* account = "",
              const char* method = "") const {
    return decide({Name::literal("www.example.com."), purpose, issuer, account, method}).allowed;
  }

 private:
  std::map<std::string, CaaLookup> names_;
};

TEST(Caa, without_records_anyone_may_issue) {
  const CaaDecision decision =
      World{}.decide({.name = Name::literal("a.b.example."), .issuer = "ca.example", .account = "", .method = ""});
  EXPECT_TRUE(decision.allowed);
  EXPECT_EQ(decision.lookups.size(), 3U) << "a.b.example, b.example, example; never the root";
  EXPECT_FALSE(decision.relevant);
}

/// RFC 8659 §3: the records nearest to the name count, and no others.
TEST(Caa, the_nearest_records_count) {
  World world;
  world.has("example.com.", {{"issue", "ca1.example"}});
  EXPECT_TRUE(world.allows("ca1.example"));
  EXPECT_TRUE(world.allows("CA1.Example"));
  EXPECT_FALSE(world.allows("ca2.example"));
  world.has("www.example.com.", {{"issue", "ca2.example"}});
  EXPECT_FALSE(world.allows("ca1.example"));
  EXPECT_TRUE(world.allows("ca2.example"));
}

TEST(Caa, authorisations_add_up_and_an_empty_one_takes_nothing_away) {
  World world;
  world.has("example.com.", {{"issue", ";"}, {"issue", "ca1.example"}, {"issue", "ca2.example; x=y"}});
  EXPECT_TRUE(world.allows("ca1.example"));
  EXPECT_TRUE(world.allows("ca2.example"));
  EXPECT_FALSE(World{}.has("example.com.", {{"issue", ";"}}).allows("ca1.example"));
  EXPECT_FALSE(World{}.has("example.com.", {{"issue", ""}}).allows(""));
}

TEST(Caa, properties_that_do_not_restrict_let_everyone_pass) {
  EXPECT_TRUE(World{}.has("example.com.", {{"iodef", "mailto:a@example"}, {"unknown", "x"}}).allows("ca1.example"));
}

/// RFC 8659 §4.3
TEST(Caa, wildcards_have_records_of_their_own) {
  const World both = World{}.has("example.com.", {{"issue", "ca1.example"}, {"issuewild", "ca2.example"}});
  EXPECT_TRUE(both.allows("ca1.example"));
  EXPECT_FALSE(both.allows("ca2.example")) << "issuewild says nothing of other names";
  EXPECT_FALSE(both.allows("ca1.example", CaaPurpose::wildcard_certificate));
  EXPECT_TRUE(both.allows("ca2.example", CaaPurpose::wildcard_certificate));
  const World one = World{}.has("example.com.", {{"issue", "ca1.example"}});
  EXPECT_TRUE(one.allows("ca1.example", CaaPurpose::wildcard_certificate));
  EXPECT_TRUE(World{}.has("example.com.", {{"issuewild", ";"}}).allows("ca1.example"));
}

/// RFC 9495
TEST(Caa, mail_has_a_property_of_its_own) {
  EXPECT_TRUE(World{}.has("example.com.", {{"issue", ";"}}).allows("ca1.example", CaaPurpose::mail));
  EXPECT_FALSE(World{}.has("example.com.", {{"issuemail", "ca2.example"}}).allows("ca1.example", CaaPurpose::mail));
  EXPECT_TRUE(World{}.has("example.com.", {{"issuemail", "ca2.example"}}).allows("ca2.example", CaaPurpose::mail));
}

TEST(Caa, what_is_critical_and_unknown_forbids) {
  const auto decision =
      World{}
          .has("example.com.", {{"tbs", "unknown"}}, CaaProperty::critical_bit)
          .has("example.com.", {{"issue", "ca1.example"}})
          .decide({.name = Name::literal("example.com."), .issuer = "ca1.example", .account = "", .method = ""});
  EXPECT_FALSE(decision.allowed);
  EXPECT_NE(decision.reason.find("critical"), std::string::npos);
  EXPECT_TRUE(World{}.has("example.com.", {{"issue", "ca1.example"}}, CaaProperty::critical_bit).allows("ca1.example"));
}

/// RFC 8657
TEST(Caa, accounts_and_methods_are_bound) {
  const World account = World{}.has("example.com.", {{"issue", "ca.example; accounturi=https://ca.example/acct/1"}});
  const auto certificate = CaaPurpose::certificate;
  EXPECT_TRUE(account.allows("ca.example", certificate, "https://ca.example/acct/1"));
  EXPECT_FALSE(account.allows("ca.example", certificate, "https://ca.example/acct/2"));
  EXPECT_FALSE(account.allows("ca.example", certificate, "")) << "nobody knows the account";
  const World twice = World{}.has("example.com.", {{"issue", "ca.example; accounturi=a; accounturi=a"}});
  EXPECT_FALSE(twice.allows("ca.example", certificate, "a")) << "unsatisfiable (section 3)";
  const World method = World{}.has("example.com.", {{"issue", "ca.example; validationmethods=dns-01,ca-own"}});
  EXPECT_TRUE(method.allows("ca.example", certificate, "", "dns-01"));
  EXPECT_TRUE(method.allows("ca.example", certificate, "", "ca-own"));
  EXPECT_FALSE(method.allows("ca.example", certificate, "", "http-01"));
  EXPECT_FALSE(method.allows("ca.example", certificate, "", "dns"));
  EXPECT_FALSE(method.allows("ca.example", certificate, "", ""));
}

TEST(Caa, a_lookup_that_fails_forbids) {
  World world;
  world.has("com.", {{"issue", "ca1.example"}}).fails("example.com.");
  const auto decision =
      world.decide({.name = Name::literal("www.example.com."), .issuer = "ca1.example", .account = "", .method = ""});
  EXPECT_FALSE(decision.allowed);
  EXPECT_NE(decision.reason.find("SERVFAIL"), std::string::npos);
  EXPECT_EQ(decision.lookups.size(), 2U) << "it does not climb over a failure";
}

/// RFC 8659 §4.2: a value outside of the grammar authorises nobody.
TEST(Caa, the_grammar_of_issuers_is_followed) {
  const auto domain_of = [](const char* value) {
    const auto issuer = parse_issuer(value);
    return issuer ? issuer->domain : "malformed";
  };
  EXPECT_EQ(domain_of(""), "");
  EXPECT_EQ(domain_of(" ;"), "");
  EXPECT_EQ(domain_of("\tCa.Example "), "ca.example");
  EXPECT_EQ(domain_of("ca.example;"), "ca.example");
  EXPECT_EQ(domain_of("ca.example ; a = b ; c=d=e"), "ca.example");
  EXPECT_EQ(domain_of("ca.example; a="), "ca.example");
  for (const char* bad :
       {"ca example", "ca..example", ".example", "ca.example.", "-ca.example", "ca_1.example", "%%%%%", "ca.example; a",
        "ca.example; =b", "ca.example; a=b c", "ca.example; a=b;", "ca.example; a_b=c"})
    EXPECT_EQ(domain_of(bad), "malformed") << bad;
  EXPECT_FALSE(World{}.has("example.com.", {{"issue", "%%%%%"}}).allows("ca1.example"));
}

TEST(Caa, records_are_read_within_their_bounds) {
  using Octets = std::vector<std::uint8_t>;
  const auto property = parse_caa(Octets{128, 5, 'I', 's', 's', 'u', 'e', ';'});
  ASSERT_TRUE(property);
  EXPECT_TRUE(property->is_critical());
  EXPECT_EQ(property->tag, "issue");
  EXPECT_EQ(property->value, ";");
  for (const Octets& bad : {Octets{}, Octets{0}, Octets{0, 0}, Octets{0, 2, 'a'}, Octets{0, 1, '-'}})
    EXPECT_FALSE(parse_caa(bad));
}

}  // namespace
}  // namespace redoubt::dnssec
