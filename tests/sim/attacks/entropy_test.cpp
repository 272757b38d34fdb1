// What a forger has to guess, and what is shared out so that one of many cannot take it all (docs/security.md, P01,
// P16, P17, D16).
#include "resolver/upstream/entropy.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>

#include "resolver/fairness/denial_rates.hpp"
#include "resolver/upstream/cookies.hpp"
#include "tests/sim/attacks/arms.hpp"
#include "tests/sim/zone_text.hpp"

namespace redoubt::sim {

namespace {

using Octets = std::vector<std::uint8_t>;

constexpr unsigned forty_bits = 40;

std::size_t by_udp(World& world, std::string_view server) {
  const dns::IpAddress address = *dns::IpAddress::from_text(server);
  return static_cast<std::size_t>(std::ranges::count_if(world.internet().heard(), [&](const Heard& heard) {
    return heard.server.address == address && heard.transport == UpstreamTransport::udp;
  }));
}

/// A forger with the patience for one bit less than the floor: he gets port, id and case right wherever no more has to
/// be guessed, and his reply comes first.
Behaviour guesses(const World& world, unsigned bits) {
  return [&world, bits](const Heard& heard, Reaction& reaction) {
    if (heard.transport != UpstreamTransport::udp || !heard.query.question) return;
    const double source = const_cast<World&>(world).settings().source_bits.v4;  // NOLINT: read alone
    const auto letters = std::ranges::count_if(heard.query.question->name.to_text(),
                                               [](unsigned char octet) { return std::isalpha(octet) != 0; });
    if (16 + source + static_cast<double>(letters) >= bits) return;
    dns::Message message;
    message.header.id = heard.query.header.id;
    message.header.response = message.header.authoritative = true;
    message.question = heard.query.question;
    message.answer = {
        {message.question->name, dns::type::a, dns::rr_class::in, dns::Ttl::from_wire(3600), {192, 0, 2, 66}}};
    reaction.deliveries.push_back({std::chrono::milliseconds{1}, message.to_wire()});
  };
}

/// Names with enough letters go by UDP as ever, one packet each.
void long_names_go_by_udp(World& world, Findings& findings) {
  world.limit("entropy-floor", forty_bits);
  world.site("bookshop.com.", "192.0.2.1");
  findings.answers(world.ask("www.bookshop.com."), {"www.bookshop.com. A 192.0.2.80"});
  findings.at_least("queries by UDP to the server", by_udp(world, "192.0.2.1"), 1);
  findings.at_most("queries to the server", world.internet().packets_to("192.0.2.1"), 1);
}

}  // namespace

TEST(Attack, P01_short_names_are_no_easier_to_forge) {
  in_three_arms(Row{.benign = long_names_go_by_udp,
                    .attack =
                        [](World& world, Findings& findings) {
                          world.limit("entropy-floor", forty_bits);
                          world.site("a1.com.", "192.0.2.1", "1 A 192.0.2.81\n2 A 192.0.2.81\n3 A 192.0.2.81\n")
                              .behaves(guesses(world, forty_bits));
                          std::uint64_t believed = 0;
                          std::uint64_t served = 0;
                          for (int i = 1; i <= 3; ++i) {
                            const Answer answer = world.ask(fmt::format("{}.a1.com.", i));
                            believed += answer.answer() != std::vector{fmt::format("{}.a1.com. A 192.0.2.81", i)};
                            served += answer.answer().size();
                          }
                          findings.at_most("forgeries believed of 3", believed, 0);
                          findings.at_least("answers", served, 3);
                          findings.at_most("queries by UDP that have fewer bits", by_udp(world, "192.0.2.1"), 0);
                        },
                    .off = [](resolver::Settings& settings) { settings.guards.entropy_floor = false; }});
}

TEST(Attack, P17_few_ports_by_configuration_are_made_up_for) {
  in_three_arms(Row{.benign = long_names_go_by_udp,
                    .attack =
                        [](World& world, Findings& findings) {
                          // A hundred ports: 6.6 bits, and the configuration's own floor.
                          world.settings().source_bits = {.v4 = resolver::source_bits(100, 0), .v6 = 0};
                          world.site("shop.com.", "192.0.2.1").behaves(guesses(world, 32));
                          findings.answers(world.ask("www.shop.com."), {"www.shop.com. A 192.0.2.80"});
                          findings.at_most("queries by UDP for 32 bits or fewer", by_udp(world, "198.51.100.1"), 0);
                        },
                    .off = [](resolver::Settings& settings) { settings.guards.entropy_floor = false; }});
}

TEST(Attack, P16_one_site_with_addresses_without_number_takes_few_cookies_of_others) {
  const auto flood = [](std::uint32_t addresses, bool guarded) {
    return [=](Findings& findings) {
      resolver::Guards guards;
      guards.cookie_parts = guarded;
      resolver::Cookies cookies{dns::HashKey{1}, guards};
      const std::vector<std::uint8_t> part(8, 7);
      const auto honest = [](std::uint32_t i) {
        return *dns::IpAddress::from_text(fmt::format("10.0.{}.{}", i / 250, i % 250));
      };
      for (std::uint32_t i = 0; i < 1000; ++i) cookies.learn(honest(i), part);
      for (std::uint32_t i = 0; i < addresses; ++i)
        cookies.learn(*dns::IpAddress::from_text(fmt::format("2001:db8:7::{:x}:{:x}", i >> 16, i & 0xffff)), part);
      std::uint64_t known = 0;
      for (std::uint32_t i = 0; i < 1000; ++i) known += cookies.is_expected_of(honest(i)) ? 1 : 0;
      findings.at_least("servers of 1000 whose cookie is still asked for", known, 980);
    };
  };
  in_three_arms(Arms{.benign = flood(10, true), .attack = flood(100'000, true), .teeth = flood(100'000, false)});
}

TEST(Attack, D16_a_quarter_of_a_zones_rate_is_left_to_who_has_spent_nothing) {
  constexpr std::uint64_t rate = 200;
  constexpr resolver::Holder zone{1};
  constexpr resolver::Instant start{std::chrono::hours{1}};
  // How many of ten honest clients' questions get through while so many others ask for random names.
  const auto flood = [=](std::uint64_t attackers, bool guarded) {
    return [=](Findings& findings) {
      resolver::Guards guards;
      guards.fresh_quarter = guarded;
      resolver::DenialRates rates{guards};
      const auto ask = [&](std::uint64_t client, resolver::Instant now, bool of_use) {
        if (!rates.begin(zone, resolver::Holder{client}, rate, now)) return false;
        rates.end(zone, resolver::Holder{client}, rate, now, of_use);
        return true;
      };
      std::uint64_t served = 0;
      for (int step = 0; step < 5000; ++step) {
        const resolver::Instant now = start + std::chrono::milliseconds{step};
        for (std::uint64_t i = 0; i < attackers; ++i) ask(100 + i, now, false);
        if (step >= 1000 && step % 400 == 0) served += ask(10'000 + static_cast<std::uint64_t>(step), now, true);
      }
      findings.at_least("honest questions of 10 that get through", served, 10);
    };
  };
  in_three_arms(Arms{.benign = flood(0, true), .attack = flood(8, true), .teeth = flood(8, false)});
}

}  // namespace redoubt::sim
