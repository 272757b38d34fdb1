#include "appliance/control/zone_assembly.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace redoubt::control {
namespace {

using testing::HasSubstr;
using Progress = ZoneAssembly::Progress;

constexpr std::uint16_t id = 0x1234;
const dns::Name apex = dns::Name::literal("zone.example.");

dns::Record soa(std::uint32_t serial = 7) {
  dns::Record record{apex, dns::type::soa, dns::rr_class::in, dns::Ttl::from_wire(900), {0, 0}};
  for (const std::uint32_t value : {serial, 1U, 2U, 3U, 4U}) {
    for (int shift = 24; shift >= 0; shift -= 8) record.rdata.push_back(static_cast<std::uint8_t>(value >> shift));
  }
  return record;
}
dns::Record address(std::string_view owner, std::uint8_t last = 1) {
  return {dns::Name::literal(owner), dns::type::a, dns::rr_class::in, dns::Ttl::from_wire(60), {192, 0, 2, last}};
}

dns::Message message(std::vector<dns::Record> records, bool with_question = true) {
  dns::Message message;
  message.header.id = id;
  message.header.response = true;
  message.header.authoritative = true;
  if (with_question) message.question = dns::Question{.name = apex, .type = dns::type::axfr};
  message.answer = std::move(records);
  return message;
}

std::expected<Progress, std::string> take(ZoneAssembly& assembly, const dns::Message& message) {
  return assembly.take(message.to_wire());
}

/// What a first message comes to.
std::string fault_of(const dns::Message& first, ZoneBounds bounds = {}) {
  ZoneAssembly assembly{apex, id, bounds};
  const auto progress = take(assembly, first);
  return progress ? "" : progress.error();
}

TEST(ZoneAssembly, takes_a_zone_from_several_messages) {
  ZoneAssembly assembly{apex, id};
  EXPECT_EQ(take(assembly, message({soa(), address("a.zone.example.")})), Progress::more);
  EXPECT_EQ(take(assembly, message({address("b.zone.example.")}, false)), Progress::more);
  EXPECT_EQ(take(assembly, message({address("c.zone.example."), soa()}, false)), Progress::whole);
  const auto records = std::move(assembly).records();
  ASSERT_EQ(records.size(), 4U);
  EXPECT_EQ(records.front(), soa());
  EXPECT_EQ(records.back(), address("c.zone.example."));
}

TEST(ZoneAssembly, takes_a_zone_from_one_message) {
  EXPECT_EQ(fault_of(message({soa(), address("a.zone.example."), soa()})), "");
}

TEST(ZoneAssembly, refuses_every_kind_of_other_message) {
  const auto changed = [](const std::function<void(dns::Message&)>& change) {
    dns::Message first = message({soa(), soa()});
    change(first);
    return fault_of(first);
  };
  EXPECT_EQ(changed([](dns::Message&) {}), "");
  EXPECT_THAT(changed([](dns::Message& m) { m.header.id ^= 1; }), HasSubstr("no answer"));
  EXPECT_THAT(changed([](dns::Message& m) { m.header.response = false; }), HasSubstr("no answer"));
  EXPECT_THAT(changed([](dns::Message& m) { m.set_rcode(dns::Rcode::refused); }), HasSubstr("REFUSED"));
  EXPECT_THAT(changed([](dns::Message& m) { m.header.truncated = true; }), HasSubstr("truncated"));
  EXPECT_THAT(changed([](dns::Message& m) { m.question.reset(); }), HasSubstr("no question"));
  EXPECT_THAT(changed([](dns::Message& m) { m.question->name = dns::Name{}; }), HasSubstr("another question"));
  EXPECT_THAT(changed([](dns::Message& m) { m.question->type = dns::type::soa; }), HasSubstr("another question"));
  EXPECT_THAT(changed([](dns::Message& m) { m.answer.clear(); }), HasSubstr("no record"));
  EXPECT_THAT(changed([](dns::Message& m) { m.authority.push_back(address("a.zone.example.")); }),
              HasSubstr("where there are to be none"));
  EXPECT_THAT(changed([](dns::Message& m) {
                m.answer.erase(m.answer.begin());
                m.answer.front() = address("a.zone.example.");
              }),
              HasSubstr("begin with an SOA"));
}

TEST(ZoneAssembly, fifty_foreign_owners_each_end_it) {
  for (int i = 0; i < 50; ++i) {
    const std::string owner = "n" + std::to_string(i) + (i % 2 == 0 ? ".example." : ".other.example.");
    EXPECT_THAT(fault_of(message({soa(), address(owner), soa()})), HasSubstr("not of this zone"));
  }
  dns::Record below = soa();
  below.owner = dns::Name::literal("sub.zone.example.");
  EXPECT_THAT(fault_of(message({soa(), below, soa()})), HasSubstr("not of this zone"));
  dns::Record chaos = address("a.zone.example.");
  chaos.rr_class = dns::rr_class::ch;
  EXPECT_THAT(fault_of(message({soa(), chaos, soa()})), HasSubstr("not of this zone"));
}

TEST(ZoneAssembly, a_zone_that_changes_under_way_is_refused) {
  EXPECT_THAT(fault_of(message({soa(7), address("a.zone.example."), soa(8)})), HasSubstr("changed"));
}

TEST(ZoneAssembly, nothing_may_follow_its_end) {
  EXPECT_THAT(fault_of(message({soa(), soa(), address("a.zone.example.")})), HasSubstr("behind its end"));
  ZoneAssembly assembly{apex, id};
  ASSERT_EQ(take(assembly, message({soa(), soa()})), Progress::whole);
  EXPECT_FALSE(take(assembly, message({soa(), soa()})));
}

TEST(ZoneAssembly, an_endless_zone_ends_at_the_bounds) {
  const ZoneBounds bounds{.octets = 100'000, .records = 1000};
  const auto endless = [](ZoneAssembly& assembly, int records_each) {
    std::size_t taken = 0;
    for (;; ++taken) {
      std::vector<dns::Record> records;
      if (taken == 0) records.push_back(soa());
      for (int i = 0; i < records_each; ++i)
        records.push_back(address("a.zone.example.", static_cast<std::uint8_t>(taken)));
      const auto progress = take(assembly, message(std::move(records)));
      if (!progress) return progress.error();
      if (taken > 10'000) return std::string{"no end"};
    }
  };
  ZoneAssembly many{apex, id, bounds};
  EXPECT_THAT(endless(many, 500), HasSubstr("more than 1000 records"));
  ZoneAssembly large{apex, id, {.octets = 10'000, .records = 1'000'000}};
  EXPECT_THAT(endless(large, 100), HasSubstr("more than 10000 octets"));
}

TEST(ZoneAssembly, garbage_ends_it) {
  ZoneAssembly assembly{apex, id};
  const std::vector<std::uint8_t> garbage(40, 0xff);
  EXPECT_THAT(assembly.take(garbage).error(), HasSubstr("malformed"));
}

TEST(SerialFrom, reads_the_serial) {
  dns::Message reply = message({soa(0xfffffffe)});
  reply.question->type = dns::type::soa;
  EXPECT_EQ(serial_from(reply.to_wire(), apex, id), 0xfffffffeU);
  EXPECT_FALSE(serial_from(reply.to_wire(), apex, id + 1));
  EXPECT_FALSE(serial_from(reply.to_wire(), dns::Name{}, id));
  reply.answer.clear();
  EXPECT_FALSE(serial_from(reply.to_wire(), apex, id));
}

TEST(IsYounger, goes_round_the_circle) {
  EXPECT_TRUE(is_younger(2, 1));
  EXPECT_FALSE(is_younger(1, 2));
  EXPECT_FALSE(is_younger(1, 1));
  EXPECT_TRUE(is_younger(0, 0xffffffff));
  EXPECT_TRUE(is_younger(0x7fffffff, 0));
  EXPECT_FALSE(is_younger(0x80000000, 0));
}

}  // namespace
}  // namespace redoubt::control
