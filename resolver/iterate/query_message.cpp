#include "resolver/iterate/query_message.hpp"

#include <algorithm>
#include <array>

#include "dns/unwritten.hpp"
#include "dns/writer.hpp"
#include "resolver/upstream/reply_match.hpp"

namespace redoubt::resolver {

namespace {

constexpr std::size_t max_query_octets = 512;
constexpr std::size_t query_block = 128;  // octets, RFC 8467 §4.1
constexpr std::size_t option_head_octets = 4;

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

dns::UnknownOption key_tag_option(const std::vector<std::uint16_t>& tags) {
  dns::UnknownOption option{static_cast<std::uint16_t>(dns::OptionCode::key_tag), {}};
  for (const std::uint16_t tag : tags) {
    option.data.push_back(static_cast<std::uint8_t>(tag >> 8));
    option.data.push_back(static_cast<std::uint8_t>(tag & 0xff));
  }
  return option;
}

/// A query of one question fits in any case.
std::vector<std::uint8_t> written(dns::Header header, const dns::Question& question, const dns::Edns* edns) {
  REDOUBT_UNWRITTEN std::array<std::uint8_t, max_query_octets> room;
  REDOUBT_UNWRITTEN dns::WireWriter writer{room};
  if (writer.question(question)) header.questions = 1;
  if (edns != nullptr && writer.raw_record(dns::edns_to_wire(*edns))) header.additionals = 1;
  const auto whole = writer.finish(header);
  return {whole.begin(), whole.end()};
}

}  // namespace

OutgoingQuery make_query(const dns::Question& question, const QueryStyle& style, Random& random) {
  dns::Header header;
  std::array<std::uint8_t, 2> id;
  random.fill(id);
  header.id = static_cast<std::uint16_t>(id[0] << 8 | id[1]);
  dns::Edns edns;
  edns.dnssec_ok = style.dnssec;
  edns.cookie = style.cookie;
  if (!style.key_tags.empty()) edns.unknown.push_back(key_tag_option(style.key_tags));
  // In lower case where case is no secret: some servers answer so whatever they were asked, and would never match.
  const auto wire = [&] {
    return style.random_case
               ? written(header, question, style.edns ? &edns : nullptr)
               : written(header, {question.name.lowercased(), question.type}, style.edns ? &edns : nullptr);
  };
  OutgoingQuery query{wire(), question.name};
  if (style.edns && style.padded) {
    const std::size_t octets = query.wire.size() + option_head_octets;
    edns.padding = static_cast<std::uint16_t>((query_block - octets % query_block) % query_block);
    query.wire = wire();
  }
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
