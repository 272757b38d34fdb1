#include "dns/message.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "tests/unit/dns/octets.hpp"

namespace redoubt::dns {
namespace {

using test::Octets;
using test::operator+;
using test::octets;

const Octets question = octets("03 'www' 07 'example' 00 0001 0001");
const Octets address = test::record(octets("c00c"), 1, 1, octets("c0000201"));
const Octets tsig = test::record(octets("00"), 250, 255, octets("00 000000000000 0000 0000 0000 0000 0000"));
const Octets sig0 = test::record(octets("00"), 24, 255, octets("0000 08 00 00000000 00000000 00000000 0001 00"));

Fault fault_of(const Octets& wire) {
  const auto message = Message::parse(wire);
  EXPECT_FALSE(message);
  return message ? Fault::too_large : message.error().fault;
}

TEST(MessageParse, sections_and_edns) {
  const auto message = Message::parse(test::header(0x8180, 1, 1, 1, 2) + question + address +
                                      test::record(octets("c010"), 2, 1, octets("02 'ns' c010")) + test::opt({}) +
                                      test::record(octets("02 'ns' c010"), 1, 1, octets("c0000202")));
  ASSERT_TRUE(message) << describe(message.error().fault);
  EXPECT_EQ(message->question->name, Name::literal("www.example"));
  ASSERT_EQ(message->answer.size(), 1U);
  EXPECT_EQ(message->answer[0],
            (Record{Name::literal("www.example"), type::a, rr_class::in, Ttl::from_wire(3600), octets("c0000201")}));
  ASSERT_EQ(message->authority.size(), 1U);
  EXPECT_EQ(message->authority[0].rdata, octets("02 'ns' 07 'example' 00"));
  ASSERT_EQ(message->additional.size(), 1U);
  ASSERT_TRUE(message->edns);
}

TEST(MessageParse, rcode_joins_both_parts) {
  auto message = Message::parse(test::header(0x8007, 1, 0, 0, 1) + question + test::opt({}, 512, octets("01000000")));
  ASSERT_TRUE(message);
  EXPECT_EQ(message->rcode(), Rcode::badcookie);
  message->set_rcode(Rcode::badvers);
  EXPECT_EQ(message->header.rcode_low, 0);
  EXPECT_EQ(message->edns->extended_rcode, 1);
}

TEST(MessageParse, at_most_one_question) {
  EXPECT_TRUE(Message::parse(test::header(0x8000, 0)));
  EXPECT_EQ(fault_of(test::header(0x8000, 2) + question + question), Fault::bad_count);
}

TEST(MessageParse, placement_of_opt_and_transaction_records) {  // attacks M12
  const Octets opt = test::opt({});
  EXPECT_EQ(fault_of(test::header(0x8000, 1, 0, 0, 2) + question + opt + opt), Fault::duplicate_opt);
  EXPECT_EQ(fault_of(test::header(0x8000, 1, 1) + question + opt), Fault::misplaced_record);
  EXPECT_EQ(fault_of(test::header(0x8000, 1, 0, 1) + question + opt), Fault::misplaced_record);
  EXPECT_EQ(fault_of(test::header(0x8000, 1, 0, 0, 1) + question + octets("01 'a'") + opt), Fault::misplaced_record);
  for (const Octets& last : {tsig, sig0}) {
    EXPECT_TRUE(Message::parse(test::header(0x8000, 1, 0, 0, 2) + question + opt + last));
    EXPECT_EQ(fault_of(test::header(0x8000, 1, 0, 0, 2) + question + last + opt), Fault::misplaced_record);
    EXPECT_EQ(fault_of(test::header(0x8000, 1, 1) + question + last), Fault::misplaced_record);
    EXPECT_EQ(fault_of(test::header(0x8000, 1, 0, 0, 2) + question + last + last), Fault::misplaced_record);
  }
}

TEST(MessageParse, cut_anywhere_is_a_fault_and_so_is_more) {
  const Octets whole =
      test::header(0x8180, 1, 1, 0, 1) + question + address + test::opt(test::option(10, Octets(24, 1)));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const Octets cut{whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)};
    EXPECT_FALSE(Message::parse(cut)) << size;
  }
  EXPECT_TRUE(Message::parse(whole));
  EXPECT_EQ(fault_of(whole + octets("00")), Fault::left_over);
  EXPECT_EQ(fault_of(Octets(65536)), Fault::too_large);
}

TEST(MessageParse, rdata_of_known_types_is_checked) {
  EXPECT_EQ(fault_of(test::header(0x8000, 1, 1) + question + test::record(octets("c00c"), 1, 1, octets("01020305ff"))),
            Fault::left_over);
  EXPECT_EQ(fault_of(test::header(0x8000, 1, 1) + question + test::record(octets("c00c"), 15, 1, octets("0001 c0ff"))),
            Fault::pointer_not_backwards);
  EXPECT_TRUE(Message::parse(test::header(0x8000, 1, 1) + question + test::record(octets("c00c"), 65280, 1, {})));
}

TEST(MessageParse, a_name_in_rdata_ends_where_the_rdata_does) {
  // The label would run into the next record.
  const Octets ns = octets("c00c 0002 0001 00000e10 0002 03 'c'") + octets("'om' 00");
  EXPECT_EQ(fault_of(test::header(0x8000, 1, 1) + question + ns), Fault::short_read);
}

std::size_t allocated = 0;  // octets asked for since it was last set to zero

TEST(MessageParse, believes_no_count) {  // attacks M04
  for (const Octets& body : {Octets{}, question, question + address}) {
    allocated = 0;
    EXPECT_EQ(fault_of(test::header(0x8000, 1, 65535, 65535, 65535) + body), Fault::bad_count);
    EXPECT_LE(allocated, 65536U);
  }
  // Counts that the octets could just hold, which then are no records.
  const Octets body = question + Octets(11000, 0xff);
  const Octets wire = test::header(0x8000, 1, 1000) + body;
  allocated = 0;
  EXPECT_FALSE(Message::parse(wire));
  EXPECT_LE(allocated, 65536U);
}

TEST(MessageParse, allocates_in_proportion_to_the_octets_even_when_names_unfold) {
  // MINFO: two pointers of two octets unfold to two names of 255.
  const Name longest = Name::literal(test::name_text(255));
  const Octets long_question = Octets(longest.wire().begin(), longest.wire().end()) + octets("0001 0001");
  const Octets minfo = test::record(octets("c00c"), 14, 1, octets("c00c c00c"));
  const std::size_t count = (65535 - header_octets - long_question.size()) / minfo.size();
  const Octets wire = test::header(0x8000, 1, count) + long_question + test::repeated(count, minfo);
  allocated = 0;
  const auto message = Message::parse(wire);
  EXPECT_LE(allocated, 128 * wire.size());
  ASSERT_TRUE(message);
  EXPECT_EQ(message->answer.back().rdata.size(), 510U);
}

Message large_message() {
  Message message;
  message.header.response = true;
  message.question = Question{Name::literal("www.example"), type::a};
  const auto set = [](std::string_view owner, RrType type, std::size_t count, std::size_t size) {
    std::vector<Record> out;
    for (std::size_t i = 0; i < count; ++i) {
      Octets rdata(size, static_cast<std::uint8_t>(i));
      out.push_back({Name::literal(owner), type, rr_class::in, Ttl::from_wire(60), rdata});
    }
    return out;
  };
  const auto add = [](std::vector<Record>& to, const std::vector<Record>& from) {
    to.insert(to.end(), from.begin(), from.end());
  };
  add(message.answer, set("www.example", type::a, 40, 4));
  add(message.answer, set("www.example", RrType{65280}, 3, 200));
  add(message.authority, set("example", RrType{65281}, 4, 100));
  add(message.additional, set("ns.example", type::a, 20, 4));
  add(message.additional, set("ns.example", type::aaaa, 20, 16));
  message.edns = Edns{};
  message.edns->cookie = Cookie{{1}, Octets(16, 2)};
  return message;
}

TEST(MessageToWire, reads_back_equal) {
  const Message message = large_message();
  auto back = Message::parse(message.to_wire());
  ASSERT_TRUE(back);
  back->header = message.header;  // the counts are those of the wire
  EXPECT_EQ(*back, message);
}

TEST(MessageToWire, is_cut_between_rrsets_at_every_size) {
  const Message message = large_message();
  const std::size_t whole = message.to_wire().size();
  ASSERT_GT(whole, 1500U);
  std::size_t answers_before = 0;
  for (std::size_t limit = 512; limit <= 4096; ++limit) {
    const auto wire = message.to_wire(limit);
    ASSERT_LE(wire.size(), limit);
    const auto cut = Message::parse(wire);
    ASSERT_TRUE(cut) << limit;
    ASSERT_EQ(cut->question, message.question);
    ASSERT_EQ(cut->edns, message.edns);
    const bool lacks = cut->answer.size() < message.answer.size() || cut->authority.size() < message.authority.size();
    ASSERT_EQ(cut->header.truncated, lacks) << limit;
    ASSERT_TRUE(cut->answer.empty() || cut->answer.size() == 40 || cut->answer.size() == 43) << limit;
    ASSERT_TRUE(cut->authority.empty() || cut->authority.size() == 4) << limit;
    ASSERT_TRUE(cut->additional.empty() || cut->additional.size() == 20 || cut->additional.size() == 40) << limit;
    ASSERT_GE(cut->answer.size(), answers_before);
    answers_before = cut->answer.size();
    ASSERT_EQ(limit >= whole, wire.size() == whole) << limit;
  }
}

TEST(MessageToWire, ends_for_every_size_and_length_of_an_extended_error) {  // attacks M10
  Message message = large_message();
  for (std::size_t text = 0; text <= 5000; text += 250) {
    message.edns->extended_errors = {{EdeCode::other, std::string(text, 'x')}};
    for (std::size_t limit = 0; limit <= 4096; limit += limit < 64 ? 1 : 37) {
      const auto wire = message.to_wire(limit);
      ASSERT_LE(wire.size(), limit);
      if (limit >= 512) {
        ASSERT_TRUE(Message::parse(wire)) << limit << ' ' << text;
      }
    }
  }
}

TEST(MessageToWire, a_transaction_signature_stays_last) {
  auto message = Message::parse(test::header(0x8000, 1, 1, 0, 2) + question + address + test::opt({}) + tsig);
  ASSERT_TRUE(message);
  const auto back = Message::parse(message->to_wire());
  ASSERT_TRUE(back) << describe(back.error().fault);
  EXPECT_EQ(back->additional, message->additional);
  EXPECT_EQ(back->edns, message->edns);
}

TEST(MessageRandom, whatever_is_accepted_can_be_written_and_reads_back_equal) {
  std::mt19937 random{1120};
  const Octets seed = large_message().to_wire();
  std::size_t accepted = 0;
  for (int i = 0; i < 4000; ++i) {
    Octets wire = seed;
    for (int flips = 0; flips < 3; ++flips) wire[random() % wire.size()] = static_cast<std::uint8_t>(random());
    const auto message = Message::parse(wire);
    if (!message) continue;
    ++accepted;
    auto back = Message::parse(message->to_wire());
    ASSERT_TRUE(back);
    back->header = message->header;
    ASSERT_EQ(*back, *message);
  }
  EXPECT_GT(accepted, 200U);
}

}  // namespace
}  // namespace redoubt::dns

// Counted so that a test can see what a message makes us ask for.
void* operator new(std::size_t size) {
  redoubt::dns::allocated += size;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc{};
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
