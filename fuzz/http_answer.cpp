// Entrance: what a server of DNS over HTTPS sends us, behind TLS. Property: whatever the frames, what comes out as an
// answer has a message's length, each query comes to one end at most, and little is said in return.
#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "fuzz/require.hpp"
#include "transport/client/client_framing.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using redoubt::fuzz::require;
  // The first octet: how long reads are. The second: how many queries are under way.
  if (size < 2) return 0;
  const auto framing = redoubt::transport::client_http_framing("dns.example", "/dns-query");
  redoubt::transport::OutputQueue output;
  const std::size_t asked = data[1] % 8U;
  const std::vector<std::uint8_t> query(30, 1);
  for (std::size_t i = 0; i < asked; ++i) framing->put(query, output);
  framing->speak(output);
  output.sent(output.size());
  std::span<const std::uint8_t> stream{data + 2, size - 2};
  std::size_t answers = 0;
  while (!stream.empty()) {
    const std::size_t octets = std::min<std::size_t>(std::size_t{data[0]} + 1, stream.size());
    framing->append(stream.first(octets));
    stream = stream.subspan(octets);
    while (true) {
      const auto next = framing->next();
      if (!next || !*next) break;
      require((*next)->size() >= 12 && (*next)->size() <= 65'535, "an answer of an odd length");
      ++answers;
    }
    while (framing->unanswered()) ++answers;
    require(answers <= asked, "more queries came to an end than were asked");
    framing->speak(output);
    require(output.size() <= 256 * 1024, "too much to say");
    output.sent(output.size());
  }
  return 0;
}
