#include "dns/text.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <memory>

#include "dns/rdata.hpp"
#include "dns/reader.hpp"
#include "dns/text_lines.hpp"
#include "dns/text_plain.hpp"
#include "dns/text_reading.hpp"

// Its macros trip the standard library of clang, so it comes last.
// clang-format off
#include <ldns/ldns.h>
// clang-format on

namespace redoubt::dns {

namespace {

constexpr RrType wks{11};

struct FreeRdf {
  void operator()(ldns_rdf* rdf) const { ldns_rdf_deep_free(rdf); }
};
struct FreeRr {
  void operator()(ldns_rr* rr) const { ldns_rr_free(rr); }
};
struct FreeMemory {
  void operator()(void* memory) const { std::free(memory); }
};
using Rdf = std::unique_ptr<ldns_rdf, FreeRdf>;
using Rr = std::unique_ptr<ldns_rr, FreeRr>;

Rdf to_rdf(const Name& name) {
  return Rdf{ldns_rdf_new_frm_data(LDNS_RDF_TYPE_DNAME, name.wire().size(), name.wire().data())};
}

bool is_blank(char c) { return c == ' ' || c == '\t'; }

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
  if (record.rr_class != rr_class::in && (record.type == type::a || record.type == type::aaaa || record.type == wks))
    return std::unexpected{"an address of another class than IN"};  // ldns read it as if it were of class IN
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

/// Where a token `\#` begins, not inside quotes and not part of something longer: the sign of RFC 3597's generic form.
std::size_t generic_mark(std::string_view text) {
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool begins = i > 0 && is_blank(text[i - 1]);
    if (!quoted && begins && text.substr(i, 3) == "\\# ") return i;
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    }
  }
  return std::string_view::npos;
}

/// "4 0a00 0001": the number of octets, then their digits, with blanks wherever one likes.
std::optional<std::vector<std::uint8_t>> generic_octets(std::string_view text) {
  std::size_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc{} || count > 65535) return std::nullopt;
  std::vector<std::uint8_t> octets;
  int high = -1;
  for (const char c : text.substr(static_cast<std::size_t>(end - text.data()))) {
    if (is_blank(c)) continue;
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0) return std::nullopt;
    if (high >= 0) octets.push_back(static_cast<std::uint8_t>(high << 4 | digit));
    high = high < 0 ? digit : -1;
  }
  if (high >= 0 || octets.size() != count) return std::nullopt;
  return octets;
}

}  // namespace

std::expected<Name, std::string> read_owner(std::string_view text, const Name& origin) {
  if (text == "@") return origin;
  const auto name = Name::from_text(text);
  if (!name) return std::unexpected{std::string{describe(name.error().fault)}};
  std::size_t escapes = 0;  // in front of the last character: a dot behind an odd number of them is an octet of a label
  while (escapes + 1 < text.size() && text[text.size() - 2 - escapes] == '\\') ++escapes;
  if (text.back() == '.' && escapes % 2 == 0) return *name;
  const auto absolute = name->with_suffix_replaced(Name{}, origin);
  if (!absolute) return std::unexpected{std::string{describe(NameTextFault::name_too_long)}};
  return *absolute;
}

namespace {

/// One line, its RDATA in a form that ldns knows. The owner is read here, for ldns has room for 255 characters of it
/// only, and escaped octets take four each.
std::expected<Record, std::string> read_known(std::string_view text, const Surroundings& around) {
  std::size_t end = 0;  // of the owner, which is missing where the line begins with a blank
  while (end < text.size() && !is_blank(text[end])) end += text[end] == '\\' ? 2 : 1;
  end = std::min(end, text.size());
  if (end == 0 && !around.previous_owner) return std::unexpected{"no owner, and none before it"};
  const auto owner = end == 0 ? *around.previous_owner : read_owner(text.substr(0, end), around.origin);
  if (!owner) return std::unexpected{owner.error()};
  const auto behind = with_numbered_types(text.substr(end));
  if (!behind) return std::unexpected{behind.error()};
  const std::string line = "." + *behind;
  const Rdf base = to_rdf(around.origin);
  ldns_rr* parsed = nullptr;
  const ldns_status status = ldns_rr_new_frm_str(&parsed, line.c_str(), around.ttl.seconds(), base.get(), nullptr);
  const Rr rr{parsed};
  if (status != LDNS_STATUS_OK) return std::unexpected{ldns_get_errorstr_by_id(status)};
  auto record = to_record(rr.get());
  if (record) record->owner = *owner;
  return record;
}

/// The generic form, which ldns reads through the type's own format, losing what does not fit: so it gets to see the
/// front of the line only, with a type of private use in the type's place.
std::expected<Record, std::string> read_generic(std::string_view front, std::string_view data,
                                                const Surroundings& around) {
  while (!front.empty() && is_blank(front.back())) front.remove_suffix(1);
  const std::size_t type_at = front.find_last_of(" \t") + 1;  // 0 when there is no blank
  const auto type = rr_type_from_text(front.substr(type_at));
  if (type_at == 0 || !type) return std::unexpected{"an unknown type"};
  if (is_meta(*type)) return std::unexpected{to_text(*type) + " is no type of data"};
  auto record = read_known(std::string{front.substr(0, type_at)} + "TYPE65534 \\# 0", around);
  if (!record) return record;
  auto octets = generic_octets(data);
  if (!octets) return std::unexpected{"octets that are not as many hexadecimal pairs as they say"};
  record->type = *type;
  record->rdata = std::move(*octets);
  if (!is_valid_rdata(record->type, record->rr_class, record->rdata))
    return std::unexpected{std::string{describe(Fault::bad_rdata)}};
  return record;
}

}  // namespace

std::expected<Record, std::string> read_line(std::string_view text, const Surroundings& around) {
  const std::size_t mark = generic_mark(text);
  if (mark == std::string_view::npos) {
    // ldns has never heard of it.
    if (auto plain = read_plain_line(text, around); plain && plain->type == dsync_type) return std::move(*plain);
    return read_known(text, around);
  }
  return read_generic(text.substr(0, mark), text.substr(mark + 3), around);
}

std::optional<std::string> follow_directive(std::string_view text, Surroundings& around) {
  const std::size_t end = std::min(text.find(' '), text.size());
  const std::string_view directive = text.substr(0, end);
  std::string value{text.substr(end)};
  value.erase(0, value.find_first_not_of(' '));
  value.erase(value.find_last_not_of(' ') + 1);
  if (directive == "$TTL") {
    const char* behind = nullptr;
    const std::uint32_t seconds = ldns_str2period(value.c_str(), &behind);  // "3600" and "1h"
    if (value.empty() || behind == nullptr || *behind != '\0') return "$TTL without a time";
    around.ttl = Ttl::from_wire(seconds);
    return std::nullopt;
  }
  if (directive == "$ORIGIN") {
    const auto origin = read_owner(value, around.origin);
    if (!origin) return origin.error();
    around.origin = *origin;
    return std::nullopt;
  }
  return std::string{directive} + " is not read here";
}

namespace {

/// ldns prints some RDATA in a way that it cannot read, or reads as something else (base32 with padding, times beyond
/// 2106). What we show is what anyone can load again, so such RDATA is shown in the generic form.
bool reads_back(std::string_view text, RrType type, RrClass rr_class, std::span<const std::uint8_t> rdata) {
  const auto record = record_from_text(". 0 " + to_text(rr_class) + " " + to_text(type) + " " + std::string{text});
  return record && record->type == type && record->rr_class == rr_class && std::ranges::equal(record->rdata, rdata);
}

}  // namespace

std::expected<Record, TextError> record_from_text(std::string_view text, const Name& origin, Ttl default_ttl) {
  MasterFileLines lines{text};
  const auto line = lines.next();
  if (!line) return std::unexpected{TextError{0, line.error().what}};
  if (!*line) return std::unexpected{TextError{0, "no record"}};
  const auto more = lines.next();
  if (!more || *more) return std::unexpected{TextError{0, "more than one record"}};
  auto record = read_line((*line)->text, {origin, default_ttl, origin});
  if (!record) return std::unexpected{TextError{0, record.error()}};
  return std::move(*record);
}

std::string rdata_to_text(RrType type, RrClass rr_class, std::span<const std::uint8_t> rdata) {
  // For each bit of a WKS ldns looks through the machine's list of services: 300 octets took a quarter of a second.
  const bool is_slow = type == RrType{11};
  if (is_slow || rdata.size() > 65535 || find_rr_type(type) == nullptr || !is_valid_rdata(type, rr_class, rdata))
    return generic_text(rdata);
  if (type == dsync_type) {  // ldns has never heard of it, and read_plain_line() reads class IN alone
    std::string plain;
    return rr_class == rr_class::in && append_plain_rdata(plain, type, rdata) ? plain : generic_text(rdata);
  }
  const auto text = ldns_text(type, rr_class, rdata);
  return text && reads_back(*text, type, rr_class, rdata) ? *text : generic_text(rdata);
}

std::string record_to_text(const Record& record) {
  return record.owner.to_text() + " " + std::to_string(record.ttl.seconds()) + " " + to_text(record.rr_class) + " " +
         to_text(record.type) + " " + rdata_to_text(record.type, record.rr_class, record.rdata);
}

std::expected<std::vector<Record>, TextError> zone_from_text(std::string_view text, const Name& origin,
                                                             std::size_t max_records) {
  Surroundings around{origin, Ttl::from_wire(3600), std::nullopt};
  std::vector<Record> records;
  MasterFileLines lines{text};
  for (;;) {
    const auto next = lines.next();
    if (!next) return std::unexpected{next.error()};
    if (!*next) return records;
    const MasterFileLines::Line& line = **next;
    const auto fault = [&](std::string what) { return std::unexpected{TextError{line.number, std::move(what)}}; };
    if (line.text[0] == '$') {
      if (auto what = follow_directive(line.text, around)) return fault(std::move(*what));
      continue;
    }
    auto record = read_line(line.text, around);
    if (!record) return fault(record.error());
    if (records.size() == max_records) return fault("more than " + std::to_string(max_records) + " records");
    around.previous_owner = record->owner;
    records.push_back(std::move(*record));
  }
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
