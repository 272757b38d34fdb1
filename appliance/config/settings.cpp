#include "appliance/config/settings.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "appliance/config/settings_rows.hpp"
#include "appliance/config/units.hpp"

namespace redoubt::config {

namespace {

std::vector<Setting> whole_table() {
  std::vector<Setting> table;
  for (const auto part : {rows::serving(), rows::resolving(), rows::operating()}) {
    table.insert(table.end(), part.begin(), part.end());
  }
  return table;
}

std::string range_text(const Setting& setting, std::string (*print)(std::uint64_t)) {
  return fmt::format("from {} to {}", print(setting.range.least), print(setting.range.most));
}
std::string number_to_text(std::uint64_t value) { return fmt::format("{}", value); }
std::string milliseconds_to_text(std::uint64_t value) {
  return duration_to_text(std::chrono::milliseconds{static_cast<std::int64_t>(value)});
}

}  // namespace

std::span<const Setting> settings() {
  static const std::vector<Setting> table = whole_table();
  return table;
}

std::string_view last_part(std::string_view key) { return key.substr(key.rfind('.') + 1); }

std::vector<const Setting*> settings_below(std::string_view section) {
  std::vector<const Setting*> below;
  for (const Setting& row : settings()) {
    const std::size_t dot = row.key.rfind('.');
    const std::string_view parent = dot == std::string_view::npos ? std::string_view{} : row.key.substr(0, dot);
    if (parent == section) below.push_back(&row);
  }
  return below;
}

std::string expectation(const Setting& setting) {
  switch (setting.kind) {
    case Kind::section:
      return "a map of settings";
    case Kind::entries:
      return "a list of maps";
    case Kind::boolean:
      return "true or false";
    case Kind::number:
      return "a number " + range_text(setting, number_to_text);
    case Kind::workers:
      return "auto or a number " + range_text(setting, number_to_text);
    case Kind::size:
      return "a size such as 256MiB (KiB, MiB, GiB or octets), " + range_text(setting, size_to_text);
    case Kind::duration:
      return "a duration such as 30s (ms, s, m, h, d), " + range_text(setting, milliseconds_to_text);
    case Kind::choice:
      return fmt::format("one of {}", fmt::join(setting.choices, ", "));
    case Kind::choices:
      return fmt::format("a list of {}", fmt::join(setting.choices, ", "));
    case Kind::file:
      return "a path";
    case Kind::file_or_word:
      return fmt::format("{} or a path", fmt::join(setting.choices, ", "));
    case Kind::short_text:
      return fmt::format("a text of at most {} printable characters", setting.range.most);
    case Kind::http_path:
      return "a path such as /dns-query";
    case Kind::endpoint:
      return "an address and port such as 192.0.2.1@53";
    case Kind::endpoint_or_off:
      return "an address and port such as 127.0.0.1@8053, or off";
    case Kind::addresses:
      return "a list of addresses such as 192.0.2.1";
    case Kind::prefixes:
      return "a list of address ranges such as 192.0.2.0/24";
    case Kind::prefixes_or_builtin:
      return "builtin or a list of address ranges such as 192.0.2.0/24";
    case Kind::ports:
      return "a range of ports such as 1024-65535";
    case Kind::root_hints:
      return "builtin, a zone file, or a map of names to lists of addresses";
    case Kind::name:
      return "a domain name such as corp.example.";
    case Kind::names:
      return "a list of domain names";
    case Kind::upstreams:
      return "a list of servers such as 192.0.2.2@853#dns.corp.example";
    case Kind::pins:
      return "a list of SHA-256 digests of keys, in base64";
    case Kind::trust_anchors:
      return "builtin, a file, or a list of DS or DNSKEY records";
    case Kind::instant:
      return "system or an instant such as 2026-01-31T12:00:00Z";
    case Kind::limits:
      return "a map of limits to numbers";
  }
  return {};
}

}  // namespace redoubt::config
