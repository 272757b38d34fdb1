#include "appliance/config/check.hpp"

#include <fmt/format.h>
#include <sys/un.h>

#include <algorithm>
#include <functional>
#include <map>
#include <tuple>
#include <utility>

#include "appliance/config/routes.hpp"
#include "appliance/config/settings.hpp"
#include "appliance/config/suggest.hpp"
#include "appliance/config/upstream_tls.hpp"
#include "appliance/config/values.hpp"
#include "appliance/config/yaml.hpp"
#include "appliance/log/log.hpp"

namespace redoubt::config {

namespace {

/// What the system takes of a unix socket's path, beside the octet that ends it.
constexpr std::size_t max_socket_path = sizeof(sockaddr_un::sun_path) - 1;

const Node* find(const Node& map, std::string_view key) {
  const auto found = std::ranges::find(map.keys, key, &Node::text);
  return found == map.keys.end() ? nullptr : &map.children[static_cast<std::size_t>(found - map.keys.begin())];
}

/// The initial value as the file would have it. Plain words do not trouble the YAML parser.
Node initial_node(const Setting& setting) {
  if (setting.initial.find_first_of("[{\"") == std::string_view::npos) {
    return {.kind = NodeKind::scalar, .place = {}, .text = std::string{setting.initial}, .keys = {}, .children = {}};
  }
  return *parse_yaml(setting.initial);  // the table is ours: every row of it is read by the tests
}

class Checker {
 public:
  explicit Checker(const Surroundings& surroundings) : surroundings_{surroundings} {}

  Checked run(const Node& root) {
    section("", root);
    if (notes_.faults() == 0) judge_as_a_whole();
    if (notes_.faults() == 0) read_authorities();
    if (notes_.faults() == 0) read_client_authorities();
    Checked checked;
    if (notes_.faults() == 0) checked.configuration = std::move(configuration_);
    checked.remarks = notes_.take();
    checked.sets_nothing = root.kind == NodeKind::null;
    // As somebody meets them who goes through the file, not in the order of our table.
    std::ranges::sort(checked.remarks.faults, {}, &where);
    std::ranges::sort(checked.remarks.warnings, {}, &where);
    checked.places = std::move(places_);
    return checked;
  }

 private:
  /// What is said of the whole file comes last: its line 0 wraps around.
  static std::tuple<std::uint32_t, std::uint32_t, std::string_view> where(const Remark& remark) {
    return {remark.place.line - 1, remark.place.column, remark.text};
  }

  /// The key with the number of the entry that is being read.
  std::string numbered(std::string_view key) const {
    const std::size_t at = key.find("[]");
    if (at == std::string_view::npos) return std::string{key};
    return fmt::format("{}[{}]{}", key.substr(0, at), entry_, key.substr(at + 2));
  }

  /// Every setting right below `key`, from its node in the file or else from its initial value.
  void section(const std::string& key, const Node& node) {
    static const Node nothing;
    const Node* map = &node;
    if (node.kind != NodeKind::map) {
      if (node.kind != NodeKind::null) notes_.mismatch(node, key, "a map of settings");
      map = &nothing;
    }
    const auto known = settings_below(key);
    look_at_keys(key, *map, known);
    for (const Setting* setting : known) {
      if (notes_.full()) return;
      if (const Node* given = find(*map, last_part(setting->key))) {
        places_[numbered(setting->key)] = given->place;
        one(*setting, *given);
      } else if (setting->kind == Kind::section) {
        section(std::string{setting->key}, nothing);
      } else if (setting->initial.empty()) {
        notes_.fault(node.place, setting->key, fmt::format("found nothing, expected {}", expectation(*setting)));
      } else {
        one(*setting, initial_node(*setting));
      }
    }
  }

  void look_at_keys(const std::string& section, const Node& map, const std::vector<const Setting*>& known) {
    std::vector<std::string_view> names;
    for (const Setting* setting : known) names.push_back(last_part(setting->key));
    std::map<std::string_view, const Node*> seen;
    for (const Node& key : map.keys) {
      if (notes_.full()) return;
      const auto [first, fresh] = seen.emplace(key.text, &key);
      if (!fresh) {
        notes_.fault(key.place, section,
                     fmt::format("found the key {} again, expected it once (it stands in line {} already)",
                                 quoted(key.text), first->second->place.line));
      } else if (std::ranges::find(names, key.text) == names.end()) {
        unknown_key(section, key, names);
      }
    }
  }

  void unknown_key(const std::string& section, const Node& key, const std::vector<std::string_view>& names) {
    std::string expected = section.empty() ? "a setting" : fmt::format("a setting of {}", section);
    if (const auto near = nearest(key.text, names)) {
      expected += fmt::format("; did you mean '{}'?", *near);
    } else if (const Setting* elsewhere = only_setting_named(key.text)) {
      expected += fmt::format("; did you mean '{}'?", elsewhere->key);
    }
    notes_.fault(key.place, section, fmt::format("found the unknown key {}, expected {}", quoted(key.text), expected));
  }

  /// The one setting of another level that has this name. Where several have it nobody knows which is meant, and the
  /// settings of a list's entries are not for where the key stands.
  static const Setting* only_setting_named(std::string_view name) {
    const Setting* only = nullptr;
    for (const Setting& setting : settings()) {
      if (last_part(setting.key) != name || setting.key.find("[]") != std::string_view::npos) continue;
      if (only != nullptr) return nullptr;
      only = &setting;
    }
    return only;
  }

  void one(const Setting& setting, const Node& node) {
    if (setting.kind == Kind::section) return section(std::string{setting.key}, node);
    if (setting.kind == Kind::entries) return entries(setting, node);
    auto value = read_value(setting, node, surroundings_, notes_);
    if (!value) return;
    setting.store(configuration_, *value);
  }

  void entries(const Setting& setting, const Node& node) {
    if (node.kind != NodeKind::list) return notes_.mismatch(node, setting.key, expectation(setting));
    if (node.children.size() < setting.range.least || node.children.size() > setting.range.most) {
      return notes_.fault(node.place, setting.key,
                          fmt::format("found {} entries, expected from {} to {}", node.children.size(),
                                      setting.range.least, setting.range.most));
    }
    Value value;
    value.flag = true;
    setting.store(configuration_, value);
    value.flag = false;
    for (entry_ = 0; entry_ < node.children.size(); ++entry_) {
      const Node& child = node.children[entry_];
      places_[fmt::format("{}[{}]", setting.key, entry_)] = child.place;
      if (notes_.full()) return;
      if (child.kind != NodeKind::map) {
        notes_.mismatch(child, setting.key, "a map of settings");
        continue;
      }
      setting.store(configuration_, value);
      section(std::string{setting.key} + "[]", child);
    }
    if (setting.key == "listen") judge_listeners(node);
    if (setting.key == "resolution.forward") judge_forwards(configuration_, node, notes_);
    if (setting.key == "resolution.stub") judge_stubs(configuration_, node, places_, notes_);
    if (setting.key == "cache.zones") judge_zone_ttls(node);
  }

  void judge_listeners(const Node& node) {
    if (notes_.faults() != 0) return;
    std::map<dns::Endpoint, std::uint32_t> seen;
    for (std::size_t i = 0; i < configuration_.listeners.size(); ++i) {
      const Listener& listener = configuration_.listeners[i];
      const Place place = node.children[i].place;
      if (listener.tcp + listener.tls + listener.https > 1) {
        notes_.fault(place, "listen[].transports",
                     "found more than one of tcp, tls and https at one address, expected an address and port for each");
      }
      const auto [first, fresh] = seen.emplace(listener.at, place.line);
      if (!fresh)
        notes_.fault(place, "listen[].address",
                     fmt::format("found {} again, expected each address and port once (it stands in line {} already)",
                                 listener.at.to_text(), first->second));
      if (listener.client_certificate_required && listener.client_authorities.empty())
        notes_.fault(place, "listen[].client-certificate",
                     fmt::format("found required at {} without client-authorities, expected the file of those who "
                                 "certify clients: without it none is asked for a certificate",
                                 listener.at.to_text()));
    }
    for (std::size_t i = 0; i < configuration_.listeners.size(); ++i) judge_wildcard(i, node.children[i].place);
  }

  /// A port at every address of the machine leaves none for a listener of its own at one of them.
  void judge_wildcard(std::size_t index, Place place) {
    const Listener& wildcard = configuration_.listeners[index];
    const auto has_streams = [](const Listener& listener) { return listener.tcp || listener.tls || listener.https; };
    if (std::ranges::any_of(wildcard.at.address.octets(), std::identity{})) return;
    for (const Listener& other : configuration_.listeners) {
      const bool meet = (other.udp && wildcard.udp) || (has_streams(other) && has_streams(wildcard));
      if (!meet || other.at == wildcard.at || other.at.port != wildcard.at.port ||
          other.at.address.is_v6() != wildcard.at.address.is_v6())
        continue;
      notes_.fault(place, "listen[].address",
                   fmt::format("found {}, which has the port of {} too, expected another port for one of them",
                               wildcard.at.to_text(), other.at.to_text()));
    }
  }

  void judge_zone_ttls(const Node& node) {
    if (notes_.faults() != 0) return;
    std::map<std::string, std::uint32_t> seen;
    for (std::size_t i = 0; i < configuration_.cache.zones.size(); ++i) {
      const ZoneTtls& row = configuration_.cache.zones[i];
      const Place place = node.children[i].place;
      const auto [first, fresh] = seen.emplace(row.zone.lowercased().to_text(), place.line);
      if (!fresh)
        notes_.fault(place, "cache.zones[].zone",
                     fmt::format("found {} again, expected each zone once (it stands in line {} already)", first->first,
                                 first->second));
      if (row.min_ttl > row.max_ttl)
        notes_.fault(place, "cache.zones[].min-ttl", "found more than max-ttl, expected at most as much");
    }
  }

  Place place_of(std::string_view key, std::size_t entry = 0) const { return place_in(places_, key, entry); }

  void judge_as_a_whole() {
    const Configuration& c = configuration_;
    if (c.cache.min_ttl > c.cache.max_ttl) {
      notes_.fault(place_of("cache.min-ttl"), "cache.min-ttl",
                   "found more than cache.max-ttl, expected at most as much");
    }
    if (!c.resolution.outgoing.ipv4 && !c.resolution.outgoing.ipv6) {
      notes_.fault(place_of("resolution.outgoing.ipv6"), "resolution.outgoing",
                   "found neither ipv4 nor ipv6, expected at least one");
    }
    if (c.control.socket.size() > max_socket_path) {
      notes_.fault(
          place_of("control.socket"), "control.socket",
          fmt::format("found a path of {} octets, expected {} at most", c.control.socket.size(), max_socket_path));
    }
    if (c.tls.certificate == "self-signed" && !c.tls.more.empty()) {
      notes_.fault(place_of("tls.more"), "tls.more",
                   "found further certificates beside a self-signed one, expected tls.certificate to be a file too");
    }
    if ((c.tls.certificate == "self-signed") != c.tls.key.empty()) {
      notes_.fault(place_of("tls.certificate"), "tls",
                   "found a certificate or a key alone, expected both as files, or self-signed");
    }
  }

  /// Read here and once, rather than when it is set: only some configurations have a use for it.
  void read_authorities() {
    if (!needs_authorities(configuration_)) return;
    const std::string& path = configuration_.tls.authorities;
    const auto text = surroundings_.read_file(path);
    auto read = text ? certificates_from_pem(*text) : std::unexpected{text.error()};
    if (!read && places_.contains("tls.authorities")) {
      return notes_.fault(
          place_of("tls.authorities"), "tls.authorities",
          fmt::format("found {}, expected a file with certificates: {}", quoted(path), log::printable(read.error())));
    }
    if (!read) {
      return notes_.warning({}, "tls.authorities",
                            fmt::format("{} has no certificates: no server can be known by its name: {}", quoted(path),
                                        log::printable(read.error())));
    }
    configuration_.tls.authority_certificates = *std::move(read);
  }

  void read_client_authorities() {
    bool any = false;
    for (std::size_t i = 0; i < configuration_.listeners.size(); ++i) {
      Listener& listener = configuration_.listeners[i];
      if (listener.client_authorities.empty()) continue;
      const Place place = place_of("listen[].client-authorities", i);
      if (!listener.tls && !listener.https) {
        notes_.fault(place, "listen[].client-authorities",
                     fmt::format("found it at {}, expected it at a listener of tls or https", listener.at.to_text()));
        continue;
      }
      any = true;
      const auto text = surroundings_.read_file(listener.client_authorities);
      auto read = text ? certificates_from_pem(*text) : std::unexpected{text.error()};
      if (read)
        listener.client_authority_certificates = *std::move(read);
      else
        notes_.fault(place, "listen[].client-authorities",
                     fmt::format("found {}, expected a file with certificates: {}", quoted(listener.client_authorities),
                                 log::printable(read.error())));
    }
    if (!configuration_.access_names.empty() && !any)
      notes_.warning(place_of("access.names"), "access.names",
                     "no listener has client-authorities: nobody can show one of these names");
  }

  const Surroundings& surroundings_;
  Notebook notes_;
  Configuration configuration_;
  Places places_;
  std::size_t entry_ = 0;  ///< of the list that is being read; lists of maps have none inside
};

}  // namespace

Checked check(std::string_view text, const Surroundings& surroundings) {
  const auto root = parse_yaml(text);
  if (root) return Checker{surroundings}.run(*root);
  Checked checked;
  checked.remarks.faults.push_back(root.error());
  return checked;
}

std::vector<std::string_view> keep_what_is_fixed(const Configuration& running, Configuration& fresh) {
  std::vector<std::string_view> changed;
  for (const Setting& setting : settings()) {
    if (setting.is_fixed_at_start() && setting.keep_running(running, fresh)) changed.push_back(setting.key);
  }
  return changed;
}

}  // namespace redoubt::config
