#include "tests/sim/attacks/own_network.hpp"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <span>
#include <utility>
#include <vector>

namespace redoubt::sim {

namespace {

/// A descriptor of one function's.
class Socket {
 public:
  Socket(int type, int protocol) : descriptor_{::socket(AF_INET, type | SOCK_CLOEXEC, protocol)} {}
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() { close(descriptor_); }
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

sockaddr_in to_sockaddr(std::uint32_t address, std::uint16_t port) {
  sockaddr_in made{};
  made.sin_family = AF_INET;
  made.sin_addr.s_addr = htonl(address);
  made.sin_port = htons(port);
  return made;
}

sockaddr_in to_sockaddr(const dns::Endpoint& there) {
  sockaddr_in made = to_sockaddr(0, there.port);
  inet_pton(AF_INET, there.address.to_text().c_str(), &made.sin_addr);
  return made;
}

const sockaddr* generic(const sockaddr_in& address) { return reinterpret_cast<const sockaddr*>(&address); }

/// RFC 1071.
std::uint16_t checksum(std::span<const std::uint8_t> octets) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i + 1 < octets.size(); i += 2) sum += octets[i] * 256U + octets[i + 1];
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return htons(static_cast<std::uint16_t>(~sum));
}

bool leave_for_own_network() {
  const auto user = getuid();
  const auto group = getgid();
  if (user != 0) {
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) return false;
    std::ofstream{"/proc/self/setgroups"} << "deny";
    std::ofstream{"/proc/self/uid_map"} << "0 " << user << " 1";
    std::ofstream{"/proc/self/gid_map"} << "0 " << group << " 1";
  } else if (unshare(CLONE_NEWNET) != 0) {
    return false;
  }
  ifreq loopback{};
  std::strncpy(loopback.ifr_name, "lo", sizeof loopback.ifr_name - 1);
  loopback.ifr_flags = IFF_UP | IFF_RUNNING | IFF_LOOPBACK;
  return ioctl(Socket{SOCK_DGRAM, 0}.get(), SIOCSIFFLAGS, &loopback) == 0;
}

}  // namespace

bool enter_own_network() {
  static const bool entered = leave_for_own_network();
  return entered;
}

bool set_kernel_ports(std::uint16_t first, std::uint16_t last) {
  std::ofstream file{"/proc/sys/net/ipv4/ip_local_port_range"};
  file << first << " " << last << std::flush;
  return file.good();
}

bool reserve_ports(const char* ports) {
  std::ofstream file{"/proc/sys/net/ipv4/ip_local_reserved_ports"};
  file << ports << "\n" << std::flush;
  return file.good();
}

bool forge_fragmentation_needed(std::uint16_t port, const dns::Endpoint& there, std::uint16_t next_hop_mtu) {
  constexpr std::size_t quoted = 8;  // octets behind the UDP header that the message quotes
  std::vector<std::uint8_t> octets(sizeof(icmphdr) + sizeof(iphdr) + sizeof(udphdr) + quoted);
  icmphdr said{};
  said.type = ICMP_DEST_UNREACH;
  said.code = ICMP_FRAG_NEEDED;
  said.un.frag.mtu = htons(next_hop_mtu);
  iphdr ip{};
  ip.version = 4;
  ip.ihl = 5;
  ip.tot_len = htons(1400);
  ip.ttl = 64;
  ip.protocol = IPPROTO_UDP;
  ip.saddr = htonl(INADDR_LOOPBACK);
  ip.daddr = to_sockaddr(there).sin_addr.s_addr;
  udphdr udp{};
  udp.source = htons(port);
  udp.dest = htons(there.port);
  udp.len = htons(1380);
  const auto put = [&octets](const auto& header, std::size_t at) {
    std::memcpy(octets.data() + at, &header, sizeof header);
  };
  put(said, 0);
  put(ip, sizeof said);
  put(udp, sizeof said + sizeof ip);
  said.checksum = checksum(octets);
  put(said, 0);

  const Socket raw{SOCK_RAW, IPPROTO_ICMP};
  const sockaddr_in router = to_sockaddr(INADDR_LOOPBACK + 65, 0);
  const sockaddr_in victim = to_sockaddr(INADDR_LOOPBACK, 0);
  return bind(raw.get(), generic(router), sizeof router) == 0 &&
         sendto(raw.get(), octets.data(), octets.size(), 0, generic(victim), sizeof victim) > 0;
}

unsigned path_mtu(const dns::Endpoint& there) {
  const Socket probe{SOCK_DGRAM, 0};
  const sockaddr_in from = to_sockaddr(INADDR_LOOPBACK, 0);
  const sockaddr_in to = to_sockaddr(there);
  int mtu = 0;
  socklen_t size = sizeof mtu;
  if (bind(probe.get(), generic(from), sizeof from) != 0 || connect(probe.get(), generic(to), sizeof to) != 0) return 0;
  return getsockopt(probe.get(), IPPROTO_IP, IP_MTU, &mtu, &size) == 0 ? static_cast<unsigned>(mtu) : 0;
}

}  // namespace redoubt::sim
