#include "resolver/render/render.hpp"

#include <algorithm>

#include "dns/unwritten.hpp"
#include "dns/writer.hpp"

namespace redoubt::resolver {

namespace {

/// Longer explanations are cut, so that header, question and OPT fit every client's buffer (attacks: reply trimming).
constexpr std::size_t max_error_text = 154;

constexpr std::size_t option_head_octets = 4;
/// Of an OPT record: its name, the root, then type, class, TTL and length (RFC 6891 §6.1.2).
constexpr std::size_t opt_head_octets = 11;

dns::Ttl left_of(const HeldRRset& held, Instant now, bool stale) {
  if (stale && held.expires() <= now) return stale_ttl;
  const auto left = std::chrono::ceil<std::chrono::seconds>(held.expires() - now).count();
  return dns::Ttl::from_wire(static_cast<std::uint32_t>(std::clamp<std::int64_t>(left, 0, held.ttl().seconds())));
}

dns::Header answer_header(const dns::Header& asked) {
  dns::Header header;
  header.id = asked.id;
  header.response = true;
  header.opcode = asked.opcode;
  header.recursion_desired = asked.recursion_desired;
  header.checking_disabled = asked.checking_disabled;
  header.recursion_available = true;
  return header;
}

std::vector<std::uint8_t> answer_opt(const dns::Edns& asked, const Outcome& outcome, const Extras& extras) {
  dns::Edns edns;
  edns.dnssec_ok = asked.dnssec_ok;  // RFC 3225 §3
  edns.extended_rcode = static_cast<std::uint8_t>(static_cast<unsigned>(outcome.rcode) >> 4);
  if (asked.nsid && !extras.nsid.empty()) edns.nsid.emplace(extras.nsid.begin(), extras.nsid.end());
  edns.cookie = extras.cookie;
  if (outcome.error) {
    edns.extended_errors.push_back(*outcome.error);
    std::string& text = edns.extended_errors.back().text;
    text.resize(std::min(text.size(), max_error_text));
    if (outcome.remembered_failure) edns.extended_errors.push_back({dns::EdeCode::cached_error, ""});
  }
  return dns::edns_to_wire(edns);
}

/// Appends the option that makes the whole message a multiple of `block`, or fills the room. written: octets of the
/// message before this OPT record.
void pad(std::vector<std::uint8_t>& opt, std::size_t written, std::size_t room, std::size_t block) {
  const std::size_t octets = written + opt.size() + option_head_octets;
  if (octets > room) return;
  const std::size_t zeros = std::min((block - octets % block) % block, room - octets);
  for (const std::size_t half : {std::size_t{static_cast<std::uint16_t>(dns::OptionCode::padding)}, zeros}) {
    opt.push_back(static_cast<std::uint8_t>(half >> 8U));
    opt.push_back(static_cast<std::uint8_t>(half));
  }
  opt.resize(opt.size() + zeros);
  const std::size_t rdata = opt.size() - opt_head_octets;
  opt[opt_head_octets - 2] = static_cast<std::uint8_t>(rdata >> 8U);
  opt[opt_head_octets - 1] = static_cast<std::uint8_t>(rdata);
}

bool write_rrset(dns::WireWriter& writer, const HeldRRset& held, const dns::Question& asked, Instant now, bool stale,
                 std::uint16_t& count) {
  const dns::Name own = held.owner();
  const dns::Name& owner = own == asked.name ? asked.name : own;  // in the asker's own case
  const dns::Ttl ttl = left_of(held, now, stale);
  const dns::WireWriter::Mark mark = writer.mark();
  for (const auto rdata : held.rdata()) {
    if (writer.record(owner, held.type(), asked.rr_class, ttl, rdata)) continue;
    writer.back_to(mark);
    return false;
  }
  count = static_cast<std::uint16_t>(count + held.rdata().count());
  return true;
}

/// Where the records of one message go.
struct Sections {
  dns::WireWriter& writer;
  const dns::Question& asked;
  Instant now;
  bool stale;
  bool put(const HeldRRset& held, std::uint16_t& count) const {
    return write_rrset(writer, held, asked, now, stale, count);
  }
};

/// Each RRset with its signatures behind it, for those who know what they are (RFC 4035 §3.2.1).
bool write_answer(const Sections& sections, const Outcome& outcome, bool dnssec_ok, std::uint16_t& count) {
  for (std::size_t i = 0; i < outcome.answer.size(); ++i) {
    if (!sections.put(*outcome.answer[i], count)) return false;
    const SharedEvidence evidence = i < outcome.answer_evidence.size() ? outcome.answer_evidence[i] : nullptr;
    if (dnssec_ok && evidence && evidence->signatures && !sections.put(*evidence->signatures, count)) return false;
  }
  return true;
}

/// The SOA of a denial and what proves it, or what proves that answers may come from a wildcard.
bool write_authority(const Sections& sections, const Outcome& outcome, bool dnssec_ok, std::uint16_t& count) {
  if (outcome.authority && !sections.put(*outcome.authority, count)) return false;
  if (!dnssec_ok) return true;
  const auto put_proof = [&](const SharedEvidence& evidence) {
    return !evidence ||
           std::ranges::all_of(evidence->proof, [&](const SharedRRset& held) { return sections.put(*held, count); });
  };
  const SharedEvidence& denial = outcome.denial_evidence;
  if (denial && denial->signatures && outcome.authority && !sections.put(*denial->signatures, count)) return false;
  return put_proof(denial) && std::ranges::all_of(outcome.answer_evidence, put_proof);
}

}  // namespace

Rendered render(const dns::Query& query, const Outcome& outcome, Instant now, std::span<std::uint8_t> room,
                const Extras& extras) {
  REDOUBT_UNWRITTEN dns::WireWriter writer{room};
  dns::Header header = answer_header(query.header);
  header.rcode_low = static_cast<std::uint8_t>(static_cast<unsigned>(outcome.rcode) & 0xf);
  if (writer.question(query.question)) header.questions = 1;
  std::vector<std::uint8_t> opt = query.edns ? answer_opt(*query.edns, outcome, extras) : std::vector<std::uint8_t>{};
  const bool padded = extras.padding_block != 0 && query.edns && query.edns->padding;
  writer.reserve(opt.size() + (padded ? option_head_octets : 0));
  const bool dnssec_ok = query.edns && query.edns->dnssec_ok;
  header.authentic = outcome.is_secure() && (dnssec_ok || query.header.authentic);  // RFC 6840 §5.7, §5.8
  const Sections sections{writer, query.question, now, outcome.stale};
  bool whole = write_answer(sections, outcome, dnssec_ok, header.answers);
  whole = whole && write_authority(sections, outcome, dnssec_ok, header.authorities);
  header.truncated = !whole;
  writer.release();
  if (padded) pad(opt, writer.size(), room.size(), extras.padding_block);
  if (!opt.empty() && writer.raw_record(opt)) header.additionals = 1;
  return {writer.finish(header).size(), !whole};
}

std::size_t render_slip(const dns::Query& query, std::span<std::uint8_t> room, const Extras& extras) {
  Outcome nothing;
  nothing.rcode = extras.cookie ? dns::Rcode::badcookie : dns::Rcode::noerror;
  REDOUBT_UNWRITTEN dns::WireWriter writer{room};
  dns::Header header = answer_header(query.header);
  header.rcode_low = static_cast<std::uint8_t>(static_cast<unsigned>(nothing.rcode) & 0xf);
  header.truncated = !extras.cookie;
  if (writer.question(query.question)) header.questions = 1;
  if (query.edns && writer.raw_record(answer_opt(*query.edns, nothing, extras))) header.additionals = 1;
  return writer.finish(header).size();
}

std::size_t render_fault(const dns::QueryError& error, std::span<std::uint8_t> room) {
  REDOUBT_UNWRITTEN dns::WireWriter writer{room};
  dns::Header header = answer_header(error.header);
  switch (error.fault) {
    case dns::QueryFault::ignore:
    case dns::QueryFault::formerr:
      header.rcode_low = static_cast<std::uint8_t>(dns::Rcode::formerr);
      break;
    case dns::QueryFault::notimp:
      header.rcode_low = static_cast<std::uint8_t>(dns::Rcode::notimp);
      break;
    case dns::QueryFault::badvers: {
      dns::Edns edns;
      edns.extended_rcode = static_cast<std::uint8_t>(static_cast<unsigned>(dns::Rcode::badvers) >> 4);
      if (writer.raw_record(dns::edns_to_wire(edns))) header.additionals = 1;
      break;
    }
  }
  return writer.finish(header).size();
}

}  // namespace redoubt::resolver
