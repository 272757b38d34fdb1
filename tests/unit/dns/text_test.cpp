#include "dns/text.hpp"

#include <gtest/gtest.h>
#include <ldns/ldns.h>

#include "dns/rdata.hpp"
#include "dns/text_reading.hpp"

namespace redoubt::dns {
namespace {

/// A line for each type that has a presentation of its own; most are the examples of the RFC that defines it.
constexpr const char* samples[] = {
    "a.example. 3600 IN A 192.0.2.1",
    "a.example. 3600 IN NS ns.example.",
    "a.example. 3600 IN CNAME b.example.",
    "a.example. 3600 IN SOA ns.example. admin.example. 2026112001 7200 3600 1209600 300",
    "a.example. 3600 IN PTR host.example.",
    "a.example. 3600 IN HINFO \"PDP-11\" \"UNIX\"",
    "a.example. 3600 IN MX 10 mail.example.",
    "a.example. 3600 IN TXT \"one\" \"two words\" \"\" \"quo\\\"te\"",
    "a.example. 3600 IN RP admin.example. text.example.",
    "a.example. 3600 IN AFSDB 1 db.example.",
    "a.example. 3600 IN AAAA 2001:db8::1",
    "a.example. 3600 IN LOC 42 21 54 N 71 06 18 W -24m 30m",
    "a.example. 3600 IN SRV 0 5 443 web.example.",
    "a.example. 3600 IN NAPTR 100 10 \"u\" \"E2U+sip\" \"!^.*$!sip:info@example.com!\" .",
    "a.example. 3600 IN KX 10 kx.example.",
    "a.example. 3600 IN CERT PKIX 65535 RSASHA256 AQPSKmynfw==",
    "a.example. 3600 IN DNAME other.example.",
    "a.example. 3600 IN APL 1:192.168.32.0/21 !1:192.168.38.0/28",
    "dskey.example.com. 86400 IN DS 60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118",
    "a.example. 3600 IN SSHFP 4 2 123456789abcdef67890123456789abcdef67890123456789abcdef123456789",
    "a.example. 3600 IN IPSECKEY 10 1 2 192.0.2.38 AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ==",
    "host.example.com. 86400 IN RRSIG A 5 3 86400 20030322173103 20030220173103 2642 example.com. "
    "oJB1W6WNGv+ldvQ3WDG0MQ==",
    "alfa.example.com. 86400 IN NSEC host.example.com. A MX RRSIG NSEC TYPE1234",
    "example.com. 86400 IN DNSKEY 256 3 5 AQPSKmynfzW4kyBv015MUG2DeIQ3",
    "a.example. 3600 IN DHCID AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA=",
    "2t7b4g4vsa5smi47k61mv5bv1a22bojr.example. 3600 IN NSEC3 1 1 12 aabbccdd 2vptu5timamqttgl4luu9kg21e0aor3s A RRSIG",
    "example. 3600 IN NSEC3PARAM 1 0 12 aabbccdd",
    "_443._tcp.example. 3600 IN TLSA 3 1 1 d2abde240d7cd3ee6b4b28c54df034b97983a1d16e8a410e4561cb106618e971",
    "a.example. 3600 IN CDS 60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118",
    "a.example. 3600 IN CDNSKEY 257 3 13 AQPSKmynfzW4kyBv015MUG2DeIQ3",
    "a.example. 3600 IN OPENPGPKEY mQINBFit2ioBEAA=",
    "a.example. 3600 IN CSYNC 66 3 A NS AAAA",
    "a.example. 3600 IN ZONEMD 2018031500 1 1 "
    "FEBE3D4CE2EC2FFA4BA99D46CD69D6D29711E55217057BEE7EB1A7B641A47BA7FED2DD5B97AE499FAFA4F22C6BD647DE",
    "example.com. 7200 IN SVCB 0 foo.example.com.",
    "example.com. 7200 IN HTTPS 1 . alpn=h2,h3 port=8443",
    "a.example. 3600 IN NID 10 0014:4fff:ff20:ee64",
    "a.example. 3600 IN L32 10 10.1.2.0",
    "a.example. 3600 IN LP 10 l64.example.",
    "a.example. 3600 IN EUI48 00-00-5e-00-53-2a",
    "child._dsync.example. 3600 IN DSYNC CDS NOTIFY 5359 scanner.example.",
    "child._dsync.example. 3600 IN DSYNC CSYNC 128 65535 .",
    "a.example. 3600 IN URI 10 1 \"ftp://ftp1.example.com/public\"",
    "a.example. 3600 IN CAA 0 issue \"ca.example.net; account=230123\"",
    "a.example. 3600 IN TYPE65280 \\# 4 0a000001",
};

class RecordText : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(EveryType, RecordText, testing::ValuesIn(samples));

TEST_P(RecordText, goes_both_ways_and_keeps_its_octets) {
  const auto record = record_from_text(GetParam());
  ASSERT_TRUE(record) << GetParam() << ": " << record.error().what;
  EXPECT_TRUE(is_valid_rdata(record->type, record->rr_class, record->rdata)) << GetParam();
  const std::string text = record_to_text(*record);
  const auto again = record_from_text(text);
  ASSERT_TRUE(again) << text << ": " << again.error().what;
  EXPECT_EQ(*again, *record) << text;
}

TEST(RecordText, what_ldns_cannot_show_is_shown_in_the_generic_form) {
  const std::vector<std::uint8_t> short_ds{0, 1, 2};
  EXPECT_EQ(rdata_to_text(type::ds, rr_class::in, short_ds), "\\# 3 000102");
  EXPECT_EQ(rdata_to_text(RrType{65280}, rr_class::in, {}), "\\# 0");
  EXPECT_EQ(rdata_to_text(type::a, RrClass{42}, std::vector<std::uint8_t>{1}), "\\# 1 01");
  // DSYNC is read by ourselves, of class IN alone.
  const std::vector<std::uint8_t> dsync{0, 59, 1, 20, 239, 1, 'a', 0};
  EXPECT_EQ(rdata_to_text(RrType{66}, rr_class::in, dsync), "CDS NOTIFY 5359 a.");
  const Record elsewhere{Name::literal("a.example"), {66}, RrClass{30'474}, Ttl::from_wire(3600), dsync};
  EXPECT_EQ(record_to_text(elsewhere), "a.example. 3600 CLASS30474 DSYNC \\# 8 003b0114ef016100");
  EXPECT_EQ(record_from_text(record_to_text(elsewhere)), elsewhere);
  // ldns can, but in time that grows with the octets times the machine's list of services: an attack by WKS.
  EXPECT_EQ(rdata_to_text(RrType{11}, rr_class::in, std::vector<std::uint8_t>{192, 0, 2, 1, 6, 0x40}),
            "\\# 6 c00002010640");
}

TEST(RecordText, bitmaps_are_written_with_names_that_ldns_knows_and_with_numbers) {
  for (std::uint32_t number = 1; number < 65'536; ++number) {
    const RrType type{static_cast<std::uint16_t>(number)};
    if (is_rarely_known(type)) continue;
    const std::string name = to_text(type);
    EXPECT_EQ(ldns_get_rr_type_by_name(name.c_str()), number) << name;
  }
  // Knot has no names for old ones.
  for (const char* name : {"MD", "MG", "WKS", "X25", "ISDN", "NSAP", "NSAP-PTR", "PX", "GPOS", "HIP", "TALINK", "DLV"})
    EXPECT_TRUE(is_rarely_known(*rr_type_from_text(name))) << name;
  const auto record = record_from_text("a.example. 60 IN NSEC b.example. A RESINFO AMTRELAY TYPE56 TYPE1234");
  ASSERT_TRUE(record);
  std::string text;
  ASSERT_TRUE(append_plain_rdata(text, record->type, record->rdata));
  EXPECT_EQ(text, "b.example. A TYPE56 TYPE260 TYPE261 TYPE1234");
}

TEST(RecordText, a_label_that_others_take_for_the_origin_is_shown_as_octets) {
  EXPECT_EQ(rdata_to_text(type::dname, rr_class::in, std::vector<std::uint8_t>{1, '@', 0}), "\\# 3 014000");
  EXPECT_EQ(rdata_to_text(RrType{17}, rr_class::in, std::vector<std::uint8_t>{1, 'a', 1, '@', 0, 0}),
            "\\# 6 016101400000");
  EXPECT_EQ(rdata_to_text(type::dname, rr_class::in, std::vector<std::uint8_t>{2, 'a', '@', 0}), "a@.");
}

TEST(RecordText, data_without_a_text_are_shown_as_octets) {
  const std::pair<RrType, std::vector<std::uint8_t>> empty[]{{type::tlsa, {3, 1, 1}}, {type::dnskey, {1, 1, 3, 13}}};
  for (const auto& [type, rdata] : empty) {
    std::string text = "x";
    EXPECT_FALSE(append_plain_rdata(text, type, rdata)) << to_text(type);
    EXPECT_EQ(text, "x");
    EXPECT_TRUE(rdata_to_text(type, rr_class::in, rdata).starts_with("\\# ")) << to_text(type);
  }
  EXPECT_FALSE(record_from_text("a. 1 IN TLSA 3 1 1"));
}

TEST(RecordText, types_inside_rdata_are_known_or_refused_by_name) {
  // Each line has something that the plain form has not, so that the full reader has it.
  const std::pair<const char*, const char*> same[]{
      {"1m NSEC b RESINFO CLA A", "60 NSEC b TYPE261 TYPE263 A"},
      {"1m TXT SIG Ns", "60 TXT \"SIG\" \"Ns\""},
      {"1m NSEC RESINFO A AMTRELAY", "60 NSEC RESINFO.example. A TYPE260"},
      {"1m IN NSEC3 1 0 0 - 2t7b4g4vsa5smi47k61mv5bv1a22bojr WALLET",
       "60 NSEC3 1 0 0 - 2t7b4g4vsa5smi47k61mv5bv1a22bojr TYPE262"},
      {"1m CSYNC 66 3 A IPN", "60 CSYNC 66 3 A TYPE264"},
      {"1m RRSIG DSYNC 8 1 60 20300101000000 20200101000000 1 a. AAAA",
       "60 RRSIG TYPE66 8 1 60 20300101000000 20200101000000 1 a. AAAA"},
      {"1m SIG RKEY 8 1 60 20300101000000 20200101000000 1 a. AAAA",
       "60 SIG TYPE57 8 1 60 20300101000000 20200101000000 1 a. AAAA"},
  };
  for (const auto& [left, right] : same) {
    const auto one = record_from_text(std::string{"a.example. "} + left, Name::literal("example"));
    const auto other = record_from_text(std::string{"a.example. "} + right, Name::literal("example"));
    ASSERT_TRUE(one) << left << ": " << one.error().what;
    ASSERT_TRUE(other) << right << ": " << other.error().what;
    EXPECT_EQ(*one, *other) << left;
  }
  for (const char* line :
       {"60 NSEC b A FOO", "1m NSEC b A FOO", "60 RRSIG FOO 8 1 60 20300101000000 20200101000000 1 a. AAAA",
        "60 CSYNC 66 3 FOO", "60 SIG FOO 8 1 60 20300101000000 20200101000000 1 a. AAAA"}) {
    const auto record = record_from_text(std::string{"a.example. "} + line);
    ASSERT_FALSE(record) << line;
    EXPECT_EQ(record.error().what, "an unknown type, 'FOO'") << line;
  }
}

TEST(RecordText, every_octet_of_a_name_and_of_a_string_stays_printable) {
  for (unsigned octet = 0; octet < 256; ++octet) {
    const std::vector<std::uint8_t> label{static_cast<std::uint8_t>(octet)};
    Record record{
        *Name{}.prepended(label), type::txt, rr_class::in, Ttl::from_wire(1), {1, static_cast<std::uint8_t>(octet)}};
    const std::string text = record_to_text(record);
    for (const char c : text) EXPECT_TRUE(c >= ' ' && c <= '~') << octet;
    const auto again = record_from_text(text);
    ASSERT_TRUE(again) << text << ": " << again.error().what;
    EXPECT_EQ(*again, record) << text;
  }
}

TEST(RecordText, faults_are_named) {
  for (const char* bad :
       {"", "a.example.", "a.example. IN", "a.example. IN A", "a.example. IN A 192.0.2", "a.example. IN A 192.0.2.1 x",
        "a.example. IN NOTYPE x", "a.example. IN AXFR \\# 0", "a.example. IN MX ten mail.example."}) {
    const auto record = record_from_text(bad);
    ASSERT_FALSE(record) << bad;
    EXPECT_FALSE(record.error().what.empty()) << bad;
  }
  EXPECT_EQ(record_from_text(std::string_view{"a.example. IN TXT \"x\0y\"", 24}).error().what, "a NUL octet");
}

TEST(ZoneText, origin_ttl_parentheses_and_comments_are_understood) {
  const auto zone = zone_from_text(
      "$TTL 300\n"
      "; a comment\n"
      "@ IN SOA ns admin (1 2 3\n"
      "   4 5 ) ; over two lines\n"
      "  IN NS ns\n"
      "$ORIGIN sub.example.\n"
      "www 60 IN A 192.0.2.7\n",
      Name::literal("example"));
  ASSERT_TRUE(zone) << zone.error().line << ": " << zone.error().what;
  ASSERT_EQ(zone->size(), 3U);
  EXPECT_EQ(record_to_text(zone->at(0)), "example. 300 IN SOA ns.example. admin.example. 1 2 3 4 5");
  EXPECT_EQ(record_to_text(zone->at(1)), "example. 300 IN NS ns.example.");
  EXPECT_EQ(record_to_text(zone->at(2)), "www.sub.example. 60 IN A 192.0.2.7");
}

TEST(ZoneText, an_error_tells_its_line) {
  const auto zone = zone_from_text("$TTL 300\n@ IN A 192.0.2.1\n\n@ IN A nonsense\n", Name::literal("example"));
  ASSERT_FALSE(zone);
  EXPECT_EQ(zone.error().line, 4U);
  EXPECT_FALSE(zone.error().what.empty());
}

TEST(ZoneText, other_files_are_not_read_and_the_number_of_records_is_bounded) {
  const auto include = zone_from_text("$INCLUDE /etc/passwd\n", Name::literal("example"));
  ASSERT_FALSE(include);
  EXPECT_EQ(include.error().what, "'$INCLUDE' is not read here");
  const auto many =
      zone_from_text("@ 1 IN A 192.0.2.1\n@ 1 IN A 192.0.2.2\n@ 1 IN A 192.0.2.3\n", Name::literal("example"), 2);
  ASSERT_FALSE(many);
  EXPECT_EQ(many.error().line, 3U);
  EXPECT_TRUE(zone_from_text("", Name::literal("example"))->empty());
  EXPECT_FALSE(zone_from_text(std::string_view{"@ 1 IN TXT \"a\0b\"\n", 17}, Name::literal("example")));
}

TEST(RecordText, line_ends_inside_parentheses_do_not_overflow_ldns) {
  // ldns 1.8.3 counts no line end inside parentheses against the room for the token that it reads.
  EXPECT_FALSE(record_from_text("a.example. I(" + std::string(5000, '\n') + "N A 192.0.2.1"));
  const auto record = record_from_text("a.example. 60 IN ( " + std::string(5000, '\n') + " A ) 192.0.2.1");
  ASSERT_TRUE(record);
  EXPECT_EQ(record->rdata, (std::vector<std::uint8_t>{192, 0, 2, 1}));
}

TEST(RecordText, long_owners_of_escapes_are_read) {
  const Name name = *Name{}.prepended(std::vector<std::uint8_t>(63, 0))->prepended(std::vector<std::uint8_t>(63, 0xff));
  const Record record{name, type::a, rr_class::in, Ttl::from_wire(1), {192, 0, 2, 1}};
  ASSERT_GT(record_to_text(record).size(), 500U);
  EXPECT_EQ(record_from_text(record_to_text(record)), record);
}

TEST(RecordText, the_generic_form_is_exact) {  // RFC 3597 §5
  EXPECT_EQ(record_from_text("a. 1 IN A \\# 4 c000 0201")->rdata, (std::vector<std::uint8_t>{192, 0, 2, 1}));
  EXPECT_EQ(record_from_text("a. 1 CLASS42 A \\# 2 c000")->rdata.size(), 2U);
  EXPECT_EQ(record_from_text("a. 1 IN TXT \"\\# 0\"")->rdata.size(), 4U);  // a string, "# 0"
  for (const char* bad :
       {"a. 1 IN A \\# 5 c000020100", "a. 1 IN A \\# 4 c00002", "a. 1 IN A \\# 4 c000020", "a. 1 IN A \\# 4 c00002zz",
        "a. 1 IN A \\# x", "a. 1 IN \\# 0", "\\# 0", "a. 1 IN TYPE65280 \\# 65536 00", "a. 1 IN MX \\# 4 0000c000"})
    EXPECT_FALSE(record_from_text(bad)) << bad;
}

TEST(RecordText, owners_are_taken_under_the_origin) {
  const Name origin = Name::literal("example");
  EXPECT_EQ(record_from_text("@ 1 IN A 192.0.2.1", origin)->owner, origin);
  EXPECT_EQ(record_from_text("www 1 IN A 192.0.2.1", origin)->owner, Name::literal("www.example"));
  EXPECT_EQ(record_from_text("www. 1 IN A 192.0.2.1", origin)->owner, Name::literal("www"));
  EXPECT_EQ(record_from_text("www\\. 1 IN A 192.0.2.1", origin)->owner, Name::literal("www\\..example"));
  EXPECT_EQ(record_from_text("www\\\\. 1 IN A 192.0.2.1", origin)->owner, Name::literal("www\\\\"));
  EXPECT_FALSE(record_from_text("a..b 1 IN A 192.0.2.1", origin));
}

TEST(RecordText, is_one_record_only) {
  EXPECT_FALSE(record_from_text("a. 1 IN A 192.0.2.1\nb. 1 IN A 192.0.2.2\n"));
  EXPECT_TRUE(record_from_text("\n ; nothing\na. 1 IN A ( 192.0.2.1 ) ; this\n\n"));
}

TEST(ZoneText, lines_are_those_of_rfc_1035) {
  const auto fault = [](std::string_view text) {
    const auto zone = zone_from_text(text, Name::literal("example"));
    return zone ? std::string{} : std::to_string(zone.error().line) + " " + zone.error().what;
  };
  EXPECT_EQ(fault("a 1 IN A 192.0.2.1\n\n)\n"), "3 a closing parenthesis without an opening one");
  EXPECT_EQ(fault("\na 1 IN A (192.0.2.1\n\n"), "2 a parenthesis that is not closed");
  EXPECT_EQ(fault("a 1 IN TXT \"x\ny\"\n"), "1 a string that does not end on its line");
  EXPECT_EQ(fault("a 1 IN TXT \"x"), "1 a string that does not end");
  EXPECT_EQ(fault(" 1 IN A 192.0.2.1\n"), "1 no owner, and none before it");
  EXPECT_EQ(fault("$GENERATE 1-9 a A 192.0.2.$\n"), "1 '$GENERATE' is not read here");
  EXPECT_EQ(fault("$TTL\n"), "1 $TTL without a time");
  EXPECT_EQ(fault("$TTL soon\n"), "1 $TTL without a time");
  EXPECT_EQ(fault("$ORIGIN\n"), "1 an empty name (the root is \".\")");
  const auto zone = zone_from_text("$TTL 1h ; an hour\r\na A 192.0.2.1\r\n\tTXT \"; ( no comment\" esc\\;aped\r\n",
                                   Name::literal("example"));
  ASSERT_TRUE(zone) << zone.error().what;
  ASSERT_EQ(zone->size(), 2U);
  EXPECT_EQ(zone->at(0).ttl.seconds(), 3600U);
  EXPECT_EQ(zone->at(1).owner, Name::literal("a.example"));
  EXPECT_EQ(zone->at(1).rdata.size(), 14U + 1U + 9U);
}

TEST(ZoneText, control_characters_in_data_are_octets_for_every_reader) {
  // The second form has an escape, which another reader takes.
  for (const char control : {'\r', '\t', '\v', '\f', '\x01', '\x1f', '\x7f'}) {
    const std::string c{control};
    for (const std::string& line : {"a TXT \"x" + c + "y\"", "a TXT \"\\120" + c + "y\"", "a TXT \"x\\" + c + "y\""}) {
      const auto zone = zone_from_text(line + "\n", Name::literal("example"));
      ASSERT_TRUE(zone) << testing::PrintToString(line) << zone.error().what;
      EXPECT_EQ(zone->at(0).rdata, (std::vector<std::uint8_t>{3, 'x', static_cast<std::uint8_t>(control), 'y'}))
          << testing::PrintToString(line);
    }
    if (control == '\r' || control == '\t') continue;  // blanks outside strings
    const auto zone = zone_from_text("x" + c + "y A 192.0.2.1\n", Name::literal("example"));
    ASSERT_TRUE(zone) << zone.error().what;
    EXPECT_EQ(zone->at(0).owner.wire()[2], static_cast<std::uint8_t>(control));
  }
}

TEST(MessageText, shows_what_dig_shows) {
  Message message;
  message.header.id = 4711;
  message.header.response = message.header.recursion_desired = message.header.recursion_available = true;
  message.question = Question{Name::literal("www.example"), type::a};
  message.answer.push_back(*record_from_text("www.example. 60 IN A 192.0.2.1"));
  message.edns = Edns{};
  message.edns->extended_errors.push_back({EdeCode::stale_answer, "old\n"});
  EXPECT_EQ(message_to_text(message),
            ";; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: 4711\n"
            ";; flags: qr rd ra; QUERY: 1, ANSWER: 1, AUTHORITY: 0, ADDITIONAL: 1\n"
            "\n;; OPT PSEUDOSECTION:\n; EDNS: version: 0, flags:; udp: 1232\n; EDE: 3 (Stale Answer): (old\\010)\n"
            "\n;; QUESTION SECTION:\n;www.example. IN A\n"
            "\n;; ANSWER SECTION:\nwww.example. 60 IN A 192.0.2.1\n");
}

}  // namespace
}  // namespace redoubt::dns
