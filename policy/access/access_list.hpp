#pragma once
// Who may ask (attacks: open resolver). One check at the entry of every question, whatever transport it came by.
#include <span>
#include <vector>

#include "dns/address.hpp"
#include "dns/name.hpp"

namespace redoubt::policy {

/// Immutable after it is made; lookups take time in the logarithm of its ranges and allocate nothing.
class AccessList {
 public:
  /// An empty list lets nobody in.
  AccessList() = default;
  explicit AccessList(std::span<const dns::Prefix> allow);
  /// An IPv4 address that came by an IPv6 socket counts as the IPv4 address.
  bool allows(const dns::IpAddress& client) const;

 private:
  struct Range {
    dns::IpAddress first;
    dns::IpAddress last;
  };
  std::vector<Range> ranges_;  // disjoint, ordered; IPv4 before IPv6
};

/// Clients that may ask from anywhere, by the name in a certificate that they have shown. Immutable.
class AllowedNames {
 public:
  AllowedNames() = default;
  /// A wildcard stands for one whole label in its place.
  explicit AllowedNames(std::vector<dns::Name> names);
  /// The root, which is nobody's name, is never allowed.
  bool allows(const dns::Name& client) const;

 private:
  std::vector<dns::Name> names_;  // lower-case, ordered
};

}  // namespace redoubt::policy
