#include "dns/rdata.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/dns/octets.hpp"

namespace redoubt::dns {
namespace {

using test::Octets;
using test::operator+;
using test::octets;

/// RDATA as it stands behind `before` in a message, read as a message's would be.
Parsed<Octets> read(RrType type, const Octets& before, const Octets& rdata, RrClass rr_class = rr_class::in) {
  const Octets message = before + rdata;
  NameWork work{message.size()};
  WireReader reader{message, work};
  reader.octets(before.size());
  WireReader window = reader.window(rdata.size());
  Octets out;
  read_rdata(type, rr_class, window, out);
  return window.finish(std::move(out));
}

const Octets com = octets("03 'com' 00");

TEST(ReadRdata, compressed_names_are_unpacked_where_they_may_be) {
  const Octets unpacked = octets("02 'ns' 03 'com' 00");
  const Octets packed = octets("02 'ns' c000");
  for (const RrTypeInfo& row : rr_type_table()) {
    if (row.fields[0] != Field::name_compressed || row.fields[1] != Field::none) continue;
    EXPECT_EQ(read(row.type, com, packed), unpacked) << row.name;
  }
  EXPECT_EQ(read(type::dname, com, packed), unpacked);
  EXPECT_EQ(read(type::mx, com, octets("000a") + packed), octets("000a") + unpacked);
  EXPECT_EQ(read(type::srv, com, octets("0001 0002 0003") + packed), octets("0001 0002 0003") + unpacked);
  const Octets numbers = octets("00000001 00000002 00000003 00000004 00000005");
  EXPECT_EQ(read(type::soa, com, packed + octets("c000") + numbers), unpacked + com + numbers);
}

TEST(ReadRdata, compressed_names_are_refused_where_they_may_not_be) {
  EXPECT_EQ(read(type::nsec, com, octets("c000 00 01 40")).error().fault, Fault::compressed_name);
  EXPECT_EQ(read(type::svcb, com, octets("0001 c000")).error().fault, Fault::compressed_name);
  EXPECT_EQ(read(type::https, com, octets("0001 c000")).error().fault, Fault::compressed_name);
  EXPECT_EQ(read(RrType{107}, com, octets("0001 c000")).error().fault, Fault::compressed_name);  // LP
  EXPECT_EQ(read(type::tsig, com, octets("c000 000000000000 0000 0000 0000 0000 0000")).error().fault,
            Fault::compressed_name);
}

TEST(ReadRdata, addresses_have_one_length_in_class_in) {
  for (std::size_t length = 0; length <= 20; ++length) {
    EXPECT_EQ(read(type::a, {}, Octets(length, 7)).has_value(), length == 4) << length;
    EXPECT_EQ(read(type::aaaa, {}, Octets(length, 7)).has_value(), length == 16) << length;
    EXPECT_EQ(read(type::a, {}, Octets(length, 7), RrClass{42}), Octets(length, 7)) << length;
  }
}

TEST(ReadRdata, nothing_may_be_left_and_nothing_may_lack) {
  EXPECT_EQ(read(type::mx, {}, octets("000a 00 ff")).error().fault, Fault::left_over);
  EXPECT_EQ(read(type::mx, {}, octets("000a")).error().fault, Fault::short_read);
  EXPECT_EQ(read(type::mx, {}, octets("00")).error().fault, Fault::short_read);
  EXPECT_EQ(read(type::ns, {}, {}).error().fault, Fault::short_read);
  EXPECT_EQ(read(type::txt, {}, {}).error().fault, Fault::short_read);
  EXPECT_EQ(read(type::txt, {}, octets("02 'a'")).error().fault, Fault::short_read);
  EXPECT_EQ(read(type::txt, {}, octets("00")), octets("00"));
  EXPECT_EQ(read(type::ds, {}, octets("0001 08 02")).error().fault, Fault::short_read);
  EXPECT_EQ(read(type::nsec3, {}, octets("01 00 0001 04 aabbcc")).error().fault, Fault::short_read);
  EXPECT_EQ(read(type::caa, {}, octets("00 05 'issue'")), octets("00 05 'issue'"));
}

TEST(ReadRdata, type_bitmaps_are_those_of_rfc_4034) {
  const auto bitmap = [](std::string_view bits) { return read(type::nsec, {}, octets("00") + octets(bits)); };
  EXPECT_TRUE(bitmap(""));
  EXPECT_TRUE(bitmap("00 01 40"));
  EXPECT_TRUE(bitmap("00 02 0001"));
  EXPECT_TRUE(bitmap("00 01 40 01 01 40 ff 01 01"));
  EXPECT_EQ(bitmap("00").error().fault, Fault::short_read);
  EXPECT_EQ(bitmap("00 02 40").error().fault, Fault::short_read);
  EXPECT_EQ(bitmap("00 00").error().fault, Fault::bad_rdata);              // empty window
  EXPECT_EQ(bitmap("00 02 4000").error().fault, Fault::bad_rdata);         // trailing zero
  EXPECT_EQ(bitmap("00 01 00").error().fault, Fault::bad_rdata);           // no type in it
  EXPECT_EQ(bitmap("01 01 40 00 01 40").error().fault, Fault::bad_rdata);  // descending
  EXPECT_EQ(bitmap("00 01 40 00 01 40").error().fault, Fault::bad_rdata);  // twice
  const Octets full = octets("00 20") + Octets(32, 0xff);
  EXPECT_TRUE(read(type::nsec, {}, octets("00") + full));
  EXPECT_EQ(read(type::nsec, {}, octets("00 00 21") + Octets(33, 0xff)).error().fault, Fault::bad_rdata);
}

TEST(ReadRdata, unknown_types_keep_their_octets_whatever_they_look_like) {
  const Octets rdata = octets("c000 3f ff");
  EXPECT_EQ(read(RrType{65280}, com, rdata), rdata);
  EXPECT_EQ(read(RrType{0}, com, Octets{}), Octets{});
}

/// Attacks M07: every type at every length, with RDATA that is nonsense. What is accepted is valid, stays as it is, and
/// its fields cover it exactly.
TEST(ReadRdata, every_type_at_every_length_is_read_or_refused) {
  std::mt19937 random{20261120};
  std::vector<RrType> types;
  for (const RrTypeInfo& row : rr_type_table()) types.push_back(row.type);
  for (const unsigned value : {0U, 54U, 127U, 200U, 265U, 32767U, 32770U, 65535U})
    types.push_back({static_cast<std::uint16_t>(value)});
  std::size_t accepted = 0;
  for (const RrType type : types) {
    for (std::size_t length = 0; length <= 300; ++length) {
      for (int shape = 0; shape < 3; ++shape) {
        Octets rdata = test::random_octets(random, length);
        if (shape > 0) {  // small octets look like labels, strings and bitmaps
          for (std::uint8_t& octet : rdata) octet &= shape == 1 ? 0x0f : 0xc3;
        }
        const auto out = read(type, com, rdata);
        if (!out) continue;
        ++accepted;
        ASSERT_TRUE(is_valid_rdata(type, rr_class::in, *out)) << to_text(type) << ' ' << length;
        ASSERT_EQ(read(type, {}, *out), *out) << to_text(type) << ' ' << length;
        std::size_t covered = 0;
        for (RdataFields fields{type, *out}; fields.next(); covered += fields.octets())
          ASSERT_EQ(fields.offset(), covered);
        ASSERT_EQ(covered, out->size()) << to_text(type);
        Octets lower = *out;
        canonicalise(type, lower);
        ASSERT_TRUE(is_valid_rdata(type, rr_class::in, lower));
      }
    }
  }
  EXPECT_GT(accepted, 10000U);
}

TEST(RdataFields, of_broken_rdata_stay_inside_it) {
  std::mt19937 random{7};
  for (const RrTypeInfo& row : rr_type_table()) {
    for (std::size_t length = 0; length < 40; ++length) {
      const Octets rdata = test::random_octets(random, length);
      for (RdataFields fields{row.type, rdata}; fields.next();)
        ASSERT_LE(fields.offset() + fields.octets(), rdata.size()) << row.name;
    }
  }
}

TEST(IsValidRdata, a_pointer_is_never_valid_here) {
  EXPECT_FALSE(is_valid_rdata(type::mx, rr_class::in, octets("0000 c000")));
  EXPECT_FALSE(is_valid_rdata(type::ns, rr_class::in, octets("01 'a' c000")));
  EXPECT_TRUE(is_valid_rdata(type::mx, rr_class::in, octets("0000 00")));
  EXPECT_FALSE(is_valid_rdata(RrType{65280}, rr_class::in, Octets(65536)));
}

TEST(Canonicalise, lowers_names_of_the_listed_types_and_nothing_else) {  // RFC 4034 §6.2, RFC 6840 §5.1
  const auto canonical = [](RrType type, Octets rdata) {
    canonicalise(type, rdata);
    return rdata;
  };
  EXPECT_EQ(canonical(type::mx, octets("4142 02 'NS' 00")), octets("4142 02 'ns' 00"));
  EXPECT_EQ(canonical(type::soa, octets("01 'A' 00 01 'B' 00") + Octets(20, 'C')),
            octets("01 'a' 00 01 'b' 00") + Octets(20, 'C'));
  EXPECT_EQ(canonical(type::rrsig, Octets(18, 'X') + octets("01 'Z' 00 'SIG'")),
            Octets(18, 'X') + octets("01 'z' 00 'SIG'"));
  EXPECT_EQ(canonical(type::naptr, octets("0001 0002 01 'U' 01 'S' 01 'R' 01 'N' 00")),
            octets("0001 0002 01 'U' 01 'S' 01 'R' 01 'n' 00"));
  for (const RrType type : {type::nsec, type::txt, type::hinfo, type::svcb, RrType{65280}}) {
    const Octets rdata = type == type::svcb ? octets("0001 01 'N' 00 'ABC'") : octets("01 'N' 00");
    EXPECT_EQ(canonical(type, rdata), rdata) << to_text(type);
  }
}

TEST(TargetName, stands_where_its_type_says) {
  EXPECT_EQ(target_name(type::ns, com), Name::literal("com"));
  EXPECT_EQ(target_name(type::mx, octets("000a") + com), Name::literal("com"));
  EXPECT_EQ(target_name(type::srv, octets("000000000000") + com), Name::literal("com"));
  EXPECT_FALSE(target_name(type::txt, com));
  EXPECT_FALSE(target_name(type::mx, octets("00")));
  EXPECT_FALSE(target_name(type::ns, {}));
}

TEST(Soa, fields_in_order) {
  const auto soa = parse_soa(com + octets("01 'h' 00 00000001 00000002 00000003 00000004 00000005"));
  ASSERT_TRUE(soa);
  EXPECT_EQ(soa->primary, Name::literal("com"));
  EXPECT_EQ(soa->mailbox, Name::literal("h"));
  EXPECT_EQ(soa->serial, 1U);
  EXPECT_EQ(soa->minimum, 5U);
  EXPECT_FALSE(parse_soa(com + com + Octets(19)));
  EXPECT_FALSE(parse_soa(com + com + Octets(21)));
}

}  // namespace
}  // namespace redoubt::dns
