#include "resolver/upstream/reply_match.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "dns/header.hpp"
#include "dns/message.hpp"
#include "dns/reader.hpp"

namespace redoubt::resolver {

bool is_reply_to(std::span<const std::uint8_t> query, std::span<const std::uint8_t> reply) {
  dns::NameWork work{query.size()};
  dns::WireReader reader{query, work};
  const dns::Header asked = dns::read_header(reader);
  reader.skip_name();
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

constexpr std::size_t client_octets = std::tuple_size_v<decltype(dns::Cookie::client)>;

/// The client's part in the reply's OPT; nothing when there is none to be found. The message is read whole only later,
/// by whoever takes it: here every forged one comes by.
std::optional<std::array<std::uint8_t, client_octets>> client_part(std::span<const std::uint8_t> reply) {
  dns::NameWork work{reply.size()};
  dns::WireReader reader{reply, work};
  const dns::Header header = dns::read_header(reader);
  if (header.questions != 1) return std::nullopt;
  reader.skip_name();
  reader.octets(4);
  std::size_t records = std::size_t{header.answers} + header.authorities + header.additionals;
  for (; records > 0 && reader.ok(); --records) {
    reader.skip_name();
    const dns::RrType type{reader.u16()};
    reader.octets(2 + 4);  // class and TTL
    dns::WireReader rdata = reader.window(reader.u16());
    if (type != dns::type::opt) continue;
    while (rdata.ok() && rdata.left() != 0) {
      const std::uint16_t code = rdata.u16();
      const auto option = rdata.octets(rdata.u16());
      if (code != static_cast<std::uint16_t>(dns::OptionCode::cookie) || option.size() < client_octets) continue;
      std::array<std::uint8_t, client_octets> part;
      std::ranges::copy(option.first(client_octets), part.begin());
      return part;
    }
    return std::nullopt;
  }
  return std::nullopt;
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
