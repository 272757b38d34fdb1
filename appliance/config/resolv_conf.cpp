#include "appliance/config/resolv_conf.hpp"

#include <algorithm>
#include <array>

namespace redoubt::config {

namespace {

constexpr std::string_view blanks = " \t\r\v\f";

std::string_view first_word(std::string_view& rest) {
  rest.remove_prefix(std::min(rest.find_first_not_of(blanks), rest.size()));
  const std::string_view word = rest.substr(0, rest.find_first_of(blanks));
  rest.remove_prefix(word.size());
  return word;
}

bool can_be_a_server(const dns::IpAddress& address) {
  static const std::array<dns::Prefix, 5> none{
      *dns::Prefix::from_text("0.0.0.0/8"), *dns::Prefix::from_text("224.0.0.0/3"), *dns::Prefix::from_text("::/128"),
      *dns::Prefix::from_text("::ffff:0:0/96"), *dns::Prefix::from_text("ff00::/8")};
  return std::ranges::none_of(none, [&](const dns::Prefix& prefix) { return prefix.contains(address); });
}

}  // namespace

std::vector<dns::IpAddress> servers_from_resolv_conf(std::string_view text) {
  std::vector<dns::IpAddress> servers;
  text = text.substr(0, max_resolv_conf_octets);
  while (!text.empty() && servers.size() < max_resolv_conf_servers) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (first_word(line) != "nameserver") continue;
    const std::string_view word = first_word(line);
    const auto address = dns::IpAddress::from_text(word.substr(0, word.find_first_of("#;")));
    if (address && can_be_a_server(*address) && std::ranges::find(servers, *address) == servers.end())
      servers.push_back(*address);
  }
  return servers;
}

}  // namespace redoubt::config
