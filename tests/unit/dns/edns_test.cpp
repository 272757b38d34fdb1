#include "dns/edns.hpp"

#include <gtest/gtest.h>

#include "tests/unit/dns/octets.hpp"

namespace redoubt::dns {
namespace {

using test::Octets;
using test::operator+;
using test::octets;
using test::option;

Parsed<Edns> parse(const Octets& options, std::uint32_t ttl_field = 0x8000) {
  NameWork work{options.size()};
  return parse_edns(1232, ttl_field, WireReader{options, work});
}

/// From the octets of a whole OPT record.
Parsed<Edns> parse_record(const Octets& record) {
  NameWork work{record.size()};
  WireReader reader{record, work};
  EXPECT_EQ(reader.u8(), 0U);
  EXPECT_EQ(reader.u16(), 41U);
  const std::uint16_t payload = reader.u16();
  const std::uint32_t ttl = reader.u32();
  WireReader window = reader.window(reader.u16());
  EXPECT_TRUE(reader.finish(0));
  return parse_edns(payload, ttl, window);
}

TEST(Edns, fixed_fields) {
  const auto edns = parse({}, 0x01008001);
  ASSERT_TRUE(edns);
  EXPECT_EQ(edns->extended_rcode, 1);
  EXPECT_EQ(edns->version, 0);
  EXPECT_TRUE(edns->dnssec_ok);
  EXPECT_EQ(edns->reserved_flags, 1);
  EXPECT_EQ(edns->usable_payload(), 1232);
  for (const std::uint16_t payload : std::array<std::uint16_t, 4>{0, 511, 512, 513}) {
    Edns small;
    small.udp_payload = payload;
    EXPECT_EQ(small.usable_payload(), payload < 512 ? 512 : payload);
  }
}

TEST(Edns, options_of_another_version_are_not_judged) {
  const auto edns = parse(octets("000a ffff"), 0x00010000);
  ASSERT_TRUE(edns);
  EXPECT_EQ(edns->version, 1);
}

TEST(Edns, cookies_have_the_sizes_of_rfc_7873) {
  for (std::size_t size = 0; size <= 50; ++size) {
    const auto edns = parse(option(10, Octets(size, 7)));
    const bool good = size == 8 || (size >= 16 && size <= 40);
    ASSERT_EQ(edns.has_value(), good) << size;
    if (good) {
      EXPECT_EQ(edns->cookie->server.size(), size - 8);
    }
  }
}

TEST(Edns, client_subnets_are_cut_to_their_prefix) {
  const auto subnet = [](std::string_view data) { return parse(option(8, octets(data))); };
  EXPECT_TRUE(subnet("0001 18 00 c00002"));
  EXPECT_TRUE(subnet("0001 00 00"));
  EXPECT_TRUE(subnet("0000 00 00"));
  EXPECT_TRUE(subnet("0001 20 20 c0000201"));
  EXPECT_TRUE(subnet("0002 38 00 20010db8000000"));
  for (const char* bad : {"0001 18 00", "0001 18 00 c0", "0001 18 00 c0000200", "0001 17 00 c00003",
                          "0001 21 00 c000020100", "0001 18 21 c00002", "0003 08 00 01", "0000 01 00 80", "0002 81 00"})
    EXPECT_EQ(subnet(bad).error().fault, Fault::bad_option) << bad;
  EXPECT_EQ(subnet("").error().fault, Fault::short_read);
  EXPECT_EQ(subnet("0001 18").error().fault, Fault::short_read);
}

TEST(Edns, keepalive_is_there_with_and_without_a_value) {
  const auto asked = parse(option(11, {}));
  ASSERT_TRUE(asked && asked->tcp_keepalive);
  EXPECT_FALSE(*asked->tcp_keepalive);
  const auto told = parse(option(11, octets("0064")));
  ASSERT_TRUE(told && told->tcp_keepalive);
  EXPECT_EQ(**told->tcp_keepalive, 100);
  EXPECT_FALSE(parse(option(11, octets("00"))));
  EXPECT_FALSE(parse(option(11, octets("000000"))));
}

TEST(Edns, the_first_of_repeated_options_counts) {  // attacks M05
  const auto edns = parse(option(3, {'a'}) + option(3, {'b'}) + option(10, Octets(8, 1)) + option(10, Octets(8, 2)) +
                          option(10, {9}) + option(12, Octets(4)) + option(12, Octets(9)) + option(65001, {1}) +
                          option(65001, {2}) + option(8, octets("0001 08 00 0a")) + option(8, octets("0001 00 00")) +
                          option(11, octets("0001")) + option(11, {}));
  ASSERT_TRUE(edns);
  EXPECT_EQ(edns->nsid, Octets{'a'});
  EXPECT_EQ(edns->cookie->client[0], 1);
  EXPECT_EQ(edns->padding, 4);
  ASSERT_EQ(edns->unknown.size(), 1U);
  EXPECT_EQ(edns->unknown[0], (UnknownOption{65001, {1}}));
  EXPECT_EQ(edns->client_subnet->source_prefix, 8);
  EXPECT_EQ(**edns->tcp_keepalive, 1);
}

TEST(Edns, extended_errors_may_repeat) {
  const auto edns = parse(option(15, octets("0003 'old'")) + option(15, octets("0003")));
  ASSERT_TRUE(edns);
  ASSERT_EQ(edns->extended_errors.size(), 2U);
  EXPECT_EQ(edns->extended_errors[0], (ExtendedError{EdeCode::stale_answer, "old"}));
  EXPECT_FALSE(parse(option(15, octets("00"))));
}

TEST(Edns, lists_of_options_end_at_32) {  // attacks M05
  for (const Octets& each : {option(65001, {}), option(15, octets("0000")), option(3, {1}), option(12, {})}) {
    EXPECT_TRUE(parse(test::repeated(max_options, each)));
    EXPECT_EQ(parse(test::repeated(max_options + 1, each)).error().fault, Fault::bad_option);
    EXPECT_EQ(parse(test::repeated(8000, each)).error().fault, Fault::bad_option);
  }
  const auto flood = parse(test::repeated(16000, option(65001, {})));
  ASSERT_FALSE(flood);
  EXPECT_EQ(flood.error().offset, 4 * max_options);  // and nothing behind the thirty-second was looked at
}

TEST(Edns, options_end_inside_their_record) {
  for (const char* bad : {"00", "0003", "000300", "0003 0001", "0003 0002 61", "0003 ffff 61"})
    EXPECT_EQ(parse(octets(bad)).error().fault, Fault::short_read) << bad;
}

TEST(Edns, all_that_is_written_reads_back_equal) {
  Edns edns;
  edns.udp_payload = 4096;
  edns.extended_rcode = 1;
  edns.dnssec_ok = true;
  edns.reserved_flags = 0x1234;
  edns.cookie = Cookie{{1, 2, 3, 4, 5, 6, 7, 8}, Octets(32, 9)};
  edns.client_subnet = ClientSubnet{2, 48, 48, octets("20010db80001")};
  edns.nsid = octets("'node1'");
  edns.tcp_keepalive = 300;
  edns.extended_errors = {{EdeCode::dnssec_bogus, "why"}, {EdeCode::other, ""}};
  edns.unknown = {{65001, {1, 2, 3}}, {65002, {}}};
  edns.padding = 100;
  EXPECT_EQ(parse_record(edns_to_wire(edns)), edns);
  EXPECT_EQ(parse_record(edns_to_wire(Edns{})), Edns{});
  Edns asking;
  asking.tcp_keepalive.emplace();
  EXPECT_EQ(parse_record(edns_to_wire(asking)), asking);
}

TEST(Edns, more_than_a_record_holds_is_left_out_and_the_record_stays_well_formed) {
  Edns edns;
  edns.cookie = Cookie{};
  edns.extended_errors = {{EdeCode::other, std::string(40000, 'x')}, {EdeCode::blocked, std::string(40000, 'y')}};
  const auto back = parse_record(edns_to_wire(edns));
  ASSERT_TRUE(back);
  EXPECT_TRUE(back->cookie);
  ASSERT_EQ(back->extended_errors.size(), 1U);
  EXPECT_EQ(back->extended_errors[0].text.size(), 40000U);
}

TEST(Ede, has_phrases) {
  EXPECT_EQ(describe(EdeCode::no_reachable_authority), "No Reachable Authority");
  EXPECT_EQ(describe(static_cast<EdeCode>(4711)), "Code 4711");
}

}  // namespace
}  // namespace redoubt::dns
