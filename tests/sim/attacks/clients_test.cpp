// Clients with forged addresses, before a whole worker (docs/security.md, F rows).
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include "resolver/role/worker.hpp"
#include "tests/sim/attacks/arms.hpp"
#include "tests/sim/attacks/own_network.hpp"
#include "tests/unit/resolver_role/loopback.hpp"

namespace redoubt::sim {

namespace {

using resolver::testing::Authority;
using resolver::testing::LoopbackSocket;

constexpr int soon = 20'000;  // milliseconds: ample, and only waited for in full when something is broken

/// What is large although the question is small.
dns::Message large_answer(dns::Message query) {
  query.header.response = query.header.authoritative = true;
  for (std::uint8_t i = 0; i < 5; ++i) {
    std::vector<std::uint8_t> text(201, i);
    text[0] = 200;
    query.answer.push_back(
        {query.question->name, dns::type::txt, dns::rr_class::in, dns::Ttl::from_wire(300), std::move(text)});
  }
  return query;
}

/// Octets that go to 127.0.0.2, which a forger gives as his address, for each hundred that he sends.
std::uint64_t octets_for_a_hundred(std::initializer_list<const char*> allowed, const char* asker) {
  Authority authority{large_answer};
  boost::asio::io_context loop{1};
  resolver::StreamRoad road{loop.get_executor(), [](std::vector<channel::Ask>) {}};
  resolver::Shared shared{4 << 20, dns::HashKey{7}};
  auto settings = std::make_shared<resolver::WorkerSettings>();
  std::vector<dns::Prefix> prefixes;
  for (const char* text : allowed) prefixes.push_back(*dns::Prefix::from_text(text));
  settings->access = policy::AccessList{prefixes};
  auto core = std::make_shared<resolver::Settings>();
  core->root_servers = {{dns::Name::literal("root."), {*dns::IpAddress::from_text("127.0.0.1")}}};
  core->authority_port = authority.port();
  core->ipv6 = false;
  core->prime = false;  // nobody here answers by TCP
  core->minimisation = resolver::Minimisation::off;
  settings->core = core;
  resolver::Worker worker{shared, road, settings};
  LoopbackSocket listener{"127.0.0.1"};
  const std::uint16_t port = listener.port();
  worker.take_socket(1, channel::Descriptor{listener.release()});

  const LoopbackSocket client{asker};
  const auto query = resolver::testing::client_query("big.example", dns::type::txt);
  std::size_t got = 0;
  for (int i = 0; i < 20; ++i) {
    client.send(query, LoopbackSocket::at("127.0.0.1", port));
    got += client.receive(soon).value_or(std::vector<std::uint8_t>{}).size();
  }
  return got * 100 / (query.size() * 20);
}

/// Answers that a service at this port gets which says something to whatever comes, once somebody has forged its
/// address; the test ends it after a hundred.
std::uint64_t answers_to_a_babbler(std::uint16_t port, bool guard) {
  boost::asio::io_context loop{1};
  resolver::StreamRoad road{loop.get_executor(), [](std::vector<channel::Ask>) {}};
  resolver::Shared shared{4 << 20, dns::HashKey{7}};
  auto settings = std::make_shared<resolver::WorkerSettings>();
  settings->access = policy::AccessList{std::vector{*dns::Prefix::from_text("127.0.0.0/8")}};
  auto core = std::make_shared<resolver::Settings>();
  core->guards.client_ports = guard;
  settings->core = core;
  resolver::Worker worker{shared, road, settings};
  LoopbackSocket listener{"127.0.0.1"};
  const std::uint16_t here = listener.port();
  worker.take_socket(1, channel::Descriptor{listener.release()});

  const LoopbackSocket babbler{"127.0.0.1", port};
  const std::string babble = "!\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ";  // RFC 864
  std::uint64_t answers = 0;
  const int patience = port < 1024 && guard ? 300 : 20'000;  // silence is waited for where it is wanted alone
  do babbler.send({babble.begin(), babble.end()}, LoopbackSocket::at("127.0.0.1", here));
  while (babbler.receive(patience) && ++answers < 100);
  return answers;
}

}  // namespace

TEST(Attack, F01_reflection_to_an_address_that_is_no_client) {
  const auto reflected = [](Findings& findings, std::initializer_list<const char*> allowed) {
    findings.at_most("octets reflected for a hundred", octets_for_a_hundred(allowed, "127.0.0.2"), 100);
  };
  in_three_arms(Arms{.benign =
                         [](Findings& findings) {
                           findings.at_least("octets for a client's hundred",
                                             octets_for_a_hundred({"127.0.0.1/32"}, "127.0.0.1"), 1000);
                         },
                     .attack = [&](Findings& findings) { reflected(findings, {"127.0.0.1/32"}); },
                     .teeth = [&](Findings& findings) { reflected(findings, {"127.0.0.0/8"}); }});
}

TEST(Attack, P19_a_service_that_answers_whatever_comes) {
  constexpr std::uint16_t chargen = 19;
  constexpr std::uint16_t a_clients = 20'000;  // which the kernel gives no listener
  if (!enter_own_network()) GTEST_SKIP() << "no network namespace to be had here";
  const auto conversation = [](Findings& findings, bool guard) {
    findings.at_most("answers to one forged datagram", answers_to_a_babbler(chargen, guard), 0);
  };
  in_three_arms(Arms{.benign =
                         [](Findings& findings) {
                           findings.at_least("answers to a client's malformed queries",
                                             answers_to_a_babbler(a_clients, true), 100);
                         },
                     .attack = [&](Findings& findings) { conversation(findings, true); },
                     .teeth = [&](Findings& findings) { conversation(findings, false); }});
}

}  // namespace redoubt::sim
