#include "transport/framing/frame_reader.hpp"

#include <gtest/gtest.h>

#include <array>
#include <numeric>

namespace redoubt::transport {

namespace {

using Octets = std::vector<std::uint8_t>;

Octets frame_of(std::size_t length, std::uint8_t fill) {
  Octets frame{static_cast<std::uint8_t>(length >> 8U), static_cast<std::uint8_t>(length & 0xffU)};
  frame.resize(2 + length, fill);
  return frame;
}

TEST(FrameReader, has_nothing_before_the_last_octet) {
  const Octets frame = frame_of(12, 7);
  FrameReader reader;
  for (std::size_t i = 0; i < frame.size(); ++i) {
    ASSERT_EQ(reader.next().value(), std::nullopt) << i;
    EXPECT_EQ(reader.unfinished(), i != 0);
    reader.append({&frame[i], 1});
  }
  const auto message = reader.next().value();
  ASSERT_TRUE(message);
  EXPECT_EQ(Octets(message->begin(), message->end()), Octets(12, 7));
  EXPECT_FALSE(reader.unfinished());
}

TEST(FrameReader, several_messages_of_one_read_come_one_by_one) {
  Octets octets = frame_of(12, 1);
  for (const Octets& more : {frame_of(65535, 2), frame_of(300, 3)})
    octets.insert(octets.end(), more.begin(), more.end());
  FrameReader reader;
  reader.append(octets);
  for (const std::size_t length : {12U, 65535U, 300U}) {
    const auto message = reader.next().value();
    ASSERT_TRUE(message);
    EXPECT_EQ(message->size(), length);
  }
  EXPECT_EQ(reader.next().value(), std::nullopt);
}

TEST(FrameReader, what_is_coming_is_what_comes) {
  Octets octets = frame_of(12, 1);
  for (const Octets& more : {frame_of(300, 2), frame_of(40, 3), frame_of(20, 4)})
    octets.insert(octets.end(), more.begin(), more.end());
  FrameReader reader;
  std::array<std::span<const std::uint8_t>, 2> coming;
  EXPECT_EQ(reader.coming(coming), 0U);
  reader.append(std::span{octets}.first(octets.size() - 1));
  ASSERT_EQ(reader.coming(coming), 2U) << "there is room for no more";
  for (const std::span<const std::uint8_t> expected : coming) {
    const auto message = reader.next().value();
    ASSERT_TRUE(message);
    EXPECT_EQ(message->data(), expected.data());
    EXPECT_EQ(message->size(), expected.size());
  }
  ASSERT_EQ(reader.coming(coming), 1U) << "the last one is not whole";
  EXPECT_EQ(coming[0].size(), 40U);
}

TEST(FrameReader, nothing_is_coming_behind_a_fault) {
  Octets octets = frame_of(11, 1);
  for (const std::uint8_t octet : frame_of(12, 2)) octets.push_back(octet);
  FrameReader reader;
  reader.append(octets);
  std::array<std::span<const std::uint8_t>, 4> coming;
  EXPECT_EQ(reader.coming(coming), 0U);
}

TEST(FrameReader, a_length_below_a_header_is_a_fault_before_its_octets_come) {
  for (std::uint8_t length = 0; length < 12; ++length) {
    FrameReader reader;
    reader.append(Octets{0, length});
    EXPECT_EQ(reader.next().error(), FrameFault::too_short);
    EXPECT_EQ(reader.next().error(), FrameFault::too_short);
  }
}

TEST(FrameReader, a_claimed_length_costs_nothing) {
  FrameReader reader;
  reader.append(Octets{0xff, 0xff});
  EXPECT_EQ(reader.next().value(), std::nullopt);
  EXPECT_LT(reader.capacity(), 100U);
}

TEST(FrameReader, memory_goes_back_once_a_long_message_is_gone) {
  FrameReader reader;
  reader.append(frame_of(65535, 1));
  ASSERT_TRUE(reader.next().value());
  EXPECT_EQ(reader.next().value(), std::nullopt);
  EXPECT_LE(reader.capacity(), 1024U);
}

TEST(FrameReader, never_holds_more_than_a_frame_and_a_read) {
  FrameReader reader;
  Octets stream;
  for (int i = 0; i < 40; ++i) {
    const Octets frame = frame_of(static_cast<std::size_t>(12 + i * 1600), 1);
    stream.insert(stream.end(), frame.begin(), frame.end());
  }
  constexpr std::size_t read = 16 * 1024;
  std::size_t messages = 0;
  for (std::size_t at = 0; at < stream.size(); at += read) {
    while (reader.next().value()) ++messages;
    reader.append(std::span{stream}.subspan(at, std::min(read, stream.size() - at)));
    EXPECT_LE(reader.held(), max_frame_octets + read);
    EXPECT_LE(reader.capacity(), 2 * (max_frame_octets + read));
  }
  while (reader.next().value()) ++messages;
  EXPECT_EQ(messages, 40U);
}

}  // namespace

}  // namespace redoubt::transport
