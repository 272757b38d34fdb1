// The parameters of SVCB and HTTPS records (RFC 9460 §2.1, appendix A).
#include <algorithm>
#include <array>
#include <map>

#include "dns/text_decode.hpp"
#include "dns/text_fields.hpp"

namespace redoubt::dns {

namespace {

using Octets = std::vector<std::uint8_t>;
using Value = std::expected<Octets, std::string>;

enum Key : std::uint16_t { mandatory, alpn, no_default_alpn, port, ipv4hint, ech, ipv6hint, dohpath, ohttp, groups };
/// IANA, "Service Parameter Keys", by number.
constexpr std::array<std::string_view, 10> names{
    "mandatory", "alpn",     "no-default-alpn", "port",  "ipv4hint",
    "ech",       "ipv6hint", "dohpath",         "ohttp", "tls-supported-groups"};

struct Number {
  std::uint16_t value;
  bool generic;  ///< "key123": its value is octets, whatever is known of it
};

std::optional<Number> key_of(std::string_view word) {
  const auto at = std::ranges::find(names, word);
  if (at != names.end()) return Number{static_cast<std::uint16_t>(at - names.begin()), false};
  if (!word.starts_with("key")) return std::nullopt;
  word.remove_prefix(3);
  Octets octets;
  if ((word.size() > 1 && word[0] == '0') || !read_number(octets, word, 2)) return std::nullopt;
  return Number{static_cast<std::uint16_t>(octets[0] << 8 | octets[1]), true};
}

/// "h2,h\,3": a comma and a backslash inside an item have a backslash before them. Nothing if an item is empty.
std::optional<std::vector<Octets>> items_of(const Octets& list) {
  std::vector<Octets> items(1);
  for (std::size_t at = 0; at < list.size(); ++at) {
    if (list[at] == ',') {
      items.emplace_back();
      continue;
    }
    if (list[at] == '\\' && ++at == list.size()) return std::nullopt;
    items.back().push_back(list[at]);
  }
  if (std::ranges::any_of(items, &Octets::empty)) return std::nullopt;
  return items;
}

/// One item of a list, onto the wire.
bool append_item(Octets& out, Key key, const Octets& item) {
  const std::string text{item.begin(), item.end()};
  switch (key) {
    case mandatory: {
      const auto named = key_of(text);
      if (named) put(out, named->value, 2);
      return named.has_value();
    }
    case alpn:
      put(out, item.size(), 1);
      out.insert(out.end(), item.begin(), item.end());
      return item.size() <= 255;
    case ipv4hint:
      return read_address(out, text, 2, 4);
    case ipv6hint:
      return read_address(out, text, 10, 16);
    case groups:
      return read_number(out, text, 2);
    default:
      return false;
  }
}

Value list_of(Key key, const Octets& text) {
  const auto bad = std::unexpected{"a bad list for " + std::string{names[key]}};
  const auto items = items_of(text);
  if (!items) return bad;
  Octets out;
  for (const Octets& item : *items) {
    if (!append_item(out, key, item)) return bad;
  }
  if (key != mandatory) return out;
  std::vector<std::uint16_t> keys;
  for (std::size_t at = 0; at < out.size(); at += 2)
    keys.push_back(static_cast<std::uint16_t>(out[at] << 8 | out[at + 1]));
  std::ranges::sort(keys);
  if (keys[0] == mandatory || std::ranges::adjacent_find(keys) != keys.end()) return bad;
  out.clear();
  for (const std::uint16_t one : keys) put(out, one, 2);
  return out;
}

Value value_of(Number key, bool there, const Octets& text) {
  if (key.generic || key.value == dohpath) return text;
  const std::string word{text.begin(), text.end()};
  const auto bad = std::unexpected{"a bad value for " + std::string{names[key.value]}};
  Octets out;
  switch (key.value) {
    case no_default_alpn:
    case ohttp:
      if (there) return bad;
      return out;
    case port:
      if (!read_number(out, word, 2)) return bad;
      return out;
    case ech:
      if (!read_base64(out, word)) return bad;
      return out;
    default:
      return list_of(static_cast<Key>(key.value), text);
  }
}

using Parameters = std::map<std::uint16_t, Octets>;

/// Whether octets are what the key has on the wire (RFC 9460 §7, §8), for those that "key1=..." can have wrong.
bool is_valid(std::uint16_t key, const Octets& value) {
  switch (key) {
    case alpn: {
      std::size_t at = 0;
      while (at < value.size() && value[at] != 0) at += value[at] + 1U;
      return !value.empty() && at == value.size();
    }
    case mandatory: {
      int last = 0;  // and so it does not name itself
      for (std::size_t at = 0; at + 1 < value.size(); at += 2) {
        const int one = value[at] << 8 | value[at + 1];
        if (one <= last) return false;
        last = one;
      }
      return !value.empty() && value.size() % 2 == 0;
    }
    case no_default_alpn:
    case ohttp:
      return value.empty();
    case port:
      return value.size() == 2;
    case ipv4hint:
      return !value.empty() && value.size() % 4 == 0;
    case ipv6hint:
      return !value.empty() && value.size() % 16 == 0;
    default:
      return true;
  }
}

/// What a client would refuse the whole record for (RFC 9460 §2.2, §7.1.1, §8).
std::optional<std::string> fault_of(const Parameters& parameters) {
  for (const auto& [key, value] : parameters) {
    if (!is_valid(key, value)) return "a bad value for key" + std::to_string(key);
  }
  if (parameters.contains(no_default_alpn) && !parameters.contains(alpn)) return "no-default-alpn without alpn";
  const auto named = parameters.find(mandatory);
  if (named == parameters.end()) return std::nullopt;
  for (std::size_t at = 0; at < named->second.size(); at += 2) {
    const auto key = static_cast<std::uint16_t>(named->second[at] << 8 | named->second[at + 1]);
    if (!parameters.contains(key)) return "mandatory names key" + std::to_string(key) + ", which is missing";
  }
  return std::nullopt;
}

}  // namespace

std::expected<void, std::string> read_service_parameters(TextWords& words, Octets& out) {
  Parameters parameters;
  while (!words.done()) {
    const std::string_view word = words.next_parameter().raw;
    const std::size_t equals = word.find('=');
    const bool there = equals != std::string_view::npos;
    const auto key = key_of(word.substr(0, equals));
    if (!key) return std::unexpected{"an unknown parameter, " + shown(word.substr(0, equals))};
    std::string_view raw = there ? word.substr(equals + 1) : std::string_view{};
    if (raw.starts_with('"')) raw = raw.substr(1, raw.size() - 2);
    const auto text = unescaped(raw);
    if (!text) return std::unexpected{"an escape that is no octet"};
    auto value = value_of(*key, there, *text);
    if (!value) return std::unexpected{value.error()};
    if (value->size() > 65535) return std::unexpected{"more than 65535 octets"};
    if (!parameters.emplace(key->value, std::move(*value)).second)
      return std::unexpected{"a second " + std::string{word.substr(0, equals)}};
  }
  if (auto fault = fault_of(parameters)) return std::unexpected{std::move(*fault)};
  for (const auto& [key, value] : parameters) {
    put(out, key, 2);
    put(out, value.size(), 2);
    out.insert(out.end(), value.begin(), value.end());
  }
  return {};
}

}  // namespace redoubt::dns
