#pragma once
// Tells the parent's agent that a zone has a new CDS, CDNSKEY or CSYNC (RFC 9859), so that it need not come by to look.
// A notification is a hint and no more: who gets it looks for itself, and believes DNSSEC.
#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "dns/address.hpp"
#include "dns/message.hpp"

namespace redoubt::signing {

inline constexpr std::size_t max_notified = 8;  ///< agents of one zone, and addresses of one agent

/// One DSYNC record (RFC 9859 §2.1).
struct Dsync {
  dns::RrType type;  ///< that is announced
  std::uint8_t scheme = 0;
  std::uint16_t port = 0;
  dns::Name target;
  bool operator==(const Dsync&) const = default;
};
/// Nothing for RDATA that is none.
std::optional<Dsync> parse_dsync(std::span<const std::uint8_t> rdata);

/// A question to a resolver. errors: one line
using Lookup = std::function<std::expected<dns::Message, std::string>(const dns::Question&)>;

struct DsyncFound {
  dns::Name name;              ///< where the records are
  std::vector<Dsync> records;  ///< of the scheme NOTIFY, for that type; at most max_notified
};
/// Looks where RFC 9859 §4.1 says: at CHILD._dsync.PARENT, with the parent as the answers tell it, and at
/// _dsync.PARENT. Three questions at most. errors: there is none, or a lookup failed
std::expected<DsyncFound, std::string> find_dsync(const dns::Name& child, dns::RrType type, const Lookup& look_up);

struct Notified {
  dns::Name target;
  dns::Endpoint server;
  std::string trouble;  ///< empty: it has taken notice
};
/// The DSYNC record is the parent's word, or whoever's it was before the resolver, and says where we connect.
struct NotifyRules {
  /// An agent may be at an address that is never asked otherwise (do-not-query: loopback, link-local, multicast, ...)
  /// or that is private (RFC 1918, RFC 4193, RFC 6598).
  bool any_address = false;
  std::chrono::steady_clock::time_point deadline;  ///< of all notifications together
};
/// Whether an agent may be there without any_address.
bool is_public(const dns::IpAddress& address);
/// Notifies each agent at the first of its addresses that takes it.
std::vector<Notified> notify(const dns::Name& child, dns::RrType type, const DsyncFound& found, const Lookup& look_up,
                             const NotifyRules& rules);

/// All of it: looks for the agents with that resolver's help, and notifies them, in half a minute at most.
/// errors: no agent is known
struct ParentNotified {
  dns::Name dsync;  ///< where the records are
  std::vector<Notified> agents;
};
std::expected<ParentNotified, std::string> notify_parent(const dns::Name& child, dns::RrType type,
                                                         const dns::Endpoint& resolver, bool any_address);

}  // namespace redoubt::signing
