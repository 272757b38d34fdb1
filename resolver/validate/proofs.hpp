#pragma once
// Proofs of absence that were checked once, kept to answer for all the names they speak of, and wildcards that make
// answers for names that such proofs show not to exist (RFC 8198): a flood of random names at a signed zone ends here.
// Shared by workers. Bounded in octets, and in spans of one zone; each holds as long as its own TTL, its SOA's and that
// SOA's MINIMUM allow (RFC 9077).
#include <algorithm>
#include <array>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "dns/question.hpp"
#include "dnssec/base/nsec3_hash.hpp"
#include "dnssec/verify/denial_nsec3.hpp"
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

/// An answer that was made from a wildcard, and the proof that it might be. Nothing but what was found secure.
struct ProvenWildcard {
  dns::Name zone;
  dns::Name wildcard;  ///< what the signatures are over
  SharedRRset data;    ///< of the name that was asked for
  SharedRRset signatures;
  std::vector<ProvenSpan> spans;
};

/// proofs.cpp: what is kept. synthesis.cpp: what it says of a name.
class Proofs {
 public:
  static constexpr std::size_t max_spans_of_zone = 10'000;
  static constexpr std::uint64_t initial_octets = 32U << 20U;

  explicit Proofs(const dns::HashKey& key, std::uint64_t octets = initial_octets)
      : most_octets_{octets}, zones_{0, Hash{key}} {}
  /// Of all that is kept, its administration included.
  void resize(std::uint64_t octets);
  /// Spans that opt out are passed over: they prove too little (RFC 8198 §5.4). So are those whose hashes cost more
  /// than a look-up may (attacks: hashing in the aggressive cache).
  void learn(const ProvenDenial& denial, Instant now);
  void learn(const ProvenWildcard& wildcard, Instant now);

  struct Denial {
    bool no_name = false;  ///< else: no data of that type
    SharedRRset soa;
    Instant expires;  ///< when the first of its parts does
    SharedEvidence evidence;
  };
  /// Nothing when it is not known to be absent. No suspension; at most max_blocks hash blocks. type is not DS.
  std::optional<Denial> deny(const dns::Question& question, Instant now);
  /// RFC 8198 §5.3: what a wildcard makes of the name, where nothing closer to it exists: data of that type, or an
  /// alias.
  struct Expansion {
    SharedRRset data;
    SharedEvidence evidence;
    dns::Name zone;
  };
  std::optional<Expansion> expand(const dns::Question& question, Instant now);
  void clear();
  std::size_t spans() const;
  std::uint64_t octets() const;

 private:
  struct Hash {
    dns::HashKey key;
    std::size_t operator()(const dns::Name& name) const { return name.hash(key); }
  };
  enum class Kind : std::uint8_t { nsec, nsec3, wildcard };
  struct Zone;
  struct Place;
  using Order = std::list<Place>;
  struct Kept {
    ProvenSpan span;
    Order::iterator place;
  };
  /// By canonical order key, of a wildcard with its type behind it; or by hash.
  using Spans = std::map<std::string, Kept, std::less<>>;
  struct Parameters {
    std::vector<std::uint8_t> salt;
    std::uint16_t iterations = 0;
    bool operator==(const Parameters&) const = default;
  };
  /// A name below which others were denied, and its wildcard, hashed.
  struct Encloser {
    dns::Name name;
    dnssec::Nsec3Hash hash;
    dnssec::Nsec3Hash star;
  };
  struct Zone {
    SharedRRset soa;  ///< null while no denial came
    SharedRRset soa_signatures;
    std::array<Spans, 3> spans;  ///< by Kind
    Parameters parameters;
    static constexpr std::size_t max_enclosers = 3;
    std::vector<Encloser> enclosers;  ///< by these parameters; the latest first
    void remember(Encloser encloser);
    std::vector<dnssec::KnownHash> known_above(const dns::Name& name) const;
    bool is_hashed_by(const dnssec::Nsec3Hasher& hasher) const {
      return hasher.is_of(parameters.salt, parameters.iterations);
    }
    /// Of that type, or an alias; null: none is known.
    const Kept* wildcard_at(const dns::Name& wildcard, dns::RrType type, Instant now) const;
    Spans& of(Kind kind) { return spans[static_cast<std::size_t>(kind)]; }
    const Spans& of(Kind kind) const { return spans[static_cast<std::size_t>(kind)]; }
    bool is_empty() const {
      return std::ranges::all_of(spans, [](const Spans& some) { return some.empty(); });
    }
    std::uint64_t octets() const;
  };
  struct Place {
    dns::Name zone;
    Kind kind;
    std::string key;
  };
  using Zones = std::unordered_map<dns::Name, Zone, Hash>;

  // All of these with the lock held.
  void put(const dns::Name& name, Zone& zone, Kind kind, std::string key, ProvenSpan span);
  void put_spans(const dns::Name& name, Zone& zone, const std::vector<ProvenSpan>& spans, Instant end);
  void make_room();
  void forget_oldest();
  void drop(Zone& zone, Kind kind);
  void drop_if_empty(const dns::Name& name);
  static std::uint64_t octets_of(const std::string& key, const Kept& kept);
  /// The span that begins at the key or last before it; of hashes, the last one of the zone where none is before it.
  static const Kept* at_or_before(const Spans& spans, std::string_view key, bool wraps, Instant now);
  /// The deepest zone at or above the name of which anything is known.
  Zones::iterator zone_above(const dns::Name& name);

  struct Candidates;
  std::optional<Candidates> candidates(const dns::Question& question, Instant now);
  static void gather_by_name(const Zone& zone, const dns::Name& name, Instant now, Candidates& out);
  /// The span at or before a name's hash; no record: none is known there.
  struct Hashed {
    ProvenSpan span{};
    dnssec::Nsec3Hash owner{};
    bool is_match = false;
  };
  // These take the lock for each look and hash outside of it.
  void gather_by_hash(const dns::Name& name, const dnssec::Nsec3Hasher& hasher, Instant now, Candidates& out);
  /// Nothing when the zone has gone meanwhile, or is hashed otherwise.
  std::optional<Hashed> find_by_hash(const dns::Name& name, const dnssec::Nsec3Hasher& hasher, Instant now,
                                     Candidates& out);
  void remember_encloser(const dns::Name& encloser, const dns::Name& star, const Candidates& found);
  /// true: there is no such name; false: no such data.
  static std::optional<bool> denied(const dns::Question& question, const Candidates& found);
  SharedRRset wildcard_for(const dns::Question& question, Instant now, Candidates& out, std::size_t& labels,
                           SharedRRset& signatures);

  mutable std::mutex lock_;
  std::uint64_t most_octets_;
  std::uint64_t octets_ = 0;
  Zones zones_;
  Order order_;  // the longest unused last
};

}  // namespace redoubt::resolver
