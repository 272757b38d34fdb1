// Entrances: record_from_text, zone_from_text, record_to_text. The first octet chooses. Properties: what was read from
// text can be shown and reads back equal; valid RDATA of any type can be shown in printable ASCII and reads back equal.
#include <algorithm>

#include "dns/rdata.hpp"
#include "dns/text.hpp"
#include "fuzz/require.hpp"

using namespace redoubt::dns;
using redoubt::fuzz::require;

namespace {

void check(const Record& record) {
  const std::string text = record_to_text(record);
  require(std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; }), "text is printable ASCII");
  const auto again = record_from_text(text);
  if (!again || *again != record) std::fprintf(stderr, "%s\n", text.c_str());
  require(again.has_value(), "what is shown can be read");
  require(*again == record, "what is shown reads back equal");
}

void check_wire(std::span<const std::uint8_t> input) {
  if (input.size() < 4) return;
  const auto number = [&](std::size_t at) { return static_cast<std::uint16_t>(input[at] << 8 | input[at + 1]); };
  const Record record{
      Name::literal("a.example"), {number(0)}, {number(2)}, Ttl::from_wire(3600), {input.begin() + 4, input.end()}};
  if (record.type.value == 0 || record.rr_class.value == 0) return;  // reserved (RFC 6895); ldns has no text for them
  if (is_meta(record.type) || !is_valid_rdata(record.type, record.rr_class, record.rdata)) return;
  check(record);
}

}  // namespace

/// ldns forgets memory on several of its error paths, which is not what is tested here.
extern "C" const char* __lsan_default_suppressions() { return "leak:libldns"; }

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 65000) return 0;
  const std::span input{data + 1, size - 1};
  const std::string_view text{reinterpret_cast<const char*>(input.data()), input.size()};  // characters are octets
  if (data[0] == 'w') {
    check_wire(input);
  } else if (data[0] == 'z') {
    const auto zone = zone_from_text(text, Name::literal("example"), 100);
    if (zone) std::ranges::for_each(*zone, check);
  } else if (const auto record = record_from_text(text, Name::literal("example"))) {
    check(*record);
  }
  return 0;
}
