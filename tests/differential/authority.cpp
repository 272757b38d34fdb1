// One name server for all zones of a differential run, on a port of the loopback address, by UDP and TCP.
//
//   differential_authority SEED COUNT PORT
//
// Prints the root's DS, one line for each question ("probe NAME TYPE KIND, MAKE"), then "ready"; serves until it is
// ended.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>

#include "tests/differential/spoilt_zones.hpp"

using namespace redoubt;

namespace {

int listening(int type, std::uint16_t port) {
  const int socket = ::socket(AF_INET, type, 0);
  const int yes = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) std::exit(1);
  if (type == SOCK_STREAM && ::listen(socket, 64) != 0) std::exit(1);
  return socket;
}

class Authority {
 public:
  explicit Authority(differential::Internet internet) : zones_{std::move(internet.zones)} {
    for (const auto& zone : zones_) by_apex_.emplace(zone->apex(), zone);
  }

  std::vector<std::uint8_t> answer(std::span<const std::uint8_t> octets, bool stream) const {
    const auto query = dns::Message::parse(octets);
    if (!query || !query->question || query->header.response) return {};
    const std::size_t room = stream ? dns::max_message_octets : query->edns ? 1232 : dns::minimum_udp_payload;
    // The few that enclose the name: all of them would be looked through for each question.
    std::vector<std::shared_ptr<const sim::Zone>> enclosing;
    const dns::Name& name = query->question->name;
    for (std::size_t labels = 0; labels <= name.label_count(); ++labels) {
      if (const auto at = by_apex_.find(name.suffix(labels)); at != by_apex_.end()) enclosing.push_back(at->second);
    }
    return sim::answer_from(enclosing, *query).to_wire(room);
  }

 private:
  std::vector<std::shared_ptr<const sim::Zone>> zones_;
  std::map<dns::Name, std::shared_ptr<const sim::Zone>> by_apex_;
};

void serve_datagram(const Authority& authority, int socket) {
  std::array<std::uint8_t, 65'536> room{};
  sockaddr_in from{};
  socklen_t length = sizeof from;
  const ssize_t got = ::recvfrom(socket, room.data(), room.size(), 0, reinterpret_cast<sockaddr*>(&from), &length);
  if (got <= 0) return;
  const auto reply = authority.answer({room.data(), static_cast<std::size_t>(got)}, false);
  if (!reply.empty()) ::sendto(socket, reply.data(), reply.size(), 0, reinterpret_cast<const sockaddr*>(&from), length);
}

/// False when the connection is over.
bool serve_stream(const Authority& authority, int socket, std::vector<std::uint8_t>& read) {
  std::array<std::uint8_t, 4096> room{};
  const ssize_t got = ::recv(socket, room.data(), room.size(), 0);
  if (got <= 0) return false;
  read.insert(read.end(), room.begin(), room.begin() + got);
  while (read.size() >= 2) {
    const std::size_t length = static_cast<std::size_t>(read[0] << 8 | read[1]);
    if (read.size() < 2 + length) break;
    auto reply = authority.answer({read.data() + 2, length}, true);
    read.erase(read.begin(), read.begin() + static_cast<std::ptrdiff_t>(2 + length));
    reply.insert(reply.begin(),
                 {static_cast<std::uint8_t>(reply.size() >> 8), static_cast<std::uint8_t>(reply.size())});
    if (::send(socket, reply.data(), reply.size(), MSG_NOSIGNAL) < 0) return false;
  }
  return true;
}

[[noreturn]] void serve(const Authority& authority, int datagrams, int connections) {
  std::map<int, std::vector<std::uint8_t>> streams;
  for (;;) {
    std::vector<pollfd> watched{{datagrams, POLLIN, 0}, {connections, POLLIN, 0}};
    for (const auto& [socket, read] : streams) watched.push_back({socket, POLLIN, 0});
    if (::poll(watched.data(), watched.size(), -1) < 0) continue;
    if ((watched[0].revents & POLLIN) != 0) serve_datagram(authority, datagrams);
    if ((watched[1].revents & POLLIN) != 0) {
      if (const int accepted = ::accept(connections, nullptr, nullptr); accepted >= 0) streams[accepted];
    }
    for (std::size_t i = 2; i < watched.size(); ++i) {
      if (watched[i].revents == 0 || serve_stream(authority, watched[i].fd, streams[watched[i].fd])) continue;
      ::close(watched[i].fd);
      streams.erase(watched[i].fd);
    }
  }
}

}  // namespace

int main(int count, char** words) {
  if (count != 4) {
    fmt::print(stderr, "usage: differential_authority SEED COUNT PORT\n");
    return 2;
  }
  const auto number = [&](int at) { return std::strtoul(words[at], nullptr, 10); };
  const auto port = static_cast<std::uint16_t>(number(3));
  const int datagrams = listening(SOCK_DGRAM, port);
  const int connections = listening(SOCK_STREAM, port);
  const auto now =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  differential::Internet internet =
      differential::make_internet(number(1), static_cast<unsigned>(number(2)), static_cast<std::uint32_t>(now));
  fmt::print("anchor {}\n", internet.anchor);
  for (const auto& probe : internet.probes)
    fmt::print("probe {} {} {}; {}\n", probe.name, probe.type, probe.kind, probe.make);
  fmt::print("ready\n");
  std::fflush(stdout);
  serve(Authority{std::move(internet)}, datagrams, connections);
}
