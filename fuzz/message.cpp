// Entrance: Message::parse. Properties: what parses can be written and reads back equal; cut to any size it still
// parses, and is no longer than was allowed.
#include "dns/message.hpp"

#include "fuzz/require.hpp"

using namespace redoubt::dns;
using redoubt::fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto first = Message::parse({data, size});
  if (!first) return 0;
  const auto wire = first->to_wire();
  auto second = Message::parse(wire);
  if (!second && wire.size() > max_message_octets - 1024) return 0;  // unfolded names may not fit a message any more
  if (second && second->header.truncated && !first->header.truncated) return 0;
  require(second.has_value() || second.error().fault == Fault::work_exceeded, "what was written parses");
  if (second) {
    second->header = first->header;  // counts are those of the wire, OPT and all
    require(*second == *first, "what was written reads back equal");
  }
  const std::size_t limit = 512 + size % 1024;
  const auto cut = first->to_wire(limit);
  require(cut.size() <= limit, "the limit holds");
  const auto parsed = Message::parse(cut);
  require(parsed.has_value() || parsed.error().fault == Fault::work_exceeded, "what was cut parses");
  return 0;
}
