#pragma once
// Proofs of absence that were checked once, kept to answer for all the names they speak of (RFC 8198): a flood of
// random names at a signed zone ends here. Shared by workers. Bounded in spans, altogether and for each zone; each
// holds as long as its own TTL, its SOA's and that SOA's MINIMUM allow (RFC 9077).
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "dns/question.hpp"
#include "dnssec/base/nsec3_hash.hpp"
#include "resolver/clock.hpp"
#include "resolver/validate/standing.hpp"

namespace redoubt::resolver {

/// One NSEC or NSEC3 RRset with its signatures.
struct ProvenSpan {
  SharedRRset record;
  SharedRRset signatures;
};

/// Nothing but what was found secure.
struct ProvenDenial {
  dns::Name zone;
  SharedRRset soa;
  SharedRRset soa_signatures;
  std::vector<ProvenSpan> spans;
};

class Proofs {
 public:
  static constexpr std::size_t max_spans = 50'000;
  static constexpr std::size_t max_spans_of_zone = 10'000;

  explicit Proofs(const dns::HashKey& key) : zones_{0, Hash{key}} {}
  /// Spans that opt out are passed over: they prove too little (RFC 8198 §5.4). So are those whose hashes cost more
  /// than a look-up may (attacks: hashing in the aggressive cache).
  void learn(const ProvenDenial& denial, Instant now);

  struct Denial {
    bool no_name = false;  ///< else: no data of that type
    SharedRRset soa;
    Instant expires;  ///< when the first of its parts does
    SharedEvidence evidence;
  };
  /// Nothing when it is not known to be absent. No suspension; at most max_blocks hash blocks. type is not DS.
  std::optional<Denial> deny(const dns::Question& question, Instant now);
  void clear();
  std::size_t spans() const;

 private:
  struct Hash {
    dns::HashKey key;
    std::size_t operator()(const dns::Name& name) const { return name.hash(key); }
  };
  struct Zone;
  struct Place;
  using Order = std::list<Place>;
  struct Kept {
    ProvenSpan span;
    Order::iterator place;
  };
  /// By canonical order key, or by hash.
  using Spans = std::map<std::string, Kept>;
  struct Parameters {
    std::vector<std::uint8_t> salt;
    std::uint16_t iterations = 0;
    bool operator==(const Parameters&) const = default;
  };
  struct Zone {
    SharedRRset soa;
    SharedRRset soa_signatures;
    Spans nsec;
    Spans nsec3;
    Parameters parameters;
  };
  struct Place {
    dns::Name zone;
    bool is_hashed;
    std::string key;
  };
  using Zones = std::unordered_map<dns::Name, Zone, Hash>;

  void put(const dns::Name& name, Zone& zone, bool is_hashed, std::string key, ProvenSpan span);
  void forget_oldest();
  void drop(Zone& zone, bool is_hashed);
  /// The span that begins at the key or last before it; of hashes, the last one of the zone where none is before it.
  static const ProvenSpan* at_or_before(const Spans& spans, const std::string& key, bool wraps, Instant now);

  struct Candidates;
  std::optional<Candidates> candidates(const dns::Question& question, Instant now);
  static void gather_by_name(const Zone& zone, const dns::Name& apex, const dns::Name& name, Instant now,
                             Candidates& out);
  static void gather_by_hash(const Zone& zone, const dns::Name& apex, const dns::Name& name, Instant now,
                             Candidates& out);

  mutable std::mutex lock_;
  Zones zones_;
  Order order_;  // the longest unused last
};

}  // namespace redoubt::resolver
