#include "appliance/control/api_members.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "appliance/log/log.hpp"

namespace redoubt::control {

using nlohmann::json;

namespace {

/// Whether brackets nest deeper than calls ever need: the library copies and destroys what it read by recursion.
bool is_too_deep(std::string_view json_text) {
  constexpr unsigned max_depth = 8;
  unsigned depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < json_text.size(); ++i) {
    const char c = json_text[i];
    if (in_string && c == '\\') {
      ++i;
    } else if (c == '"') {
      in_string = !in_string;
    } else if (!in_string && (c == '[' || c == '{')) {
      if (++depth > max_depth) return true;
    } else if (!in_string && (c == ']' || c == '}') && depth > 0) {
      --depth;
    }
  }
  return false;
}

/// RFC 3986 §2.1; '+' stays what it is.
std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    static constexpr std::string_view digits = "0123456789abcdef";
    if (i + 2 >= text.size()) return std::nullopt;
    const auto digit = [&](std::size_t at) {
      return digits.find(static_cast<char>(text[at] >= 'A' && text[at] <= 'F' ? text[at] + 32 : text[at]));
    };
    const std::size_t high = digit(i + 1), low = digit(i + 2);
    if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

}  // namespace

std::unexpected<RequestError> refuse(std::string what) {
  return std::unexpected{RequestError{bad_request, std::move(what)}};
}

Read<dns::Name> name_of(std::string_view text) {
  const auto name = dns::Name::from_text(text);
  if (!name) return refuse(fmt::format("name: {} at octet {}", dns::describe(name.error().fault), name.error().column));
  return *name;
}

Read<Members> Members::of(std::string_view body) {
  if (is_too_deep(body)) return refuse("the body nests too deep");
  const json whole = body.empty() ? json::object() : json::parse(body, nullptr, false);
  if (whole.is_discarded() || !whole.is_object()) return refuse("the body is no JSON object");
  return Members(whole);
}

Read<std::optional<std::string>> Members::text(const char* key) {
  const auto found = take(key);
  if (!found) return std::nullopt;
  if (!found->is_string()) return refuse(fmt::format("{}: expected a string", key));
  return found->get<std::string>();
}

Read<bool> Members::flag(const char* key, bool otherwise) {
  const auto found = take(key);
  if (!found) return otherwise;
  if (!found->is_boolean()) return refuse(fmt::format("{}: expected true or false", key));
  return found->get<bool>();
}

Read<std::optional<std::uint32_t>> Members::number(const char* key, std::uint32_t most) {
  const auto found = take(key);
  if (!found) return std::nullopt;
  if (!found->is_number_unsigned() || found->get<std::uint64_t>() > most)
    return refuse(fmt::format("{}: expected a number up to {}", key, most));
  return static_cast<std::uint32_t>(found->get<std::uint64_t>());
}

Read<std::vector<std::string>> Members::texts(const char* key, std::size_t most) {
  std::vector<std::string> list;
  const auto found = take(key);
  if (!found) return list;
  if (!found->is_array() || found->size() > most)
    return refuse(fmt::format("{}: expected a list of at most {}", key, most));
  for (const json& one : *found) {
    if (!one.is_string()) return refuse(fmt::format("{}: expected strings", key));
    list.push_back(one.get<std::string>());
  }
  return list;
}

Read<std::vector<std::uint32_t>> Members::numbers(const char* key, std::size_t most, std::uint32_t largest) {
  std::vector<std::uint32_t> list;
  const auto found = take(key);
  if (!found) return list;
  if (!found->is_array() || found->size() > most)
    return refuse(fmt::format("{}: expected a list of at most {}", key, most));
  for (const json& one : *found) {
    if (!one.is_number_unsigned() || one.get<std::uint64_t>() > largest)
      return refuse(fmt::format("{}: expected numbers up to {}", key, largest));
    list.push_back(static_cast<std::uint32_t>(one.get<std::uint64_t>()));
  }
  return list;
}

std::optional<RequestError> Members::left_over() const {
  if (left_.empty()) return std::nullopt;
  return RequestError{bad_request,
                      fmt::format("unknown member '{}'", log::printable(left_.begin().key().substr(0, 60)))};
}

std::optional<json> Members::take(const char* key) {
  const auto found = left_.find(key);
  if (found == left_.end()) return std::nullopt;
  json value = std::move(*found);
  left_.erase(found);
  return value;
}

std::optional<RequestError> each_parameter(
    std::string_view parameters,
    const std::function<std::optional<RequestError>(std::string_view key, const std::string& value)>& take) {
  while (!parameters.empty()) {
    const std::string_view one = parameters.substr(0, parameters.find('&'));
    parameters.remove_prefix(std::min(one.size() + 1, parameters.size()));
    const std::size_t equals = std::min(one.find('='), one.size());
    const std::string_view key = one.substr(0, equals);
    const auto value = percent_decoded(one.substr(std::min(equals + 1, one.size())));
    if (!value) return RequestError{bad_request, "a parameter is not percent-encoded as it should be"};
    if (auto wrong = take(key, *value)) return wrong;
  }
  return std::nullopt;
}

RequestError unknown_parameter(std::string_view key) {
  return {bad_request, fmt::format("unknown parameter '{}'", log::printable(key.substr(0, 60)))};
}

}  // namespace redoubt::control
