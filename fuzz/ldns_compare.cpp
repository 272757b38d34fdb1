// Entrance: Message::parse, beside ldns' parser of the same octets. Property: where both accept, both saw the same
// questions and records, names unfolded. Where one alone accepts, the reason is one that is listed here.
#include <algorithm>
#include <memory>

#include "dns/message.hpp"
#include "dns/reader.hpp"
#include "fuzz/require.hpp"

// Its macros trip the standard library of clang, so it comes last.
// clang-format off
#include <ldns/ldns.h>
// clang-format on

using namespace redoubt::dns;
using redoubt::fuzz::require;

namespace {

struct FreePacket {
  void operator()(ldns_pkt* packet) const { ldns_pkt_free(packet); }
};
using Packet = std::unique_ptr<ldns_pkt, FreePacket>;
using Octets = std::vector<std::uint8_t>;

Octets owner_of(const ldns_rr* rr) {
  const ldns_rdf* owner = ldns_rr_owner(rr);
  const std::uint8_t* data = ldns_rdf_data(owner);
  return {data, data + ldns_rdf_size(owner)};
}

Octets rdata_of(const ldns_rr* rr) {
  Octets out;
  for (std::size_t i = 0; i < ldns_rr_rd_count(rr); ++i) {
    const ldns_rdf* field = ldns_rr_rdf(rr, i);
    out.insert(out.end(), ldns_rdf_data(field), ldns_rdf_data(field) + ldns_rdf_size(field));
  }
  return out;
}

/// Whether we keep the record's RDATA as octets from some field on, because nothing in it concerns a resolver. So it is
/// with an ISDN behind its two strings.
bool is_opaque(RrType type, RrClass rr_class) {
  const RrTypeInfo* row = find_rr_type(type);
  if (row == nullptr || rr_class != rr_class::in || type == RrType{20}) return true;
  return std::ranges::any_of(row->fields,
                             [](Field field) { return field == Field::rest || field == Field::rest_nonempty; });
}

/// ldns ends a record where its own format ends, and takes the rest of an opaque one for the next record.
bool is_cut_short(const Record& ours, const Octets& theirs) {
  return is_opaque(ours.type, ours.rr_class) && theirs.size() < ours.rdata.size() &&
         std::ranges::equal(theirs, std::span{ours.rdata}.first(theirs.size()));
}

/// False: ldns lost its place, so that there is no more to compare.
bool compare_section(std::span<const Record> ours, const ldns_rr_list* theirs) {
  require(ours.size() == ldns_rr_list_rr_count(theirs), "the same number of records");
  for (std::size_t i = 0; i < ours.size(); ++i) {
    const ldns_rr* rr = ldns_rr_list_rr(theirs, i);
    require(std::ranges::equal(ours[i].owner.wire(), owner_of(rr)), "the same owner");
    require(ours[i].type.value == static_cast<unsigned>(ldns_rr_get_type(rr)), "the same type");
    require(ours[i].rr_class.value == static_cast<unsigned>(ldns_rr_get_class(rr)), "the same class");
    require(ours[i].ttl.seconds() == ldns_rr_ttl(rr), "the same TTL");
    const Octets rdata = rdata_of(rr);
    if (is_cut_short(ours[i], rdata)) return false;
    require(ours[i].rdata == rdata, "the same RDATA");
  }
  return true;
}

void compare(const Message& ours, const ldns_pkt* theirs) {
  require(ours.header.id == ldns_pkt_id(theirs), "the same id");
  require(ours.header.rcode_low == static_cast<unsigned>(ldns_pkt_get_rcode(theirs)), "the same rcode");
  const ldns_rr_list* questions = ldns_pkt_question(theirs);
  require(ldns_rr_list_rr_count(questions) == (ours.question ? 1U : 0U), "the same number of questions");
  if (ours.question) {
    const ldns_rr* question = ldns_rr_list_rr(questions, 0);
    require(std::ranges::equal(ours.question->name.wire(), owner_of(question)), "the same question");
    require(ours.question->type.value == static_cast<unsigned>(ldns_rr_get_type(question)), "the same type");
  }
  if (!compare_section(ours.answer, ldns_pkt_answer(theirs))) return;
  if (!compare_section(ours.authority, ldns_pkt_authority(theirs))) return;
  std::vector<Record> additional = ours.additional;  // ldns keeps TSIG apart, as it does OPT
  std::erase_if(additional, [](const Record& record) { return record.type == type::tsig; });
  if (!compare_section(additional, ldns_pkt_additional(theirs))) return;
  if (ours.edns) require(ours.edns->udp_payload == ldns_pkt_edns_udp_size(theirs), "the same EDNS payload");
}

/// Whether some record has RDATA that we keep as octets, because nothing in it concerns a resolver, while ldns looks
/// into it. It reads A and AAAA in the form of class IN whatever the class (RFC 3597 §3 says otherwise), and where its
/// format ends before the RDATA does it takes what follows for the next record.
bool has_opaque_record(std::span<const std::uint8_t> wire) {
  NameWork work{wire.size()};
  WireReader reader{wire, work};
  const Header header = read_header(reader);
  for (unsigned i = 0; i < header.questions && reader.ok(); ++i) {
    reader.name();
    reader.u32();
  }
  while (reader.ok() && reader.left() != 0) {
    reader.name();
    const RrType type{reader.u16()};
    const RrClass rr_class{reader.u16()};
    reader.u32();
    reader.window(reader.u16());
    if (is_opaque(type, rr_class)) return true;
  }
  return false;
}

/// ldns reads addresses in the form of class IN whatever the class, the name of an NSAP-PTR (RFC 1348) as a string, and
/// a SINK to the end of its first string; the rest of such RDATA it loses, or takes for the next record.
bool is_read_otherwise(const Record& record) {
  const bool address = record.type == type::a || record.type == type::aaaa || record.type == RrType{11};
  return (address && record.rr_class != rr_class::in) || record.type == RrType{23} || record.type == RrType{40};
}

bool has_record_read_otherwise(const Message& message) {
  return std::ranges::any_of(message.answer, is_read_otherwise) ||
         std::ranges::any_of(message.authority, is_read_otherwise) ||
         std::ranges::any_of(message.additional, is_read_otherwise);
}

/// ldns refuses a pointer to the first octet of the message, which we take for what it points at.
bool has_pointer_to_start(std::span<const std::uint8_t> wire) {
  return std::ranges::adjacent_find(wire, [](std::uint8_t a, std::uint8_t b) { return a == 0xc0 && b == 0; }) !=
         wire.end();
}

/// ldns accepts and we do not.
bool we_may_refuse(Fault fault) {
  switch (fault) {
    case Fault::bad_count:              // more than one question (RFC 9619)
    case Fault::left_over:              // octets behind the message or behind the last field
    case Fault::bad_option:             // EDNS options are octets to ldns
    case Fault::duplicate_opt:          // the last one counts there
    case Fault::misplaced_record:       // OPT and TSIG may stand anywhere there
    case Fault::compressed_name:        // it unfolds names of every type, and that of the question
    case Fault::bad_rdata:              // type bitmaps are not checked
    case Fault::work_exceeded:          // there is no bound for the whole message
    case Fault::short_read:             // empty RDATA is a record without fields there
    case Fault::pointer_not_backwards:  // it follows them forward, too, until it has counted enough
      return true;
    case Fault::bad_label_type:
    case Fault::name_too_long:
    case Fault::too_large:
      return false;
  }
  return false;
}

}  // namespace

/// ldns forgets memory on several of its error paths, which is not what is tested here.
extern "C" const char* __lsan_default_suppressions() { return "leak:libldns"; }

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < header_octets || size > 65535) return 0;
  const std::span input{data, size};
  const auto ours = Message::parse(input);
  ldns_pkt* parsed = nullptr;
  const ldns_status status = ldns_wire2pkt(&parsed, data, size);
  const Packet theirs{status == LDNS_STATUS_OK ? parsed : nullptr};
  if (ours && theirs) {
    if (!has_record_read_otherwise(*ours)) compare(*ours, theirs.get());
  } else if (ours) {
    const bool known =
        has_opaque_record(input) || (status == LDNS_STATUS_INVALID_POINTER && has_pointer_to_start(input));
    if (!known) std::fprintf(stderr, "ldns: %s\n", ldns_get_errorstr_by_id(status));
    require(known, "ldns refuses for a reason that is known");
  } else if (theirs && !has_opaque_record(input)) {
    require(we_may_refuse(ours.error().fault), "we refuse for a reason that is known");
  }
  return 0;
}
