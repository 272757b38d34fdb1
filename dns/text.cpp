#include "dns/text.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "dns/rdata.hpp"
#include "dns/reader.hpp"

// Its macros trip the standard library of clang, so it comes last.
// clang-format off
#include <ldns/ldns.h>
// clang-format on

namespace redoubt::dns {

namespace {

/// One record's text. The longest RDATA there is, written as escapes of four characters an octet, fits.
constexpr std::size_t max_record_text = 512 * 1024;

struct FreeRdf {
  void operator()(ldns_rdf* rdf) const { ldns_rdf_deep_free(rdf); }
};
struct FreeRr {
  void operator()(ldns_rr* rr) const { ldns_rr_free(rr); }
};
struct FreeMemory {
  void operator()(void* memory) const { std::free(memory); }
};
struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using Rdf = std::unique_ptr<ldns_rdf, FreeRdf>;
using Rr = std::unique_ptr<ldns_rr, FreeRr>;

Rdf to_rdf(const Name& name) {
  return Rdf{ldns_rdf_new_frm_data(LDNS_RDF_TYPE_DNAME, name.wire().size(), name.wire().data())};
}

/// ldns goes to C strings: an embedded NUL would silently end the text.
bool has_nul(std::string_view text) { return text.find('\0') != std::string_view::npos; }

/// Whatever ldns made of the text is read back by our own reader: what a Record holds is valid by our rules, not by
/// its.
std::expected<Record, std::string> to_record(const ldns_rr* rr) {
  if (ldns_rr_is_question(rr)) return std::unexpected{"a record without data"};
  std::uint8_t* octets = nullptr;
  std::size_t size = 0;
  if (ldns_rr2wire(&octets, rr, LDNS_SECTION_ANSWER, &size) != LDNS_STATUS_OK) return std::unexpected{"no wire form"};
  const std::unique_ptr<std::uint8_t, FreeMemory> owned{octets};
  NameWork work{size};
  WireReader reader{{octets, size}, work};
  Record record;
  record.owner = reader.name();
  record.type = RrType{reader.u16()};
  record.rr_class = RrClass{reader.u16()};
  record.ttl = Ttl::from_wire(reader.u32());
  WireReader window = reader.window(reader.u16());
  read_rdata(record.type, record.rr_class, window, record.rdata);
  reader.adopt(window);
  if (!reader.ok() || reader.left() != 0) {
    const auto error = reader.error();
    return std::unexpected{std::string{describe(error ? error->fault : Fault::left_over)}};
  }
  if (is_meta(record.type)) return std::unexpected{to_text(record.type) + " is no type of data"};
  return record;
}

std::string hexadecimal(std::span<const std::uint8_t> octets) {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(octets.size() * 2);
  for (const std::uint8_t octet : octets) {
    text += digits[octet >> 4];
    text += digits[octet & 0xf];
  }
  return text;
}

/// RFC 3597 §5.
std::string generic_text(std::span<const std::uint8_t> rdata) {
  return "\\# " + std::to_string(rdata.size()) + (rdata.empty() ? "" : " ") + hexadecimal(rdata);
}

/// Everything outside printable ASCII as \DDD, whatever ldns thought of it. A tab between fields may become a blank;
/// one inside a string is data.
std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  bool quoted = false;
  bool escaped = false;
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (c == '"' && !escaped) quoted = !quoted;
    escaped = c == '\\' && !escaped;
    if (octet >= 0x20 && octet < 0x7f) {
      out += c;
    } else if (c == '\t' && !quoted) {
      out += ' ';
    } else {
      out += '\\';
      out += static_cast<char>('0' + octet / 100);
      out += static_cast<char>('0' + octet / 10 % 10);
      out += static_cast<char>('0' + octet % 10);
    }
  }
  return out;
}

/// ldns' text of RDATA, or nothing when it has none that can be read back.
std::optional<std::string> ldns_text(RrType type, RrClass rr_class, std::span<const std::uint8_t> rdata) {
  std::vector<std::uint8_t> wire{0};  // the root as owner
  for (const unsigned value :
       {unsigned{type.value}, unsigned{rr_class.value}, 0U, 0U, static_cast<unsigned>(rdata.size())}) {
    wire.push_back(static_cast<std::uint8_t>(value >> 8));
    wire.push_back(static_cast<std::uint8_t>(value & 0xff));
  }
  wire.insert(wire.end(), rdata.begin(), rdata.end());
  ldns_rr* parsed = nullptr;
  std::size_t at = 0;
  if (ldns_wire2rr(&parsed, wire.data(), wire.size(), &at, LDNS_SECTION_ANSWER) != LDNS_STATUS_OK) return std::nullopt;
  const Rr rr{parsed};
  const std::unique_ptr<char, FreeMemory> line{ldns_rr2str_fmt(ldns_output_format_nocomments, rr.get())};
  if (!line) return std::nullopt;
  std::string_view text{line.get()};
  for (int column = 0; column < 4; ++column) {  // owner, TTL, class, type
    const std::size_t tab = text.find('\t');
    if (tab == std::string_view::npos) return std::nullopt;
    text.remove_prefix(tab + 1);
  }
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  if (text.empty() || text.find('\n') != std::string_view::npos) return std::nullopt;
  return printable(text);
}

std::string section_text(std::string_view title, std::span<const Record> records) {
  if (records.empty()) return {};
  std::string text = "\n;; " + std::string{title} + " SECTION:\n";
  for (const Record& record : records) text += record_to_text(record) + "\n";
  return text;
}

std::string flags_text(const Header& header) {
  std::string text;
  const auto add = [&](bool set, std::string_view name) {
    if (set) text += " " + std::string{name};
  };
  add(header.response, "qr");
  add(header.authoritative, "aa");
  add(header.truncated, "tc");
  add(header.recursion_desired, "rd");
  add(header.recursion_available, "ra");
  add(header.authentic, "ad");
  add(header.checking_disabled, "cd");
  return text;
}

std::string edns_text(const Edns& edns) {
  std::string text = "\n;; OPT PSEUDOSECTION:\n; EDNS: version: " + std::to_string(edns.version) +
                     ", flags:" + (edns.dnssec_ok ? " do" : "") + "; udp: " + std::to_string(edns.udp_payload) + "\n";
  for (const ExtendedError& error : edns.extended_errors) {
    text += "; EDE: " + std::to_string(static_cast<unsigned>(error.code)) + " (" + describe(error.code) + ")";
    text += error.text.empty() ? "\n" : ": (" + printable(error.text) + ")\n";
  }
  if (edns.cookie) text += "; COOKIE: " + hexadecimal(edns.cookie->client) + hexadecimal(edns.cookie->server) + "\n";
  if (edns.nsid) text += "; NSID: " + hexadecimal(*edns.nsid) + "\n";
  return text;
}

/// Reads a master file record by record.
class ZoneReader {
 public:
  ZoneReader(std::string_view text, const Name& origin, std::size_t max_records)
      : text_{text}, max_records_{max_records}, origin_{to_rdf(origin).release()} {}
  ~ZoneReader() {
    ldns_rdf_deep_free(origin_);
    ldns_rdf_deep_free(previous_);
  }
  ZoneReader(const ZoneReader&) = delete;
  ZoneReader& operator=(const ZoneReader&) = delete;

  std::expected<std::vector<Record>, TextError> read() {
    if (const std::size_t nul = text_.find('\0'); nul != std::string_view::npos) {
      const auto before = text_.substr(0, nul);
      return std::unexpected{TextError{static_cast<std::size_t>(std::ranges::count(before, '\n')) + 1, "a NUL octet"}};
    }
    // fmemopen refuses an empty buffer, and only reads from it in this mode.
    if (text_.empty()) return std::vector<Record>{};
    const std::unique_ptr<std::FILE, CloseFile> file{fmemopen(const_cast<char*>(text_.data()), text_.size(), "r")};
    if (!file) return std::unexpected{TextError{0, "no memory"}};
    std::vector<Record> records;
    while (std::feof(file.get()) == 0) {
      if (auto error = read_one(file.get(), records)) return std::unexpected{*error};
    }
    return records;
  }

 private:
  std::optional<TextError> read_one(std::FILE* file, std::vector<Record>& records) {
    ldns_rr* parsed = nullptr;
    const int line_before = line_;
    const ldns_status status = ldns_rr_new_frm_fp_l(&parsed, file, &ttl_, &origin_, &previous_, &line_);
    const Rr rr{parsed};
    const auto line = static_cast<std::size_t>(std::max(line_ == line_before ? line_ + 1 : line_, 1));
    switch (status) {
      case LDNS_STATUS_OK:
        break;
      case LDNS_STATUS_SYNTAX_EMPTY:   // a blank line or a comment
      case LDNS_STATUS_SYNTAX_TTL:     // $TTL, taken
      case LDNS_STATUS_SYNTAX_ORIGIN:  // $ORIGIN, taken
        return std::nullopt;
      case LDNS_STATUS_SYNTAX_INCLUDE:
        return TextError{line, "$INCLUDE is not read here"};
      default:
        return TextError{line, ldns_get_errorstr_by_id(status)};
    }
    auto record = to_record(rr.get());
    if (!record) return TextError{line, record.error()};
    if (records.size() == max_records_)
      return TextError{line, "more than " + std::to_string(max_records_) + " records"};
    records.push_back(std::move(*record));
    return std::nullopt;
  }

  std::string_view text_;
  std::size_t max_records_;
  ldns_rdf* origin_;  // ldns frees and replaces it at $ORIGIN
  ldns_rdf* previous_ = nullptr;
  std::uint32_t ttl_ = 3600;
  int line_ = 0;
};

}  // namespace

std::expected<Record, TextError> record_from_text(std::string_view text, const Name& origin, Ttl default_ttl) {
  if (text.size() > max_record_text) return std::unexpected{TextError{0, "more text than one record can have"}};
  if (has_nul(text)) return std::unexpected{TextError{0, "a NUL octet"}};
  const Rdf base = to_rdf(origin);
  ldns_rr* parsed = nullptr;
  const ldns_status status =
      ldns_rr_new_frm_str(&parsed, std::string{text}.c_str(), default_ttl.seconds(), base.get(), nullptr);
  const Rr rr{parsed};
  if (status != LDNS_STATUS_OK) return std::unexpected{TextError{0, ldns_get_errorstr_by_id(status)}};
  auto record = to_record(rr.get());
  if (!record) return std::unexpected{TextError{0, record.error()}};
  return std::move(*record);
}

std::string rdata_to_text(RrType type, RrClass rr_class, std::span<const std::uint8_t> rdata) {
  if (rdata.size() > 65535 || find_rr_type(type) == nullptr || !is_valid_rdata(type, rr_class, rdata))
    return generic_text(rdata);
  return ldns_text(type, rr_class, rdata).value_or(generic_text(rdata));
}

std::string record_to_text(const Record& record) {
  return record.owner.to_text() + " " + std::to_string(record.ttl.seconds()) + " " + to_text(record.rr_class) + " " +
         to_text(record.type) + " " + rdata_to_text(record.type, record.rr_class, record.rdata);
}

std::expected<std::vector<Record>, TextError> zone_from_text(std::string_view text, const Name& origin,
                                                             std::size_t max_records) {
  return ZoneReader{text, origin, max_records}.read();
}

std::string message_to_text(const Message& message) {
  const Header& header = message.header;
  std::string text =
      ";; ->>HEADER<<- opcode: " +
      (header.opcode == Opcode::query ? std::string{"QUERY"} : std::to_string(static_cast<unsigned>(header.opcode))) +
      ", status: " + to_text(message.rcode()) + ", id: " + std::to_string(header.id) +
      "\n;; flags:" + flags_text(header) + "; QUERY: " + std::to_string(message.question ? 1 : 0) +
      ", ANSWER: " + std::to_string(message.answer.size()) +
      ", AUTHORITY: " + std::to_string(message.authority.size()) +
      ", ADDITIONAL: " + std::to_string(message.additional.size() + (message.edns ? 1 : 0)) + "\n";
  if (message.edns) text += edns_text(*message.edns);
  if (message.question) {
    text += "\n;; QUESTION SECTION:\n;" + message.question->name.to_text() + " " + to_text(message.question->rr_class) +
            " " + to_text(message.question->type) + "\n";
  }
  text += section_text("ANSWER", message.answer);
  text += section_text("AUTHORITY", message.authority);
  text += section_text("ADDITIONAL", message.additional);
  return text;
}

}  // namespace redoubt::dns
