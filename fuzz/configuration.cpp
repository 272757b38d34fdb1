// Entrance: the configuration file. Properties: what has no faults compiles to a snapshot that verifies; what has some
// says so, each on one printable line; nothing takes longer than its size asks for.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "appliance/config/check.hpp"
#include "appliance/config/compile.hpp"
#include "appliance/snapshot/snapshot.hpp"
#include "fuzz/require.hpp"

namespace {

using namespace redoubt;
using fuzz::require;

constexpr dns::LimitRow limits[] = {{"upstream-queries", 60, 10, 1000, ""}, {"connections", 500, 1, 10'000, ""}};

const config::Surroundings& surroundings() {
  static const config::Surroundings here{
      .limits = {std::begin(limits), std::end(limits)},
      .read_file = [](const std::string& path) -> std::expected<std::string, std::string> {
        // The path is text from the fuzzer: now and then it is the zone file itself.
        if (path.starts_with("zone:")) return path.substr(5);
        return std::unexpected{std::string{"No such file or directory"}};
      }};
  return here;
}

void check_remark(const config::Remark& remark) {
  const std::string line = remark.to_text("f");
  require(!remark.text.empty(), "a remark says something");
  require(line.size() < 4096, "a remark is bounded");
  require(std::ranges::all_of(line, [](char c) { return c >= ' ' && c <= '~'; }), "a remark is one printable line");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};  // NOLINT: the fuzzer's octets as text
  const config::Checked checked = config::check(text, surroundings());
  require(checked.configuration.has_value() == checked.remarks.faults.empty(), "a configuration or faults, never both");
  require(checked.remarks.faults.size() <= config::max_faults, "the list of faults is bounded");
  for (const config::Remark& fault : checked.remarks.faults) check_remark(fault);
  for (const config::Remark& warning : checked.remarks.warnings) check_remark(warning);
  if (!checked.configuration) return 0;
  config::Circumstances circumstances{.generation = 1, .workers = 1, .listener_ids = {}, .own_addresses = {}};
  for (std::uint32_t i = 0; i < checked.configuration->listeners.size(); ++i) circumstances.listener_ids.push_back(i);
  const auto octets = config::compile(*checked.configuration, circumstances);
  require(snapshot::verified(octets) != nullptr, "an accepted configuration compiles to a snapshot that verifies");
  return 0;
}
