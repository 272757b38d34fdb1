#include "dns/text.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <memory>

#include "dns/rdata.hpp"
#include "dns/reader.hpp"
#include "dns/text_fields.hpp"
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
constexpr std::uint32_t max_ttl = 0x7fffffff;  // RFC 2181 §8

struct FreeRr {
  void operator()(ldns_rr* rr) const { ldns_rr_free(rr); }
};
struct FreeMemory {
  void operator()(void* memory) const { std::free(memory); }
};
using Rr = std::unique_ptr<ldns_rr, FreeRr>;

bool is_blank(char c) { return c == ' ' || c == '\t'; }

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

/// A TTL in front of a type: it begins with a digit, and no type or class does.
std::expected<Ttl, std::string> read_ttl(std::string_view word) {
  const auto seconds = period_of(word);
  if (!seconds || *seconds > max_ttl)
    return std::unexpected{shown(word) + " is no TTL up to " + std::to_string(max_ttl)};
  return Ttl::from_wire(*seconds);
}

/// What stands before RDATA: an owner (or a blank for the one before), a TTL and a class in any order, a type. The
/// data is left to be read.
std::expected<Record, std::string> read_front(std::string_view& text, const Surroundings& around) {
  Record record;
  std::size_t end = 0;  // of the owner, which is missing where the line begins with a blank
  bool quoted = false;
  while (end < text.size() && !is_blank(text[end])) {
    quoted = quoted || text[end] == '"';
    end += text[end] == '\\' ? 2 : 1;
  }
  end = std::min(end, text.size());
  if (end == 0 && !around.previous_owner) return std::unexpected{"no owner, and none before it"};
  if (quoted) return std::unexpected{"an owner in quotes"};
  const auto owner = end == 0 ? *around.previous_owner : read_owner(text.substr(0, end), around.origin);
  if (!owner) return std::unexpected{owner.error()};
  record.owner = *owner;
  record.ttl = around.ttl;
  TextWords words{text.substr(end)};
  bool ttl_read = false;
  bool class_read = false;
  for (;;) {
    if (words.done()) return std::unexpected{"a record without a type"};
    const TextWord word = words.next();
    if (word.quoted || words.faulty()) return std::unexpected{"a quote in front of the type"};
    const auto rr_class = rr_class_from_text(word.raw);
    if (!ttl_read && !word.raw.empty() && word.raw[0] >= '0' && word.raw[0] <= '9') {
      const auto ttl = read_ttl(word.raw);
      if (!ttl) return std::unexpected{ttl.error()};
      record.ttl = *ttl;
      ttl_read = true;
    } else if (!class_read && rr_class) {
      record.rr_class = *rr_class;
      class_read = true;
    } else {
      const auto type = rr_type_from_text(word.raw);
      if (!type) return std::unexpected{"an unknown type, " + shown(word.raw)};
      if (is_meta(*type) || type->value == 0) return std::unexpected{to_text(*type) + " is no type of data"};
      record.type = *type;
      text = words.left();
      return record;
    }
  }
}

bool has_address(RrType type) { return type == type::a || type == type::aaaa || type == wks; }

}  // namespace

std::expected<Record, std::string> read_line(std::string_view text, const Surroundings& around) {
  auto record = read_front(text, around);
  if (!record) return record;
  if (text == "\\#" || text.starts_with("\\# ")) {  // RFC 3597 §5
    auto octets = generic_octets(text.substr(std::min<std::size_t>(3, text.size())));
    if (!octets) return std::unexpected{"octets that are not as many hexadecimal pairs as they say"};
    record->rdata = std::move(*octets);
  } else {
    const WrittenRow* row = find_written_row(record->type);
    if (row == nullptr) return std::unexpected{to_text(record->type) + " is read in the form \\# LENGTH OCTETS alone"};
    if (record->rr_class != rr_class::in && has_address(record->type))
      return std::unexpected{"an address of another class than IN"};
    TextWords words{text};
    TextFields fields{words, around.origin};
    for (const Written field : row->fields) fields.read(field);
    auto octets = fields.finish();
    if (!octets) return std::unexpected{std::move(octets.error())};
    record->rdata = std::move(*octets);
  }
  if (!is_valid_rdata(record->type, record->rr_class, record->rdata))
    return std::unexpected{std::string{describe(Fault::bad_rdata)}};
  return record;
}

bool is_directive(std::string_view word, std::string_view directive) {
  return std::ranges::equal(word, directive, {}, [](char c) { return c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c; });
}

void follow_record(Record& record, Surroundings& around, Ttl otherwise) {
  around.previous_owner = record.owner;
  if (record.ttl == ttl_unsaid) {
    const auto soa = record.type == type::soa ? parse_soa(record.rdata) : Parsed<Soa>{std::unexpected{WireError{}}};
    around.ttl_is_default = soa && soa->minimum <= max_ttl;
    record.ttl = around.ttl_is_default ? Ttl::from_wire(soa->minimum) : otherwise;
    if (around.ttl_is_default) around.ttl = record.ttl;
    return;
  }
  if (!around.ttl_is_default) around.ttl = record.ttl;
}

std::optional<std::string> follow_directive(std::string_view text, Surroundings& around) {
  TextWords words{text};
  const std::string_view directive = words.next().raw;
  const TextWord value = words.next();
  const bool known = is_directive(directive, "$TTL") || is_directive(directive, "$ORIGIN");
  if (!known) return shown(directive) + " is not read here";
  if (words.faulty() || value.quoted || !words.done()) return std::string{directive} + " with more than one value";
  if (is_directive(directive, "$TTL")) {
    if (!period_of(value.raw)) return "$TTL without a time";
    const auto ttl = read_ttl(value.raw);
    if (!ttl) return ttl.error();
    around.ttl = *ttl;
    around.ttl_is_default = true;
    return std::nullopt;
  }
  const auto origin = read_owner(value.raw, around.origin);
  if (!origin) return origin.error();
  around.origin = *origin;
  return std::nullopt;
}

namespace {

/// ldns prints some RDATA in a way that it cannot read, or reads as something else (base32 with padding, times beyond
/// 2106). What we show is what anyone can load again, so such RDATA is shown in the generic form.
bool reads_back(std::string_view text, RrType type, RrClass rr_class, std::span<const std::uint8_t> rdata) {
  const auto record = record_from_text(". 0 " + to_text(rr_class) + " " + to_text(type) + " " + std::string{text});
  return record && record->type == type && record->rr_class == rr_class && std::ranges::equal(record->rdata, rdata);
}

/// Whether a name in it has a label '@', which ldns writes as it is and reads as the origin.
bool has_bare_at(std::string_view text) {
  if (text.find('"') != std::string_view::npos) return false;
  for (std::size_t at = text.find("@."); at != std::string_view::npos; at = text.find("@.", at + 1)) {
    if (at == 0 || text[at - 1] == ' ' || text[at - 1] == '.') return true;
  }
  return false;
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
  if (type == dsync_type) {  // ldns has never heard of it
    std::string plain;
    return rr_class == rr_class::in && append_plain_rdata(plain, type, rdata) ? plain : generic_text(rdata);
  }
  const auto text = ldns_text(type, rr_class, rdata);
  return text && !has_bare_at(*text) && reads_back(*text, type, rr_class, rdata) ? *text : generic_text(rdata);
}

std::string record_to_text(const Record& record) {
  return record.owner.to_text() + " " + std::to_string(record.ttl.seconds()) + " " + to_text(record.rr_class) + " " +
         to_text(record.type) + " " + rdata_to_text(record.type, record.rr_class, record.rdata);
}

std::expected<std::vector<Record>, TextError> zone_from_text(std::string_view text, const Name& origin,
                                                             std::size_t max_records) {
  Surroundings around{origin, ttl_unsaid, std::nullopt};
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
    follow_record(*record, around, Ttl::from_wire(3600));
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
