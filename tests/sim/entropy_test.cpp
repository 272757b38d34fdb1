// Queries that are too easily guessed to go by UDP (Limit::entropy_floor).
#include "resolver/upstream/entropy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sim/world.hpp"

namespace redoubt::sim {

using testing::Each;
using testing::ElementsAre;

class EntropyTest : public testing::Test {
 protected:
  EntropyTest() {
    world_.site("a1.com.", server, "1 A 192.0.2.81\n2 A 192.0.2.82\n");
    world_.limit("entropy-floor", 40);
  }
  std::vector<UpstreamTransport> roads() {
    std::vector<UpstreamTransport> roads;
    for (const Heard& heard : world_.internet().heard()) {
      if (heard.server.address == *dns::IpAddress::from_text(server)) roads.push_back(heard.transport);
    }
    return roads;
  }
  static constexpr std::string_view server = "192.0.2.1";
  World world_;
};

TEST_F(EntropyTest, of_a_query_is_what_nobody_else_knows_of_it) {
  resolver::Settings settings;
  const dns::IpAddress v4 = *dns::IpAddress::from_text("192.0.2.1");
  const dns::IpAddress v6 = *dns::IpAddress::from_text("2001:db8::1");
  const auto bits = [&](const char* name, const dns::IpAddress& address, bool cookie) {
    return resolver::unknown_bits(dns::Name::literal(name), address, settings, cookie);
  };
  EXPECT_EQ(bits(".", v4, false), 32U);
  EXPECT_EQ(bits("a-1_Z.com.", v4, false), 37U) << "letters alone have a case";
  EXPECT_EQ(bits(".", v4, true), 96U);
  settings.source_bits = {.v4 = resolver::source_bits(64'512, 0), .v6 = resolver::source_bits(64'512, 8)};
  EXPECT_EQ(bits(".", v4, false), 32U) << "ports below 1024 are hardly missed";
  EXPECT_EQ(bits(".", v6, false), 35U);
  settings.case_randomisation = false;
  EXPECT_EQ(bits("example.com.", v4, false), 32U);
  settings.source_bits.v4 = resolver::source_bits(1, 1);
  EXPECT_EQ(bits(".", v4, false), 16U);
}

TEST_F(EntropyTest, too_little_of_it_makes_a_query_go_by_tcp) {
  world_.ask("1.a1.com.");
  EXPECT_THAT(roads(), ElementsAre(UpstreamTransport::tcp));
}

TEST_F(EntropyTest, of_a_cookie_is_enough_by_itself) {
  world_.internet().server(server).behaves(edits([](const Heard& heard, dns::Message& message) {
    if (!heard.query.edns || !heard.query.edns->cookie) return;
    if (!message.edns) message.edns.emplace();
    message.edns->cookie = dns::Cookie{heard.query.edns->cookie->client, std::vector<std::uint8_t>(16, 1)};
  }));
  world_.ask("1.a1.com.");
  world_.ask("2.a1.com.");
  EXPECT_THAT(roads(), ElementsAre(UpstreamTransport::tcp, UpstreamTransport::udp)) << "learned by TCP";
}

TEST_F(EntropyTest, is_not_insisted_on_where_a_server_takes_no_tcp_and_ports_are_plenty) {
  world_.internet().server(server).behaves([](const Heard& heard, Reaction& reaction) {
    if (heard.transport != UpstreamTransport::tcp) return;
    reaction.deliveries.clear();
    reaction.fault = resolver::NetworkFault::refused;
  });
  EXPECT_EQ(world_.ask("1.a1.com.").rcode(), dns::Rcode::noerror);
  EXPECT_THAT(roads(), ElementsAre(UpstreamTransport::tcp, UpstreamTransport::udp));
  world_.settings().source_bits.v4 = 6;
  world_.use();
  EXPECT_EQ(world_.ask("2.a1.com.").rcode(), dns::Rcode::servfail) << "22 bits are an hour's work for anybody";
}

TEST_F(EntropyTest, is_missing_towards_forwarders_too) {
  world_.limit("entropy-floor", 32);
  world_.settings().source_bits.v4 = 6;
  world_.serve("10.0.0.1", "corp.example.", "www A 10.0.0.80\n");
  resolver::Route route;
  route.zone = dns::Name::literal("corp.example.");
  route.to.push_back(*dns::Endpoint::from_text("10.0.0.1", 53));
  world_.settings().routes = resolver::Routes{{route}};
  world_.settings().case_randomisation = false;
  world_.use();
  EXPECT_EQ(world_.ask("www.corp.example.").rcode(), dns::Rcode::noerror);
  EXPECT_EQ(world_.internet().heard().back().transport, UpstreamTransport::tcp);
}

TEST_F(EntropyTest, of_default_settings_sends_every_name_by_udp) {
  World plain;
  plain.site("a1.com.", server, "1 A 192.0.2.81\n");
  plain.ask("1.a1.com.");
  for (const Heard& heard : plain.internet().heard()) EXPECT_EQ(heard.transport, UpstreamTransport::udp);
}

}  // namespace redoubt::sim
