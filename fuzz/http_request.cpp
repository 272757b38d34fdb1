// Entrance: what a client of DNS over HTTPS sends, behind TLS. Property: whatever the frames, memory stays within
// limits, what comes out as a query is one, and each cancelled query was asked before, whether answers come or not.
#include <algorithm>
#include <array>
#include <cstdint>
#include <set>
#include <span>
#include <vector>

#include "fuzz/require.hpp"
#include "transport/http/doh_request.hpp"
#include "transport/http/http_framing.hpp"

namespace {

using redoubt::fuzz::require;
using redoubt::transport::ExchangeTag;
using redoubt::transport::Limit;
using redoubt::transport::Limits;
using redoubt::transport::MessageFraming;
using redoubt::transport::OutputQueue;

constexpr std::size_t max_output = 1U << 20U;

/// Asks and answers until the framing has nothing. returns  what was asked
std::vector<std::vector<std::uint8_t>> converse(std::span<const std::uint8_t> stream, std::size_t piece, bool answers) {
  const Limits limits;
  const auto framing = redoubt::transport::https_framing("/dns-query", limits);
  std::vector<std::vector<std::uint8_t>> asked;
  std::set<ExchangeTag> in_flight;
  OutputQueue output;
  while (!stream.empty() && !framing->finished()) {
    const std::size_t octets = std::min(piece, stream.size());
    framing->append(stream.first(octets));
    stream = stream.subspan(octets);
    while (const auto tag = framing->cancelled()) require(in_flight.erase(*tag) == 1, "cancelled, and never asked");
    while (true) {
      std::array<std::span<const std::uint8_t>, 4> coming;
      const auto shown = framing->coming(coming);
      require(shown.messages <= shown.looked_at && shown.looked_at <= coming.size(),
              "more is coming than was looked at");
      for (const auto& message : std::span{coming}.first(shown.messages)) {
        const std::vector<std::uint8_t> copy{message.begin(), message.end()};  // the sanitizer sees whether it is there
        require(!copy.empty() && copy.size() <= limits[Limit::http_body_octets], "a body that is no query's");
      }
      const auto next = framing->next();
      if (!next || !*next) break;
      const auto message = (*next)->message;
      require(message.size() >= 12 && message.size() <= 65'535, "a query of an odd length");
      require((message[2] & 0x80U) == 0, "a response");
      asked.emplace_back(message.begin(), message.end());
      require(in_flight.insert((*next)->tag).second, "a tag that is in use");
      require(in_flight.size() <= limits[Limit::http_streams], "more than may be in flight");
      if (!answers) continue;
      std::vector<std::uint8_t> answer = asked.back();
      answer[2] |= 0x80U;
      framing->put((*next)->tag, answer, output);
      in_flight.erase((*next)->tag);
    }
    framing->speak(output);
    require(output.size() <= max_output, "too much to say");
    output.sent(output.size());
    require(framing->unfinished() <= framing->last_begun() && framing->first_held() <= framing->last_put(), "numbers");
  }
  framing->retire(true);
  framing->speak(output);
  return asked;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // The first octet: how long reads are. The second: whether the client's first words are made for it.
  if (size < 2) return 0;
  static constexpr std::string_view preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  std::vector<std::uint8_t> stream;
  if (data[1] % 4 != 0) {
    stream.assign(preface.begin(), preface.end());
    stream.insert(stream.end(), {0, 0, 0, 4, 0, 0, 0, 0, 0});  // SETTINGS
  }
  stream.insert(stream.end(), data + 2, data + size);
  const auto whole = converse(stream, stream.size(), data[1] % 2 != 0);
  converse(stream, std::size_t{data[0]} + 1, data[1] % 2 != 0);
  for (const auto& message : whole) static_cast<void>(redoubt::transport::lifetime_of(message));
  static_cast<void>(redoubt::transport::lifetime_of({data, size}));
  static_cast<void>(redoubt::transport::from_base64url({reinterpret_cast<const char*>(data), size}));
  return 0;
}
