#include "appliance/config/routes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "appliance/config/limits.hpp"
#include "appliance/config/upstream_tls.hpp"

namespace redoubt::config {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Configuration configuration(std::string_view text) {
  auto checked = check(text, {.limits = all_limits(),
                              .read_file = [](const std::string& path) -> std::expected<std::string, std::string> {
                                return std::unexpected{path};
                              }});
  EXPECT_TRUE(checked.configuration) << (checked.remarks.faults.empty() ? "" : checked.remarks.faults[0].text);
  return checked.configuration.value_or(Configuration{});
}

dns::IpAddress address(std::string_view text) { return *dns::IpAddress::from_text(text); }
dns::Endpoint at(std::string_view text) { return *dns::Endpoint::from_text(text, 53); }

TEST(Routes, what_is_configured_arrives) {
  const auto routes = plan_routes(
      configuration("resolution:\n"
                    "  forward: [{zone: corp.example., to: [192.0.2.1, '169.254.169.253@5353'], transport: tcp, order: "
                    "configured, first: true, max-rate: 1000}]\n"
                    "  stub: [{zone: lan., to: [192.0.2.9]}]\n"),
      {});
  ASSERT_EQ(routes.size(), 2U);
  EXPECT_EQ(routes[0].zone, dns::Name::literal("corp.example."));
  EXPECT_THAT(routes[0].to, ElementsAre(at("192.0.2.1@53"), at("169.254.169.253@5353")));
  EXPECT_TRUE(routes[0].transport == UpstreamTransport::tcp && routes[0].first && !routes[0].stub);
  EXPECT_EQ(routes[0].order, UpstreamOrder::configured);
  EXPECT_EQ(routes[0].max_rate, 1000U);
  EXPECT_TRUE(routes[1].stub);
  EXPECT_THAT(routes[1].to, ElementsAre(at("192.0.2.9@53")));
}

TEST(Routes, servers_asked_by_https_have_its_port_and_path) {
  const Configuration c = configuration(
      "resolution: {forward: [{zone: a., to: ['192.0.2.1', '192.0.2.2@8443#dns.example'], transport: https, path: /q, "
      "authenticate: false}]}\n");
  const auto routes = plan_routes(c, {});
  EXPECT_THAT(routes[0].to, ElementsAre(at("192.0.2.1@443"), at("192.0.2.2@8443")));
  EXPECT_EQ(routes[0].transport, UpstreamTransport::https);
  EXPECT_THAT(
      plan_tls_servers(c, {}),
      ElementsAre(PlannedTlsServer{.at = at("192.0.2.1@443"), .name = "", .pins = {}, .anybody = true, .path = "/q"},
                  PlannedTlsServer{
                      .at = at("192.0.2.2@8443"), .name = "dns.example", .pins = {}, .anybody = true, .path = "/q"}));
}

TEST(Routes, stub_zones_by_tls_know_their_servers_as_forward_zones_do) {
  const Configuration c = configuration(
      "resolution: {stub: [{zone: a., to: ['192.0.2.1#ns.example'], transport: tls}, {zone: b., to: ['192.0.2.2', "
      "'192.0.2.4#ns.example'], transport: tls}, {zone: c., to: ['192.0.2.3'], transport: tcp}]}\n");
  const auto routes = plan_routes(c, {});
  ASSERT_EQ(routes.size(), 3U);
  EXPECT_THAT(routes[0].to, ElementsAre(at("192.0.2.1@853")));
  EXPECT_TRUE(routes[0].stub && routes[0].transport == UpstreamTransport::tls);
  EXPECT_THAT(routes[1].to, ElementsAre(at("192.0.2.4@853"))) << "nobody says who the other one has to be";
  EXPECT_EQ(routes[2].transport, UpstreamTransport::tcp);
  EXPECT_THAT(
      plan_tls_servers(c, {}),
      ElementsAre(
          PlannedTlsServer{.at = at("192.0.2.1@853"), .name = "ns.example", .pins = {}, .anybody = false, .path = ""},
          PlannedTlsServer{.at = at("192.0.2.4@853"), .name = "ns.example", .pins = {}, .anybody = false, .path = ""}));
}

TEST(Routes, servers_that_cannot_be_known_are_not_asked) {
  const auto routes = plan_routes(
      configuration("resolution: {forward: [{zone: a., to: ['192.0.2.1'], transport: tls, first: true}]}\n"), {});
  ASSERT_EQ(routes.size(), 1U);
  EXPECT_THAT(routes[0].to, IsEmpty());
}

TEST(Routes, servers_of_a_file_come_in_its_order_without_ourselves) {
  const Configuration c = configuration(
      "listen: [{address: '0.0.0.0@53'}, {address: '2001:db8::1@53'}]\n"
      "resolution: {forward: [{zone: ., to-file: resolv.conf}]}\n");
  Circumstances circumstances;
  circumstances.own_addresses = {address("192.0.2.77")};
  circumstances.servers_in_files["resolv.conf"] = {address("192.0.2.2"),   address("127.0.0.53"),
                                                   address("192.0.2.77"),  address("2001:db8::1"),
                                                   address("2001:db8::2"), address("192.0.2.1")};
  const auto routes = plan_routes(c, circumstances);
  ASSERT_EQ(routes.size(), 1U);
  EXPECT_THAT(routes[0].to, ElementsAre(at("192.0.2.2"), at("2001:db8::2"), at("192.0.2.1")));
}

TEST(Routes, servers_asked_by_tls_have_its_port_and_who_they_have_to_be) {
  const std::string pin = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
  const Configuration c = configuration(
      "resolution: {forward: [{zone: a., to: ['192.0.2.1'], transport: tls, pins: ['" + pin +
      "']}, {zone: b., to: ['192.0.2.2@8853'], transport: tls, authenticate: false}, {zone: c., to-file: r, "
      "transport: tls, pins: ['" +
      pin + "']}, {zone: d., to: ['192.0.2.4']}]}\n");
  Circumstances circumstances;
  circumstances.servers_in_files["r"] = {address("192.0.2.3")};
  const auto routes = plan_routes(c, circumstances);
  EXPECT_THAT(routes[0].to, ElementsAre(at("192.0.2.1@853")));
  EXPECT_EQ(routes[0].transport, UpstreamTransport::tls);
  EXPECT_THAT(routes[2].to, ElementsAre(at("192.0.2.3@853")));
  const KeyPin key = pin_from_text(pin).value();
  EXPECT_EQ(key[31], 31);
  EXPECT_THAT(plan_tls_servers(c, circumstances),
              ElementsAre(PlannedTlsServer{.at = at("192.0.2.1@853"), .name = "", .pins = {key}},
                          PlannedTlsServer{.at = at("192.0.2.2@8853"), .name = "", .pins = {}, .anybody = true},
                          PlannedTlsServer{.at = at("192.0.2.3@853"), .name = "", .pins = {key}}));
  EXPECT_FALSE(needs_authorities(c));
}

TEST(Routes, pins_are_exactly_thirty_two_octets) {
  EXPECT_FALSE(pin_from_text(""));
  EXPECT_FALSE(pin_from_text("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg=="));
  EXPECT_FALSE(pin_from_text("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8*"));
  EXPECT_FALSE(pin_from_text("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"));
}

TEST(Routes, authorities_are_read_from_pem) {
  EXPECT_EQ(certificates_from_pem("").error(), "it has no certificate");
  EXPECT_EQ(certificates_from_pem("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").error(),
            "a certificate in it cannot be read");
}

TEST(Routes, another_port_of_ours_is_somebody_else) {
  const Configuration c = configuration("listen: [{address: '127.0.0.1@5300'}]\n");
  EXPECT_TRUE(leads_to_us(at("127.0.0.1@5300"), c.listeners, {}));
  EXPECT_FALSE(leads_to_us(at("127.0.0.1@53"), c.listeners, {}));
  EXPECT_FALSE(leads_to_us(at("127.0.0.2@5300"), c.listeners, {}));
}

}  // namespace
}  // namespace redoubt::config
