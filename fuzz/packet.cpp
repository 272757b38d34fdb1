// Entrance: look_at, and what the packet cache keeps. Input: two octets of length, a query, and an answer to it of
// whatever kind. Properties: a plain query is one that parse_query accepts, with the same in it; what is kept comes
// back with the asker's id and question, is no longer than its room, and stays within the cache.
#include <algorithm>
#include <array>

#include "dns/message.hpp"
#include "dns/packet/packet_cache.hpp"
#include "fuzz/require.hpp"

using namespace redoubt;
using redoubt::fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::span input{data + 2, size - 2};
  const std::size_t query_octets = std::min<std::size_t>(std::size_t{data[0]} << 8 | data[1], input.size());
  const auto query = input.first(query_octets);
  const auto answer = input.subspan(query_octets);
  dns::QueryGlance glance;
  if (!dns::look_at(query, glance)) return 0;

  const auto parsed = dns::parse_query(query);
  require(parsed.has_value(), "a plain query is a query");
  const auto name = dns::Name::from_wire(glance.lower_name());
  require(name && name->identical(parsed->question.name.lowercased()), "the same name");
  require(glance.type == parsed->question.type, "the same type");
  require(glance.edns == parsed->edns.has_value(), "the same EDNS");
  require(!glance.edns ||
              (glance.udp_payload == parsed->edns->usable_payload() && glance.dnssec_ok == parsed->edns->dnssec_ok &&
               glance.cookie.empty() == !parsed->edns->cookie.has_value()),
          "the same in it");

  static dns::PacketCache cache{64U << 10, dns::HashKey{1}};
  static dns::PacketCache::Instant now{std::chrono::hours{1}};
  now += std::chrono::milliseconds{10};
  cache.keep(glance, answer, {.secure = (data[0] & 1) != 0}, now);
  require(cache.octets() <= 64U << 10, "within its octets");
  std::array<std::uint8_t, 1232> room;
  const std::size_t limit = std::min<std::size_t>(glance.udp_payload, room.size());
  const auto served = cache.find(glance, query, now, std::span{room}.first(limit));
  if (served.octets == 0) return 0;
  require(served.octets <= limit, "no longer than its room");
  require(room[0] == query[0] && room[1] == query[1] && (room[2] & 0x80) != 0, "an answer to that query");
  const std::size_t question = std::size_t{glance.name_octets} + 4;
  require(std::equal(query.begin() + 12, query.begin() + 12 + static_cast<std::ptrdiff_t>(question), room.begin() + 12),
          "the asker's own question");
  return 0;
}
