#include "appliance/signing/notify_parent.hpp"

#include <algorithm>
#include <array>

#include "appliance/config/compile.hpp"
#include "appliance/signing/ask.hpp"
#include "dns/reader.hpp"

namespace redoubt::signing {

namespace {

constexpr dns::RrType dsync_type{66};
constexpr std::uint8_t notify_scheme = 1;  // RFC 9859 §6.2
constexpr unsigned max_lookups = 3;
constexpr std::chrono::seconds all_the_time{30};
constexpr std::chrono::milliseconds longest_exchange{5000};
/// Of one's own networks, and those that lead to an IPv4 address of whatever kind.
constexpr std::array<std::string_view, 11> private_addresses{"10.0.0.0/8",     "172.16.0.0/12",
                                                             "192.168.0.0/16",  // RFC 1918
                                                             "100.64.0.0/10",   // RFC 6598
                                                             "192.0.0.0/24",    // RFC 6890
                                                             "198.18.0.0/15",   // RFC 2544
                                                             "fc00::/7",        // RFC 4193
                                                             "fec0::/10",       // RFC 3879
                                                             "64:ff9b::/96",    // RFC 6052
                                                             "64:ff9b:1::/48",  // RFC 8215
                                                             "2002::/16"};      // RFC 3056

/// What is left for one exchange; nothing when the time is over.
std::optional<std::chrono::milliseconds> time_left(std::chrono::steady_clock::time_point deadline) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  if (left.count() <= 0) return std::nullopt;
  return std::min(left, longest_exchange);
}
constexpr std::array<std::uint8_t, 6> dsync_label{'_', 'd', 's', 'y', 'n', 'c'};

/// The name with `_dsync` between its labels below `apex` and the apex; with only_apex, `_dsync` at the apex.
std::optional<dns::Name> with_label(const dns::Name& child, const dns::Name& apex, bool only_apex) {
  const auto base = apex.prepended(dsync_label);
  if (!base || only_apex) return base;
  return child.with_suffix_replaced(apex, *base);
}

/// The apex of the zone that the name would be in, as a denial tells it.
std::optional<dns::Name> apex_in(const dns::Message& reply) {
  const auto soa = std::ranges::find(reply.authority, dns::type::soa, &dns::Record::type);
  return soa == reply.authority.end() ? std::nullopt : std::optional{soa->owner};
}

std::vector<Dsync> records_in(const dns::Message& reply, dns::RrType type) {
  std::vector<Dsync> records;
  for (const dns::Record& record : reply.answer) {  // aliases and wildcards are the resolver's work
    if (record.type != dsync_type || records.size() == max_notified) continue;
    const auto one = parse_dsync(record.rdata);
    if (one && one->type == type && one->scheme == notify_scheme && one->port != 0) records.push_back(*one);
  }
  return records;
}

bool has_dsync(const dns::Message& reply) {
  return std::ranges::find(reply.answer, dsync_type, &dns::Record::type) != reply.answer.end();
}

std::vector<dns::IpAddress> addresses_of(const dns::Name& target, const Lookup& look_up) {
  std::vector<dns::IpAddress> addresses;
  for (const dns::RrType type : {dns::type::aaaa, dns::type::a}) {
    const auto reply = look_up({target, type});
    if (!reply) continue;
    for (const dns::Record& record : reply->answer) {
      if (record.type != type || addresses.size() == max_notified) continue;
      if (type == dns::type::a && record.rdata.size() == 4) {
        std::array<std::uint8_t, 4> octets{};
        std::ranges::copy(record.rdata, octets.begin());
        addresses.push_back(dns::IpAddress::v4(octets));
      } else if (type == dns::type::aaaa && record.rdata.size() == 16) {
        std::array<std::uint8_t, 16> octets{};
        std::ranges::copy(record.rdata, octets.begin());
        addresses.push_back(dns::IpAddress::v6(octets));
      }
    }
  }
  return addresses;
}

Notified notify_one(const dns::Name& child, dns::RrType type, const Dsync& agent, const Lookup& look_up,
                    const NotifyRules& rules) {
  Notified done{.target = agent.target, .server = {}, .trouble = "it has no address"};
  for (const dns::IpAddress& address : addresses_of(agent.target, look_up)) {
    done.server = {address, agent.port};
    if (!rules.any_address && !is_public(address)) {
      done.trouble = done.server.to_text() + ": not an address that a parent's agent has (--any-address goes there)";
      continue;
    }
    const auto left = time_left(rules.deadline);
    if (!left) {
      done.trouble = "no time was left for it";
      break;
    }
    const auto reply = ask(done.server, {child, type}, {.notify = true, .timeout = *left});
    if (!reply) {
      done.trouble = reply.error();
      continue;
    }
    if (reply->rcode() == dns::Rcode::noerror) {
      done.trouble.clear();
      return done;
    }
    done.trouble = done.server.to_text() + ": " + dns::to_text(reply->rcode());
  }
  return done;
}

}  // namespace

std::optional<Dsync> parse_dsync(std::span<const std::uint8_t> rdata) {
  constexpr std::size_t fixed = 5;  // type, scheme, port
  if (rdata.size() <= fixed) return std::nullopt;
  const auto target = dns::Name::from_wire(rdata.subspan(fixed));
  if (!target) return std::nullopt;
  return Dsync{.type = dns::RrType{static_cast<std::uint16_t>(rdata[0] << 8 | rdata[1])},
               .scheme = rdata[2],
               .port = static_cast<std::uint16_t>(rdata[3] << 8 | rdata[4]),
               .target = *target};
}

std::expected<DsyncFound, std::string> find_dsync(const dns::Name& child, dns::RrType type, const Lookup& look_up) {
  if (child.is_root()) return std::unexpected{std::string{"the root has no parent"}};
  dns::Name apex = child.parent();  // until an answer says otherwise
  bool only_apex = false;
  for (unsigned step = 0; step < max_lookups; ++step) {
    const auto name = with_label(child, apex, only_apex);
    if (!name) return std::unexpected{child.to_text() + ": the name is too long to be asked for"};
    const auto reply = look_up({*name, dsync_type});
    if (!reply) return std::unexpected{reply.error()};
    const dns::Rcode rcode = reply->rcode();
    if (rcode != dns::Rcode::noerror && rcode != dns::Rcode::nxdomain)
      return std::unexpected{name->to_text() + " DSYNC: " + dns::to_text(rcode)};
    if (has_dsync(*reply)) {
      auto records = records_in(*reply, type);
      if (records.empty())
        return std::unexpected{name->to_text() + ": its DSYNC records are not for " + dns::to_text(type)};
      return DsyncFound{*name, std::move(records)};
    }
    const auto told = apex_in(*reply);
    if (only_apex || !told) break;
    // A zone that the child could not be delegated from says nothing about the parent.
    if (!child.is_strictly_below(*told)) break;
    only_apex = *told == apex;
    apex = *told;
  }
  return std::unexpected{"the parent of " + child.to_text() + " takes no notifications (no DSYNC)"};
}

bool is_public(const dns::IpAddress& address) {
  const auto holds = [&](const dns::Prefix& prefix) { return prefix.contains(address); };
  return std::ranges::none_of(config::builtin_do_not_query(), holds) &&
         std::ranges::none_of(private_addresses,
                              [&](std::string_view text) { return holds(*dns::Prefix::from_text(text)); });
}

std::vector<Notified> notify(const dns::Name& child, dns::RrType type, const DsyncFound& found, const Lookup& look_up,
                             const NotifyRules& rules) {
  std::vector<Notified> all;
  for (const Dsync& agent : found.records) all.push_back(notify_one(child, type, agent, look_up, rules));
  return all;
}

std::expected<ParentNotified, std::string> notify_parent(const dns::Name& child, dns::RrType type,
                                                         const dns::Endpoint& resolver, bool any_address) {
  const NotifyRules rules{any_address, std::chrono::steady_clock::now() + all_the_time};
  const Lookup look_up = [&](const dns::Question& question) -> std::expected<dns::Message, std::string> {
    const auto left = time_left(rules.deadline);
    if (!left) return std::unexpected{resolver.to_text() + ": no time was left to ask it"};
    return ask(resolver, question, {.recursion = true, .timeout = *left});
  };
  const auto found = find_dsync(child, type, look_up);
  if (!found) return std::unexpected{found.error()};
  return ParentNotified{found->name, notify(child, type, *found, look_up, rules)};
}

}  // namespace redoubt::signing
