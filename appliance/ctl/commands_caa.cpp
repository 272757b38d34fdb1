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

constexpr unsigned tries = 2;  // the CA/Browser Forum asks for one more (Baseline Requirements 3.2.2.8)
constexpr std::size_t max_aliases = 16;

/// The CAA records of the answer, at the end of its aliases; others in it are not looked at.
std::vector<CaaProperty> properties_in(const dns::Message& reply, dns::Name at) {
  for (std::size_t i = 0; i < max_aliases; ++i) {
    const auto alias = std::ranges::find_if(
        reply.answer, [&](const dns::Record& record) { return record.type == dns::type::cname && record.owner == at; });
    if (alias == reply.answer.end()) break;
    const auto target = dns::Name::from_wire(alias->rdata);
    if (!target) break;
    at = *target;
  }
  std::vector<CaaProperty> properties;
  for (const dns::Record& record : reply.answer) {
    if (record.type != dns::type::caa || !(record.owner == at)) continue;
    // A record that cannot be read must not open a door: it counts as a critical one that is not understood.
    properties.push_back(parse_caa(record.rdata).value_or(CaaProperty{CaaProperty::critical_bit, "malformed", ""}));
  }
  return properties;
}

CaaLookup look_up(const dns::Endpoint& server, const dns::Name& name) {
  CaaLookup lookup;
  lookup.name = name;
  for (unsigned i = 0; i < tries; ++i) {
    const auto reply = signing::ask(server, {name, dns::type::caa}, {.recursion = true, .dnssec = true});
    if (!reply) {
      lookup.trouble = reply.error();
      continue;
    }
    const dns::Rcode rcode = reply->rcode();
    if (rcode != dns::Rcode::noerror && rcode != dns::Rcode::nxdomain) {
      lookup.trouble = server.to_text() + " answered " + dns::to_text(rcode);
      continue;
    }
    lookup.secure = reply->header.authentic;
    lookup.properties = properties_in(*reply, name);
    lookup.outcome = lookup.properties.empty() ? CaaLookup::Outcome::none : CaaLookup::Outcome::found;
    return lookup;
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
  if (!name) return complain(context, options.name + ": it is no name");
  const auto server = dns::Endpoint::from_text(options.server, 53);
  if (!server) return complain(context, "--server " + options.server + ": expected an address such as 127.0.0.1@5300");
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
  return decision.allowed ? ExitCode::done : ExitCode::failed;
}

ExitCode caa_audit(const Context& context, const std::vector<std::string>& files) {
  json all = json::array();
  for (const std::string& file : files) {
    const auto zone = load_zone(file, {});
    if (!zone) return complain(context, zone.error());
    const auto has_caa = [&](const dns::Name& name) {
      const ZoneNode* node = zone->find(name);
      return node != nullptr && zone->find(*node, dns::type::caa) != nullptr;
    };
    for (const ZoneNode& node : zone->nodes()) {
      const bool has_host = zone->find(node, dns::type::a) != nullptr || zone->find(node, dns::type::aaaa) != nullptr;
      if (node.kind != NodeKind::authoritative || !has_host) continue;
      const dns::Name name = node.name();
      bool covered = false;
      for (dns::Name at = name; !covered && at.is_at_or_below(zone->apex()); at = at.parent()) {
        covered = has_caa(at);
        if (at.is_root()) break;
      }
      if (covered) continue;
      all.push_back({{"file", file}, {"name", name.to_text()}});
      if (!context.json)
        context.out << file << ": " << name.to_text() << ": no CAA at the name or above it in the zone\n";
    }
  }
  if (context.json) context.out << json{{"ok", all.empty()}, {"without-caa", all}}.dump(2) << "\n";
  return all.empty() ? ExitCode::done : ExitCode::failed;
}

}  // namespace redoubt::ctl
