#pragma once
// What a server's reply means for a question that was put to it as a server of `zone`. Pure. Only records at or below
// the zone are looked at, and only those that the question calls for: the rest of the message does not exist (attacks:
// data nobody asked for).
#include <cstdint>
#include <optional>
#include <vector>

#include "dns/address.hpp"
#include "dns/message.hpp"
#include "dns/question.hpp"
#include "dns/rrset.hpp"
#include "resolver/cache/cache.hpp"
#include "resolver/settings.hpp"
#include "resolver/validate/standing.hpp"

namespace redoubt::resolver {

enum class ReplyKind : std::uint8_t {
  answer,     ///< chain, if any, then data
  alias,      ///< chain alone: its end is to be asked for elsewhere
  no_data,    ///< the name (or the chain's end) has no such type
  no_name,    ///< it does not exist
  referral,   ///< delegation is set, strictly deeper than zone
  lame,       ///< the server does not serve the zone
  too_large,  ///< an RRset over the limit
  too_long,   ///< a DNAME made a name longer than names may be: YXDOMAIN (RFC 6672 §2.2)
};

struct Classified {
  ReplyKind kind = ReplyKind::lame;
  std::vector<dns::RRset> chain;  ///< CNAMEs, and DNAMEs with the CNAME they make, in order
  SharedRRset dname;              ///< known before, and makes the first link of the chain or the data; answered first
  dns::Name end;                  ///< the question's name, or where the chain leads
  std::optional<dns::RRset> data;
  std::optional<dns::RRset> soa;    ///< of a denial, when there was one of an enclosing zone
  std::vector<NameServer> servers;  ///< of a referral, or of the zone itself when that was the question
  dns::Name cut;                    ///< its zone
  dns::Ttl cut_ttl;
  bool authoritative = false;
  std::optional<dns::IpAddress> from;  ///< who said it; nothing: what is known here

  // For validation, when the settings ask for it:
  std::vector<dns::RRset> signatures;  ///< RRSIGs, one set for each owner, whatever types they cover
  std::vector<dns::RRset> proof;       ///< NSEC and NSEC3 of the authority section
  std::optional<dns::RRset> ds;        ///< of a referral, the cut's
  /// What is found out about it, in the order of `chain`; empty while nobody has looked. dname_standing is that of
  /// `dname`, which was known before.
  std::vector<Standing> chain_standing;
  Standing dname_standing;
  Standing end_standing;                                ///< of the data or denial
  std::vector<std::optional<dns::Name>> proof_signers;  ///< beside `proof`: the zone, when a signature was verified
  /// Of data that a wildcard made: labels of the RRSIG that fits, and whose it is.
  struct Expanded {
    std::uint8_t labels = 0;
    dns::Name zone;
  };
  std::optional<Expanded> expanded;
  std::vector<std::optional<Expanded>> chain_expanded;  ///< the same of the links, in the order of `chain`
  std::optional<dns::ExtendedError> note;               ///< what to tell with an answer that is insecure
};

/// rcode of the reply is NOERROR or NXDOMAIN, its question was checked before. key: for hashing owners. Never null.
std::unique_ptr<Classified> classify(const dns::Message& reply, const dns::Question& question, const dns::Name& zone,
                                     const Settings& settings, const dns::HashKey& key);

}  // namespace redoubt::resolver
