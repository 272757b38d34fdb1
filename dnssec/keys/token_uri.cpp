#include "dnssec/keys/token_uri.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace redoubt::dnssec {

namespace {

constexpr std::string_view scheme = "pkcs11:";
constexpr std::string_view file_scheme = "file:";

struct Attribute {
  std::string_view name;
  std::string TokenUri::*value;
};
constexpr std::array path_attributes{Attribute{"token", &TokenUri::token},
                                     Attribute{"manufacturer", &TokenUri::manufacturer},
                                     Attribute{"model", &TokenUri::model}, Attribute{"serial", &TokenUri::serial},
                                     Attribute{"object", &TokenUri::object}};
constexpr std::array query_attributes{Attribute{"module-path", &TokenUri::module_path},
                                      Attribute{"pin-source", &TokenUri::pin_source}};

std::unexpected<std::string> fault(std::string what) { return std::unexpected{"PKCS#11 URI: " + std::move(what)}; }

int hex_value(char c) {
  return c >= '0' && c <= '9'   ? c - '0'
         : c >= 'a' && c <= 'f' ? c - 'a' + 10
         : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                : -1;
}

/// RFC 3986 §2.1. NUL never stands in a label or a path.
std::optional<std::string> unescaped(std::string_view text, bool nul_allowed) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    char c = text[at];
    if (c == '%') {
      if (at + 2 >= text.size()) return std::nullopt;
      const int high = hex_value(text[at + 1]);
      const int low = hex_value(text[at + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high << 4 | low);
      at += 2;
    } else if (c <= ' ' || c > '~') {
      return std::nullopt;
    }
    if (c == '\0' && !nul_allowed) return std::nullopt;
    out += c;
  }
  return out;
}

void append_octet(std::string& out, std::uint8_t octet) {
  static constexpr std::string_view digits = "0123456789ABCDEF";
  out += {'%', digits[octet >> 4], digits[octet & 15]};
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view{"-._~/:@,+"}.contains(c);
    if (plain) {
      out += c;
    } else {
      append_octet(out, static_cast<std::uint8_t>(c));
    }
  }
  return out;
}

class Reading {
 public:
  std::expected<TokenUri, std::string> run(std::string_view text) {
    if (text.size() > max_token_uri || !text.starts_with(scheme))
      return fault("expected \"pkcs11:token=LABEL;...?module-path=FILE&pin-source=file:FILE\"");
    text.remove_prefix(scheme.size());
    const auto query = std::min(text.find('?'), text.size());
    if (auto done = each(text.substr(0, query), ';', false); !done) return std::unexpected{done.error()};
    if (query < text.size()) {
      if (auto done = each(text.substr(query + 1), '&', true); !done) return std::unexpected{done.error()};
    }
    if (!uri_.pin_source.empty()) {
      if (uri_.pin_source.starts_with(file_scheme)) uri_.pin_source.erase(0, file_scheme.size());
      if (!uri_.pin_source.starts_with('/')) return fault("pin-source is no whole path of a file");
    }
    // What is kept is written with escapes, three characters for one, and has to be read again.
    if (to_text(uri_).size() > max_token_uri)
      return fault("with its characters escaped it has more than " + std::to_string(max_token_uri));
    return std::move(uri_);
  }

 private:
  std::expected<void, std::string> each(std::string_view text, char separator, bool query) {
    while (!text.empty()) {
      const auto end = std::min(text.find(separator), text.size());
      if (auto done = take(text.substr(0, end), query); !done) return done;
      if (end + 1 == text.size()) return fault("it ends in the middle");
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    return {};
  }

  std::expected<void, std::string> take(std::string_view one, bool query) {
    const auto equals = one.find('=');
    const std::string name{one.substr(0, equals)};
    if (equals == std::string_view::npos) return fault("\"" + name + "\" has no value");
    if (name == "pin-value") return fault("a PIN has no place in it; use pin-source=file:FILE");
    const auto value = unescaped(one.substr(equals + 1), name == "id");
    if (!value || value->empty()) return fault("the value of \"" + name + "\" is none");
    if (!query && name == "type")
      return *value == "private" ? std::expected<void, std::string>{} : fault("type=private is meant");
    if (!query && name == "id") {
      if (!uri_.id.empty()) return fault("two of \"id\"");
      uri_.id.assign(value->begin(), value->end());
      return {};
    }
    for (const Attribute& known :
         query ? std::span<const Attribute>{query_attributes} : std::span<const Attribute>{path_attributes}) {
      if (known.name != name) continue;
      std::string& place = uri_.*known.value;
      if (!place.empty()) return fault("two of \"" + name + "\"");
      place = *value;
      return {};
    }
    return fault("\"" + name + "\" is not known here");
  }

  TokenUri uri_;
};

}  // namespace

std::expected<TokenUri, std::string> token_uri_from_text(std::string_view text) { return Reading{}.run(text); }

std::string to_text(const TokenUri& uri) {
  std::string text{scheme};
  char before = 0;
  const auto add = [&](std::string_view name, std::string_view value, char separator) {
    if (before != 0) text += before;
    text += name;
    text += '=';
    text += value;
    before = separator;
  };
  for (const Attribute& one : path_attributes) {
    if (!(uri.*one.value).empty()) add(one.name, escaped(uri.*one.value), ';');
  }
  if (!uri.id.empty()) {
    std::string id;
    for (const std::uint8_t octet : uri.id) append_octet(id, octet);
    add("id", id, ';');
  }
  before = '?';
  if (!uri.module_path.empty()) add("module-path", escaped(uri.module_path), '&');
  if (!uri.pin_source.empty()) add("pin-source", std::string{file_scheme} + escaped(uri.pin_source), '&');
  return text;
}

}  // namespace redoubt::dnssec
