// Entrance: every decoder of channel messages; the first octet chooses which. Property: what decodes is written back
// octet for octet the same, so no two messages mean one thing; and it is said how many descriptors it wants.
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <vector>

#include "appliance/channel/control_resolver.hpp"
#include "appliance/channel/control_transport.hpp"
#include "appliance/channel/keykeeper_clients.hpp"
#include "appliance/channel/monitor_child.hpp"
#include "appliance/channel/resolver_transport.hpp"

namespace {

using namespace redoubt::channel;
using Octets = std::span<const std::uint8_t>;

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

template <auto decode>
void check(Octets octets) {
  const auto message = decode(octets);
  if (!message) {
    require(!describe(message.error()).empty(), "a fault without words");
    return;
  }
  const std::vector<std::uint8_t> again = encode(*message);
  require(std::vector<std::uint8_t>(octets.begin(), octets.end()) == again, "written back differently");
  require(descriptors_of(*message) <= 1, "more descriptors than any message carries");
}

constexpr std::array checks{
    check<decode_monitor_to_child>,      check<decode_child_to_monitor>,       check<decode_control_to_resolver>,
    check<decode_resolver_to_control>,   check<decode_control_to_transport>,   check<decode_transport_to_control>,
    check<decode_control_to_keykeeper>,  check<decode_keykeeper_to_control>,   check<decode_transport_to_resolver>,
    check<decode_resolver_to_transport>, check<decode_transport_to_keykeeper>, check<decode_keykeeper_to_transport>};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size != 0) checks[data[0] % checks.size()](Octets{data, size}.subspan(1));
  return 0;
}
