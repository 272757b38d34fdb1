#include "appliance/signing/policy_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "appliance/config/suggest.hpp"
#include "appliance/config/units.hpp"
#include "appliance/config/yaml.hpp"
#include "dnssec/keys/token_uri.hpp"

namespace redoubt::signing {

namespace {

using config::Node;
using config::NodeKind;
using dnssec::DenialKind;
using dnssec::KeyLayout;
using dnssec::SerialRule;
using std::chrono::seconds;

constexpr seconds longest = std::chrono::days{365 * 20};
constexpr std::uint16_t dns_port = 53;

/// One setting: how it is read into a policy and written from one.
struct Row {
  std::string_view key;
  std::string_view expected;
  std::string_view help;
  bool (*read)(SitePolicy&, const Node&);
  std::string (*write)(const SitePolicy&);
};

bool read_seconds(seconds& value, const Node& node) {
  const auto duration = node.kind == NodeKind::scalar ? config::duration_from_text(node.text) : std::nullopt;
  if (!duration || duration->count() % 1000 != 0 || *duration > longest) return false;
  value = std::chrono::duration_cast<seconds>(*duration);
  return true;
}
std::string text_of(seconds value) { return config::duration_to_text(value); }

bool read_flag(bool& value, const Node& node) {
  if (node.kind != NodeKind::scalar || (node.text != "true" && node.text != "false")) return false;
  value = node.text == "true";
  return true;
}
std::string text_of(bool value) { return value ? "true" : "false"; }

template <class Value, std::size_t count>
using Names = std::array<std::pair<std::string_view, Value>, count>;
constexpr Names<KeyLayout, 3> layouts{
    {{"split", KeyLayout::split}, {"csk", KeyLayout::csk}, {"unsigned", KeyLayout::unsigned_zone}}};
constexpr Names<DenialKind, 2> denials{{{"nsec", DenialKind::nsec}, {"nsec3", DenialKind::nsec3}}};
constexpr Names<SerialRule, 4> serials{{{"increment", SerialRule::increment},
                                        {"unixtime", SerialRule::unixtime},
                                        {"date", SerialRule::date},
                                        {"keep", SerialRule::keep}}};

template <class Value, std::size_t count>
bool read_one_of(const Names<Value, count>& names, Value& value, const Node& node) {
  const auto at = std::ranges::find(names, std::string_view{node.text}, [](const auto& name) { return name.first; });
  if (node.kind != NodeKind::scalar || at == names.end()) return false;
  value = at->second;
  return true;
}
template <class Value, std::size_t count>
std::string name_of(const Names<Value, count>& names, Value value) {
  return std::string{std::ranges::find(names, value, [](const auto& name) { return name.second; })->first};
}

bool read_lifetime(seconds& value, const Node& node) {
  if (node.kind == NodeKind::scalar && node.text == "unlimited") return value = seconds{0}, true;
  return read_seconds(value, node) && value > seconds{0};
}
std::string lifetime_text(seconds value) { return value == seconds{0} ? "unlimited" : text_of(value); }

bool read_servers(std::vector<dns::Endpoint>& servers, const Node& node) {
  if (node.kind != NodeKind::list || node.children.size() > max_watched_servers) return false;
  servers.clear();
  for (const Node& child : node.children) {
    const auto at = dns::Endpoint::from_text(child.text, dns_port);
    if (child.kind != NodeKind::scalar || !at) return false;
    servers.push_back(*at);
  }
  return true;
}
std::string text_of(const std::vector<dns::Endpoint>& servers) {
  std::string text;
  for (const dns::Endpoint& server : servers) text += (text.empty() ? "\"" : ", \"") + server.to_text() + "\"";
  return "[" + text + "]";
}

constexpr std::string_view a_duration = "a duration such as 30s, 1h or 14d";
constexpr std::string_view a_flag = "true or false";
constexpr std::string_view addresses = "a list of addresses such as [\"192.0.2.1\", \"2001:db8::1@5353\"]";

#define REDOUBT_DURATION(key, member, help)                                                                           \
  Row {                                                                                                               \
    key, a_duration, help, [](SitePolicy& site, const Node& node) { return read_seconds(site.policy.member, node); }, \
        [](const SitePolicy& site) { return text_of(site.policy.member); }                                            \
  }
#define REDOUBT_FLAG(key, member, help)                                                                        \
  Row {                                                                                                        \
    key, a_flag, help, [](SitePolicy& site, const Node& node) { return read_flag(site.policy.member, node); }, \
        [](const SitePolicy& site) { return text_of(site.policy.member); }                                     \
  }

const std::array rows{
    Row{"layout", "split, csk or unsigned",
        "split: a KSK that the parent knows and a ZSK; csk: one key for both; unsigned: lead a signed zone back, step "
        "by step",
        [](SitePolicy& site, const Node& node) { return read_one_of(layouts, site.policy.layout, node); },
        [](const SitePolicy& site) { return name_of(layouts, site.policy.layout); }},
    Row{"algorithm", "RSASHA256, ECDSAP256SHA256, ECDSAP384SHA384, ED25519 or ED448",
        "of all keys; when it changes, keys roll to the new one the conservative way (RFC 6781 section 4.1.4)",
        [](SitePolicy& site, const Node& node) {
          const auto algorithm = node.kind == NodeKind::scalar ? dnssec::algorithm_from_text(node.text) : std::nullopt;
          if (algorithm) site.policy.algorithm = *algorithm;
          return algorithm.has_value();
        },
        [](const SitePolicy& site) {
          return dnssec::algorithm_to_text(static_cast<std::uint8_t>(site.policy.algorithm));
        }},
    Row{"rsa-bits", "a number from 1024 to 4096", "size of RSA keys; others have one size",
        [](SitePolicy& site, const Node& node) {
          const auto bits = node.kind == NodeKind::scalar ? config::number_from_text(node.text) : std::nullopt;
          if (bits && *bits <= dnssec::max_rsa_bits) site.policy.rsa_bits = static_cast<unsigned>(*bits);
          return bits && *bits <= dnssec::max_rsa_bits;
        },
        [](const SitePolicy& site) { return std::to_string(site.policy.rsa_bits); }},
    Row{"ksk-lifetime", "a duration, or unlimited",
        "of a KSK or CSK; its roll needs the parent, so it is for you to begin by default",
        [](SitePolicy& site, const Node& node) { return read_lifetime(site.policy.ksk_lifetime, node); },
        [](const SitePolicy& site) { return lifetime_text(site.policy.ksk_lifetime); }},
    Row{"zsk-lifetime", "a duration, or unlimited", "of a ZSK; it rolls by itself",
        [](SitePolicy& site, const Node& node) { return read_lifetime(site.policy.zsk_lifetime, node); },
        [](const SitePolicy& site) { return lifetime_text(site.policy.zsk_lifetime); }},
    Row{"token", "a PKCS#11 URI as in RFC 7512, with token, module-path and pin-source, or none",
        "new keys are made in this token, and their private halves stay there: "
        "\"pkcs11:token=LABEL?module-path=FILE&pin-source=file:FILE\"",
        [](SitePolicy& site, const Node& node) {
          if (node.kind != NodeKind::scalar) return false;
          site.policy.token.clear();
          if (node.text == "none") return true;
          const auto uri = dnssec::token_uri_from_text(node.text);
          if (!uri || !uri->id.empty() || !uri->object.empty()) return false;
          if (uri->module_path.empty() || uri->pin_source.empty()) return false;
          site.policy.token = dnssec::to_text(*uri);
          return true;
        },
        [](const SitePolicy& site) {
          return site.policy.token.empty() ? std::string{"none"} : "\"" + site.policy.token + "\"";
        }},
    REDOUBT_FLAG("offline-ksk", offline_ksk,
                 "KSKs are kept elsewhere; here are their .key files, and what they signed ahead (key request)"),
    REDOUBT_FLAG("standby-ksk", standby_ksk, "keep a second KSK in the DNSKEY RRset, for the day the first is lost"),
    Row{"dnskey-ttl", a_duration, "TTL of DNSKEY, CDS and CDNSKEY",
        [](SitePolicy& site, const Node& node) {
          seconds value{0};
          if (!read_seconds(value, node) || value > std::chrono::days{7}) return false;
          site.policy.signing.dnskey_ttl = static_cast<std::uint32_t>(value.count());
          return true;
        },
        [](const SitePolicy& site) { return text_of(site.policy.dnskey_ttl()); }},
    REDOUBT_DURATION("max-zone-ttl", max_zone_ttl, "no TTL in the zone may be larger: rolls wait so long for caches"),
    REDOUBT_DURATION("zone-propagation", zone_propagation, "until every secondary serves a new version of the zone"),
    REDOUBT_DURATION("parent-ds-ttl", parent_ds_ttl, "TTL of the DS in the parent zone"),
    REDOUBT_DURATION("parent-propagation", parent_propagation, "until every server of the parent serves a new DS"),
    REDOUBT_DURATION("safety", safety, "added to each wait"),
    REDOUBT_DURATION("signature-lifetime", signing.lifetime, "a signature is valid for so long"),
    REDOUBT_DURATION("signature-refresh", signing.refresh, "a signature with less than this left is made anew"),
    REDOUBT_DURATION("signature-jitter", signing.jitter,
                     "lifetimes are at most so much shorter, so that not all end at once"),
    REDOUBT_DURATION("signature-backdate", signing.backdate,
                     "signatures begin so long ago, for clocks that are behind"),
    Row{"denial", "nsec or nsec3", "proofs that a name does not exist; nsec3 has no salt and no iterations (RFC 9276)",
        [](SitePolicy& site, const Node& node) { return read_one_of(denials, site.policy.signing.denial, node); },
        [](const SitePolicy& site) { return name_of(denials, site.policy.signing.denial); }},
    REDOUBT_FLAG("opt-out", signing.opt_out,
                 "nsec3 without proofs for unsigned delegations; for very large zones of these"),
    Row{"serial", "increment, unixtime, date or keep", "how a new version is numbered",
        [](SitePolicy& site, const Node& node) { return read_one_of(serials, site.policy.signing.serial, node); },
        [](const SitePolicy& site) { return name_of(serials, site.policy.signing.serial); }},
    REDOUBT_FLAG("zonemd", signing.zonemd, "a digest of the whole zone (RFC 8976)"),
    REDOUBT_FLAG("cds", signing.cds,
                 "CDS and CDNSKEY, by which parents that look for them follow rolls (RFC 7344, RFC 8078)"),
    Row{"parent", addresses, "servers of the parent zone, all of them: no old key goes before each has the new DS",
        [](SitePolicy& site, const Node& node) { return read_servers(site.parents, node); },
        [](const SitePolicy& site) { return text_of(site.parents); }},
    Row{"secondaries", addresses, "servers of the zone: no step is taken before each serves the step before",
        [](SitePolicy& site, const Node& node) { return read_servers(site.secondaries, node); },
        [](const SitePolicy& site) { return text_of(site.secondaries); }},
    Row{"notify-parent", a_flag, "tell the parent's agent when there is a new CDS (RFC 9859); a failure stops nothing",
        [](SitePolicy& site, const Node& node) { return read_flag(site.notify_parent, node); },
        [](const SitePolicy& site) { return text_of(site.notify_parent); }},
};

#undef REDOUBT_DURATION
#undef REDOUBT_FLAG

using Remarks = std::vector<config::Remark>;

void add(Remarks& remarks, config::Place place, std::string text) {
  if (remarks.size() < config::max_faults) remarks.push_back({place, std::move(text)});
}

const Row* find_row(std::string_view key) {
  const auto* row = std::ranges::find(rows, key, &Row::key);
  return row == rows.end() ? nullptr : row;
}

void tell_unknown(Remarks& remarks, const Node& key) {
  std::vector<std::string_view> known{"base"};
  for (const Row& row : rows) known.push_back(row.key);
  std::string text = fmt::format("no setting {}", config::quoted(key.text));
  if (const auto meant = config::nearest(key.text, known)) text += fmt::format("; did you mean '{}'?", *meant);
  add(remarks, key.place, std::move(text));
}

/// The policy that the file changes.
void read_base(SitePolicy& site, const Node& tree, Remarks& remarks) {
  for (std::size_t i = 0; i < tree.keys.size(); ++i) {
    if (tree.keys[i].text != "base") continue;
    auto base = dnssec::built_in_policy(tree.children[i].text);
    if (tree.children[i].kind == NodeKind::scalar && base) {
      site.policy = *base;
    } else {
      add(remarks, tree.children[i].place, "base: expected the name of a built-in policy");
    }
  }
}

}  // namespace

std::expected<SitePolicy, Remarks> policy_from_yaml(std::string_view text) {
  const auto tree = config::parse_yaml(text);
  if (!tree) return std::unexpected{Remarks{tree.error()}};
  SitePolicy site;
  Remarks remarks;
  if (tree->kind != NodeKind::map && tree->kind != NodeKind::null)
    return std::unexpected{Remarks{{tree->place, "expected a map of settings"}}};
  read_base(site, *tree, remarks);
  site.policy.name = "custom";
  std::vector<std::string_view> seen;
  for (std::size_t i = 0; i < tree->keys.size(); ++i) {
    const Node& key = tree->keys[i];
    if (std::ranges::find(seen, key.text) != seen.end())
      add(remarks, key.place, fmt::format("{} is there twice", key.text));
    seen.push_back(key.text);
    if (key.text == "base") continue;
    const Row* row = find_row(key.text);
    if (row == nullptr) {
      tell_unknown(remarks, key);
    } else if (!row->read(site, tree->children[i])) {
      add(remarks, tree->children[i].place,
          fmt::format("{}: found {}, expected {}", row->key, config::describe(tree->children[i]), row->expected));
    }
  }
  if (remarks.empty()) {
    for (std::string& fault : dnssec::faults_of(site.policy)) {
      // Where the setting stands that it is about, if the file has it.
      const auto key = std::ranges::find(tree->keys, fault.substr(0, fault.find(':')), &Node::text);
      const auto at = static_cast<std::size_t>(key - tree->keys.begin());
      add(remarks, key == tree->keys.end() ? config::Place{} : tree->children[at].place, std::move(fault));
    }
  }
  if (!remarks.empty()) return std::unexpected{std::move(remarks)};
  return site;
}

std::string policy_to_yaml(const SitePolicy& site) {
  std::string text =
      "# A signing policy. What is left out is as in `base`: standard, csk, nsec3, fast or unsigned.\nbase: standard\n";
  for (const Row& row : rows)
    text += fmt::format("\n# {} ({})\n{}: {}\n", row.help, row.expected, row.key, row.write(site));
  return text;
}

}  // namespace redoubt::signing
