#include "dns/message.hpp"

#include <algorithm>

#include "dns/rdata.hpp"
#include "dns/reader.hpp"
#include "dns/writer.hpp"

namespace redoubt::dns {

namespace {

/// The least that a record takes: root owner, type, class, TTL, length.
constexpr std::size_t least_record_octets = 11;
constexpr std::size_t least_question_octets = 5;

/// The first name of a message has nothing before it that a pointer could rightly lead to.
Question read_question(WireReader& reader) {
  return Question{.name = reader.uncompressed_name(), .type = {reader.u16()}, .rr_class = {reader.u16()}};
}

enum class Section : std::uint8_t { answer, authority, additional };

/// One pass over the records of a message, section by section.
class RecordReader {
 public:
  RecordReader(WireReader& reader, Message& message) : reader_{&reader}, message_{&message} {}

  void section(Section section, std::size_t count) {
    for (std::size_t i = 0; i < count && reader_->ok(); ++i) record(section);
  }

 private:
  void record(Section section) {
    if (transaction_seen_)
      return reader_->fail(
          Fault::misplaced_record);  // TSIG and SIG(0) end their message (RFC 8945 §5.1, RFC 2931 §3.1)
    const Name owner = reader_->name();
    const RrType type{reader_->u16()};
    const std::uint16_t class_field = reader_->u16();
    const std::uint32_t ttl_field = reader_->u32();
    const std::uint16_t length = reader_->u16();
    WireReader window = reader_->window(length);
    if (!reader_->ok()) return;
    if (type == type::opt) return opt(section, owner, class_field, ttl_field, window);

    const bool transaction = type == type::tsig || (type == type::sig && length >= 2 && covers_nothing(window));
    if (transaction && section != Section::additional) return reader_->fail(Fault::misplaced_record);
    transaction_seen_ = transaction;
    Record out{owner, type, {class_field}, Ttl::from_wire(ttl_field), {}};
    out.rdata.reserve(length);
    read_rdata(type, out.rr_class, window, out.rdata);
    if (out.rdata.size() > max_message_octets) window.fail(Fault::too_large);
    reader_->adopt(window);
    if (reader_->ok()) list(section).push_back(std::move(out));
  }

  void opt(Section section, const Name& owner, std::uint16_t udp_payload, std::uint32_t ttl_field,
           const WireReader& window) {
    if (message_->edns) return reader_->fail(Fault::duplicate_opt);
    if (section != Section::additional || !owner.is_root()) return reader_->fail(Fault::misplaced_record);
    auto edns = parse_edns(udp_payload, ttl_field, window);
    if (!edns) return reader_->fail(edns.error().fault);
    message_->edns = std::move(*edns);
  }

  /// SIG(0): the type covered is zero (RFC 2931 §3).
  static bool covers_nothing(WireReader window) { return window.u16() == 0; }

  std::vector<Record>& list(Section section) {
    switch (section) {
      case Section::answer:
        return message_->answer;
      case Section::authority:
        return message_->authority;
      case Section::additional:
        break;
    }
    return message_->additional;
  }

  WireReader* reader_;
  Message* message_;
  bool transaction_seen_ = false;
};

bool same_rrset(const Record& left, const Record& right) {
  return left.type == right.type && left.rr_class == right.rr_class && left.owner == right.owner;
}

/// Writes a section RRset by RRset, for as long as whole ones fit. False when some were left out.
bool write_section(WireWriter& writer, std::span<const Record> records, std::uint16_t& count) {
  for (std::size_t first = 0; first < records.size();) {
    std::size_t last = first + 1;
    while (last < records.size() && same_rrset(records[first], records[last])) ++last;
    const WireWriter::Mark mark = writer.mark();
    for (std::size_t i = first; i < last; ++i) {
      const Record& record = records[i];
      if (writer.record(record.owner, record.type, record.rr_class, record.ttl, record.rdata)) continue;
      writer.back_to(mark);
      return false;
    }
    count = static_cast<std::uint16_t>(count + (last - first));
    first = last;
  }
  return true;
}

}  // namespace

Rcode Message::rcode() const {
  const unsigned high = edns ? edns->extended_rcode : 0U;
  return static_cast<Rcode>(high << 4 | header.rcode_low);
}

void Message::set_rcode(Rcode rcode) {
  const unsigned value = static_cast<unsigned>(rcode);
  header.rcode_low = static_cast<std::uint8_t>(value & 0xf);
  if (edns) edns->extended_rcode = static_cast<std::uint8_t>(value >> 4);
}

Parsed<Message> Message::parse(std::span<const std::uint8_t> wire) {
  if (wire.size() > max_message_octets) return std::unexpected{WireError{Fault::too_large, 65535}};
  NameWork work{wire.size()};
  WireReader reader{wire, work};
  Message message;
  message.header = read_header(reader);
  const Header& header = message.header;
  if (header.questions > 1) reader.fail(Fault::bad_count);
  const std::size_t records = std::size_t{header.answers} + header.authorities + header.additionals;
  if (header.questions * least_question_octets + records * least_record_octets > reader.left())
    reader.fail(Fault::bad_count);
  if (header.questions == 1 && reader.ok()) message.question = read_question(reader);
  RecordReader body{reader, message};
  body.section(Section::answer, header.answers);
  body.section(Section::authority, header.authorities);
  body.section(Section::additional, header.additionals);
  return reader.finish(std::move(message));
}

std::vector<std::uint8_t> Message::to_wire(std::size_t limit) const {
  std::vector<std::uint8_t> buffer(std::min(limit, max_message_octets));
  WireWriter writer{buffer, buffer.size()};
  Header out = header;
  out.questions = out.answers = out.authorities = out.additionals = 0;
  if (question && writer.question(*question)) out.questions = 1;
  const std::vector<std::uint8_t> opt = edns ? edns_to_wire(*edns) : std::vector<std::uint8_t>{};
  writer.reserve(opt.size());
  bool whole = write_section(writer, answer, out.answers);
  whole = whole && write_section(writer, authority, out.authorities);
  // A transaction signature ends the message, so OPT goes before it (RFC 8945 §5.1).
  const bool signed_at_end =
      !additional.empty() && (additional.back().type == type::tsig || additional.back().type == type::sig);
  const auto before = std::span{additional}.first(additional.size() - (signed_at_end ? 1 : 0));
  if (!whole) {
    out.truncated = true;
  } else {
    write_section(writer, before, out.additionals);
  }
  writer.release();
  if (edns && writer.raw_record(opt)) ++out.additionals;
  if (signed_at_end) write_section(writer, std::span{additional}.last(1), out.additionals);
  const auto finished = writer.finish(out);
  buffer.resize(finished.size());
  return buffer;
}

}  // namespace redoubt::dns
