#include "dns/rrset.hpp"

#include <gtest/gtest.h>

#include <chrono>

#include "tests/thread_time.hpp"
#include "tests/unit/dns/octets.hpp"

namespace redoubt::dns {
namespace {

using test::Octets;
using test::operator+;

constexpr HashKey key{9, 8, 7};

Record record(std::string_view owner, RrType type, const Octets& rdata, std::uint32_t ttl = 60,
              RrClass rr_class = rr_class::in) {
  return {Name::literal(owner), type, rr_class, Ttl::from_wire(ttl), rdata};
}

TEST(RdataList, keeps_order_and_empty_ones) {
  RdataList list;
  EXPECT_TRUE(list.empty());
  list.add(Octets{1, 2});
  list.add({});
  list.add(Octets(65535, 3));
  ASSERT_EQ(list.count(), 3U);
  EXPECT_EQ(list.at(0).size(), 2U);
  EXPECT_EQ(list.at(1).size(), 0U);
  EXPECT_EQ(list.at(2).size(), 65535U);
  EXPECT_EQ(list.at(2)[65534], 3);
  EXPECT_EQ(list.octets(), 6U + 65537U);
  EXPECT_EQ(std::distance(list.begin(), list.end()), 3);
  EXPECT_FALSE(list.add_unique({}));
  EXPECT_TRUE(list.add_unique(Octets{2, 1}));
}

TEST(RdataList, counts_beyond_sixteen_bits) {
  RdataList list;
  for (int i = 0; i < 70000; ++i) list.add(Octets{1});
  EXPECT_EQ(list.count(), 70000U);
}

TEST(RdataList, sets_have_no_order_and_no_repeats) {
  const auto list = [](std::initializer_list<Octets> all) {
    RdataList out;
    for (const Octets& rdata : all) out.add(rdata);
    return out;
  };
  EXPECT_TRUE(list({{1}, {2, 2}, {}}).same_set(list({{}, {1}, {2, 2}})));
  EXPECT_TRUE(list({}).same_set(list({})));
  EXPECT_TRUE(list({{1}, {1}}).same_set(list({{1}})));
  EXPECT_FALSE(list({{1}, {2}}).same_set(list({{1}, {3}})));
  EXPECT_FALSE(list({{1}, {1}, {2}}).same_set(list({{1}, {2}, {3}})));
  EXPECT_FALSE(list({}).same_set(list({{}})));
  EXPECT_FALSE(list({{1, 2}}).same_set(list({{1}, {2}})));
}

/// The few are compared, the many are hashed: both must do the same.
class Gather : public testing::TestWithParam<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(FewAndMany, Gather, testing::Values(0U, 100U));

TEST_P(Gather, sets_are_told_apart_by_owner_type_and_class) {
  std::vector<Record> records{
      record("a.example", type::a, {1, 1, 1, 1}, 300),  record("b.example", type::a, {1, 1, 1, 1}),
      record("A.EXAMPLE", type::a, {2, 2, 2, 2}, 20),   record("a.example", type::txt, {1, 'x'}),
      record("a.example", type::a, {1, 1, 1, 1}, 100),  record("a.example", type::a, {9}, 60, rr_class::ch),
      record("b.example", type::a, {1, 1, 1, 1}, 4000),
  };
  for (std::size_t i = 0; i < GetParam(); ++i) records.push_back(record("pad" + std::to_string(i), type::txt, {0}));
  const auto sets = gather(records, key);
  ASSERT_EQ(sets.size(), 4U + GetParam());
  EXPECT_TRUE(sets[0].owner.identical(Name::literal("a.example")));  // in order of first appearance
  EXPECT_EQ(sets[0].rdata.count(), 2U);                              // the duplicate is gone
  EXPECT_EQ(sets[0].ttl.seconds(), 20U);                             // the lowest wins
  EXPECT_EQ(sets[1].owner, Name::literal("b.example"));
  EXPECT_EQ(sets[1].rdata.count(), 1U);
  EXPECT_EQ(sets[1].ttl.seconds(), 60U);
  EXPECT_EQ(sets[2].type, type::txt);
  EXPECT_EQ(sets[3].rr_class, rr_class::ch);
}

TEST(Gather, of_nothing_is_nothing) { EXPECT_TRUE(gather({}, key).empty()); }

std::chrono::nanoseconds least_time(const std::vector<Record>& records) {
  auto least = std::chrono::nanoseconds::max();
  for (int i = 0; i < 5; ++i) {
    const auto start = tests::time_of_this_thread();
    EXPECT_FALSE(gather(records, key).empty());
    least = std::min(least, tests::time_of_this_thread() - start);
  }
  return least;
}

/// Attacks M08, and its cousins: the same flood spread over types, over classes, and over RDATA of one set. 32 times
/// the records may cost some 32 times the work, five times as much where they fit no cache, by no means 1024 times.
TEST(Gather, time_grows_with_the_records_whatever_differs) {
  const auto flood = [](int kind, unsigned count) {
    std::vector<Record> records;
    for (unsigned i = 0; i < count; ++i) {
      const Octets rdata{0, 0, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i & 0xff)};
      const auto number = static_cast<std::uint16_t>(i + 300);
      records.push_back(kind == 0   ? record("h" + std::to_string(i) + ".example", type::a, rdata)
                        : kind == 1 ? record("example", RrType{number}, rdata)
                        : kind == 2 ? record("example", type::a, rdata, 60, RrClass{number})
                                    : record("example", type::a, rdata));
    }
    return records;
  };
  for (int kind = 0; kind < 4; ++kind) {
    const auto few = least_time(flood(kind, 300));
    const auto many = least_time(flood(kind, 9600));
    EXPECT_LT(many, few * 200) << kind;
  }
}

}  // namespace
}  // namespace redoubt::dns
