#include "tests/sim/zone_text.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <sstream>

#include "dns/address.hpp"
#include "dns/rdata.hpp"

namespace redoubt::sim {

namespace {

[[noreturn]] void wrong(std::string_view what, std::string_view where) {
  fmt::print(stderr, "zone text of a test: {}: {}\n", what, where);
  std::abort();
}

void put_u16(std::vector<std::uint8_t>& out, std::uint32_t value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8 & 0xff));
  out.push_back(static_cast<std::uint8_t>(value & 0xff));
}

void put_u32(std::vector<std::uint8_t>& out, std::uint32_t value) {
  put_u16(out, value >> 16);
  put_u16(out, value & 0xffff);
}

void put(std::vector<std::uint8_t>& out, std::span<const std::uint8_t> octets) {
  out.insert(out.end(), octets.begin(), octets.end());
}

std::uint32_t number(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) wrong("no number", text);
  return value;
}

std::vector<std::uint8_t> rdata_from_text(dns::RrType type, std::istringstream& words, const dns::Name& origin) {
  const auto next = [&] {
    std::string word;
    if (!(words >> word)) wrong("rdata too short", dns::to_text(type));
    return word;
  };
  std::vector<std::uint8_t> out;
  if (type == dns::type::a || type == dns::type::aaaa) {
    const std::string word = next();
    const auto address = dns::IpAddress::from_text(word);
    if (!address) wrong("no address", word);
    put(out, address->octets());
  } else if (type == dns::type::ns || type == dns::type::cname || type == dns::type::dname || type == dns::type::ptr) {
    put(out, name_from_text(next(), origin).wire());
  } else if (type == dns::type::mx) {
    put_u16(out, number(next()));
    put(out, name_from_text(next(), origin).wire());
  } else if (type == dns::type::soa) {
    put(out, name_from_text(next(), origin).wire());
    put(out, name_from_text(next(), origin).wire());
    for (int i = 0; i < 5; ++i) put_u32(out, number(next()));
  } else if (type == dns::type::txt) {
    const std::string word = next();
    out.push_back(static_cast<std::uint8_t>(word.size()));
    out.insert(out.end(), word.begin(), word.end());
  } else {
    if (next() != "\\#") wrong("a type that this parser does not know needs \\#", dns::to_text(type));
    for (std::string word; words >> word;) {
      for (std::size_t i = 0; i + 1 < word.size(); i += 2) {
        out.push_back(static_cast<std::uint8_t>(std::strtoul(word.substr(i, 2).c_str(), nullptr, 16)));
      }
    }
  }
  return out;
}

}  // namespace

dns::Name name_from_text(std::string_view text, const dns::Name& origin) {
  if (text == "@") return origin;
  if (text != "." && !text.ends_with('.')) {
    const std::string absolute = fmt::format("{}.{}", text, origin.is_root() ? "" : origin.to_text());
    return name_from_text(absolute);
  }
  const auto name = dns::Name::from_text(text);
  if (!name) wrong("no name", text);
  return *name;
}

dns::RrType type_from_text(std::string_view text) {
  const auto type = dns::rr_type_from_text(text);
  if (!type) wrong("no type", text);
  return *type;
}

std::vector<dns::Record> records_from_text(std::string_view text, const dns::Name& origin) {
  std::vector<dns::Record> records;
  std::istringstream lines{std::string{text}};
  for (std::string line; std::getline(lines, line);) {
    line = line.substr(0, line.find(';'));
    std::istringstream words{line};
    std::string owner;
    std::string word;
    if (!(words >> owner)) continue;
    if (!(words >> word)) wrong("a line with one word", line);
    std::uint32_t ttl = 3600;
    if (word.find_first_not_of("0123456789") == std::string::npos) {
      ttl = number(word);
      words >> word;
    }
    const dns::RrType type = type_from_text(word);
    records.push_back({name_from_text(owner, origin), type, dns::rr_class::in, dns::Ttl::from_wire(ttl),
                       rdata_from_text(type, words, origin)});
  }
  return records;
}

std::string text_of(const dns::Record& record) {
  std::string rdata;
  const auto address = dns::IpAddress::from_octets(record.rdata);
  if ((record.type == dns::type::a || record.type == dns::type::aaaa) && address) {
    rdata = address->to_text();
  } else if (const auto target = dns::target_name(record.type, record.rdata)) {
    rdata = target->to_text();
  } else if (record.type == dns::type::txt && !record.rdata.empty()) {
    rdata.assign(record.rdata.begin() + 1, record.rdata.end());
  } else {
    for (const std::uint8_t octet : record.rdata) rdata += fmt::format("{:02x}", octet);
  }
  return fmt::format("{} {} {}", record.owner.to_text(), dns::to_text(record.type), rdata);
}

std::vector<std::string> texts_of(const std::vector<dns::Record>& records) {
  std::vector<std::string> texts;
  for (const dns::Record& record : records) texts.push_back(text_of(record));
  return texts;
}

}  // namespace redoubt::sim
