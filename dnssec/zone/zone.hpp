#pragma once
// A whole zone in memory, a few octets over the records themselves: a million records fit into some hundred MiB. Names
// and RDATA lie in an arena; nodes are in canonical order, the RRsets of a node by type, the RDATA of an RRset in
// canonical order and each once.
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "dns/name.hpp"
#include "dns/rrset.hpp"
#include "dnssec/base/canonical.hpp"

namespace redoubt::dnssec {

/// Octets that stay where they are until the arena goes.
class Arena {
 public:
  std::uint8_t* take(std::size_t octets);
  const std::uint8_t* copy(OctetView octets);
  std::size_t octets() const { return total_; }

 private:
  static constexpr std::size_t block_octets = std::size_t{1} << 20;
  std::vector<std::unique_ptr<std::uint8_t[]>> blocks_;
  std::size_t left_ = 0;
  std::uint8_t* at_ = nullptr;
  std::size_t total_ = 0;
};

/// What a name is to the zone (RFC 4035 §2, RFC 6672 §2.4).
enum class NodeKind : std::uint8_t {
  authoritative,
  cut,       ///< NS below the apex: a delegation; only its DS and its proof are ours to sign
  occluded,  ///< below a cut or a DNAME: glue, or nothing that anyone is told
};

struct ZoneSet {
  dns::RrType type;
  std::uint32_t ttl = 0;
  std::uint32_t octets = 0;
  const std::uint8_t* block = nullptr;  ///< the layout of RdataList
  RdataRange rdata() const { return RdataRange{OctetView{block, octets}}; }
  std::size_t count() const;
};

struct ZoneNode {
  const std::uint8_t* owner = nullptr;  ///< wire form; its case is kept
  std::uint32_t first_set = 0;
  std::uint16_t set_count = 0;
  std::uint8_t owner_octets = 0;
  NodeKind kind = NodeKind::authoritative;
  OctetView wire() const { return {owner, owner_octets}; }
  dns::Name name() const;
};

class Zone {
 public:
  Zone() = default;
  const dns::Name& apex() const { return apex_; }
  /// In canonical order; the first is the apex.
  std::span<const ZoneNode> nodes() const { return nodes_; }
  /// By type.
  std::span<const ZoneSet> sets(const ZoneNode& node) const {
    return std::span{sets_}.subspan(node.first_set, node.set_count);
  }
  /// Null when the node has no such RRset.
  const ZoneSet* find(const ZoneNode& node, dns::RrType type) const;
  /// Null when there is no such node.
  const ZoneNode* find(const dns::Name& owner) const;
  /// Puts other RDATA into an RRset that is there.
  void replace(dns::RrType apex_type, const dns::RdataList& rdata);
  /// The apex has, beside the RRsets of the file, those of these records; what was added before goes. None is of a type
  /// that the file's apex has.
  void add_at_apex(std::span<const dns::Record> records);
  std::size_t record_count() const;
  /// RRsets whose records had different TTLs in the file, the first max_uneven of them.
  struct Uneven {
    std::uint32_t node;
    dns::RrType type;
  };
  static constexpr std::size_t max_uneven = 1000;
  std::span<const Uneven> uneven_ttls() const { return uneven_; }

 private:
  friend class ZoneBuilder;
  dns::Name apex_;
  std::vector<ZoneNode> nodes_;
  std::vector<ZoneSet> sets_;
  std::vector<Uneven> uneven_;
  std::size_t sets_of_file_ = 0;  // what follows was added at the apex
  std::uint16_t apex_sets_of_file_ = 0;
  Arena arena_;
};

/// Records in any order, then the zone.
class ZoneBuilder {
 public:
  explicit ZoneBuilder(const dns::Name& apex) { zone_.apex_ = apex; }
  /// errors: a record outside the zone, or of another class than IN
  std::expected<void, std::string> add(const dns::Record& record);
  /// Nothing is left in the builder. errors: no SOA, or more than one.
  std::expected<Zone, std::string> finish() &&;
  /// As finish(), for a run of names that need not begin with the apex, and of which none is below a delegation that is
  /// not among them. Nothing when names were added out of canonical order, or one of them in two places.
  std::optional<Zone> finish_part() &&;

 private:
  struct Raw {
    const std::uint8_t* owner;
    const std::uint8_t* rdata;  ///< two length octets in front
    std::uint32_t key;          ///< offset into keys_
    std::uint32_t ttl;
    dns::RrType type;
    std::uint16_t key_octets;
    std::uint16_t rdata_octets;
    std::uint8_t owner_octets;
  };
  void assemble();
  void classify();
  std::string_view key_of(const Raw& raw) const { return std::string_view{keys_}.substr(raw.key, raw.key_octets); }

  Zone zone_;
  std::vector<Raw> raw_;
  std::string keys_;
  dns::Name last_owner_;
};

}  // namespace redoubt::dnssec
