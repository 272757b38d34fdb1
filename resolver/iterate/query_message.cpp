#include "resolver/iterate/query_message.hpp"

#include <algorithm>
#include <array>

#include "resolver/upstream/reply_match.hpp"

namespace redoubt::resolver {

namespace {

/// One random bit for each letter of the name, which begins right behind the header.
void randomise_case(std::vector<std::uint8_t>& wire, std::size_t name_octets, Random& random) {
  std::array<std::uint8_t, dns::max_name_octets / 8 + 1> bits;
  random.fill(std::span{bits}.first(name_octets / 8 + 1));
  for (std::size_t i = 0; i < name_octets; ++i) {
    std::uint8_t& octet =
        wire[dns::header_octets + i];  // length octets are below 'A': letters cannot be taken for them
    const bool letter = (octet >= 'a' && octet <= 'z') || (octet >= 'A' && octet <= 'Z');
    if (letter && (bits[i / 8] >> (i % 8) & 1) != 0) octet ^= 0x20;
  }
}

}  // namespace

OutgoingQuery make_query(const dns::Question& question, const QueryStyle& style, Random& random) {
  dns::Message message;
  std::array<std::uint8_t, 2> id;
  random.fill(id);
  message.header.id = static_cast<std::uint16_t>(id[0] << 8 | id[1]);
  // In lower case where case is no secret: some servers answer so whatever they were asked, and would never match.
  message.question = style.random_case ? question : dns::Question{question.name.lowercased(), question.type};
  if (style.edns) {
    message.edns.emplace();
    message.edns->dnssec_ok = style.dnssec;
    message.edns->cookie = style.cookie;
  }
  OutgoingQuery query{message.to_wire(512), question.name};
  if (style.random_case) randomise_case(query.wire, question.name.wire().size(), random);
  return query;
}

std::expected<dns::Message, NetworkFault> read_reply(const OutgoingQuery& query, std::vector<std::uint8_t> reply,
                                                     const Guards& guards) {
  if (is_reply_to(query.wire, reply)) {
    std::ranges::copy(query.name.wire(), reply.begin() + dns::header_octets);
  } else if (guards.reply_match) {
    return std::unexpected{NetworkFault::spoofed};
  }
  auto message = dns::Message::parse(reply);
  if (!message) return std::unexpected{NetworkFault::malformed};
  return std::move(*message);
}

}  // namespace redoubt::resolver
