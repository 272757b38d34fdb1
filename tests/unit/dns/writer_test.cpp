#include "dns/writer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

#include "dns/message.hpp"
#include "tests/thread_time.hpp"
#include "tests/unit/dns/octets.hpp"

namespace redoubt::dns {
namespace {

using test::Octets;
using test::operator+;
using test::octets;

class Writing : public testing::Test {
 protected:
  Octets body() const {
    return {buffer_.begin() + header_octets, buffer_.begin() + static_cast<std::ptrdiff_t>(writer_.size())};
  }
  bool ns(std::string_view owner, std::string_view target) {
    const Name name = Name::literal(target);
    return writer_.record(Name::literal(owner), type::ns, rr_class::in, Ttl::from_wire(1), name.wire());
  }

  Octets buffer_ = Octets(65535, 0xee);  // what was there before must not matter
  WireWriter writer_{buffer_};
};

TEST_F(Writing, suffixes_become_pointers) {
  ASSERT_TRUE(writer_.question({Name::literal("www.example"), type::a}));
  ASSERT_TRUE(ns("example", "ns.www.example"));
  EXPECT_EQ(body(), octets("03 'www' 07 'example' 00 0001 0001"
                           "c010 0002 0001 00000001 0005 02 'ns' c00c"));
}

TEST_F(Writing, a_name_never_points_into_itself) {
  // Equal labels within one name: its own first label must not serve as the end of the rest.
  for (const std::string_view text : {"a.a", "a.a.a.a", "x.a.a", "ab.ab.ab"}) {
    Octets buffer(512, 0);
    WireWriter writer{buffer};
    ASSERT_TRUE(writer.question({Name::literal(text), type::a}));
    Header header;
    header.questions = 1;
    const auto message = Message::parse(writer.finish(header));
    ASSERT_TRUE(message) << text;
    EXPECT_EQ(message->question->name, Name::literal(text));
  }
}

TEST_F(Writing, case_is_kept_by_not_pointing_to_another_case) {
  ASSERT_TRUE(writer_.question({Name::literal("wWw.eXample"), type::a}));
  ASSERT_TRUE(ns("www.example", "wWw.eXample"));
  EXPECT_EQ(body(), octets("03 'wWw' 07 'eXample' 00 0001 0001"
                           "03 'www' 07 'example' 00 0002 0001 00000001 0002 c00c"));
}

TEST_F(Writing, only_the_types_of_rfc_1035_are_compressed) {
  ASSERT_TRUE(writer_.question({Name::literal("a"), type::a}));
  const Octets srv = octets("0000 0000 0000 01 'a' 00");
  ASSERT_TRUE(writer_.record(Name::literal("a"), type::srv, rr_class::in, Ttl{}, srv));
  EXPECT_EQ(body(), octets("01 'a' 00 0001 0001 c00c 0021 0001 00000000 0009 0000 0000 0000 01 'a' 00"));
}

TEST_F(Writing, the_same_owner_again_points_straight_to_the_name) {
  ASSERT_TRUE(writer_.question({Name::literal("a"), type::a}));
  for (int i = 0; i < 3; ++i)
    ASSERT_TRUE(writer_.record(Name::literal("a"), type::a, rr_class::in, Ttl{}, octets("01020304")));
  EXPECT_EQ(body(), octets("01 'a' 00 0001 0001") + test::repeated(3, octets("c00c 0001 0001 00000000 0004 01020304")));
}

TEST_F(Writing, the_root_is_written_whole) {
  ASSERT_TRUE(writer_.question({Name{}, type::ns}));
  ASSERT_TRUE(ns(".", "."));
  EXPECT_EQ(body(), octets("00 0002 0001 00 0002 0001 00000001 0001 00"));
}

TEST_F(Writing, what_was_taken_back_is_no_target) {
  const auto mark = writer_.mark();
  ASSERT_TRUE(ns("gone.example", "ns.gone.example"));
  writer_.back_to(mark);
  ASSERT_TRUE(ns("gone.example", "gone.example"));
  EXPECT_EQ(body(), octets("04 'gone' 07 'example' 00 0002 0001 00000001 0002 c00c"));
}

TEST_F(Writing, offsets_beyond_fourteen_bits_are_no_targets) {
  const Octets filler(16300, 1);
  ASSERT_TRUE(writer_.record(Name{}, RrType{65280}, rr_class::in, Ttl{}, filler));
  // This name begins below 0x4000 and ends above it.
  const std::string straddling = std::string(60, 'p') + ".tail";
  ASSERT_LT(writer_.size(), 0x4000U);
  ASSERT_TRUE(ns(straddling, "tail"));
  ASSERT_GT(writer_.size(), 0x4000U);
  ASSERT_TRUE(ns("other.tail", straddling));
  Header header;
  header.response = true;
  header.answers = 3;
  const auto message = Message::parse(writer_.finish(header));
  ASSERT_TRUE(message) << describe(message.error().fault);
  EXPECT_EQ(message->answer[1].owner, Name::literal(straddling));
  EXPECT_EQ(message->answer[2].owner, Name::literal("other.tail"));
  EXPECT_TRUE(std::ranges::equal(message->answer[2].rdata, Name::literal(straddling).wire()));
}

TEST_F(Writing, an_rrset_is_written_whole_or_not_at_all) {
  RRset set{Name::literal("example"), type::txt, rr_class::in, Ttl{}, {}};
  for (std::uint8_t i = 0; i < 10; ++i) set.rdata.add(Octets{1, i});
  Octets large(1000);
  WireWriter whole{large};
  ASSERT_TRUE(whole.rrset(set, Ttl::from_wire(5)));
  for (std::size_t limit = 0; limit <= whole.size() + 1; ++limit) {
    Octets buffer(limit, 0xee);
    WireWriter writer{buffer, limit};
    const bool fits = writer.rrset(set, Ttl::from_wire(5));
    ASSERT_EQ(fits, limit >= whole.size()) << limit;
    ASSERT_EQ(writer.size(), fits ? whole.size() : header_octets);
  }
}

TEST_F(Writing, reserved_octets_stay_free) {
  Octets buffer(header_octets + 20);
  WireWriter writer{buffer};
  writer.reserve(11);
  EXPECT_FALSE(writer.record(Name{}, type::a, rr_class::in, Ttl{}, octets("01020304")));
  EXPECT_FALSE(writer.raw_record(Octets(10)));
  writer.release();
  EXPECT_TRUE(writer.record(Name{}, type::a, rr_class::in, Ttl{}, octets("01020304")));
}

TEST_F(Writing, a_buffer_without_room_for_a_header_gives_nothing) {
  Octets buffer(11);
  WireWriter writer{buffer};
  EXPECT_FALSE(writer.question({Name{}, type::a}));
  EXPECT_TRUE(writer.finish({}).empty());
}

/// Attacks M03. Three kinds of hostile answers that fill 64 KiB: names that share nothing, names of 127 labels that
/// differ in the leftmost or the rightmost one only, and thousands of records below one such name.
TEST_F(Writing, a_large_answer_of_hostile_names_is_written_within_its_bound) {
  std::string deep;
  for (int i = 0; i < 125; ++i) deep += "a.";
  const auto name = [&](int kind, unsigned i) {
    const std::string number(1, static_cast<char>('b' + i % 24));
    return Name::literal(kind == 0   ? "host" + std::to_string(i)
                         : kind == 1 ? number + "." + deep
                         : kind == 2 ? deep + number
                                     : deep);
  };
  for (int kind = 0; kind < 4; ++kind) {
    std::vector<Name> names;
    for (unsigned i = 0; i < 1000; ++i) names.push_back(name(kind, i));
    auto least = std::chrono::nanoseconds::max();
    for (int round = 0; round < 5; ++round) {
      const auto start = tests::time_of_this_thread();
      WireWriter writer{buffer_};
      std::size_t written = 0;
      while (
          writer.record(names[written % 1000], type::ns, rr_class::in, Ttl{}, names[(written * 7 + 1) % 1000].wire()))
        ++written;
      least = std::min(least, tests::time_of_this_thread() - start);
      ASSERT_GT(writer.size(), 65000U);
      Header header;
      header.answers = static_cast<std::uint16_t>(written);
      const auto message = Message::parse(writer.finish(header));
      if (!message) {  // only the deepest may cost a reader more than its bound
        EXPECT_EQ(message.error().fault, Fault::work_exceeded) << kind;
        continue;
      }
      for (std::size_t i = 0; i < written; ++i) ASSERT_TRUE(message->answer[i].owner.identical(names[i % 1000]));
    }
    RecordProperty("nanoseconds_" + std::to_string(kind), std::to_string(least.count()));
#if defined(__OPTIMIZE__) && !defined(REDOUBT_SANITIZED)
    EXPECT_LE(least, std::chrono::milliseconds{1}) << kind;
#else
    EXPECT_LE(least, std::chrono::milliseconds{20}) << kind;
#endif
  }
}

}  // namespace
}  // namespace redoubt::dns
