// caa check and audit.
#include <fmt/format.h>

#include "appliance/ctl/signing_support.hpp"
#include "appliance/log/log.hpp"
#include "appliance/signing/ask.hpp"
#include "dnssec/caa.hpp"
#include "dnssec/zone/load.hpp"

namespace redoubt::ctl {

namespace {

using nlohmann::json;
using namespace dnssec;

constexpr unsigned tries = 2;            // the CA/Browser Forum asks for one more (Baseline Requirements 3.2.2.8)
constexpr std::size_t max_aliases = 16;  // within a zone file

CaaLookup look_up(const dns::Endpoint& server, const dns::Name& name) {
  CaaLookup lookup;
  lookup.name = name;
  lookup.answered = false;
  for (unsigned i = 0; i < tries; ++i) {
    const auto reply = signing::ask(server, {name, dns::type::caa}, {.recursion = true, .dnssec = true});
    if (!reply) {
      lookup.trouble = reply.error();
      continue;
    }
    lookup = lookup_from_reply(*reply, name);
    if (lookup.outcome != CaaLookup::Outcome::failed) return lookup;
    lookup.trouble = server.to_text() + " answered: " + lookup.trouble;
  }
  return lookup;
}

std::string_view text_of(CaaLookup::Outcome outcome) {
  switch (outcome) {
    case CaaLookup::Outcome::found:
      return "found";
    case CaaLookup::Outcome::none:
      return "none";
    case CaaLookup::Outcome::failed:
      return "failed";
  }
  return "";
}

std::string line_of(const CaaProperty& property) {
  return fmt::format("{} {} \"{}\"", property.flags, property.tag, log::printable(property.value));
}

/// What an audit log wants: the question, each lookup, and why.
json to_json(const CaaOptions& options, const CaaDecision& decision) {
  json lookups = json::array();
  for (const CaaLookup& lookup : decision.lookups) {
    json records = json::array();
    for (const CaaProperty& property : lookup.properties)
      records.push_back({{"flags", property.flags}, {"tag", property.tag}, {"value", log::printable(property.value)}});
    json one{{"name", lookup.name.to_text()},
             {"outcome", text_of(lookup.outcome)},
             {"dnssec", lookup.outcome == CaaLookup::Outcome::failed ? "indeterminate"
                        : lookup.secure                              ? "secure"
                                                                     : "insecure"},
             {"records", records}};
    if (!lookup.trouble.empty()) one["trouble"] = lookup.trouble;
    lookups.push_back(std::move(one));
  }
  return {{"name", options.name},         {"time", unix_now()},       {"server", options.server},
          {"wildcard", options.wildcard}, {"mail", options.mail},     {"issuer", options.issuer},
          {"account", options.account},   {"method", options.method}, {"allowed", decision.allowed},
          {"reason", decision.reason},    {"lookups", lookups}};
}

}  // namespace

ExitCode caa_check(const Context& context, const CaaOptions& options) {
  std::string text = options.name;
  const bool star = text.starts_with("*.");
  if (star) text.erase(0, 2);
  const auto name = dns::Name::from_text(text);
  if (!name) return misused(context, options.name + ": it is no name");
  const auto server = dns::Endpoint::from_text(options.server, 53);
  if (!server) return misused(context, "--server " + options.server + ": expected an address such as 127.0.0.1@5300");
  CaaRequest request{.name = *name, .issuer = options.issuer, .account = options.account, .method = options.method};
  if (options.mail) {
    request.purpose = CaaPurpose::mail;
  } else if (options.wildcard || star) {
    request.purpose = CaaPurpose::wildcard_certificate;
  }
  const CaaDecision decision = decide_caa(request, [&](const dns::Name& at) { return look_up(*server, at); });
  if (context.json) {
    context.out << to_json(options, decision).dump(2) << "\n";
  } else {
    for (const CaaLookup& lookup : decision.lookups) {
      context.out << fmt::format("{} {}{}\n", lookup.name.to_text(), text_of(lookup.outcome),
                                 lookup.secure ? ", secure" : "");
      for (const CaaProperty& property : lookup.properties) context.out << "  " << line_of(property) << "\n";
    }
    context.out << (decision.allowed ? "allowed: " : "forbidden: ") << decision.reason << "\n";
  }
  if (decision.allowed) return ExitCode::done;
  // Forbidden either way; but where nobody answered it says nothing of the name, and a pipeline may try again.
  const bool answered = decision.lookups.empty() || decision.lookups.back().answered;
  return answered ? ExitCode::failed : ExitCode::unreachable;
}

namespace {

/// Who watches over a name of a zone file, as far as the zone says.
class CaaCover {
 public:
  explicit CaaCover(const Zone& zone) : zone_{zone} {}

  /// Names that a certificate can be for: with addresses or a service, or an alias to them.
  bool is_host(const ZoneNode& node) const {
    if (node.kind != NodeKind::authoritative) return false;
    return std::ranges::any_of(zone_.sets(node), [](const ZoneSet& set) {
      return set.type == dns::type::a || set.type == dns::type::aaaa || set.type == dns::type::cname ||
             set.type == dns::type::https || set.type == dns::type::svcb;
    });
  }

  /// What leaves it open to anybody; empty when CAA restricts who may issue.
  std::string gap(const dns::Name& name) const {
    for (dns::Name at = name; at.is_at_or_below(zone_.apex()); at = at.parent()) {
      if (const ZoneSet* set = records_of(at); set != nullptr) {
        if (restricts(*set)) return {};
        return "the CAA at " + at.to_text() + " has no property issue: any authority may issue";
      }
      if (at.is_root()) break;
    }
    return "no CAA at the name or above it in the zone";
  }

 private:
  /// At the end of aliases, as RFC 8659 §3 looks; aliases out of the zone are not followed.
  const ZoneSet* records_of(dns::Name at) const {
    for (std::size_t aliases = 0; aliases <= max_aliases; ++aliases) {
      const ZoneNode* node = zone_.find(at);
      if (node == nullptr || node->kind != NodeKind::authoritative) return nullptr;
      const ZoneSet* alias = zone_.find(*node, dns::type::cname);
      if (alias == nullptr) return zone_.find(*node, dns::type::caa);
      const auto target = dns::Name::from_wire(*alias->rdata().begin());
      if (!target) return nullptr;
      at = *target;
    }
    return nullptr;
  }
  static bool restricts(const ZoneSet& set) {
    return std::ranges::any_of(set.rdata(), [](OctetView rdata) {
      const auto property = parse_caa(rdata);
      // One that cannot be read forbids, and so does a critical one that nobody knows (RFC 8659 §4.1).
      return !property || property->tag == "issue" || forbids_by_being_unknown(*property);
    });
  }

  const Zone& zone_;
};

}  // namespace

ExitCode caa_audit(const Context& context, const std::vector<std::string>& files) {
  json all = json::array();
  for (const std::string& file : files) {
    const auto zone = load_zone(file, {});
    if (!zone) return complain(context, zone.error());
    const CaaCover cover{*zone};
    for (const ZoneNode& node : zone->nodes()) {
      if (!cover.is_host(node)) continue;
      const dns::Name name = node.name();
      const std::string gap = cover.gap(name);
      if (gap.empty()) continue;
      all.push_back({{"file", file}, {"name", name.to_text()}, {"why", gap}});
      if (!context.json) context.out << file << ": " << name.to_text() << ": " << gap << "\n";
    }
  }
  if (context.json) context.out << json{{"ok", all.empty()}, {"without-caa", all}}.dump(2) << "\n";
  return all.empty() ? ExitCode::done : ExitCode::failed;
}

}  // namespace redoubt::ctl
