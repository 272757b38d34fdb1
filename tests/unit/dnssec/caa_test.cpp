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
  const World empty = World{}.has("example.com.", {{"issue", "ca.example; accounturi="}});
  EXPECT_FALSE(empty.allows("ca.example", certificate, "a"));
  EXPECT_FALSE(empty.allows("ca.example", certificate, "")) << "an unknown account is not the empty one";
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
/// RDATA of 'issue "ca.example"'.
const std::vector<std::uint8_t> issue_rdata = [] {
  const std::string text = std::string{"\0\5issue", 7} + "ca.example";
  return std::vector<std::uint8_t>{text.begin(), text.end()};
}();

dns::Record record_of(const Name& owner, dns::RrType type, std::vector<std::uint8_t> rdata,
                      dns::RrClass rr_class = dns::rr_class::in) {
  return {owner, type, rr_class, dns::Ttl::from_wire(60), std::move(rdata)};
}

/// An answer at the end of so many aliases.
dns::Message behind_aliases(unsigned aliases) {
  dns::Message reply;
  reply.header.recursion_available = true;
  Name at = Name::literal("www.example.");
  for (unsigned i = 0; i < aliases; ++i) {
    const Name next = *Name::from_text("a" + std::to_string(i) + ".example.");
    reply.answer.push_back(record_of(at, dns::type::cname, {next.wire().begin(), next.wire().end()}));
    at = next;
  }
  reply.answer.push_back(record_of(at, dns::type::caa, issue_rdata));
  return reply;
}

/// A denial by a zone, at the end of so many aliases.
dns::Message denial(const char* zone, unsigned aliases = 0) {
  dns::Message reply = behind_aliases(aliases);
  reply.answer.pop_back();
  reply.authority.push_back(record_of(*Name::from_text(zone), dns::type::soa, std::vector<std::uint8_t>(22)));
  return reply;
}

/// A referral, or half of a chain, is no word that there is nothing.
TEST(Caa, none_needs_a_denial_by_the_zone_that_the_aliases_end_in) {
  using Outcome = CaaLookup::Outcome;
  const Name www = Name::literal("www.example.");
  const auto look = [&](const dns::Message& reply) { return lookup_from_reply(reply, www); };
  for (const char* zone : {"www.example.", "example.", "."}) EXPECT_EQ(look(denial(zone)).outcome, Outcome::none);
  EXPECT_EQ(look(denial("a0.example.", 1)).outcome, Outcome::none);
  for (const char* zone : {"other.example.", "below.www.example."})
    EXPECT_EQ(look(denial(zone)).outcome, Outcome::failed) << zone;
  EXPECT_EQ(look(denial("www.example.", 1)).outcome, Outcome::failed) << "the SOA of the alias, not of its target";
  dns::Message referral = denial("example.");
  referral.authority[0].type = dns::type::ns;
  EXPECT_EQ(look(referral).outcome, Outcome::failed);
  EXPECT_EQ(look(referral).trouble, "the answer is neither records nor a denial");
  dns::Message unfinished = denial("a0.example.", 1);
  unfinished.authority.clear();
  EXPECT_EQ(look(unfinished).outcome, Outcome::failed);
  dns::Message other_class = denial("example.");
  other_class.authority[0].rr_class = dns::rr_class::ch;
  EXPECT_EQ(look(other_class).outcome, Outcome::failed);
  for (dns::Message reply : {denial("example."), behind_aliases(0)}) {
    reply.header.recursion_available = false;
    EXPECT_EQ(look(reply).outcome, Outcome::failed) << "an authority answers for its zones alone";
    EXPECT_NE(look(reply).trouble.find("RA"), std::string::npos);
  }
}

TEST(Caa, an_answer_that_could_hide_records_is_a_failure) {
  using Outcome = CaaLookup::Outcome;
  const Name www = Name::literal("www.example.");
  const auto outcome = [&](const dns::Message& reply) { return lookup_from_reply(reply, www).outcome; };
  EXPECT_EQ(outcome(behind_aliases(0)), Outcome::found);
  EXPECT_EQ(outcome(behind_aliases(16)), Outcome::found);
  EXPECT_EQ(outcome(behind_aliases(17)), Outcome::failed) << "not: there is none";
  dns::Message reply = behind_aliases(1);
  reply.answer[0].rdata = {200};
  EXPECT_EQ(outcome(reply), Outcome::failed) << "an alias that cannot be read";
  reply.answer[0].rdata.assign(www.wire().begin(), www.wire().end());
  EXPECT_EQ(outcome(reply), Outcome::failed) << "a loop";
  reply = behind_aliases(0);
  reply.header.truncated = true;
  EXPECT_EQ(outcome(reply), Outcome::failed);
  reply = denial("example.");
  EXPECT_EQ(outcome(reply), Outcome::none);
  reply.header.rcode_low = static_cast<std::uint8_t>(dns::Rcode::nxdomain);
  EXPECT_EQ(outcome(reply), Outcome::none);
  for (const dns::Rcode rcode : {dns::Rcode::servfail, dns::Rcode::refused, dns::Rcode::formerr, dns::Rcode::notimp}) {
    reply.header.rcode_low = static_cast<std::uint8_t>(rcode);
    EXPECT_EQ(outcome(reply), Outcome::failed) << dns::to_text(rcode);
  }
  const auto authority = denial("example.").authority;
  reply = behind_aliases(0);
  reply.authority = authority;
  reply.answer[0].rr_class = dns::rr_class::ch;
  EXPECT_EQ(outcome(reply), Outcome::none) << "records of another class say nothing";
  reply = behind_aliases(0);
  reply.authority = authority;
  reply.answer[0].owner = Name::literal("other.example.");
  EXPECT_EQ(outcome(reply), Outcome::none) << "nor do those of another name";
  reply = behind_aliases(0);
  reply.answer[0].rdata = {0, 9, 'x'};
  const CaaLookup malformed = lookup_from_reply(reply, www);
  ASSERT_EQ(malformed.outcome, Outcome::found);
  EXPECT_TRUE(malformed.properties[0].is_critical()) << "what cannot be read forbids";
}

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
