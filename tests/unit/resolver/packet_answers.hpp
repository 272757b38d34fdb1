#pragma once
// Queries and answers as octets, and a packet cache that is used as a worker uses it.
#include <functional>
#include <string>
#include <vector>

#include "dns/message.hpp"
#include "dns/packet/packet_cache.hpp"
#include "dns/packet/query_glance.hpp"
#include "resolver/render/render.hpp"

namespace redoubt::resolver::packets {

using namespace std::chrono_literals;
using Octets = std::vector<std::uint8_t>;

inline constexpr dns::HashKey packet_key{1, 2, 3};
inline constexpr std::size_t plenty = 1U << 20;
inline const Instant start{1000s};

inline Octets query_octets(std::string_view name, const std::function<void(dns::Message&)>& change = {}) {
  dns::Message message;
  message.header.id = 0x4711;
  message.header.recursion_desired = true;
  message.question = dns::Question{dns::Name::literal(name), dns::type::a, dns::rr_class::in};
  if (change) change(message);
  return message.to_wire();
}

inline SharedRRset rrset(std::string_view owner, dns::RrType type, std::uint32_t ttl, const std::vector<Octets>& rdata,
                         Instant now = start) {
  dns::RRset made{dns::Name::literal(owner), type, dns::rr_class::in, dns::Ttl::from_wire(ttl), {}};
  for (const Octets& one : rdata) made.rdata.add(one);
  return HeldRRset::make(made, now + std::chrono::seconds{ttl});
}

inline Octets name_rdata(std::string_view name) {
  const dns::Name made = dns::Name::literal(name);
  return {made.wire().begin(), made.wire().end()};
}

inline Outcome address_of(std::string_view owner, std::uint32_t ttl = 300) {
  Outcome outcome;
  outcome.rcode = dns::Rcode::noerror;
  outcome.answer = {rrset(owner, dns::type::a, ttl, {{192, 0, 2, 1}, {192, 0, 2, 2}})};
  return outcome;
}

/// More than 512 octets.
inline std::vector<Octets> sixty_addresses() {
  std::vector<Octets> many;
  for (std::uint8_t i = 0; i < 60; ++i) many.push_back({192, 0, 2, i});
  return many;
}

inline Octets rendered(const Octets& query, const Outcome& outcome, Instant now = start) {
  const auto parsed = dns::parse_query(query);
  if (!parsed) return {};
  Octets room(1232);
  const std::size_t limit = parsed->edns ? std::min<std::size_t>(parsed->edns->usable_payload(), room.size()) : 512;
  room.resize(render(*parsed, outcome, now, std::span{room}.first(limit)).octets);
  return room;
}

/// As a worker does it: from the packet cache, else rendered and kept.
struct Counter {
  dns::PacketCache cache{plenty, packet_key};
  bool served = false;

  Octets answer(const Octets& query, const Outcome& outcome, Instant now = start, std::chrono::seconds lead = 0s) {
    dns::QueryGlance glance;
    const bool plain = dns::look_at(query, glance);
    Octets room(1232);
    served = false;
    if (plain) {
      const std::size_t limit = std::min<std::size_t>(glance.udp_payload, room.size());
      const auto found = cache.find(glance, query, now, std::span{room}.first(limit));
      served = found.octets != 0;
      room.resize(found.octets);
      if (served) return room;
    }
    Octets answer = rendered(query, outcome, now);
    if (plain) cache.keep(glance, answer, {.secure = outcome.is_secure(), .lead = lead}, now);
    return answer;
  }
};

}  // namespace redoubt::resolver::packets
