#pragma once
// A zone that is held here whole, answered from as one of its servers would (RFC 1034 §4.3.2): the root's local copy
// (RFC 8806). Immutable.
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <vector>

#include "dns/message.hpp"
#include "dns/question.hpp"
#include "dns/rrset.hpp"
#include "resolver/clock.hpp"

namespace redoubt::resolver {

class LocalZone {
 public:
  /// records: of class IN, at or below the apex, one SOA among them; what is wrong otherwise is one phrase. expires:
  /// from then on is_fresh() is false.
  static std::expected<LocalZone, std::string> make(dns::Name apex, std::span<const dns::Record> records,
                                                    Instant expires);

  const dns::Name& apex() const { return apex_; }
  std::uint32_t serial() const { return serial_; }
  bool is_fresh(Instant now) const { return now < expires_; }
  std::size_t rrsets() const { return sets_.size(); }

  /// What an authoritative server of this zone alone replies: answer, referral with glue, or denial with SOA. The
  /// question's name is at or below the apex. Aliases are not followed: their end is another question. dnssec: with
  /// the signatures, DS records and proofs of absence that go with it, if the zone has any (RFC 4035 §3.1); proofs are
  /// by NSEC, as in the root.
  dns::Message answer(const dns::Question& question, bool dnssec = false) const;

 private:
  LocalZone(const dns::Name& apex, Instant expires) : apex_{apex}, expires_{expires} {}
  const dns::RRset* find(const dns::Name& owner, dns::RrType type) const;
  /// Whether the name or anything below it is there.
  bool exists(const dns::Name& name) const;
  const dns::RRset* cut_above(const dns::Question& question) const;
  void refer(const dns::RRset& cut, dns::Message& message) const;
  dns::Message plain_answer(const dns::Question& question) const;
  void add_proofs(const dns::Question& question, dns::Message& message) const;
  void append_signatures(std::vector<dns::Record>& section, const dns::Name& owner, dns::RrType type) const;
  /// The NSEC of the name or, if that has none, the one whose span it lies in.
  void append_nsec_at(dns::Message& message, const dns::Name& name) const;

  dns::Name apex_;
  Instant expires_;
  std::uint32_t serial_ = 0;
  std::vector<dns::RRset> sets_;  // by owner in canonical order, then by type
};

}  // namespace redoubt::resolver
