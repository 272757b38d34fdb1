#include "tests/worlds/build.hpp"

#include <algorithm>

#include "tests/sim/zone_text.hpp"
#include "tests/worlds/dice.hpp"

namespace redoubt::worlds {

namespace {

using sim::Heard;
using sim::Server;
using std::chrono::milliseconds;

/// Where forged glue leads: a server that answers everything, with authority.
constexpr std::string_view trap = "198.19.0.66";

dns::Record address_record(const dns::Name& owner, const dns::IpAddress& address) {
  const auto octets = address.octets();
  return {owner,
          address.is_v6() ? dns::type::aaaa : dns::type::a,
          dns::rr_class::in,
          dns::Ttl::from_wire(80'000),
          {octets.begin(), octets.end()}};
}

dns::Record name_record(const dns::Name& owner, dns::RrType type, const dns::Name& target) {
  const auto wire = target.wire();
  return {owner, type, dns::rr_class::in, dns::Ttl::from_wire(80'000), {wire.begin(), wire.end()}};
}

dns::IpAddress trap_address() { return *dns::IpAddress::from_text(trap); }

/// Names of others, for the liar to speak about.
std::vector<dns::Name> victims_of(const Plan& plan, std::size_t liar) {
  std::vector<dns::Name> own;
  for (const ZonePlan& zone : plan.states.front().zones) {
    if (std::ranges::find(zone.hosts, liar) != zone.hosts.end()) own.push_back(zone.apex);
  }
  std::vector<dns::Name> victims;
  const auto add = [&](const dns::Name& name) {
    if (std::ranges::none_of(own, [&](const dns::Name& apex) { return name.is_at_or_below(apex); }))
      victims.push_back(name);
  };
  for (const ZonePlan& zone : plan.states.front().zones) {
    for (const dns::Record& record : zone.records) add(record.owner);
  }
  return victims;
}

/// One lie of nine in each reply; own data stays true, so that only the names of others are at stake.
void lie(Dice& dice, const std::vector<dns::Name>& victims, dns::Message& message) {
  const dns::Name& victim = dice.one_of(victims);
  const dns::Name& qname = message.question->name;
  dns::Record forged = address_record(victim, forged_address());
  if (dice.chance(30)) forged.type = message.question->type == dns::type::a ? dns::type::a : dns::type::txt;
  if (forged.type == dns::type::txt) forged.rdata = {2, 'n', 'o'};
  switch (dice.below(9)) {
    case 0:
      return message.answer.push_back(forged);
    case 1:  // extra NS of a zone of others, with glue
      message.authority.push_back(name_record(victim, dns::type::ns, victim));
      return message.additional.push_back(address_record(victim, trap_address()));
    case 2:
      return message.additional.push_back(address_record(victim, trap_address()));
    case 3:  // an alias to the victim, and what the victim would say
      message.answer = {name_record(qname, dns::type::cname, victim), forged};
      message.authority.clear();
      message.set_rcode(dns::Rcode::noerror);
      return;
    case 4:  // a DNAME above the zone
      message.answer.insert(message.answer.begin(), name_record(victim.parent(), dns::type::dname, qname));
      return;
    case 5:  // its own NS set is said to be the victim, whose address it knows
      message.authority.push_back(name_record(qname, dns::type::ns, victim));
      return message.additional.push_back(address_record(victim, trap_address()));
    case 6:  // a referral for the question's own name to servers of others
      message.answer.clear();
      message.authority = {name_record(qname, dns::type::ns, victim)};
      message.additional = {address_record(victim, trap_address())};
      message.set_rcode(dns::Rcode::noerror);
      return;
    case 7:  // a denial with the SOA of others
      for (dns::Record& record : message.authority) record.owner = victim;
      message.set_rcode(dns::Rcode::nxdomain);
      return;
    default:  // an alias to the victim, which does not exist
      message.answer = {name_record(qname, dns::type::cname, victim)};
      for (dns::Record& record : message.authority) record.owner = victim.parent();
      message.set_rcode(dns::Rcode::nxdomain);
  }
}

sim::Behaviour lies(const Plan& plan, std::size_t host) {
  auto dice = std::make_shared<Dice>(plan.seed ^ plan.hosts[host].lie);
  return sim::edits([dice, victims = victims_of(plan, host)](const Heard&, dns::Message& message) {
    if (!victims.empty() && dice->chance(85)) lie(*dice, victims, message);
  });
}

dns::Message forged_reply(const dns::Message& query) {
  dns::Message message;
  message.header.id = query.header.id;
  message.header.response = true;
  message.header.authoritative = true;
  message.question = query.question;
  message.answer.push_back(address_record(query.question->name, forged_address()));
  return message;
}

/// Knows port, question and time, not the id; one in sixteen even knows the id but not the port.
sim::Behaviour is_spoofed() {
  return [](const Heard& heard, sim::Reaction& reaction) {
    if (heard.transport != resolver::UpstreamTransport::udp) return;
    dns::Message forged = forged_reply(heard.query);
    const bool elsewhere = heard.query.header.id % 16 == 0;
    if (!elsewhere) forged.header.id ^= 0x0101;
    reaction.deliveries.push_back({milliseconds{0}, forged.to_wire(), elsewhere});
  };
}

void apply_fault(Server& server, const Plan& plan, std::size_t number, resolver::Random& random) {
  const Host& host = plan.hosts[number];
  server.round_trip(milliseconds{host.round_trip_ms});
  switch (host.fault) {
    case Fault::none:
    case Fault::slow:
    case Fault::lame:
      return;
    case Fault::lossy:
      server.behaves(sim::lossy(random, host.percent));
      return;
    case Fault::silent:
      server.behaves(sim::silent());
      return;
    case Fault::silent_by_udp:
      server.behaves(sim::silent_by_udp());
      return;
    case Fault::unreachable:
      server.behaves(sim::unreachable());
      return;
    case Fault::refuses:
      server.behaves(sim::says(dns::Rcode::refused));
      return;
    case Fault::fails:
      server.behaves(sim::says(dns::Rcode::servfail));
      return;
    case Fault::no_edns:
      server.behaves(sim::knows_no_edns());
      return;
    case Fault::truncates:
      server.behaves(sim::truncates());
      return;
    case Fault::always_truncates:
      server.behaves(sim::truncates(true));
      return;
    case Fault::loses_case:
      server.behaves(sim::loses_case());
      return;
    case Fault::garbage:
      server.behaves(sim::talks_garbage());
      return;
    case Fault::spoofed:
      server.behaves(is_spoofed());
      return;
    case Fault::liar:
      server.behaves(lies(plan, number));
  }
}

}  // namespace

dns::IpAddress forged_address() { return *dns::IpAddress::from_text("6.6.6.6"); }

void build(sim::Internet& internet, const Plan& plan, std::size_t state, resolver::Random& random) {
  std::vector<Server> servers(plan.hosts.size());
  const auto serve = [&](std::size_t host, const ZonePlan& zone, const std::shared_ptr<const sim::Zone>& served) {
    if (plan.hosts[host].fault != Fault::lame || zone.apex.is_root()) servers[host].serves(served);
  };
  for (const ZonePlan& zone : plan.states[state].zones) {
    const auto served = std::make_shared<const sim::Zone>(zone.apex, zone.records);
    for (const std::size_t host : zone.hosts) serve(host, zone, served);
  }
  for (const Ghost& ghost : plan.ghosts) {
    if (ghost.state >= state) continue;
    const ZonePlan& zone = plan.states[ghost.state].zones[ghost.zone];
    serve(ghost.host, zone, std::make_shared<const sim::Zone>(zone.apex, zone.records));
  }
  for (std::size_t number = 0; number < plan.hosts.size(); ++number) {
    apply_fault(servers[number], plan, number, random);
    for (const dns::IpAddress& address : plan.hosts[number].addresses)
      internet.server(address.to_text()) = servers[number];
  }
  internet.server(trap).behaves([](const Heard& heard, sim::Reaction& reaction) {
    reaction.deliveries = {{milliseconds{5}, forged_reply(heard.query).to_wire()}};
  });
}

}  // namespace redoubt::worlds
