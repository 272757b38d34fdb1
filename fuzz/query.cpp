// Entrance: parse_query. Properties: where Message::parse accepts too, both saw the same; what was accepted obeys RFC
// 9619; an answer (QR) is never worth a reply.
#include "dns/message.hpp"
#include "fuzz/require.hpp"

using namespace redoubt::dns;
using redoubt::fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span input{data, size};
  const auto query = parse_query(input);
  const bool answer = size > 2 && (data[2] & 0x80) != 0;
  if (!query) {
    require(
        (query.error().fault == QueryFault::ignore) == (answer || size < header_octets || size > max_message_octets),
        "silence is for answers and fragments, and for nothing else");
    return 0;
  }
  require(!answer, "an answer is no query");
  require(query->header.questions == 1 && query->header.answers == 0 && query->header.authorities == 0, "RFC 9619");
  const auto message = Message::parse(input);
  if (!message) return 0;  // it checks the RDATA of additional records too
  require(message->question && message->question->name.identical(query->question.name), "the same name");
  require(message->question->type == query->question.type && message->question->rr_class == query->question.rr_class,
          "the same type and class");
  require(message->edns == query->edns, "the same EDNS");
  require(message->header == query->header, "the same header");
  return 0;
}
