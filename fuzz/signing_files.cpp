// Entrances: private keys in files, the state of a zone's keys (text of an earlier version, rows of its database),
// signing policies, pre-signed key sets, CAA records, PKCS#11 URIs, the output of an earlier run. The first octet
// chooses. Properties: what was read is written and reads back equal; what is refused says why; a state that is read is
// one the machine can go on from.
#include <algorithm>
#include <string_view>

#include "appliance/signing/policy_file.hpp"
#include "dnssec/caa.hpp"
#include "dnssec/keys/key_text.hpp"
#include "dnssec/keys/presigned.hpp"
#include "dnssec/keys/token_uri.hpp"
#include "dnssec/roll/history.hpp"
#include "dnssec/roll/machine.hpp"
#include "dnssec/roll/state_text.hpp"
#include "dnssec/sign/earlier_text.hpp"
#include "fuzz/require.hpp"

using namespace redoubt;
using namespace redoubt::dnssec;
using fuzz::require;

namespace {

void check_key(OctetView input) {
  const auto role = role_in_key_text(input);
  require(role || role.error().starts_with("line "), "a fault has its line");
  const auto key = private_key_from_text(input);
  if (!key) return require(key.error().starts_with("line "), "a fault has its line");
  const Secret text = private_key_to_text(*key);
  const auto again = private_key_from_text(text);
  require(again && again->public_key() == key->public_key(), "a key that is written is the same key");
  for (const KeyRole one : {KeyRole::ksk, KeyRole::zsk, KeyRole::csk}) {
    const Secret sealed = sealed_text_of(*key, one);
    const auto found = role_in_key_text(sealed);
    require(found && *found == one, "a role that is written reads back equal");
    require(private_key_from_text(sealed).has_value(), "a key with a role is a key");
  }
}

void check_state(std::string_view text) {
  const auto zone = zone_keys_from_text(text);
  if (!zone) return require(zone.error().starts_with("line "), "a fault has its line");
  const auto again = zone_keys_from_text(to_text(*zone));
  require(again && *again == *zone, "a state that is written reads back equal");
  ZoneRolls next = *zone;  // whatever it is, the machine makes something of it
  static_cast<void>(decide(Policy{}, next, {}));
  static_cast<void>(start_roll(next, 1));
}

/// Rows end with a 0x1e, and have a 0x1f between fact and words: so that words can have line ends in them.
void check_state_rows(std::string_view text) {
  std::vector<Fact> rows;
  while (!text.empty()) {
    const std::string_view row = text.substr(0, text.find('\x1e'));
    text.remove_prefix(std::min(row.size() + 1, text.size()));
    const std::string_view fact = row.substr(0, row.find('\x1f'));
    rows.emplace_back(std::string{fact}, std::string{row.substr(std::min(fact.size() + 1, row.size()))});
  }
  const auto zone = zone_keys_from_facts(rows);
  if (!zone) return require(zone.error().starts_with("row "), "a fault has its row");
  const auto again = zone_keys_from_facts(to_facts(*zone));
  require(again && *again == *zone, "a state that is written reads back equal");
  check_state(to_text(*zone));
  require(zone_keys_from_text(to_text(*zone)).has_value(), "what rows can say, a text can");
  for (const Transition& one : transitions(ZoneRolls{}, *zone, "fuzz"))
    require(!one.of.empty() && !one.after.empty() && one.why.size() <= max_transition_text, "a change says what");
}

void check_policy(std::string_view text) {
  const auto site = signing::policy_from_yaml(text);
  if (!site) return require(!site.error().empty(), "a policy that is refused has a fault");
  require(faults_of(site->policy).empty(), "a policy that is taken makes sense");
  const std::string printed = signing::policy_to_yaml(*site);
  const auto again = signing::policy_from_yaml(printed);
  require(again && signing::policy_to_yaml(*again) == printed, "a policy that is printed reads back equal");
}

void check_presigned_sets(std::string_view text) {
  const auto sets = presigned_from_text(text);
  if (!sets) return require(sets.error().starts_with("line "), "a fault has its line");
  const auto again = presigned_from_text(to_text(*sets));
  require(again && *again == *sets, "sets that are written read back equal");
  StoredKey key;
  key.zone = sets->zone;
  bool is_signed = false;
  for (const KeyRRset& set : sets->sets) is_signed = is_signed || !set.signatures.empty();
  require(!is_signed || !check_presigned(*sets, {&key, 1}), "nothing is taken that no key of ours has signed");
}

void check_caa(OctetView input) {
  const auto property = parse_caa(input);
  if (!property) return;
  const auto issuer = parse_issuer(property->value);
  CaaRequest request;
  request.name = dns::Name::literal("a.example.");
  const CaaDecision decision = decide_caa(request, [&](const dns::Name& name) {
    CaaLookup lookup;
    lookup.name = name;
    lookup.outcome = CaaLookup::Outcome::found;
    lookup.properties = {*property};
    return lookup;
  });
  require(!decision.reason.empty(), "a decision has a reason");
  if (property->tag == "issue" && (!issuer || issuer->domain.empty()))
    require(!decision.allowed, "nobody is authorised by nothing");
}

void check_token_uri(std::string_view text) {
  const auto uri = token_uri_from_text(text);
  if (!uri) return require(!uri.error().empty(), "a URI that is refused has a fault");
  const auto again = token_uri_from_text(to_text(*uri));
  require(again && *again == *uri, "a URI that is written reads back equal");
}

void check_earlier_text(std::string_view text) {
  const dns::Name apex = dns::Name::literal("example.");
  const auto earlier = EarlierText::index(text, apex);
  if (!earlier) return;
  EarlierText::Reader reader{*earlier};
  std::size_t lines = 0;
  for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) {
    const std::string_view line = text.substr(at, text.find('\n', at) - at);
    const auto owner = dns::Name::from_text(line.substr(0, line.find(' ')));
    require(owner.has_value() && owner->is_at_or_below(apex), "an owner that is indexed is a name of the zone");
    const auto found = [&](bool is_hash) {
      const auto there = reader.at(*owner, line.substr(0, line.find(' ')), is_hash);
      return std::ranges::any_of(there, [&](const EarlierText::Line& one) { return one.text == line; });
    };
    const bool is_tail = *owner == apex && lines != 0;  // a ZONEMD at the end is for nobody
    require(found(false) || found(true) || is_tail, "each line is found under its name");
    ++lines;
  }
  require(earlier->set_count() <= lines, "no more sets than lines");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const OctetView input{data + 1, size - 1};
  const std::string_view text{reinterpret_cast<const char*>(input.data()), input.size()};
  switch (data[0] % 8) {
    case 0:
      check_key(input);
      break;
    case 1:
      check_state(text);
      break;
    case 2:
      check_policy(text);
      break;
    case 3:
      check_state_rows(text);
      break;
    case 4:
      check_presigned_sets(text);
      break;
    case 5:
      check_token_uri(text);
      break;
    case 6:
      check_earlier_text(text);
      break;
    default:
      check_caa(input);
  }
  return 0;
}
