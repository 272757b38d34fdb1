#include "resolver/upstream/reply_match.hpp"

#include <algorithm>

#include "dns/header.hpp"
#include "dns/message.hpp"
#include "dns/reader.hpp"

namespace redoubt::resolver {

bool is_reply_to(std::span<const std::uint8_t> query, std::span<const std::uint8_t> reply) {
  dns::NameWork work{query.size()};
  dns::WireReader reader{query, work};
  const dns::Header asked = dns::read_header(reader);
  reader.uncompressed_name();
  reader.octets(4);
  if (!reader.ok()) return false;
  const std::size_t question_end = reader.at();
  if (reply.size() < question_end) return false;

  dns::NameWork reply_work{reply.size()};
  dns::WireReader reply_reader{reply, reply_work};
  const dns::Header header = dns::read_header(reply_reader);
  return header.id == asked.id && header.response && header.opcode == asked.opcode && header.questions == 1 &&
         std::ranges::equal(query.first(question_end).subspan(dns::header_octets),
                            reply.first(question_end).subspan(dns::header_octets));
}

namespace {

/// The client's part in the reply's OPT; nothing when there is none to be found.
std::optional<std::array<std::uint8_t, 8>> client_part(std::span<const std::uint8_t> reply) {
  const auto message = dns::Message::parse(reply);
  if (!message || !message->edns || !message->edns->cookie) return std::nullopt;
  return message->edns->cookie->client;
}

}  // namespace

bool is_reply_to(std::span<const std::uint8_t> query, std::span<const std::uint8_t> reply,
                 const std::optional<ExpectedCookie>& cookie) {
  if (!is_reply_to(query, reply)) return false;
  if (!cookie) return true;
  const auto part = client_part(reply);
  return part ? *part == cookie->client : !cookie->required;
}

}  // namespace redoubt::resolver
