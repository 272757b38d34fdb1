#include "dns/record_stream.hpp"

#include <gtest/gtest.h>

namespace redoubt::dns {
namespace {

Record address(std::string_view owner) {
  return {Name::literal(owner), type::a, rr_class::in, Ttl::from_wire(3600), {192, 0, 2, 1}};
}

std::vector<std::uint8_t> stream_of(const std::vector<Record>& records) {
  std::vector<std::uint8_t> stream;
  for (const Record& record : records) append_record(stream, record);
  return stream;
}

TEST(RecordStream, what_was_written_is_read) {
  std::vector<Record> records{address("a.example."), address(".")};
  records.push_back(
      {Name{}, RrType{65280}, rr_class::ch, Ttl::from_wire(0xffffffff), std::vector<std::uint8_t>(65535, 7)});
  records.push_back({Name::literal("x."), type::txt, rr_class::in, Ttl{}, {1, 'x'}});
  const auto read = read_records(stream_of(records), 4);
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, records);
}

TEST(RecordStream, nothing_is_no_records) { EXPECT_EQ(read_records({}, 0), std::vector<Record>{}); }

TEST(RecordStream, every_cut_inside_a_record_is_refused) {
  const auto stream = stream_of({address("a.example."), address("b.example.")});
  for (std::size_t octets = 1; octets < stream.size(); ++octets) {
    const auto read = read_records(std::span{stream}.first(octets), 10);
    EXPECT_EQ(read.has_value(), octets == stream.size() / 2) << octets;
  }
}

TEST(RecordStream, more_records_than_allowed_are_refused) {
  const auto read = read_records(stream_of({address("a."), address("b.")}), 1);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error(), (StreamError{Fault::too_large, stream_of({address("a.")}).size()}));
}

TEST(RecordStream, rdata_is_checked) {
  Record record = address("a.");
  record.rdata.pop_back();
  const auto read = read_records(stream_of({record}), 1);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().fault, Fault::bad_rdata);
}

TEST(RecordStream, an_owner_with_a_pointer_is_refused) {
  auto stream = stream_of({address("abc.")});
  stream[0] = 0xc0;
  const auto read = read_records(stream, 1);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().fault, Fault::compressed_name);
}

}  // namespace
}  // namespace redoubt::dns
