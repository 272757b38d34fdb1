// Entrance: read_zone_text, whole zone files. Properties: it ends, within its bounds; a line that is read
// the fast way means the same to the other reader; RDATA that is written in the plain form reads back equal.
#include <algorithm>
#include <string>

#include "dns/rdata.hpp"
#include "dns/text_lines.hpp"
#include "dns/text_reading.hpp"
#include "dns/text_zone.hpp"
#include "fuzz/require.hpp"

using namespace redoubt::dns;
using redoubt::fuzz::require;

namespace {

const Name origin = Name::literal("example.");

void check_plain(const Record& record) {
  require(is_valid_rdata(record.type, record.rr_class, record.rdata), "what was read is valid");
  std::string text;
  if (!append_plain_rdata(text, record.type, record.rdata)) return;
  require(std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; }), "text is printable ASCII");
  const Surroundings around{origin, Ttl::from_wire(60), std::nullopt};
  const auto again = read_line(record.owner.to_text() + " 60 IN " + to_text(record.type) + " " + text, around);
  require(again && again->rdata == record.rdata, "what is written plainly is the same to the full reader");
}

void compare_lines(std::string_view text) {
  Surroundings around{origin, Ttl::from_wire(60), origin};
  MasterFileLines lines{text};
  for (auto line = lines.next(); line && *line; line = lines.next()) {
    if ((*line)->text[0] == '$') continue;
    const auto plain = read_plain_line((*line)->text, around);
    if (!plain) continue;
    const auto full = read_line((*line)->text, around);
    require(full && *full == *plain, "a plain line means the same to the full reader");
  }
}

}  // namespace

/// ldns forgets memory on several of its error paths, which is not what is tested here.
extern "C" const char* __lsan_default_suppressions() { return "leak:libldns"; }

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 65000) return 0;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  std::size_t count = 0;
  ZoneTextSource source{.file = "zone", .text = text, .origin = origin, .max_records = 500};
  source.open = [](const std::string&) -> std::expected<std::string, std::string> { return "@ A 192.0.2.1\n"; };
  const auto done = read_zone_text(source, [&](Record&& record) -> std::expected<void, std::string> {
    ++count;
    check_plain(record);
    return {};
  });
  require(count <= 500, "no more records than are allowed");
  if (!done) require(!done.error().what.empty(), "a fault says what is wrong");
  compare_lines(text);
  return 0;
}
