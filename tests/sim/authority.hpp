#pragma once
// What an honest authoritative server says (RFC 1034 §4.3.2), from zones held in memory.
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "dns/message.hpp"
#include "dns/rrset.hpp"

namespace redoubt::sim {

class Zone {
 public:
  /// text as in zone_text.hpp, relative to the apex. Without an SOA one is added (TTL and MINIMUM 900).
  Zone(dns::Name apex, std::string_view text);
  /// The same from records.
  Zone(dns::Name apex, std::vector<dns::Record> records);

  const dns::Name& apex() const { return apex_; }
  /// Adds the answer for the question to the message: sections, AA, rcode. The question's name is at or below the apex.
  void answer(const dns::Question& question, dns::Message& message) const;
  /// Of a signed zone: the signatures, DS and proofs of absence that go with that answer to who asks with DO (RFC 4035
  /// §3.1, RFC 5155 §7.2). authority_signed.cpp
  void add_proofs(const dns::Question& question, dns::Message& message) const;

 private:
  using Key = std::pair<dns::Name, std::uint16_t>;

  const std::vector<dns::Record>* find(const dns::Name& name, dns::RrType type) const;
  bool exists(const dns::Name& name) const;
  std::optional<dns::Name> cut_above(const dns::Question& question) const;
  void refer(const dns::Name& cut, dns::Message& message) const;
  void add_addresses_of(const dns::Record& ns, dns::Message& message) const;
  void deny(bool no_name, dns::Message& message) const;
  bool answer_at(const dns::Name& source, const dns::Name& owner, dns::RrType type, dns::Message& message) const;
  std::optional<dns::Name> alias_of(const dns::Name& name, dns::Message& message) const;

  bool is_signed() const { return find(apex_, dns::type::dnskey) != nullptr; }
  bool has_nsec3() const { return find(apex_, dns::RrType{51}) != nullptr; }
  dns::Name source_of(const dns::Name& owner) const;
  void add_signatures(std::vector<dns::Record>& section, const dns::Name& owner, dns::RrType type) const;
  void add_denial_set(dns::Message& message, const dns::Name& owner, dns::RrType type) const;
  void add_nsec_covering(dns::Message& message, const dns::Name& name) const;
  void add_nsec3_matching(dns::Message& message, const dns::Name& name) const;
  void add_nsec3_covering(dns::Message& message, const dns::Name& name) const;
  void prove_absence(dns::Message& message, const dns::Name& name, bool no_name) const;
  void prove_no_closer(dns::Message& message, const dns::Name& name, const dns::Name& wildcard) const;
  dns::Name closest_encloser(const dns::Name& name) const;

  dns::Name apex_;
  std::map<Key, std::vector<dns::Record>> sets_;
};

/// The answer of a server with these zones: from the deepest that encloses the name (for DS: the parent's), REFUSED
/// when none does.
dns::Message answer_from(const std::vector<std::shared_ptr<const Zone>>& zones, const dns::Message& query);

}  // namespace redoubt::sim
