// Names that are nobody's on the Internet, and what is told of this server (attacks Y03).
#include "policy/special/special_names.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sim/world.hpp"

namespace redoubt::sim {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(SpecialNames, none_of_them_is_ever_asked_for) {
  World world;
  for (const policy::SpecialZone& zone : policy::special_zones()) {
    for (const std::string& name : {std::string{zone.name}, "wpad." + std::string{zone.name}}) {
      for (const char* type : {"A", "AAAA", "PTR", "NS", "SOA", "DS", "TXT", "HTTPS"}) world.ask(name, type);
    }
  }
  EXPECT_EQ(world.internet().packets(), 0U) << world.trace();
}

TEST(SpecialNames, a_private_address_has_no_name) {
  World world;
  const Answer answer = world.ask("4.3.2.10.in-addr.arpa.", "PTR");
  EXPECT_EQ(answer.rcode(), dns::Rcode::nxdomain);
  EXPECT_THAT(answer.authority(), ElementsAre(HasSubstr("10.in-addr.arpa. SOA")));
}

TEST(SpecialNames, localhost_is_this_machine) {
  World world;
  EXPECT_THAT(world.ask("db.localhost.").answer(), ElementsAre("db.localhost. A 127.0.0.1"));
  EXPECT_THAT(world.ask("1.0.0.127.in-addr.arpa.", "PTR").answer(),
              ElementsAre("1.0.0.127.in-addr.arpa. PTR localhost."));
}

TEST(SpecialNames, encrypted_listeners_are_found_where_there_are_some) {
  World world;
  EXPECT_EQ(world.ask("_dns.resolver.arpa.", "SVCB").rcode(), dns::Rcode::nxdomain);
  // 1 dns.example. alpn=dot port=853
  world.settings().designated = {{0, 1, 3, 'd', 'n', 's', 7,   'e', 'x', 'a', 'm', 'p', 'l', 'e', 0,
                                  0, 1, 0, 4,   3,   'd', 'o', 't', 0,   3,   0,   2,   3,   0x55}};
  world.use();
  const Answer found = world.ask("_dns.resolver.arpa.", "SVCB");
  EXPECT_EQ(found.rcode(), dns::Rcode::noerror);
  EXPECT_THAT(found.answer(), ElementsAre(HasSubstr("_dns.resolver.arpa. SVCB 000103646e73076578616d706c6500")));
  const Answer other = world.ask("_dns.resolver.arpa.", "A");
  EXPECT_EQ(other.rcode(), dns::Rcode::noerror);
  EXPECT_THAT(other.authority(), ElementsAre(HasSubstr("resolver.arpa. SOA")));
  EXPECT_EQ(world.ask("resolver.arpa.", "SVCB").answer().size(), 0U);
  EXPECT_EQ(world.ask("_dns.dns.resolver.arpa.", "SVCB").rcode(), dns::Rcode::nxdomain);
  EXPECT_EQ(world.internet().packets(), 0U) << world.trace();
}

TEST(SpecialNames, an_alias_to_one_of_them_ends_here) {
  World world;
  world.site("shop.com.", "192.0.2.1", "db CNAME db.localhost.\nprinter CNAME printer.home.arpa.\n");
  EXPECT_THAT(world.ask("db.shop.com.").answer(),
              ElementsAre("db.shop.com. CNAME db.localhost.", "db.localhost. A 127.0.0.1"));
  const Answer printer = world.ask("printer.shop.com.");
  EXPECT_EQ(printer.rcode(), dns::Rcode::nxdomain);
  EXPECT_THAT(printer.answer(), ElementsAre("printer.shop.com. CNAME printer.home.arpa."));
  EXPECT_EQ(world.internet().packets_about("printer.home.arpa."), 0U);
}

TEST(SpecialNames, a_name_server_there_is_never_looked_up) {
  World world;
  world.site("shop.com.", "192.0.2.1", "sub NS ns.internal.\nsub NS ns.localhost.\n");
  EXPECT_EQ(world.ask("www.sub.shop.com.").rcode(), dns::Rcode::servfail);
  EXPECT_EQ(world.internet().packets_about("ns.internal."), 0U);
  EXPECT_EQ(world.internet().packets_to("127.0.0.1"), 0U);
}

TEST(SpecialNames, a_site_may_have_some_of_them_resolved) {
  World world;
  world.settings().not_special = {dns::Name::literal("home.arpa."), dns::Name::literal("168.192.in-addr.arpa.")};
  world.use();
  world.settings().minimisation = resolver::Minimisation::off;
  world.settings().nxdomain_cut = resolver::NxdomainCut::off;
  world.use();
  EXPECT_GE(world.ask("printer.home.arpa.").packets, 1U);
  EXPECT_GE(world.ask("1.1.168.192.in-addr.arpa.", "PTR").packets, 1U);
  EXPECT_EQ(world.ask("1.1.10.in-addr.arpa.", "PTR").packets, 0U);
}

TEST(SpecialNames, an_exception_for_everything_excepts_nothing) {
  World world;
  world.settings().not_special = {dns::Name{}};
  world.use();
  EXPECT_EQ(world.ask("x.localhost.", "TXT").packets, 0U) << "a forwarder for the root does not turn the table off";
}

dns::Query chaos(std::string_view name, std::string_view type = "TXT") {
  dns::Query query = World::query(name, type);
  query.question.rr_class = dns::rr_class::ch;
  return query;
}

TEST(Identity, is_told_to_nobody_by_default) {
  World world;
  for (const char* name : {"version.bind.", "version.server.", "id.server.", "hostname.bind."})
    EXPECT_EQ(world.ask(chaos(name)).rcode(), dns::Rcode::refused) << name;
}

TEST(Identity, is_told_as_configured) {
  World world;
  world.settings().identity = {.version = "Redoubt", .id = "ns-7", .nsid = "n7"};
  world.use();
  for (const auto& [name, text] : {std::pair{"version.bind.", "Redoubt"},
                                   {"VERSION.server.", "Redoubt"},
                                   {"id.server.", "ns-7"},
                                   {"hostname.bind.", "ns-7"}}) {
    const Answer answer = world.ask(chaos(name));
    EXPECT_EQ(answer.rcode(), dns::Rcode::noerror) << name;
    ASSERT_EQ(answer.message.answer.size(), 1U) << name;
    const dns::Record& record = answer.message.answer.front();
    EXPECT_EQ(record.rr_class, dns::rr_class::ch);
    EXPECT_EQ((std::string{record.rdata.begin() + 1, record.rdata.end()}), text);
  }
  EXPECT_EQ(world.ask(chaos("version.bind.", "A")).rcode(), dns::Rcode::refused);
  EXPECT_EQ(world.ask(chaos("authors.bind.")).rcode(), dns::Rcode::refused);
}

}  // namespace redoubt::sim
