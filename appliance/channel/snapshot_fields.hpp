#pragma once
// Fields of the messages that control exchanges with resolver and transport alike. For the .cpp files of this folder
// only.
#include "appliance/channel/control_resolver.hpp"
#include "appliance/channel/statistics.hpp"
#include "appliance/channel/variant_codec.hpp"

namespace redoubt::channel {

template <>
struct Fields<UseSnapshot> {
  static void write(Encoder& to, const UseSnapshot& message) { to.u64(message.generation); }
  static UseSnapshot read(Decoder& from) { return {.generation = from.u64()}; }
  static std::size_t descriptors(const UseSnapshot&) { return 1; }
};

template <>
struct Fields<AskStatistics> : OnlyId<AskStatistics> {};

template <>
struct Fields<SnapshotTaken> {
  static void write(Encoder& to, const SnapshotTaken& message) {
    to.u64(message.generation);
    to.text(message.trouble);
  }
  static SnapshotTaken read(Decoder& from) { return {.generation = from.u64(), .trouble = from.text()}; }
};

template <>
struct Fields<Statistics> {
  static void write(Encoder& to, const Statistics& message) {
    to.u64(message.id);
    to.below(static_cast<std::uint32_t>(message.values.size()), max_statistics + 1);
    for (const std::uint64_t value : message.values) to.u64(value);
  }
  static Statistics read(Decoder& from) {
    Statistics message{.id = from.u64(), .values = {}};
    const std::uint32_t count = from.below(max_statistics + 1);
    for (std::uint32_t i = 0; i < count && from.ok(); ++i) message.values.push_back(from.u64());
    return message;
  }
};

}  // namespace redoubt::channel
