#include "appliance/config/resolv_conf.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace redoubt::config {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

dns::IpAddress address(std::string_view text) { return *dns::IpAddress::from_text(text); }

TEST(ResolvConf, names_servers_in_order) {
  EXPECT_THAT(servers_from_resolv_conf("# made by dhcp\nsearch corp.example\nnameserver 192.0.2.1\n"
                                       "\tnameserver\t2001:db8::1  \r\noptions ndots:5\nnameserver 169.254.169.253"),
              ElementsAre(address("192.0.2.1"), address("2001:db8::1"), address("169.254.169.253")));
}

TEST(ResolvConf, passes_over_what_is_no_server) {
  EXPECT_THAT(
      servers_from_resolv_conf("nameserver\nnameserver ns.example.\nnameservers 192.0.2.1\n;nameserver 192.0.2.2\n"
                               "nameserver fe80::1%eth0\nnameserver 0.0.0.0\nnameserver ff02::fb\n"
                               "nameserver 300.1.1.1\nnameserver 192.0.2.9#53\nnameserver 192.0.2.9\n"),
      ElementsAre(address("192.0.2.9")));
  EXPECT_THAT(servers_from_resolv_conf(""), IsEmpty());
  EXPECT_THAT(servers_from_resolv_conf(std::string(1000, '\0')), IsEmpty());
}

TEST(ResolvConf, is_bounded_in_servers_and_octets) {
  std::string many;
  for (int i = 1; i < 200; ++i) many += "nameserver 192.0.2." + std::to_string(i) + "\n";
  EXPECT_EQ(servers_from_resolv_conf(many).size(), max_resolv_conf_servers);
  const std::string late = std::string(max_resolv_conf_octets, '\n') + "nameserver 192.0.2.1\n";
  EXPECT_THAT(servers_from_resolv_conf(late), IsEmpty());
}

}  // namespace
}  // namespace redoubt::config
