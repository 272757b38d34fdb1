// parse_query: what a server reads of a client's message, without keeping any of it.
#include "dns/message.hpp"
#include "dns/reader.hpp"

namespace redoubt::dns {

namespace {

/// Steps over the additional records of a query: OPT is read, TSIG and the like are passed. Their RDATA is nobody's
/// business here.
void read_additional(WireReader& reader, std::size_t count, std::optional<Edns>& edns) {
  bool transaction_seen = false;
  for (std::size_t i = 0; i < count && reader.ok(); ++i) {
    if (transaction_seen) return reader.fail(Fault::misplaced_record);
    const Name owner = reader.name();
    const RrType type{reader.u16()};
    const std::uint16_t class_field = reader.u16();
    const std::uint32_t ttl_field = reader.u32();
    const WireReader window = reader.window(reader.u16());
    if (!reader.ok()) return;
    transaction_seen = type == type::tsig || type == type::sig;
    if (type != type::opt) continue;
    if (edns) return reader.fail(Fault::duplicate_opt);
    if (!owner.is_root()) return reader.fail(Fault::misplaced_record);
    auto parsed = parse_edns(class_field, ttl_field, window);
    if (!parsed) return reader.fail(parsed.error().fault);
    edns = std::move(*parsed);
  }
}

}  // namespace

std::expected<Query, QueryError> parse_query(std::span<const std::uint8_t> wire) {
  if (wire.size() < header_octets || wire.size() > max_message_octets)
    return std::unexpected{QueryError{QueryFault::ignore, {}}};
  NameWork work{wire.size()};
  WireReader reader{wire, work};
  Query query;
  query.header = read_header(reader);
  const Header& header = query.header;
  const auto fault = [&](QueryFault kind) { return std::unexpected{QueryError{kind, header}}; };
  if (header.response) return fault(QueryFault::ignore);
  if (header.opcode != Opcode::query) return fault(QueryFault::notimp);
  if (header.questions != 1 || header.answers != 0 || header.authorities != 0) return fault(QueryFault::formerr);
  query.question = Question{.name = reader.uncompressed_name(), .type = {reader.u16()}, .rr_class = {reader.u16()}};
  read_additional(reader, header.additionals, query.edns);
  if (!reader.ok() || reader.left() != 0) return fault(QueryFault::formerr);
  if (query.edns && query.edns->version != 0) return fault(QueryFault::badvers);
  return query;
}

}  // namespace redoubt::dns
