#include "dnssec/caa.hpp"

#include <algorithm>
#include <array>

namespace redoubt::dnssec {

namespace {

// Properties that are understood here; of others those that are critical forbid (RFC 8659 §4.1). contactemail and
// contactphone are the CA/Browser Forum's.
constexpr std::array<std::string_view, 7> known_tags{"issue",        "issuewild",    "issuemail", "iodef",
                                                     "contactemail", "contactphone", "issuevmc"};

constexpr std::size_t max_aliases = 16;

bool is_blank(char c) { return c == ' ' || c == '\t'; }
bool is_letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }
std::string lowered(std::string_view text) {
  std::string out{text};
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}
std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

/// Letters and digits, hyphens only between them.
bool is_word(std::string_view text) {
  if (text.empty() || !is_letter_or_digit(text.front()) || !is_letter_or_digit(text.back())) return false;
  return std::ranges::all_of(text, [](char c) { return is_letter_or_digit(c) || c == '-'; });
}

bool is_domain(std::string_view text) {
  for (;;) {
    const auto dot = std::min(text.find('.'), text.size());
    if (!is_word(text.substr(0, dot))) return false;
    if (dot == text.size()) return true;
    text.remove_prefix(dot + 1);
  }
}

std::vector<std::string_view> values_of(const CaaIssuer& issuer, std::string_view parameter) {
  std::vector<std::string_view> values;
  for (const auto& [tag, value] : issuer.parameters) {
    if (tag == parameter) values.push_back(value);
  }
  return values;
}

bool is_in_list(std::string_view list, std::string_view wanted) {
  for (;;) {
    const auto comma = std::min(list.find(','), list.size());
    if (list.substr(0, comma) == wanted) return true;
    if (comma == list.size()) return false;
    list.remove_prefix(comma + 1);
  }
}

/// Why this property does not let the request pass; empty when it does.
std::string objection(const CaaProperty& property, const CaaRequest& request) {
  const auto issuer = parse_issuer(property.value);
  if (!issuer) return "its value is malformed, so it authorises nobody";
  if (issuer->domain.empty()) return "it authorises nobody";
  if (!request.issuer.empty() && issuer->domain != lowered(request.issuer)) return "it authorises " + issuer->domain;
  const auto accounts = values_of(*issuer, "accounturi");
  if (accounts.size() > 1) return "it has more than one accounturi, so nobody satisfies it";  // RFC 8657 §3
  if (!accounts.empty() && accounts[0].empty()) return "its accounturi is empty, so nobody satisfies it";
  if (!accounts.empty() && accounts[0] != request.account)
    return "it authorises the account " + std::string{accounts[0]} + " alone";
  const auto methods = values_of(*issuer, "validationmethods");
  if (methods.size() > 1) return "it has more than one validationmethods, so nobody satisfies it";  // §4
  if (!methods.empty() && (request.method.empty() || !is_in_list(methods[0], request.method)))
    return "it authorises the methods " + std::string{methods[0]} + " alone";
  return {};
}

/// The property that counts for this purpose.
std::string_view tag_for(CaaPurpose purpose, const std::vector<CaaProperty>& properties) {
  if (purpose == CaaPurpose::mail) return "issuemail";
  const bool has_wild =
      std::ranges::any_of(properties, [](const CaaProperty& property) { return property.tag == "issuewild"; });
  return purpose == CaaPurpose::wildcard_certificate && has_wild ? "issuewild" : "issue";  // §4.3
}

void judge(const CaaRequest& request, const std::vector<CaaProperty>& properties, CaaDecision& decision) {
  for (const CaaProperty& property : properties) {
    if (forbids_by_being_unknown(property)) {
      decision.reason = "the property '" + property.tag + "' is critical and not understood";
      return;
    }
  }
  const std::string_view tag = tag_for(request.purpose, properties);
  std::string objections;
  bool any = false;
  for (const CaaProperty& property : properties) {
    if (property.tag != tag) continue;
    any = true;
    const std::string why = objection(property, request);
    if (why.empty()) {
      decision.allowed = true;
      decision.reason = property.tag + " \"" + property.value + "\" authorises it";
      return;
    }
    objections += (objections.empty() ? "" : "; ") + property.tag + " \"" + property.value + "\": " + why;
  }
  decision.allowed = !any;
  decision.reason = any ? objections : "no property speaks of it: there is no '" + std::string{tag} + "'";
}

/// A denial comes with the SOA of the name's zone (RFC 2308 §2): without it this is a referral, or an alias that was
/// followed only so far, and says nothing.
bool denies(const dns::Message& reply, const dns::Name& name) {
  return std::ranges::any_of(reply.authority, [&](const dns::Record& record) {
    return record.type == dns::type::soa && record.rr_class == dns::rr_class::in && name.is_at_or_below(record.owner);
  });
}

}  // namespace

bool forbids_by_being_unknown(const CaaProperty& property) {
  return property.is_critical() && std::ranges::find(known_tags, std::string_view{property.tag}) == known_tags.end();
}

std::optional<CaaProperty> parse_caa(std::span<const std::uint8_t> rdata) {
  if (rdata.size() < 2 || rdata[1] == 0 || rdata.size() < 2U + rdata[1]) return std::nullopt;
  const auto text = [](std::span<const std::uint8_t> octets) { return std::string{octets.begin(), octets.end()}; };
  const std::string tag = text(rdata.subspan(2, rdata[1]));
  if (!std::ranges::all_of(tag, is_letter_or_digit)) return std::nullopt;
  return CaaProperty{rdata[0], lowered(tag), text(rdata.subspan(2U + rdata[1]))};
}

std::optional<CaaIssuer> parse_issuer(std::string_view value) {
  const auto semicolon = std::min(value.find(';'), value.size());
  const std::string_view domain = trimmed(value.substr(0, semicolon));
  if (!domain.empty() && !is_domain(domain)) return std::nullopt;
  CaaIssuer issuer{lowered(domain), {}};
  std::string_view left = trimmed(value.substr(std::min(semicolon + 1, value.size())));
  while (!left.empty()) {
    const auto end = std::min(left.find(';'), left.size());
    const std::string_view parameter = trimmed(left.substr(0, end));
    const auto equals = parameter.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    const std::string_view tag = trimmed(parameter.substr(0, equals));
    const std::string_view content = trimmed(parameter.substr(equals + 1));
    if (!is_word(tag) || !std::ranges::all_of(content, [](char c) { return c > ' ' && c < 127; })) return std::nullopt;
    issuer.parameters.emplace_back(lowered(tag), content);
    if (end == left.size()) break;
    left = trimmed(left.substr(end + 1));
    if (left.empty()) return std::nullopt;  // a semicolon stands between parameters, and not behind the last
  }
  return issuer;
}

CaaLookup lookup_from_reply(const dns::Message& reply, const dns::Name& name) {
  CaaLookup lookup;
  lookup.name = name;
  lookup.secure = reply.header.authentic;
  const dns::Rcode rcode = reply.rcode();
  if (rcode != dns::Rcode::noerror && rcode != dns::Rcode::nxdomain) {
    lookup.trouble = dns::to_text(rcode);
    return lookup;
  }
  if (reply.header.truncated) {
    lookup.trouble = "the answer is cut off";
    return lookup;
  }
  if (!reply.header.recursion_available) {
    lookup.trouble = "the server is no resolver (RA is not set)";
    return lookup;
  }
  dns::Name at = name;
  for (std::size_t aliases = 0;; ++aliases) {
    const auto alias = std::ranges::find_if(reply.answer, [&](const dns::Record& record) {
      return record.type == dns::type::cname && record.rr_class == dns::rr_class::in && record.owner == at;
    });
    if (alias == reply.answer.end()) break;
    const auto target = dns::Name::from_wire(alias->rdata);
    if (!target || aliases == max_aliases) {
      lookup.trouble = target ? "more aliases than are followed, or a loop" : "an alias that cannot be read";
      return lookup;
    }
    at = *target;
  }
  for (const dns::Record& record : reply.answer) {
    if (record.type != dns::type::caa || record.rr_class != dns::rr_class::in || !(record.owner == at)) continue;
    // A record that cannot be read must not open a door: it counts as a critical one that is not understood.
    lookup.properties.push_back(
        parse_caa(record.rdata).value_or(CaaProperty{CaaProperty::critical_bit, "malformed", ""}));
  }
  if (!lookup.properties.empty()) {
    lookup.outcome = CaaLookup::Outcome::found;
  } else if (denies(reply, at)) {
    lookup.outcome = CaaLookup::Outcome::none;
  } else {
    lookup.trouble = "the answer is neither records nor a denial";
  }
  return lookup;
}

CaaDecision decide_caa(const CaaRequest& request, const std::function<CaaLookup(const dns::Name&)>& look_up) {
  CaaDecision decision;
  for (dns::Name at = request.name; !at.is_root(); at = at.parent()) {
    decision.lookups.push_back(look_up(at));
    const CaaLookup& found = decision.lookups.back();
    switch (found.outcome) {
      case CaaLookup::Outcome::failed:
        decision.reason = "the lookup of " + at.to_text() + " failed: " + found.trouble;
        return decision;
      case CaaLookup::Outcome::none:
        break;
      case CaaLookup::Outcome::found:
        decision.relevant = at;
        judge(request, found.properties, decision);
        return decision;
    }
  }
  decision.allowed = true;
  decision.reason = "there are no CAA records at the name or above it";
  return decision;
}

}  // namespace redoubt::dnssec
