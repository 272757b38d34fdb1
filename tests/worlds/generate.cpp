// From a seed to a plan.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "tests/worlds/dice.hpp"
#include "tests/worlds/plan.hpp"

namespace redoubt::worlds {

namespace {

using std::chrono::milliseconds;

constexpr std::string_view labels[] = {"www", "a", "b", "mail", "x-1", "Host", "deep", "_srv", "0", "ftp"};

dns::Name below(std::string_view label, const dns::Name& name) {
  const auto* octets = reinterpret_cast<const std::uint8_t*>(label.data());
  return name.prepended({octets, label.size()}).value_or(name);
}

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : dice_{seed * 2 + 1} { plan_.seed = seed; }

  Plan run() {
    choose_settings();
    hostility_ = dice_.below(4);
    make_zones();
    for (std::size_t zone = 0; zone < zones().size(); ++zone) choose_hosts(zone);
    for (std::size_t zone = 0; zone < zones().size(); ++zone) fill(zone);
    for (std::size_t zone = 1; zone < zones().size(); ++zone) put_cut(zone, parent_of(zone), ttl());
    make_liars();
    ask();
    change();
    return std::move(plan_);
  }

 private:
  std::vector<ZonePlan>& zones() { return plan_.states.back().zones; }

  // --- settings
  void choose_settings() {
    resolver::Settings& settings = plan_.settings;
    settings.case_randomisation = dice_.chance(70);
    settings.ipv6 = dice_.chance(80);
    settings.min_ttl = dns::Ttl::from_wire(dice_.pick<std::uint32_t>({0, 0, 0, 5, 60}));
    settings.max_ttl = dns::Ttl::from_wire(dice_.pick<std::uint32_t>({86'400, 86'400, 3600, 60}));
    settings.negative_max_ttl = dns::Ttl::from_wire(dice_.pick<std::uint32_t>({3600, 3600, 30}));
    settings.stale = std::chrono::seconds{dice_.pick({0, 0, 600, 86'400})};
    settings.prefetch = dice_.chance(40);
    settings.cookies = dice_.chance(70);
    settings.prime = dice_.chance(50);
    settings.minimisation = dice_.pick({resolver::Minimisation::off, resolver::Minimisation::relaxed,
                                        resolver::Minimisation::relaxed, resolver::Minimisation::strict});
    settings.nxdomain_cut = dice_.pick({resolver::NxdomainCut::off, resolver::NxdomainCut::root,
                                        resolver::NxdomainCut::always, resolver::NxdomainCut::always});
    settings.do_not_query.push_back(*dns::Prefix::from_text("127.0.0.0/8"));
    plan_.cache_octets = dice_.chance(15) ? 64U << 10 : 4U << 20;
  }

  // --- the tree
  void make_zones() {
    plan_.states.emplace_back();
    add_zone({});
    const std::size_t tops = dice_.between(2, 4);
    for (std::size_t i = 0; i < tops; ++i) add_zone(below(fmt::format("top{}", i), {}));
    const std::size_t more = dice_.between(4, 11);
    for (std::size_t i = 0; i < more; ++i) {
      // Top-level zones have the most children, but some grow deep.
      const std::size_t parent = dice_.chance(45) ? dice_.between(1, tops) : dice_.between(1, zones().size() - 1);
      dns::Name apex = zones()[parent].apex;
      if (apex.label_count() > 6) continue;
      if (dice_.chance(15)) apex = below(dice_.pick({"ent", "void"}), apex);  // with an empty non-terminal between
      const std::string label = dice_.chance(5) ? fmt::format("{:z>63}", i) : fmt::format("z{}", i);
      add_zone(below(label, apex));
    }
  }

  void add_zone(const dns::Name& apex) { zones().push_back({.apex = apex, .records = {}, .hosts = {}}); }

  /// The deepest zone at or above the name.
  std::size_t home_of(const dns::Name& name) {
    std::size_t home = 0;
    for (std::size_t zone = 0; zone < zones().size(); ++zone) {
      const dns::Name& apex = zones()[zone].apex;
      if (name.is_at_or_below(apex) && apex.label_count() >= zones()[home].apex.label_count()) home = zone;
    }
    return home;
  }

  std::size_t parent_of(std::size_t zone) { return zone == 0 ? 0 : home_of(zones()[zone].apex.parent()); }

  // --- name servers
  void choose_hosts(std::size_t zone) {
    if (zone == 0) {
      for (int i = 0; i < 2; ++i) zones()[0].hosts.push_back(new_host({}, Fault::none));
      for (const std::size_t host : zones()[0].hosts)
        plan_.settings.root_servers.push_back({plan_.hosts[host].name, plan_.hosts[host].addresses});
      return;
    }
    const std::size_t count = dice_.chance(4) ? dice_.between(5, 15) : dice_.between(1, 3);
    std::set<std::size_t> chosen;
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t how = dice_.below(100);
      if (how < 20) {
        chosen.insert(dice_.below(plan_.hosts.size()));  // shared
      } else {
        const std::size_t home = how < 65 ? zone : how < 80 ? parent_of(zone) : dice_.between(1, zones().size() - 1);
        chosen.insert(new_host(zones()[home].apex, choose_fault()));
      }
    }
    zones()[zone].hosts.assign(chosen.begin(), chosen.end());
  }

  std::size_t new_host(const dns::Name& above, Fault fault) {
    const std::size_t number = plan_.hosts.size();
    Host host;
    host.name = below(fmt::format("ns{}", number), above);
    const std::size_t families = above.is_root() ? 2 : dice_.below(10);  // 4, 6, or both
    if (families != 0)
      host.addresses.push_back(*dns::IpAddress::from_text(fmt::format("198.18.{}.{}", number / 250, number % 250 + 1)));
    if (families <= 2) host.addresses.push_back(*dns::IpAddress::from_text(fmt::format("2001:db8::{:x}", number + 1)));
    host.fault = fault;
    host.round_trip_ms = static_cast<std::uint32_t>(
        fault == Fault::slow ? dice_.between(350, 2500) : dice_.pick<std::size_t>({1, 10, 20, 60, 150}));
    host.percent = static_cast<std::uint32_t>(dice_.between(10, 70));
    plan_.hosts.push_back(host);
    return number;
  }

  Fault choose_fault() {
    constexpr std::size_t percent_by_hostility[] = {0, 12, 25, 45};
    if (!dice_.chance(percent_by_hostility[hostility_])) return Fault::none;
    return static_cast<Fault>(dice_.between(1, static_cast<std::size_t>(Fault::spoofed)));
  }

  // --- data
  std::uint32_t ttl() {
    return dice_.pick<std::uint32_t>({0, 1, 5, 30, 300, 300, 3600, 3600, 86'400, 700'000, 0x7fffffff});
  }

  static void add(ZonePlan& zone, const dns::Name& owner, dns::RrType type, std::uint32_t ttl,
                  std::span<const std::uint8_t> rdata) {
    for (dns::Record& record : zone.records) {  // one TTL for an RRset, and no duplicates
      if (!(record.owner == owner && record.type == type)) continue;
      ttl = record.ttl.seconds();
      if (std::ranges::equal(record.rdata, rdata)) return;
    }
    zone.records.push_back({owner, type, dns::rr_class::in, dns::Ttl::from_wire(ttl), {rdata.begin(), rdata.end()}});
  }

  void fill(std::size_t number) {
    ZonePlan& zone = zones()[number];
    add_soa(zone);
    const std::uint32_t ns_ttl = ttl();
    for (const std::size_t host : zone.hosts)
      add(zone, zone.apex, dns::type::ns, ns_ttl, plan_.hosts[host].name.wire());
    for (const Host& host : plan_.hosts) {
      if (home_of(host.name) == number) add_addresses(zone, host, ttl());
    }
    const std::size_t names = number == 0 ? 1 : dice_.between(3, 8);
    for (std::size_t i = 0; i < names; ++i) add_name(number);
  }

  void add_soa(ZonePlan& zone) {
    std::vector<std::uint8_t> rdata{0, 0};  // primary and mailbox are the root
    const std::uint32_t numbers[] = {1, 3600, 600, 86'400, ttl()};
    for (const std::uint32_t value : numbers) {
      for (int shift = 24; shift >= 0; shift -= 8) rdata.push_back(static_cast<std::uint8_t>(value >> shift));
    }
    add(zone, zone.apex, dns::type::soa, ttl(), rdata);
  }

  static void add_addresses(ZonePlan& zone, const Host& host, std::uint32_t ttl) {
    for (const dns::IpAddress& address : host.addresses)
      add(zone, host.name, address.is_v6() ? dns::type::aaaa : dns::type::a, ttl, address.octets());
  }

  /// A name that belongs to this zone and has nothing that an alias would collide with.
  void add_name(std::size_t number) {
    ZonePlan& zone = zones()[number];
    dns::Name owner = below(dice_.one_of(labels), zone.apex);
    const std::size_t shape = dice_.below(100);
    if (shape < 12) owner = below(dice_.pick({"p", "q"}), below("void", owner));  // empty non-terminals above it
    if (shape >= 12 && shape < 26) owner = below("*", dice_.chance(50) ? zone.apex : owner);
    if (shape >= 26 && shape < 32) {
      for (int i = 0; i < 3; ++i) owner = below(std::string(63 - dice_.below(20), 'h'), owner);
    }
    const auto collides = [&](const dns::Record& record) {
      return record.owner == owner || (record.type == dns::type::dname && owner.is_at_or_below(record.owner));
    };
    if (home_of(owner) != number || std::ranges::any_of(zone.records, collides)) return;
    const std::size_t kind = dice_.below(100);
    if (kind < 22) {
      add(zone, owner, dns::type::cname, ttl(), any_name().wire());
    } else if (kind < 30 && !owner.is_wildcard() && nothing_below(owner)) {
      add(zone, owner, dns::type::dname, ttl(), any_name().wire());
    } else {
      add_data(zone, owner);
    }
  }

  bool nothing_below(const dns::Name& owner) {
    const auto is_below = [&](const dns::Name& name) { return name.is_strictly_below(owner); };
    return std::ranges::none_of(zones(), is_below, &ZonePlan::apex) &&
           std::ranges::none_of(plan_.hosts, is_below, &Host::name) &&
           std::ranges::none_of(zones()[home_of(owner)].records, is_below, &dns::Record::owner);
  }

  void add_data(ZonePlan& zone, const dns::Name& owner) {
    const std::size_t kinds = dice_.between(1, 3);
    for (std::size_t i = 0; i < kinds; ++i) {
      const std::uint32_t lifetime = ttl();
      const std::size_t count = dice_.chance(4) ? dice_.between(60, 99) : dice_.between(1, 4);
      switch (dice_.below(4)) {
        case 0:
        case 1:
          for (std::size_t k = 0; k < count; ++k) add(zone, owner, dns::type::a, lifetime, fresh_address());
          break;
        case 2:
          add(zone, owner, dns::type::txt, lifetime, std::vector<std::uint8_t>{2, 't', '0'});
          break;
        default:
          std::vector<std::uint8_t> mx{0, 10};
          const dns::Name target = any_name();
          mx.insert(mx.end(), target.wire().begin(), target.wire().end());
          add(zone, owner, dns::type::mx, lifetime, mx);
      }
    }
  }

  /// Different for each record of the world, so that a mix-up shows.
  std::vector<std::uint8_t> fresh_address() {
    ++addresses_;
    return {10, static_cast<std::uint8_t>(addresses_ >> 16), static_cast<std::uint8_t>(addresses_ >> 8),
            static_cast<std::uint8_t>(addresses_)};
  }

  /// In any zone: one that is there, most often.
  dns::Name any_name() {
    const ZonePlan& zone = dice_.one_of(zones());
    if (!zone.records.empty() && dice_.chance(55)) return dice_.one_of(zone.records).owner;
    dns::Name name = below(dice_.one_of(labels), zone.apex);
    if (dice_.chance(15)) name = below(dice_.one_of(labels), name);
    return name;
  }

  // --- delegations
  void put_cut(std::size_t zone, std::size_t parent, std::uint32_t lifetime) {
    ZonePlan& above = zones()[parent];
    for (const std::size_t number : zones()[zone].hosts) {
      const Host& host = plan_.hosts[number];
      add(above, zones()[zone].apex, dns::type::ns, lifetime, host.name.wire());
      const bool needed = host.name.is_at_or_below(zones()[zone].apex);
      const bool sibling = host.name.is_at_or_below(above.apex) && home_of(host.name) != parent;
      if (needed ? !dice_.chance(2) : sibling && dice_.chance(50)) add_addresses(above, host, lifetime);
    }
  }

  // --- liars
  /// Hosts that serve leaves of the tree alone, so that much of the world stays worth comparing.
  void make_liars() {
    if (hostility_ == 0) return;
    for (std::size_t number = 0; number < plan_.hosts.size(); ++number) {
      bool serves_any = false;
      bool leaves_alone = true;
      for (std::size_t zone = 0; zone < zones().size(); ++zone) {
        if (std::ranges::find(zones()[zone].hosts, number) == zones()[zone].hosts.end()) continue;
        serves_any = true;
        for (std::size_t other = 1; other < zones().size(); ++other)
          leaves_alone = leaves_alone && zone != 0 && parent_of(other) != zone;
      }
      if (!serves_any || !leaves_alone || !dice_.chance(10 * hostility_)) continue;
      plan_.hosts[number].fault = Fault::liar;
      plan_.hosts[number].round_trip_ms = 5;
      plan_.hosts[number].lie = static_cast<std::uint32_t>(dice_.below(1U << 16));
    }
  }

  // --- questions
  void ask() {
    const std::size_t count = dice_.between(8, 20);
    for (std::size_t i = 0; i < count; ++i) {
      Asked asked;
      const std::size_t pause = dice_.below(100);
      if (pause >= 45) asked.pause = milliseconds{dice_.between(1, 12'000)};
      if (pause >= 75) asked.pause = milliseconds{dice_.between(10'000, 900'000)};
      if (pause >= 93) asked.pause = milliseconds{dice_.between(3'600'000, 100'000'000)};
      const std::size_t at_once = dice_.chance(8) ? dice_.between(2, 5) : 1;
      for (std::size_t k = 0; k < at_once; ++k) asked.questions.push_back(question());
      plan_.asked.push_back(std::move(asked));
    }
  }

  dns::Question question() {
    if (!plan_.asked.empty() && dice_.chance(30)) return dice_.one_of(plan_.asked).questions.front();
    dns::Name name = any_name();
    if (name.is_wildcard() && dice_.chance(80)) name = below(dice_.one_of(labels), name.parent());
    if (dice_.chance(20)) name = below(dice_.one_of(labels), name);
    if (dice_.chance(5)) name = dice_.one_of(zones()).apex;
    static constexpr dns::RrType types[] = {dns::type::a,     dns::type::a,   dns::type::a,   dns::type::a,
                                            dns::type::aaaa,  dns::type::mx,  dns::type::txt, dns::type::ns,
                                            dns::type::cname, dns::type::soa, dns::type::ds,  dns::type::dname};
    return {name, dice_.one_of(types)};
  }

  // --- changes
  void change() {
    const std::size_t count = dice_.chance(50) ? dice_.between(1, 3) : 0;
    std::size_t at = 0;
    for (std::size_t i = 0; i < count; ++i) {
      at += dice_.between(1, plan_.asked.size() / 2);
      if (at >= plan_.asked.size()) return;
      plan_.states.push_back(State{plan_.states.back()});
      Change change{.before_question = at, .moved = {}};
      const std::size_t edits = dice_.between(1, 3);
      for (std::size_t k = 0; k < edits; ++k) change_something(change);
      plan_.changes.push_back(std::move(change));
    }
  }

  void change_something(Change& change) {
    const std::size_t zone = dice_.between(1, zones().size() - 1);
    const std::size_t how = dice_.below(100);
    if (zones()[zone].withdrawn) return;
    if (how < 50) return change_data(zone);
    if (how < 75) return withdraw(zone, change);
    move(zone, change);
  }

  /// A name's records go, change, or become an alias. Addresses of name servers stay as they are.
  void change_data(std::size_t number) {
    ZonePlan& zone = zones()[number];
    const dns::Name owner = dice_.one_of(zone.records).owner;
    const auto is_host = [&](const Host& host) { return host.name == owner; };
    const auto is_cut = [&](const ZonePlan& other) {
      return owner.is_at_or_below(other.apex) && &other != &zone && other.apex.is_strictly_below(zone.apex);
    };
    if (owner == zone.apex || std::ranges::any_of(plan_.hosts, is_host) || std::ranges::any_of(zones(), is_cut)) return;
    std::erase_if(zone.records, [&](const dns::Record& record) { return record.owner == owner; });
    const std::size_t how = dice_.below(3);
    if (how == 0) add_data(zone, owner);
    if (how == 1) add(zone, owner, dns::type::cname, ttl(), any_name().wire());
  }

  bool is_leaf(std::size_t zone) {
    for (std::size_t other = 1; other < zones().size(); ++other) {
      if (parent_of(other) == zone) return false;
    }
    return true;
  }

  /// Takes NS records and the glue below the cut out of the parent; says for how long they may be held.
  void take_cut(std::size_t zone, Change& change) {
    const dns::Name apex = zones()[zone].apex;
    std::uint32_t lifetime = 0;
    for (const dns::Record& record : zones()[parent_of(zone)].records) {
      if (record.owner == apex && record.type == dns::type::ns) lifetime = record.ttl.seconds();
    }
    std::erase_if(zones()[parent_of(zone)].records, [&](const dns::Record& r) { return r.owner.is_at_or_below(apex); });
    change.moved.push_back({apex, lifetime});
  }

  /// The old hosts go on serving it, unless they serve a zone above it too: then they know better.
  void leave_ghosts(std::size_t zone) {
    for (const std::size_t host : zones()[zone].hosts) {
      const auto serves_above = [&](const ZonePlan& other) {
        return zones()[zone].apex.is_at_or_below(other.apex) &&
               std::ranges::find(other.hosts, host) != other.hosts.end();
      };
      bool knows_better = false;
      for (const State& state : plan_.states) {
        for (std::size_t other = 0; other < state.zones.size(); ++other)
          knows_better = knows_better || (other != zone && serves_above(state.zones[other]));
      }
      if (!knows_better && dice_.chance(70)) plan_.ghosts.push_back({host, plan_.states.size() - 2, zone});
    }
  }

  void withdraw(std::size_t zone, Change& change) {
    if (!is_leaf(zone)) return;
    const auto holds_a_host = [&](const Host& host) { return home_of(host.name) == zone; };
    for (const ZonePlan& other : zones()) {
      if (&other == &zones()[zone]) continue;
      for (const std::size_t host : other.hosts) {
        if (holds_a_host(plan_.hosts[host])) return;  // others would be lost with it
      }
    }
    take_cut(zone, change);
    leave_ghosts(zone);
    zones()[zone].withdrawn = true;
    zones()[zone].hosts.clear();
  }

  void move(std::size_t zone, Change& change) {
    const auto is_above = [&](const MovedCut& cut) { return cut.apex == zones()[zone].apex; };
    if (!is_leaf(zone) || std::ranges::any_of(change.moved, is_above)) return;
    take_cut(zone, change);
    leave_ghosts(zone);
    std::vector<std::size_t> hosts;
    for (std::size_t number = 0; number < plan_.hosts.size(); ++number) {
      const auto is_old = [&](const Ghost& ghost) { return ghost.host == number; };
      const bool plain = plan_.hosts[number].fault != Fault::liar && !plan_.hosts[number].addresses.empty();
      if (plain && std::ranges::none_of(plan_.ghosts, is_old) && home_of(plan_.hosts[number].name) != zone)
        hosts.push_back(number);
    }
    std::erase_if(hosts, [&](std::size_t host) { return host < 2 || dice_.chance(70); });
    if (hosts.empty()) hosts.push_back(0);
    hosts.resize(std::min<std::size_t>(hosts.size(), 3));
    zones()[zone].hosts = hosts;
    ZonePlan& moved = zones()[zone];
    std::erase_if(moved.records,
                  [&](const dns::Record& r) { return r.owner == moved.apex && r.type == dns::type::ns; });
    const std::uint32_t lifetime = ttl();
    for (const std::size_t host : hosts) add(moved, moved.apex, dns::type::ns, lifetime, plan_.hosts[host].name.wire());
    put_cut(zone, parent_of(zone), ttl());
  }

  Dice dice_;
  Plan plan_;
  std::size_t hostility_ = 0;  // 0: an honest world
  std::uint32_t addresses_ = 0;
};

}  // namespace

Plan generate(std::uint64_t seed) { return Generator{seed}.run(); }

}  // namespace redoubt::worlds
