#pragma once
// The settings, one row each. The checker, the printed default and the manual all come from this table.
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "appliance/config/configuration.hpp"

namespace redoubt::config {

enum class Kind : std::uint8_t {
  section,  ///< a map of further settings
  entries,  ///< a list of maps; their settings have "key[]." in front
  boolean,
  number,
  workers,  ///< a number, or auto
  size,
  duration,
  choice,        ///< one of `choices`
  choices,       ///< a list of some of them, at least one
  file,          ///< a path
  file_or_word,  ///< a path, or one of `choices`
  short_text,    ///< printable ASCII, at most range.most octets, may be empty
  http_path,
  endpoint,  ///< address@port
  endpoint_or_off,
  addresses,
  prefixes,
  prefixes_or_builtin,
  ports,
  root_hints,
  name,
  names,
  upstreams,
  pins,  ///< of keys, in base64
  trust_anchors,
  instant,  ///< system, or a time
  limits,
};

/// What a node of the configuration file was read as; which member holds it depends on the kind.
struct Value {
  bool flag = false;         ///< boolean; entries: true before the first one, to clear, then false for each
  std::uint64_t number = 0;  ///< number, size in octets, duration in milliseconds, choice by its place
  std::string text;
  std::vector<std::size_t> chosen;  ///< places in `choices`
  std::optional<dns::Endpoint> endpoint;
  std::vector<dns::IpAddress> addresses;
  std::vector<dns::Prefix> prefixes;
  std::vector<dns::Name> names;
  std::vector<Upstream> upstreams;
  std::vector<KeyPin> pins;
  std::vector<RootServer> root_servers;
  std::vector<dns::Record> records;
  std::optional<std::uint32_t> instant;  ///< seconds since 1970
  std::vector<Limit> limits;
  std::pair<std::uint16_t, std::uint16_t> ports;
};

struct Range {
  std::uint64_t least = 0;
  std::uint64_t most = ~std::uint64_t{0};
};

struct Setting {
  std::string_view key;  ///< "cache.size", "listen[].address"
  Kind kind;
  std::string_view initial;  ///< as YAML; empty: must be given (in entries), or a section
  std::string_view help;
  void (*store)(Configuration&, Value&) = nullptr;
  Range range{};  ///< in the unit of Value::number
  std::span<const std::string_view> choices{};
  std::uint16_t default_port = 0;  ///< of an endpoint without one
  bool may_be_empty = false;       ///< a path that need not be given
  /// Set for what is fixed at start: gives `fresh` the running value back and says whether it had another one.
  bool (*keep_running)(const Configuration& running, Configuration& fresh) = nullptr;

  bool is_fixed_at_start() const { return keep_running != nullptr; }
};

/// In the order of printing; a section comes right before its settings.
std::span<const Setting> settings();

/// The settings right below `section` ("" for the top; "cache"; "listen[]").
std::vector<const Setting*> settings_below(std::string_view section);

/// "size" of "cache.size".
std::string_view last_part(std::string_view key);

/// What a value looks like, for "expected ..." and the manual: "a size such as 256MiB".
std::string expectation(const Setting& setting);

}  // namespace redoubt::config
