#include "dns/text_fields.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "dns/rdata.hpp"
#include "dns/text.hpp"
#include "dns/text_decode.hpp"
#include "dns/text_reading.hpp"

namespace redoubt::dns {
namespace {

struct Sample {
  const char* text;
  const char* octets;  ///< as BIND's named-rrchecker has them
};

constexpr Sample samples[] = {
    {"TXT \"a\"\"b\"", "01610162"},
    {"TXT \\065", "0141"},
    {"TXT a\\ b", "03612062"},
    {"TXT \"a\\\"b;c\"", "056122623b63"},
    {"HINFO \"a b\" \"c\"", "036120620163"},
    {"ISDN 123 456", "0331323303343536"},
    {"NSAP 0x47.0005.80", "47000580"},
    {"NSAP-PTR foo.", "03666f6f00"},
    {"PX 10 a b.", "000a0161016f076578616d706c6500016200"},
    {"WKS 1.2.3.4 TCP smtp", "010203040600000040"},
    {"WKS 1.2.3.4 17 53", "010203041100000000000004"},
    {"WKS 1.2.3.4 TCP", "0102030406"},
    {"LOC 42 21 43.952 N 71 5 6.344 W -24m 1m 200m 10m", "001224138917069070bf2dd800988d20"},
    {"LOC 90 0 0 S 180 0 0 W 42849672.95m 0m 0.05m 90000000.00m", "000050996cb0270059604e00ffffffff"},
    {"LOC 42 N 71 E 0", "00121613890321008f3c258000989680"},
    {"NAPTR 100 10 \"\" \"\" \"/urn:cid:.+@([^\\\\.]+\\\\.)(.*)$/\\\\2/i\" .",
     "0064000a0000202f75726e3a6369643a2e2b40285b5e5c2e5d2b5c2e29282e2a29242f5c322f6900"},
    {"CERT PKIX 1 RSASHA256 aGVsbG8=", "000100010868656c6c6f"},
    {"CERT OID 0 0 aGV sbG8=", "00fe00000068656c6c6f"},
    {"APL 1:192.168.32.0/21 !1:192.168.38.0/28 2:ff00::/8", "00011503c0a82000011c83c0a82600020801ff"},
    {"APL", ""},
    {"DS 1 RSASHA256 SHA-256 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
     "000108020123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"},
    {"IPSECKEY 10 3 2 mygateway AQ==", "0a0302096d7967617465776179016f076578616d706c650001"},
    {"IPSECKEY 10 0 2 . AQ==", "0a000201"},
    {"IPSECKEY 10 2 2 2001:db8::1 AQ==", "0a020220010db800000000000000000000000101"},
    {"KEY 49152 3 8", "c0000308"},
    {"KEY 512 3 RSASHA1 AQPSKmynfzW4kyBv015MUG2DeIQ3", "020003050103d22a6ca77f35b893206fd35e4c506d83788437"},
    {"RRSIG A 8 2 3600 1893456000 1577836800 1 o.example. aGVsbG8=",
     "0001080200000e1070dbd8805e0be1000001016f076578616d706c650068656c6c6f"},
    {"NSEC3 1 1 12 aabbccdd 2vptu5timamqttgl4luu9kg21e0aor3s A RRSIG",
     "0101000c04aabbccdd1417f3df17b2b2adaef615257de4d2020b80ac6c7c0006400000000002"},
    {"CSYNC 66 3", "000000420003"},
    {"HIP 2 200100107B1A74DF AwEAAQ== rvs1.example.com. rvs2",
     "08020004200100107b1a74df030100010472767331076578616d706c6503636f6d000472767332016f076578616d706c6500"},
    {"SVCB 1 . alpn=\"h\\\\,2,h3\"", "0001000001000703682c32026833"},
    {"SVCB 1 . alpn=f\\\\\\092oo\\092,bar,h2", "0001000001000c08665c6f6f2c626172026832"},
    {"SVCB 16 foo mandatory=ipv4hint,alpn ipv4hint=192.0.2.1 alpn=h2,h3-19",
     "001003666f6f016f076578616d706c65000000000400010004000100090268320568332d313900040004c0000201"},
    {"SVCB 1 . key1=\\002h2", "00010000010003026832"},
    {"SVCB 1 . key4=\\192\\000\\002\\001", "00010000040004c0000201"},
    {"SVCB 1 . key667=\"a b\"", "000100029b0003612062"},
    {"SVCB 1 . port=53 alpn=h2 ech=\"aGVsbG8=\" ipv6hint=::1,2001:db8::",
     "000100000100030268320003000200350005000568656c6c6f000600200000000000000000000000000000000120010db8000000000000000"
     "000000000"},
    {"SVCB 1 . dohpath=/dns-query{?dns}", "000100000700102f646e732d71756572797b3f646e737d"},
    {"NID 10 14:4fff:ff20:ee64", "000a00144fffff20ee64"},
    {"L32 10 10.1.2.0", "000a0a010200"},
    {"EUI48 00-00-5e-00-53-2a", "00005e00532a"},
    {"EUI64 00-00-5e-ef-10-00-00-2a", "00005eef1000002a"},
    {"CAA 0 issue ca.example.net", "0005697373756563612e6578616d706c652e6e6574"},
    {"CAA 128 issue \"ca.example.net; account=1\"", "8005697373756563612e6578616d706c652e6e65743b206163636f756e743d31"},
    {"AVC \"a\" \"b\"", "01610162"},
    {"DOA 1 2 3 \"\" - ; none", "00000001000000020300"},
    {"WKS 1.2.3.4 tcp Domain http", "01020304060000000000000400000080"},
    {"DOA 1234567890 1234567890 1 \"image/gif\" R0lGODlh", "499602d2499602d20109696d6167652f676966474946383961"},
    {"AMTRELAY 10 0 1 203.0.113.15", "0a01cb00710f"},
    {"AMTRELAY 128 1 3 amtrelays", "808309616d7472656c617973016f076578616d706c6500"},
    {"AMTRELAY 10 0 0 .", "0a00"},
    {"RESINFO qnamemin exterr=15", "08716e616d656d696e096578746572723d3135"},
    {"WALLET \"BTC\" \"x\"", "034254430178"},
    {"NINFO \"a\"", "0161"},
    {"SOA a b 1 1h 1d 1w 1w2d3h4m5s",
     "0161016f076578616d706c65000162016f076578616d706c65000000000100000e100001518000093a80000c08a5"},
};

TEST(TextFields, every_type_is_read_as_other_name_servers_read_it) {
  for (const Sample& sample : samples) {
    const auto record = record_from_text(std::string{"a 1 IN "} + sample.text, Name::literal("o.example"));
    ASSERT_TRUE(record) << sample.text << ": " << record.error().what;
    std::vector<std::uint8_t> octets;
    ASSERT_TRUE(read_hex(octets, sample.octets));
    EXPECT_EQ(record->rdata, octets) << sample.text;
    const auto again = record_from_text(record_to_text(*record));
    ASSERT_TRUE(again) << record_to_text(*record);
    EXPECT_EQ(*again, *record) << record_to_text(*record);
  }
}

TEST(TextFields, each_type_with_a_text_has_a_row_that_the_wire_agrees_with) {
  for (const RrTypeInfo& info : rr_type_table()) {
    constexpr std::uint16_t octets_alone[] = {10,  30,  34,  38, 40,
                                              100, 101, 102, 103};  // NULL, NXT, ATMA, A6, SINK, ...
    const bool alone = is_meta(info.type) ||
                       std::ranges::find(octets_alone, info.type.value) != std::end(octets_alone) ||
                       info.type == RrType{67} || info.type == RrType{68};  // HHIT, BRID
    EXPECT_EQ(find_written_row(info.type) == nullptr, alone) << info.name;
  }
}

TEST(TextFields, what_does_not_fit_is_a_fault_and_never_another_value) {
  const std::pair<const char*, const char*> faults[] = {
      {"MX 65536 a", "'65536' is not a number up to 65535"},
      {"MX -1 a", "'-1' is not a number up to 65535"},
      {"MX 10", "a name is missing"},
      {"NS \"a\"", "a string in quotes, and not a name"},
      {"SOA a b 4294967296 1 1 1 1", "'4294967296' is not a number up to 4294967295"},
      {"SOA a b 1 99999999999 1 1 1", "'99999999999' is not a time in 32 bits"},
      {"SOA a b 1 -1 1 1 1", "'-1' is not a time in 32 bits"},
      {"TXT a\"b\"", "a quote that does not stand at the ends of a string"},
      {"TXT \"a\"b", "a quote that does not stand at the ends of a string"},
      {"TXT \\256", "an escape that is no octet"},
      {"TXT \\65", "an escape that is no octet"},
      {"CERT PKIX 1 256 aGVsbG8=", "'256' is not a number up to 255, or a word for one"},
      {"CAA 256 issue \"x\"", "'256' is not a number up to 255"},
      {"CAA 0 is-sue \"x\"", "'is-sue' is not a tag of letters and digits"},
      {"CAA 0 issue \"a\" \"b\"", "more than the record has, from 'b' on"},
      {"APL 1:192.0.2.0/33", "'1:192.0.2.0/33' is not 1:IPV4/LENGTH or 2:IPV6/LENGTH"},
      {"WKS 1.2.3.4 TCP nosuch", "'nosuch' is not a port, or the name of a common service"},
      {"WKS 1.2.3.4 nosuch 25", "'nosuch' is not tcp, udp or a protocol's number"},
      {"LOC 91 0 0 N 180 0 0 W 0m", "'91' is not degrees, minutes and seconds and one of NS"},
      {"LOC 90 0 0.001 N 180 0 0 W 0m", "more than 90 degrees"},
      {"LOC 42 60 0 N 1 0 0 W 0m", "'60' is not degrees, minutes and seconds and one of NS"},
      {"LOC 42 0 60 N 1 0 0 W 0m", "'60' is not degrees, minutes and seconds and one of NS"},
      {"LOC 42 0 0 N 1 0 0 W 42849672.96m", "'42849672.96m' is not metres that fit, with two decimals at most"},
      {"LOC 42 0 0 N 1 0 0 W -100000.01m", "'-100000.01m' is not metres that fit, with two decimals at most"},
      {"LOC 42 0 0 N 1 0 0 W 0m 90000001m", "'90000001m' is not metres that fit, with two decimals at most"},
      {"CDS 0 0 0 0", "'0' is not hexadecimal, two digits for each octet"},
      {"CDNSKEY 0 3 0 0", "'0' is not base64"},
      {"DNSKEY 257 3 13 -", "'-' is not base64"},
      {"KEY 49152 3 8 -", "'-' is not base64"},
      {"IPSECKEY 10 0 2 . -", "'-' is not base64"},
      {"LOC 42 N 71 \xc5", "'\\197' is not degrees, minutes and seconds and one of EW"},
      {"MX \xff\x01 a", "'\\255\\001' is not a number up to 65535"},
      {"SVCB 1 . ipv4hint=192.0.2.1\\000junk", "a bad list for ipv4hint"},
      {"SVCB 1 . ipv6hint=2001:db8::1\\000", "a bad list for ipv6hint"},
      {"SVCB 1 . ech=AQID\\000", "a bad value for ech"},
      {"SVCB 1 . ech=AQ\\000ID", "a bad value for ech"},
      {"SVCB 1 . key9999=a=\"b\"", "a quote that does not stand at the ends of a string"},
      {"RRSIG A 8 1 60 21070101000000 20200101000000 1 @ AAAA", "'21070101000000' is not a time, YYYYMMDDHHmmSS"},
      {"NSEC3 1 0 0 - 2t7b4g4vsa5smi47k61mv5bv1a22boj A", "'2t7b4g4vsa5smi47k61mv5bv1a22boj' is not in base32hex"},
      {"SVCB 1 . port=65536", "a bad value for port"},
      {"SVCB 1 . port", "a bad value for port"},
      {"SVCB 1 . key3=\\000", "a bad value for key3"},
      {"SVCB 1 . key1=\\003h2", "a bad value for key1"},
      {"SVCB 1 . key01=a", "an unknown parameter, 'key01'"},
      {"SVCB 1 . ALPN=h2", "an unknown parameter, 'ALPN'"},
      {"SVCB 1 . port=53 port=54", "a second port"},
      {"SVCB 1 . alpn=h2,", "a bad list for alpn"},
      {"SVCB 1 . no-default-alpn", "no-default-alpn without alpn"},
      {"SVCB 1 . mandatory=alpn", "mandatory names key1, which is missing"},
      {"SVCB 1 . mandatory=mandatory alpn=h2", "a bad list for mandatory"},
      {"SVCB 1 . mandatory=alpn,alpn alpn=h2", "a bad list for mandatory"},
      {"SVCB 1 . alpn=\"h2\"x", "a quote that does not stand at the ends of a string"},
      {"ATMA 39246f", "ATMA is read in the form \\# LENGTH OCTETS alone"},
      {"TYPE65280 x", "TYPE65280 is read in the form \\# LENGTH OCTETS alone"},
      {"TYPE0 \\# 0", "TYPE0 is no type of data"},
  };
  for (const auto& [text, fault] : faults) {
    const auto record = record_from_text(std::string{"a 1 IN "} + text, Name::literal("o.example"));
    ASSERT_FALSE(record) << text << " is " << record_to_text(*record);
    EXPECT_EQ(record.error().what, fault) << text;
  }
}

TEST(TextFields, a_fault_shows_the_beginning_of_a_long_word) {
  const std::string word(100'000, 'x');
  for (const std::string& text : {"MX " + word + " a", "NSEC a A " + word, "RRSIG " + word, "A 192.0.2.1 " + word,
                                  "SVCB 1 . " + word + "=1", word + " a"}) {
    const auto record = record_from_text("a 1 IN " + text, Name::literal("o.example"));
    ASSERT_FALSE(record);
    EXPECT_LT(record.error().what.size(), 200U) << text.substr(0, 20);
    EXPECT_NE(record.error().what.find(std::string(100, 'x') + "'"), std::string::npos) << record.error().what;
  }
  EXPECT_LT(zone_from_text("$" + word + " a\n", Name{}).error().what.size(), 200U);
}

TEST(RecordText, nothing_in_front_of_the_data_stands_in_quotes) {
  for (const char* text : {R"("a" 1 IN A 192.0.2.1)", R"(a"b" 1 IN A 192.0.2.1)", R"(a "1" IN A 192.0.2.1)",
                           R"(a 1 "IN" A 192.0.2.1)", R"(a 1 IN "A" 192.0.2.1)"}) {
    EXPECT_FALSE(record_from_text(text)) << text;
  }
  EXPECT_TRUE(record_from_text(R"(a\"b 1 IN A 192.0.2.1)"));
}

TEST(TextFields, a_ttl_is_31_bits_and_a_time) {
  const std::pair<const char*, std::uint32_t> good[] = {
      {"0", 0}, {"2147483647", 2147483647}, {"1h30m", 5400}, {"1W2d", 777'600}, {"010", 10}};
  for (const auto& [text, seconds] : good) {
    const auto record = record_from_text(std::string{"a IN "} + text + " A 192.0.2.1");
    ASSERT_TRUE(record) << text << record.error().what;
    EXPECT_EQ(record->ttl.seconds(), seconds);
  }
  for (const char* text : {"4294967296", "2147483648", "99999999999999999999", "5x", "1.5", "0x10", "1h-"}) {
    const auto record = record_from_text(std::string{"a IN "} + text + " A 192.0.2.1");
    ASSERT_FALSE(record) << text;
    EXPECT_EQ(record.error().what, "'" + std::string{text} + "' is no TTL up to 2147483647");
    EXPECT_FALSE(zone_from_text(std::string{"$TTL "} + text + "\n", Name{})) << text;
  }
  EXPECT_FALSE(record_from_text("a -1 A 192.0.2.1"));
  EXPECT_FALSE(zone_from_text("$TTL -1\n", Name{}));
}

/// TTLs of the zone's records, one after the other.
std::string ttls(std::string_view text) {
  const auto zone = zone_from_text(text, Name::literal("example"));
  if (!zone) return zone.error().what;
  std::string out;
  for (const Record& record : *zone) out += std::to_string(record.ttl.seconds()) + " ";
  return out;
}

TEST(ZoneText, a_ttl_that_is_not_said_is_the_last_one_or_that_of_the_directive) {
  constexpr std::string_view ns = "@ NS ns\n";
  EXPECT_EQ(ttls("@ 100 SOA a b 1 2 3 4 77\n@ NS ns\na 200 A 192.0.2.1\nb A 192.0.2.1\n"), "100 100 200 200 ");
  EXPECT_EQ(ttls("@ SOA a b 1 2 3 4 77\n@ NS ns\na 200 A 192.0.2.1\nb A 192.0.2.1\n"), "77 77 200 77 ");
  EXPECT_EQ(ttls("$ttl 50\n@ 100 SOA a b 1 2 3 4 77\n@ NS ns\na 200 A 192.0.2.1\n$TTL 60\nb A 192.0.2.1\n"),
            "100 50 200 60 ");
  EXPECT_EQ(ttls("@ SOA a b 1 2 3 4 4294967295\n@ NS ns\n"), "3600 3600 ");
  EXPECT_EQ(ttls(ns), "3600 ");
  EXPECT_EQ(record_from_text("@ SOA a b 1 2 3 4 77", Name::literal("example"))->ttl.seconds(), 3600U);
}

}  // namespace
}  // namespace redoubt::dns
