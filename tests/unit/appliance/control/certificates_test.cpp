#include "appliance/control/certificates.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "appliance/config/check.hpp"

namespace redoubt::control {
namespace {

using testing::ElementsAre;

config::Configuration configured(const std::string& text) {
  const auto checked = config::check(
      text, {.limits = {}, .read_file = [](const std::string&) { return std::unexpected{std::string{"no file"}}; }});
  EXPECT_TRUE(checked.configuration);
  return checked.configuration.value_or(config::Configuration{});
}
dns::IpAddress address(const char* text) { return *dns::IpAddress::from_text(text); }

TEST(Certificates, name_encrypted_listeners_and_the_machines_addresses_for_those_that_stand_at_all) {
  const auto names = names_for(
      configured("listen: [{address: 192.0.2.1}, {address: 192.0.2.2@853, transports: [tls]}, {address: '::@853', "
                 "transports: [tls]}]\ntls: {names: [DNS.Example., b]}\n"),
      {address("192.0.2.1"), address("2001:db8::7")});
  EXPECT_THAT(names.names, ElementsAre("dns.example", "b"));
  EXPECT_THAT(names.addresses, ElementsAre(address("192.0.2.2"), address("2001:db8::7")));
}

TEST(Certificates, warnings_are_due_a_month_two_weeks_and_a_week_before_the_end) {
  constexpr std::int64_t day = 86'400;
  EXPECT_EQ(warning_due(31 * day), std::nullopt);
  EXPECT_EQ(warning_due(30 * day), 30);
  EXPECT_EQ(warning_due(15 * day), 30);
  EXPECT_EQ(warning_due(14 * day), 14);
  EXPECT_EQ(warning_due(7 * day), 7);
  EXPECT_EQ(warning_due(1), 7);
  EXPECT_EQ(warning_due(-5), 0);
}

TEST(Certificates, what_is_no_certificate_has_no_end) { EXPECT_EQ(expiry_of({1, 2, 3}), std::nullopt); }

}  // namespace
}  // namespace redoubt::control
