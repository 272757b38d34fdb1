#pragma once
// The slow, simple resolver that the fast one is compared with: no network, no cache, no servers. It looks at the zones
// of one state of the world and follows RFC 1034 §4.3.2, RFC 2308, RFC 4592 and RFC 6672 §3.2 to the letter. It shares
// no code with the resolver, nor with the servers of the simulation.
#include <optional>
#include <vector>

#include "tests/worlds/plan.hpp"

namespace redoubt::worlds {

/// What is true of one name and type.
struct Truth {
  enum class Kind : std::uint8_t { data, cname, dname, no_data, no_name, too_long };
  Kind kind = Kind::no_name;
  std::size_t zone = 0;                          ///< whose word it is
  dns::Name owner;                               ///< of a DNAME; else the name itself
  std::vector<std::vector<std::uint8_t>> rdata;  ///< data, or the one of an alias
  std::uint32_t ttl = 0;                         ///< of a denial: the lower of the SOA's TTL and MINIMUM
  dns::Name target;                              ///< of an alias
};

class Reference {
 public:
  explicit Reference(const State& state) : state_{&state} {}

  Truth look_up(const dns::Name& name, dns::RrType type) const;
  /// From the root down to the zone that has the say about the name.
  std::vector<std::size_t> zones_above(const dns::Name& name, dns::RrType type) const;

 private:
  std::vector<const dns::Record*> records_at(const ZonePlan& zone, const dns::Name& name, dns::RrType type) const;
  bool exists(const ZonePlan& zone, const dns::Name& name) const;
  std::optional<std::size_t> next_cut(std::size_t zone, const dns::Name& name, dns::RrType type) const;
  Truth at_node(std::size_t zone, const dns::Name& node, const dns::Name& name, dns::RrType type) const;
  Truth denial(std::size_t zone, const dns::Name& name, bool no_name) const;

  const State* state_;
};

}  // namespace redoubt::worlds
