#include "appliance/config/designated.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "appliance/config/check.hpp"
#include "dns/rr_types.hpp"
#include "dns/text.hpp"

namespace redoubt::config {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> records(const char* text, const std::vector<dns::IpAddress>& own = {}) {
  const auto checked = check(
      text, {.limits = {}, .read_file = [](const std::string&) { return std::unexpected{std::string{"no file"}}; }});
  EXPECT_TRUE(checked.configuration);
  std::vector<std::string> texts;
  Circumstances circumstances;
  circumstances.own_addresses = own;
  for (const auto& rdata : designated_resolvers(*checked.configuration, circumstances))
    texts.push_back(dns::rdata_to_text(dns::type::svcb, dns::rr_class::in, rdata));
  return texts;
}

TEST(Designated, each_encrypted_listener_is_told_with_all_that_a_client_needs) {
  EXPECT_THAT(records("listen: [{address: 192.0.2.1}, {address: 192.0.2.1@853, transports: [tls]}, {address: "
                      "'2001:db8::1@8443', transports: [https], path: /q}]\ntls: {names: [dns.example, b.example]}\n"),
              ElementsAre("1 dns.example. alpn=dot port=853 ipv4hint=192.0.2.1",
                          "2 dns.example. alpn=h2 port=8443 ipv6hint=2001:db8::1 dohpath=/q{?dns}"));
}

TEST(Designated, a_listener_at_all_addresses_is_told_with_the_machines) {
  EXPECT_THAT(records("listen: [{address: '0.0.0.0@853', transports: [tls]}]\ntls: {names: [dns.example]}\n",
                      {*dns::IpAddress::from_text("192.0.2.7"), *dns::IpAddress::from_text("2001:db8::7")}),
              ElementsAre("1 dns.example. alpn=dot port=853 ipv4hint=192.0.2.7"));
}

TEST(Designated, without_a_name_or_without_encryption_there_is_nothing_to_tell) {
  EXPECT_THAT(records("listen: [{address: 192.0.2.1@853, transports: [tls]}]\n"), IsEmpty());
  EXPECT_THAT(records("listen: [{address: 192.0.2.1@53}]\ntls: {names: [dns.example]}\n"), IsEmpty());
}

}  // namespace
}  // namespace redoubt::config
