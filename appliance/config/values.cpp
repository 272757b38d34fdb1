#include "appliance/config/values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <utility>

#include "appliance/config/suggest.hpp"
#include "appliance/config/trust_anchors.hpp"
#include "appliance/config/units.hpp"
#include "appliance/config/upstream_tls.hpp"
#include "appliance/log/log.hpp"
#include "dns/text.hpp"

namespace redoubt::config {

namespace {

constexpr std::string_view builtin = "builtin";
constexpr std::size_t max_list_entries = 100'000;
constexpr std::size_t max_path_octets = 4095;

bool is_scalar(const Node& node, std::string_view text) { return node.kind == NodeKind::scalar && node.text == text; }

std::string hint(std::string_view found, std::span<const std::string_view> candidates) {
  const auto near = nearest(found, candidates);
  return near ? fmt::format("; did you mean '{}'?", *near) : std::string{};
}

/// Reads the nodes of one setting; each function notes what does not fit and then returns nothing.
class ValueReader {
 public:
  ValueReader(const Setting& setting, const Surroundings& surroundings, Notebook& notes)
      : setting_{setting}, surroundings_{surroundings}, notes_{notes} {}

  std::optional<Value> read(const Node& node) {
    switch (setting_.kind) {
      case Kind::section:
      case Kind::entries:
        return std::nullopt;
      case Kind::boolean:
        return boolean(node);
      case Kind::number:
        return ranged(node, number_from_text(scalar(node)));
      case Kind::workers:
        return is_scalar(node, "auto") ? Value{} : ranged(node, number_from_text(scalar(node)));
      case Kind::size:
        return ranged(node, size_from_text(scalar(node)));
      case Kind::duration:
        return duration(node);
      case Kind::choice:
        return choice(node);
      case Kind::choices:
        return several_choices(node);
      case Kind::file:
      case Kind::file_or_word:
        return path(node);
      case Kind::short_text:
        return short_text(node);
      case Kind::http_path:
        return http_path(node);
      case Kind::endpoint:
        return endpoint(node);
      case Kind::endpoint_or_off:
        return is_scalar(node, "off") ? Value{} : endpoint(node);
      case Kind::addresses:
        return list(
            node, &Value::addresses, [](const std::string& text) { return dns::IpAddress::from_text(text); },
            "an address such as 192.0.2.1");
      case Kind::prefixes:
        return prefixes(node);
      case Kind::prefixes_or_builtin:
        return prefixes_or_builtin(node);
      case Kind::ports:
        return ports(node);
      case Kind::root_hints:
        return root_hints(node);
      case Kind::name:
        return name(node);
      case Kind::names:
        return list(node, &Value::names, name_from_text, "a domain name such as corp.example.");
      case Kind::upstreams:
        return upstreams(node);
      case Kind::pins:
        return pins(node);
      case Kind::trust_anchors:
        return trust_anchors(node);
      case Kind::instant:
        return instant(node);
      case Kind::limits:
        return limits(node);
    }
    return std::nullopt;
  }

 private:
  std::nullopt_t mismatch(const Node& node) {
    notes_.mismatch(node, setting_.key, expectation(setting_));
    return std::nullopt;
  }
  static std::string_view scalar(const Node& node) {
    return node.kind == NodeKind::scalar ? std::string_view{node.text} : std::string_view{""};
  }
  static std::optional<dns::Name> name_from_text(const std::string& text) {
    const auto name = dns::Name::from_text(text);
    return name ? std::optional{*name} : std::nullopt;
  }

  std::optional<Value> boolean(const Node& node) {
    if (!is_scalar(node, "true") && !is_scalar(node, "false")) return mismatch(node);
    Value value;
    value.flag = node.text == "true";
    return value;
  }

  std::optional<Value> ranged(const Node& node, std::optional<std::uint64_t> number) {
    if (!number || *number < setting_.range.least || *number > setting_.range.most) return mismatch(node);
    Value value;
    value.number = *number;
    return value;
  }

  std::optional<Value> duration(const Node& node) {
    const auto duration = duration_from_text(scalar(node));
    if (!duration) return mismatch(node);
    return ranged(node, static_cast<std::uint64_t>(duration->count()));
  }

  std::optional<std::size_t> place_of_choice(const Node& node) {
    const auto found = std::ranges::find(setting_.choices, scalar(node));
    if (node.kind == NodeKind::scalar && found != setting_.choices.end())
      return static_cast<std::size_t>(found - setting_.choices.begin());
    Setting one = setting_;
    one.kind = Kind::choice;
    notes_.mismatch(node, setting_.key, expectation(one) + hint(scalar(node), setting_.choices));
    return std::nullopt;
  }

  std::optional<Value> choice(const Node& node) {
    const auto place = place_of_choice(node);
    if (!place) return std::nullopt;
    Value value;
    value.number = *place;
    return value;
  }

  std::optional<Value> several_choices(const Node& node) {
    if (node.kind != NodeKind::list || node.children.empty()) return mismatch(node);
    Value value;
    for (const Node& child : node.children) {
      const auto place = place_of_choice(child);
      if (!place) return std::nullopt;
      if (std::ranges::find(value.chosen, *place) != value.chosen.end()) {
        notes_.mismatch(child, setting_.key, "each transport once");
        return std::nullopt;
      }
      value.chosen.push_back(*place);
    }
    return value;
  }

  std::optional<Value> path(const Node& node) {
    if (node.kind != NodeKind::scalar || node.text.size() > max_path_octets) return mismatch(node);
    if (node.text.empty() && !setting_.may_be_empty) return mismatch(node);
    Value value;
    value.text = node.text;
    return value;
  }

  std::optional<Value> short_text(const Node& node) {
    const bool printable = std::ranges::all_of(node.text, [](char c) { return c >= ' ' && c < 0x7f; });
    if (node.kind != NodeKind::scalar || node.text.size() > setting_.range.most || !printable) return mismatch(node);
    Value value;
    value.text = node.text;
    return value;
  }

  std::optional<Value> http_path(const Node& node) {
    const std::string_view text = scalar(node);
    const bool printable =
        std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f && c != '?' && c != '#'; });
    if (!text.starts_with('/') || text.size() > 255 || !printable) return mismatch(node);
    Value value;
    value.text = node.text;
    return value;
  }

  std::optional<Value> endpoint(const Node& node) {
    Value value;
    value.endpoint = dns::Endpoint::from_text(scalar(node), setting_.default_port);
    if (!value.endpoint) return mismatch(node);
    return value;
  }

  template <class Element, class FromText>
  std::optional<Value> list(const Node& node, std::vector<Element> Value::*member, FromText from_text,
                            std::string_view expected) {
    if (node.kind != NodeKind::list || node.children.size() > max_list_entries) return mismatch(node);
    Value value;
    const std::size_t faults = notes_.faults();
    for (const Node& child : node.children) {
      if (notes_.full()) break;
      auto element = child.kind == NodeKind::scalar ? from_text(child.text) : std::optional<Element>{};
      if (element)
        (value.*member).push_back(*std::move(element));
      else
        notes_.mismatch(child, setting_.key, expected);
    }
    if (notes_.faults() != faults) return std::nullopt;
    return value;
  }

  std::optional<Value> prefixes(const Node& node) {
    return list(
        node, &Value::prefixes, [](const std::string& text) { return dns::Prefix::from_text(text); },
        "an address range such as 192.0.2.0/24, with zeros behind its length");
  }

  std::optional<Value> prefixes_or_builtin(const Node& node) {
    if (!is_scalar(node, builtin)) return prefixes(node);
    Value value;
    value.flag = true;
    return value;
  }

  std::optional<Value> ports(const Node& node) {
    const auto ports = ports_from_text(scalar(node));
    if (!ports) return mismatch(node);
    Value value;
    value.ports = *ports;
    return value;
  }

  std::optional<Value> name(const Node& node) {
    const auto name = name_from_text(std::string{scalar(node)});
    if (!name) return mismatch(node);
    Value value;
    value.names.push_back(*name);
    return value;
  }

  static std::optional<Upstream> upstream_from_text(const std::string& text) {
    const std::size_t hash = text.find('#');
    const auto at = dns::Endpoint::from_text(std::string_view{text}.substr(0, hash), 0);
    if (!at) return std::nullopt;
    Upstream upstream{.at = *at, .authentication_name = {}};
    if (hash == std::string::npos) return upstream;
    upstream.authentication_name = text.substr(hash + 1);
    return name_from_text(upstream.authentication_name) ? std::optional{upstream} : std::nullopt;
  }

  std::optional<Value> upstreams(const Node& node) {
    const std::size_t count = node.children.size();
    if (node.kind == NodeKind::list && (count < setting_.range.least || count > setting_.range.most)) {
      notes_.fault(
          node.place, setting_.key,
          fmt::format("found {} servers, expected from {} to {}", count, setting_.range.least, setting_.range.most));
      return std::nullopt;
    }
    return list(node, &Value::upstreams, upstream_from_text, "a server such as 192.0.2.2@853#dns.corp.example");
  }

  std::optional<Value> pins(const Node& node) {
    if (node.kind == NodeKind::list && node.children.size() > setting_.range.most) return mismatch(node);
    return list(node, &Value::pins, pin_from_text, "the SHA-256 of a public key in base64, 44 letters");
  }

  std::optional<Value> root_hints(const Node& node) {
    Value value;
    if (is_scalar(node, builtin)) {
      value.root_servers = builtin_root_servers();
      return value;
    }
    if (node.kind == NodeKind::map) return root_servers(node);
    if (node.kind != NodeKind::scalar || node.text.empty()) return mismatch(node);
    auto servers = root_servers_from_file(node.text);
    if (!servers) {
      notes_.fault(node.place, setting_.key,
                   fmt::format("found {}, expected a zone file with root servers: {}", describe(node),
                               log::printable(servers.error())));
      return std::nullopt;
    }
    value.root_servers = *std::move(servers);
    return value;
  }

  std::expected<std::vector<RootServer>, std::string> root_servers_from_file(const std::string& path) {
    auto text = surroundings_.read_file(path);
    if (!text) return std::unexpected{text.error()};
    return root_servers_from_zone_text(*text);
  }

  std::optional<Value> root_servers(const Node& node) {
    if (node.children.empty() || node.children.size() > max_root_servers) {
      notes_.mismatch(node, setting_.key, fmt::format("from 1 to {} root servers", max_root_servers));
      return std::nullopt;
    }
    Value value;
    const std::size_t faults = notes_.faults();
    for (std::size_t i = 0; i < node.children.size(); ++i) {
      const auto name = name_from_text(node.keys[i].text);
      if (!name) notes_.mismatch(node.keys[i], setting_.key, "the domain name of a root server");
      auto addresses = list(
          node.children[i], &Value::addresses, [](const std::string& text) { return dns::IpAddress::from_text(text); },
          "an address such as 192.0.2.1");
      if (addresses && (addresses->addresses.empty() || addresses->addresses.size() > max_root_server_addresses)) {
        notes_.mismatch(node.children[i], setting_.key,
                        fmt::format("from 1 to {} addresses", max_root_server_addresses));
      }
      if (name && addresses) value.root_servers.push_back({*name, std::move(addresses->addresses)});
    }
    if (notes_.faults() != faults) return std::nullopt;
    return value;
  }

  std::optional<Value> trust_anchors(const Node& node) {
    Value value;
    if (is_scalar(node, builtin)) {
      value.records = builtin_trust_anchors();
      return value;
    }
    if (node.kind == NodeKind::list && !node.children.empty()) {
      const auto anchor = [](const std::string& text) -> std::optional<dns::Record> {
        auto record = trust_anchor_from_text(text);
        if (!record) return std::nullopt;
        return *std::move(record);
      };
      return list(node, &Value::records, anchor, "a DS or DNSKEY record such as '. IN DS 20326 8 2 E06D...'");
    }
    if (node.kind != NodeKind::scalar || node.text.empty()) return mismatch(node);
    auto text = surroundings_.read_file(node.text);
    auto records = text ? trust_anchors_from_zone_text(*text)
                        : std::expected<std::vector<dns::Record>, std::string>{std::unexpected{text.error()}};
    if (!records) {
      notes_.fault(node.place, setting_.key,
                   fmt::format("found {}, expected a file with DS or DNSKEY records: {}", describe(node),
                               log::printable(records.error())));
      return std::nullopt;
    }
    value.records = *std::move(records);
    return value;
  }

  /// Nothing for days and hours that there are not, and before 1970.
  static std::optional<std::uint64_t> seconds_of_date(std::string_view text) {
    const auto part = [&](std::size_t at, std::size_t size) {
      return static_cast<int>(number_from_text(text.substr(at, size)).value_or(0));
    };
    using namespace std::chrono;
    const year_month_day date{year{part(0, 4)}, month{static_cast<unsigned>(part(5, 2))},
                              day{static_cast<unsigned>(part(8, 2))}};
    if (!date.ok() || part(11, 2) > 23 || part(14, 2) > 59 || part(17, 2) > 60) return std::nullopt;
    const auto since = sys_seconds{sys_days{date}} + hours{part(11, 2)} + minutes{part(14, 2)} + seconds{part(17, 2)};
    if (since.time_since_epoch().count() < 0) return std::nullopt;
    return static_cast<std::uint64_t>(since.time_since_epoch().count());
  }

  /// "2026-01-31T12:00:00Z", or seconds since 1970.
  std::optional<Value> instant(const Node& node) {
    static constexpr std::string_view shape = "dddd-dd-ddTdd:dd:ddZ";
    const std::string_view text = scalar(node);
    const bool fits = std::ranges::equal(text, shape, [](char found, char wanted) {
      return wanted == 'd' ? std::isdigit(static_cast<unsigned char>(found)) != 0 : found == wanted;
    });
    Value value;
    if (text == "system") return value;
    const auto number = fits ? seconds_of_date(text) : number_from_text(text);
    if (!number || *number > ~std::uint32_t{0}) return mismatch(node);
    value.instant = static_cast<std::uint32_t>(*number);
    return value;
  }

  std::optional<Value> limits(const Node& node) {
    if (node.kind != NodeKind::map && node.kind != NodeKind::null) return mismatch(node);
    Value value;
    std::vector<std::string_view> names;
    for (const dns::LimitRow& row : surroundings_.limits) {
      names.push_back(row.name);
      value.limits.push_back({std::string{row.name}, row.initial});
    }
    const std::size_t faults = notes_.faults();
    std::vector<std::string_view> seen;
    for (std::size_t i = 0; i < node.keys.size() && !notes_.full(); ++i)
      limit(node.keys[i], node.children[i], names, seen, value);
    if (notes_.faults() != faults) return std::nullopt;
    return value;
  }

  void limit(const Node& key, const Node& node, std::span<const std::string_view> names,
             std::vector<std::string_view>& seen, Value& value) {
    const auto row = std::ranges::find(surroundings_.limits, key.text, &dns::LimitRow::name);
    if (row == surroundings_.limits.end())
      return notes_.mismatch(key, setting_.key, "the name of a limit" + hint(key.text, names));
    if (std::ranges::find(seen, row->name) != seen.end()) return notes_.mismatch(key, setting_.key, "each limit once");
    seen.push_back(row->name);
    const auto number = number_from_text(scalar(node));
    if (!number || *number < row->least || *number > row->most) {
      return notes_.mismatch(node, fmt::format("{}.{}", setting_.key, row->name),
                             fmt::format("a number from {} to {}", row->least, row->most));
    }
    value.limits[static_cast<std::size_t>(row - surroundings_.limits.begin())].value = *number;
  }

  const Setting& setting_;
  const Surroundings& surroundings_;
  Notebook& notes_;
};

std::string with_key(std::string_view key, std::string_view text) {
  return key.empty() ? std::string{text} : fmt::format("{}: {}", key, text);
}

}  // namespace

void Notebook::fault(Place place, std::string_view key, std::string text) {
  if (!full()) remarks_.faults.push_back({place, with_key(key, text)});
}

void Notebook::mismatch(const Node& node, std::string_view key, std::string_view expected) {
  fault(node.place, key, fmt::format("found {}, expected {}", describe(node), expected));
}

void Notebook::warning(Place place, std::string_view key, std::string text) {
  if (remarks_.warnings.size() < max_faults) remarks_.warnings.push_back({place, with_key(key, text)});
}

std::optional<Value> read_value(const Setting& setting, const Node& node, const Surroundings& surroundings,
                                Notebook& notes) {
  return ValueReader{setting, surroundings, notes}.read(node);
}

}  // namespace redoubt::config
