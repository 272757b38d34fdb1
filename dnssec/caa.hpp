#pragma once
// Certification Authority Authorization: who may issue a certificate for a name (RFC 8659), with which account and by
// which method (RFC 8657), and for mail addresses (RFC 9495). Pure: lookups are a function of the caller's.
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dns/message.hpp"
#include "dns/name.hpp"

namespace redoubt::dnssec {

/// One CAA record (RFC 8659 §4.1).
struct CaaProperty {
  static constexpr std::uint8_t critical_bit = 128;
  std::uint8_t flags = 0;
  std::string tag;    ///< in lower case: tags compare without case
  std::string value;  ///< as it stands
  bool is_critical() const { return (flags & critical_bit) != 0; }
};
/// Whether an authority that knows no more than this product would have to refuse because of it (RFC 8659 §4.1).
bool forbids_by_being_unknown(const CaaProperty& property);
/// Nothing for RDATA that is no CAA record's.
std::optional<CaaProperty> parse_caa(std::span<const std::uint8_t> rdata);

/// The value of issue, issuewild and issuemail (RFC 8659 §4.2).
struct CaaIssuer {
  std::string domain;  ///< in lower case; empty: nobody
  std::vector<std::pair<std::string, std::string>> parameters;
};
/// Nothing for a value that does not follow the grammar: it authorises nobody.
std::optional<CaaIssuer> parse_issuer(std::string_view value);

/// What was found at one name, aliases followed.
struct CaaLookup {
  enum class Outcome : std::uint8_t { found, none, failed };
  dns::Name name;
  Outcome outcome = Outcome::failed;
  bool answered = true;  ///< a server said something at all, if only that it failed
  bool secure = false;   ///< validated with DNSSEC
  std::vector<CaaProperty> properties;
  std::string trouble;  ///< of a failure
};

/// What a resolver's answer to "NAME CAA" says. Aliases are followed as far as the answer has them. Fails for what
/// could hide records: an answer that is cut off, an alias that cannot be read, more aliases than are followed; a
/// server that is no resolver; and no records without a denial (an SOA at or above the last alias's target, RFC 2308
/// §2).
CaaLookup lookup_from_reply(const dns::Message& reply, const dns::Name& name);

enum class CaaPurpose : std::uint8_t { certificate, wildcard_certificate, mail };

struct CaaRequest {
  dns::Name name;  ///< without a leading `*`
  CaaPurpose purpose = CaaPurpose::certificate;
  std::string issuer;   ///< its domain; empty: whether anyone at all may issue
  std::string account;  ///< URI (RFC 8657 §3); empty: unknown, so no record that names one is satisfied
  std::string method;   ///< validation method (RFC 8657 §4), likewise
};

struct CaaDecision {
  bool allowed = false;
  std::string reason;
  std::vector<CaaLookup> lookups;     ///< all that were made, in order: the evidence
  std::optional<dns::Name> relevant;  ///< where the relevant RRset is; nothing when there is none
};

/// Climbs from the name towards the root until there are records (RFC 8659 §3), and judges them. A lookup that fails
/// forbids: the CA/Browser Forum allows to go on only where the zone is proven to be unsigned, and a failure proves
/// nothing.
CaaDecision decide_caa(const CaaRequest& request, const std::function<CaaLookup(const dns::Name&)>& look_up);

}  // namespace redoubt::dnssec
