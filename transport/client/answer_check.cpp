#include "transport/client/answer_check.hpp"

#include <algorithm>

#include "dns/header.hpp"
#include "dns/reader.hpp"

namespace redoubt::transport {

namespace {

/// Octets of the question behind the header, name, type and class; 0 when there is none that can be read.
std::size_t question_octets(std::span<const std::uint8_t> query) {
  dns::NameWork work{query.size()};
  dns::WireReader reader{query, work};
  reader.octets(dns::header_octets);
  reader.uncompressed_name();
  reader.u32();
  return reader.ok() ? reader.at() - dns::header_octets : 0;
}

dns::Header header_of(std::span<const std::uint8_t> message) {
  dns::NameWork work{message.size()};
  dns::WireReader reader{message, work};
  return dns::read_header(reader);
}

}  // namespace

bool is_query(std::span<const std::uint8_t> message) {
  if (message.size() < dns::header_octets || message.size() > 65535) return false;
  const dns::Header header = header_of(message);
  return !header.response && header.questions == 1 && question_octets(message) != 0;
}

bool answers(std::span<const std::uint8_t> query, std::span<const std::uint8_t> message) {
  const std::size_t compared = dns::header_octets + question_octets(query);
  if (message.size() < compared) return false;
  const dns::Header asked = header_of(query);
  const dns::Header header = header_of(message);
  if (!header.response || header.id != asked.id || header.opcode != asked.opcode || header.questions != 1) return false;
  return std::ranges::equal(query.subspan(0, compared).subspan(dns::header_octets),
                            message.subspan(0, compared).subspan(dns::header_octets));
}

}  // namespace redoubt::transport
