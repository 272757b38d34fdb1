#include "dns/rr_types.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace redoubt::dns {
namespace {

bool contains(std::span<const std::uint16_t> numbers, RrType type) {
  return std::ranges::find(numbers, type.value) != numbers.end();
}

TEST(RrTypes, the_table_is_ordered_and_found_by_number_and_by_name) {
  std::size_t found = 0;
  for (unsigned value = 0; value <= 0xffff; ++value) {
    const RrType type{static_cast<std::uint16_t>(value)};
    const RrTypeInfo* row = find_rr_type(type);
    const std::string text = to_text(type);
    ASSERT_EQ(rr_type_from_text(text), type) << text;
    if (row == nullptr) {
      ASSERT_EQ(text, "TYPE" + std::to_string(value));
      continue;
    }
    ++found;
    ASSERT_EQ(row->type, type);
    ASSERT_EQ(text, row->name);
    ASSERT_EQ(rr_type_from_text("type" + std::to_string(value)), type);
  }
  EXPECT_EQ(found, rr_type_table().size());
}

TEST(RrTypes, what_reads_to_the_end_ends_its_row) {
  for (const RrTypeInfo& row : rr_type_table()) {
    bool ended = false;
    for (const Field field : row.fields) {
      EXPECT_TRUE(field == Field::none || !ended) << row.name;
      ended |= field == Field::none || field == Field::strings || field == Field::type_bitmap || field == Field::rest ||
               field == Field::rest_nonempty;
    }
    EXPECT_FALSE(row.fields[0] == Field::none) << row.name;
    EXPECT_FALSE(row.reference.empty()) << row.name;
  }
}

TEST(RrTypes, compression_and_lower_case_are_those_of_the_rfcs) {
  // RFC 3597 §4: only the types of RFC 1035 may be compressed.
  const std::array<std::uint16_t, 11> well_known{2, 3, 4, 5, 6, 7, 8, 9, 12, 14, 15};
  // RFC 4034 §6.2 with RFC 6840 §5.1 (NSEC and HINFO taken out); A6's name is not looked at.
  const std::array<std::uint16_t, 20> lowered{2, 3, 4, 5, 6, 7, 8, 9, 12, 14, 15, 17, 18, 21, 24, 26, 30, 33, 35, 36};
  for (const RrTypeInfo& row : rr_type_table()) {
    const auto has = [&](Field field) { return std::ranges::find(row.fields, field) != row.fields.end(); };
    EXPECT_EQ(has(Field::name_compressed), contains(well_known, row.type)) << row.name;
    const bool is_lowered = contains(lowered, row.type) || row.type == type::dname || row.type == type::rrsig;
    EXPECT_EQ(has(Field::name_compressed) || has(Field::name_lowered), is_lowered) << row.name;
  }
}

TEST(RrTypes, text_that_is_no_type) {
  for (const char* bad : {"", "TYPE", "TYPE65536", "TYPE-1", "TYPE1x", "TYPE 1", "NOSUCH", "A ", "TYPE99999999999999"})
    EXPECT_FALSE(rr_type_from_text(bad)) << bad;
  EXPECT_EQ(rr_type_from_text("aAaA"), type::aaaa);
  EXPECT_EQ(rr_type_from_text("nsap-ptr"), RrType{23});
}

TEST(RrTypes, meta_types) {
  for (const RrType type : {type::opt, type::any, type::axfr, type::ixfr, type::tsig, type::tkey, RrType{128}})
    EXPECT_TRUE(is_meta(type)) << to_text(type);
  for (const RrType type : {type::a, RrType{127}, RrType{256}, type::caa, RrType{0}})
    EXPECT_FALSE(is_meta(type)) << to_text(type);
}

TEST(RrClasses, go_both_ways) {
  for (unsigned value = 0; value <= 0xffff; ++value) {
    const RrClass rr_class{static_cast<std::uint16_t>(value)};
    ASSERT_EQ(rr_class_from_text(to_text(rr_class)), rr_class);
  }
  EXPECT_EQ(to_text(rr_class::in), "IN");
  EXPECT_EQ(to_text(RrClass{42}), "CLASS42");
  EXPECT_EQ(rr_class_from_text("ch"), rr_class::ch);
  EXPECT_FALSE(rr_class_from_text("CLASS65536"));
  EXPECT_FALSE(rr_class_from_text("INN"));
}

TEST(Rcodes, have_names_or_numbers) {
  EXPECT_EQ(to_text(Rcode::nxdomain), "NXDOMAIN");
  EXPECT_EQ(to_text(Rcode::badvers), "BADVERS");
  EXPECT_EQ(to_text(static_cast<Rcode>(12)), "RCODE12");
  EXPECT_EQ(to_text(static_cast<Rcode>(3841)), "RCODE3841");
}

}  // namespace
}  // namespace redoubt::dns
