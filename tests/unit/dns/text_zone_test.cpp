#include "dns/text_zone.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "dns/rdata.hpp"
#include "dns/text.hpp"
#include "dns/text_reading.hpp"

namespace redoubt::dns {
namespace {

struct Outcome {
  std::vector<Record> records;
  std::string fault;
};

Outcome read(std::string_view text, const std::map<std::string, std::string>& files = {}) {
  Outcome outcome;
  ZoneTextSource source{.file = "zone.db", .text = text, .origin = Name::literal("example")};
  source.max_records = 2000;
  source.open = [&](const std::string& path) -> std::expected<std::string, std::string> {
    const auto found = files.find(path);
    if (found == files.end()) return std::unexpected{path + ": no such file"};
    return found->second;
  };
  const auto done = read_zone_text(source, [&](Record&& record) -> std::expected<void, std::string> {
    outcome.records.push_back(std::move(record));
    return {};
  });
  if (!done) outcome.fault = done.error().to_text();
  return outcome;
}

Record record(std::string_view text) { return *record_from_text(text); }

TEST(ZoneText, included_files_are_read_in_their_place_with_their_own_origin) {
  const auto outcome = read("@ 60 NS a\n$INCLUDE sub/one.db sub\nb 60 NS c\n",
                            {{"sub/one.db", "$TTL 5\nx A 192.0.2.1\n$INCLUDE two.db\n"},
                             {"two.db", "never"},
                             {"sub/two.db", "y A 192.0.2.2\n"}});
  EXPECT_EQ(outcome.fault, "");
  ASSERT_EQ(outcome.records.size(), 4U);
  EXPECT_EQ(outcome.records[1], record("x.sub.example. 5 IN A 192.0.2.1"));
  EXPECT_EQ(outcome.records[2], record("y.sub.example. 5 IN A 192.0.2.2"));
  EXPECT_EQ(outcome.records[3].owner, Name::literal("b.example"));
}

TEST(ZoneText, a_ttl_outlives_the_file_that_said_it_last) {
  const auto last_ttl = [](std::string_view text, const std::string& included) {
    const auto outcome = read(text, {{"in.db", included}});
    return outcome.fault.empty() ? outcome.records.back().ttl.seconds() : 0;
  };
  // As BIND's named-checkzone has them.
  EXPECT_EQ(last_ttl("@ 100 NS a\n$INCLUDE in.db\nb A 192.0.2.1\n", "a 500 A 192.0.2.1\n"), 500U);
  EXPECT_EQ(last_ttl("@ 100 NS a\n$INCLUDE in.db\nb A 192.0.2.1\n", "$TTL 333\na 500 A 192.0.2.1\n"), 333U);
  EXPECT_EQ(last_ttl("$TTL 50\n@ 100 NS a\n$INCLUDE in.db\nb A 192.0.2.1\n", "a 500 A 192.0.2.1\n"), 50U);
  EXPECT_EQ(last_ttl("$TTL 50\n@ 100 NS a\n$INCLUDE in.db\nb A 192.0.2.1\n", "$TTL 333\na A 192.0.2.1\n"), 333U);
}

TEST(ZoneText, a_record_that_no_ttl_stands_before_is_refused) {
  EXPECT_EQ(read("@ NS a\n").fault, "zone.db:1: no TTL, and none before it");
  EXPECT_EQ(read("@ SOA a b 1 2 3 4 4294967295\n").fault, "zone.db:1: no TTL, and none before it");
  EXPECT_EQ(read("@ SOA a b 1 2 3 4 77\n@ NS a\n").records.back().ttl.seconds(), 77U);
}

TEST(ZoneText, directives_have_any_case_and_files_with_blanks_stand_in_quotes) {
  const auto outcome = read("$ttl 7\n$origin sub\n$include \"one two.db\" x\n$generate 1-2 a$ A 192.0.2.$\n",
                            {{"one two.db", "@ A 192.0.2.9\n"}});
  EXPECT_EQ(outcome.fault, "");
  ASSERT_EQ(outcome.records.size(), 3U);
  EXPECT_EQ(outcome.records[0], record("x.sub.example. 7 IN A 192.0.2.9"));
  EXPECT_EQ(outcome.records[2], record("a2.sub.example. 7 IN A 192.0.2.2"));
  EXPECT_EQ(read("$INCLUDE a.db b c\n").fault, "zone.db:1: expected $INCLUDE FILE [ORIGIN]");
}

TEST(ZoneText, faults_name_file_and_line) {
  EXPECT_TRUE(read("@ 60 NS a\n\nb 60 A 192.0.2.300\n").fault.starts_with("zone.db:3: "));
  EXPECT_TRUE(read("@ 60 NS a\n$INCLUDE one.db\n", {{"one.db", "\n\nx Y z\n"}}).fault.starts_with("one.db:3: "));
  EXPECT_EQ(read("$INCLUDE none.db\n").fault, "zone.db:1: none.db: no such file");
  EXPECT_EQ(read("$INCLUDE a.db\n", {{"a.db", "$INCLUDE a.db\n"}}).fault,
            "a.db:1: files include each other more than 16 deep");
  EXPECT_EQ(read("$GENERATE 1-3000 a$ 1 A 192.0.2.1\n").fault, "zone.db:1: more than 2000 records");
  EXPECT_TRUE(read("$GENERATE 1-4000000000 a$ A 192.0.2.1\n").fault.starts_with("zone.db:1: expected $GENERATE"));
  EXPECT_TRUE(read("$GENERATE 1-2/0 a$ A 192.0.2.1\n").fault.starts_with("zone.db:1: expected $GENERATE"));
}

TEST(ZoneText, generate_fills_in_numbers) {
  const auto outcome = read("$GENERATE 8-10/2 h${1,3,d}.x 60 IN CNAME t$-${0,0,x}.\\$.y\n");
  EXPECT_EQ(outcome.fault, "");
  ASSERT_EQ(outcome.records.size(), 2U);
  EXPECT_EQ(outcome.records[0], record("h009.x.example. 60 IN CNAME t8-8.\\$.y.example."));
  EXPECT_EQ(outcome.records[1], record("h011.x.example. 60 IN CNAME t10-a.\\$.y.example."));
}

/// Whatever the fast way reads, the other reads the same; and what it writes, both read back.
TEST(ZoneText, the_fast_way_agrees_with_the_other) {
  std::mt19937 random{7};
  const Surroundings around{Name::literal("example"), Ttl::from_wire(60), Name::literal("before.example")};
  const char* data[] = {"A 192.0.2.1",
                        "A 192.0.2.256",
                        "AAAA 2001:db8::1",
                        "AAAA ::ffff:1.2.3.4",
                        "NS a",
                        "NS a.b.",
                        "CNAME @",
                        "MX 10 mail",
                        "MX 65536 mail",
                        "TXT \"a b\" c",
                        "TXT \"a\"b",
                        "TXT a\"b\"",
                        "TXT \"\"",
                        "TXT",
                        "SRV 1 2 3 x.",
                        "SOA a b 1 2 3 4 5",
                        "SOA a b 1 1h 3 4 5",
                        "DS 1 13 2 ABcd ef01",
                        "DS 1 13 2 abc",
                        "DNSKEY 257 3 13 AAAA BBBB",
                        "DNSKEY 257 3 13",
                        "NSEC b A MX RRSIG NSEC TYPE1234",
                        "NSEC b",
                        "RRSIG A 13 2 60 20300131235959 20240229000000 7 example. AAAA",
                        "RRSIG A 13 2 60 20300231000000 20240229000000 7 example. AAAA",
                        "RRSIG A 13 2 60 1700000000 1600000000 7 e. AAAA",
                        "NSEC3 1 0 0 - 0p9mhaveqvm6t7vbl5lop2u3t2rp3tom A RRSIG",
                        "NSEC3 1 1 2 aabb 0p9mhaveqvm6t7vbl5lop2u3t2rp3tom",
                        "NSEC3PARAM 1 0 0 -",
                        "NSEC3PARAM 1 0 0 ab",
                        "TLSA 3 1 1 00ff",
                        "CDS 0 0 0 00",
                        "DNAME x",
                        "PTR x\\.y",
                        "ZONEMD 1 1 1 00112233445566778899aabbccddeeff"};
  const char* fronts[] = {"a ",       " ",  "a 300 ",   "a IN ",       "a 300 IN ", "a IN 300 ",
                          " 300 IN ", "@ ", "a.b. in ", "\\065\\046 ", "a 1h IN ",  "* "};
  std::size_t fast = 0;
  for (const char* front : fronts) {
    for (const char* one : data) {
      const std::string line = std::string{front} + one;
      const auto plain = read_plain_line(line, around);
      const auto whole = read_line(line, around);
      if (!plain) continue;
      ++fast;
      ASSERT_TRUE(whole) << line << ": " << whole.error();
      EXPECT_EQ(*plain, *whole) << line;
      std::string text;
      ASSERT_TRUE(append_plain_rdata(text, plain->type, plain->rdata)) << line;
      const auto again = record_from_text("a. 1 IN " + to_text(plain->type) + " " + text);
      ASSERT_TRUE(again) << text;
      EXPECT_EQ(again->rdata, plain->rdata) << text;
    }
  }
  EXPECT_GT(fast, 250U);
  for (int round = 0; round < 2000; ++round) {
    const std::uint32_t time = random() & 0xffffffffU;
    const std::uint32_t other = random() & 0xffffffffU;
    std::vector<std::uint8_t> rdata =
        record("a. 1 IN RRSIG A 13 2 60 20300131235959 20240229000000 7 example. AAAA").rdata;
    for (int shift = 0; shift < 4; ++shift) {
      rdata[8U + static_cast<std::size_t>(shift)] = static_cast<std::uint8_t>(time >> (24 - 8 * shift));
      rdata[12U + static_cast<std::size_t>(shift)] = static_cast<std::uint8_t>(other >> (24 - 8 * shift));
    }
    std::string text;
    ASSERT_TRUE(append_plain_rdata(text, type::rrsig, rdata));
    const auto plain = read_plain_line("a 1 IN RRSIG " + text, around);
    ASSERT_TRUE(plain) << text;
    EXPECT_EQ(plain->rdata, rdata);
    const std::string shown = rdata_to_text(type::rrsig, rr_class::in, rdata);
    if (!shown.starts_with("\\#")) {  // ldns shows some times in the generic form only
      EXPECT_EQ(shown.substr(0, 30), text.substr(0, 30));
    }
  }
}

}  // namespace
}  // namespace redoubt::dns
