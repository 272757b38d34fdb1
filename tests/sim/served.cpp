#include "tests/sim/served.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <map>

namespace redoubt::sim {

namespace {

constexpr std::size_t most_by_datagram = 1232;

int listening(int type, const Served& at) {
  const int socket = ::socket(AF_INET, type, 0);
  const int yes = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  const int octets = 4 << 20;
  ::setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &octets, sizeof octets);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(at.port);
  const bool fits = ::inet_pton(AF_INET, at.address.c_str(), &address.sin_addr) == 1;
  if (!fits || ::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      (type == SOCK_STREAM && ::listen(socket, 64) != 0)) {
    fmt::print(stderr, "{}@{} cannot be had\n", at.address, at.port);
    std::exit(1);
  }
  return socket;
}

}  // namespace

class Servers::One {
 public:
  explicit One(const Served& served)
      : datagrams{listening(SOCK_DGRAM, served)}, connections{listening(SOCK_STREAM, served)} {
    for (const auto& zone : served.zones) by_apex_.emplace(zone->apex(), zone);
  }
  ~One() {
    ::close(datagrams);
    ::close(connections);
  }
  One(const One&) = delete;
  One& operator=(const One&) = delete;

  void answer_datagram() const {
    std::array<std::uint8_t, 65'536> room;
    sockaddr_in from{};
    socklen_t length = sizeof from;
    const ssize_t got = ::recvfrom(datagrams, room.data(), room.size(), 0, reinterpret_cast<sockaddr*>(&from), &length);
    if (got <= 0) return;
    const auto reply = answer({room.data(), static_cast<std::size_t>(got)}, false);
    if (!reply.empty())
      ::sendto(datagrams, reply.data(), reply.size(), 0, reinterpret_cast<const sockaddr*>(&from), length);
  }

  /// False when the connection is over.
  bool answer_stream(int socket, std::vector<std::uint8_t>& read) const {
    std::array<std::uint8_t, 4096> room;
    const ssize_t got = ::recv(socket, room.data(), room.size(), 0);
    if (got <= 0) return false;
    read.insert(read.end(), room.begin(), room.begin() + got);
    while (read.size() >= 2) {
      const auto length = static_cast<std::size_t>(read[0] << 8 | read[1]);
      if (read.size() < 2 + length) break;
      auto reply = answer({read.data() + 2, length}, true);
      read.erase(read.begin(), read.begin() + static_cast<std::ptrdiff_t>(2 + length));
      const auto octets = static_cast<std::uint16_t>(reply.size());
      reply.insert(reply.begin(), {static_cast<std::uint8_t>(octets >> 8), static_cast<std::uint8_t>(octets & 0xff)});
      if (::send(socket, reply.data(), reply.size(), MSG_NOSIGNAL) < 0) return false;
    }
    return true;
  }

  const int datagrams;
  const int connections;

 private:
  std::vector<std::uint8_t> answer(std::span<const std::uint8_t> octets, bool stream) const {
    const auto query = dns::Message::parse(octets);
    if (!query || !query->question || query->header.response) return {};
    const std::size_t room = stream ? dns::max_message_octets : query->edns ? most_by_datagram : 512;
    // The few that enclose the name: all of them would be looked through for each question.
    std::vector<std::shared_ptr<const Zone>> enclosing;
    const dns::Name& name = query->question->name;
    for (std::size_t labels = 0; labels <= name.label_count(); ++labels) {
      if (const auto at = by_apex_.find(name.suffix(labels)); at != by_apex_.end()) enclosing.push_back(at->second);
    }
    return answer_from(enclosing, *query).to_wire(room);
  }

  std::map<dns::Name, std::shared_ptr<const Zone>> by_apex_;
};

Servers::Servers(std::vector<Served> all) {
  for (const Served& served : all) all_.push_back(std::make_unique<One>(served));
}

Servers::~Servers() = default;

void Servers::serve() {
  struct Stream {
    const One* server;
    std::vector<std::uint8_t> read{};
  };
  std::map<int, Stream> streams;
  for (;;) {
    std::vector<pollfd> watched;
    for (const auto& one : all_) {
      watched.push_back({one->datagrams, POLLIN, 0});
      watched.push_back({one->connections, POLLIN, 0});
    }
    for (const auto& [socket, stream] : streams) watched.push_back({socket, POLLIN, 0});
    if (::poll(watched.data(), watched.size(), -1) < 0) continue;
    for (std::size_t i = 0; i < all_.size(); ++i) {
      if ((watched[2 * i].revents & POLLIN) != 0) all_[i]->answer_datagram();
      if ((watched[2 * i + 1].revents & POLLIN) == 0) continue;
      if (const int accepted = ::accept(all_[i]->connections, nullptr, nullptr); accepted >= 0)
        streams.emplace(accepted, Stream{all_[i].get()});
    }
    for (std::size_t i = 2 * all_.size(); i < watched.size(); ++i) {
      const auto at = streams.find(watched[i].fd);
      if (watched[i].revents == 0 || at == streams.end()) continue;
      if (at->second.server->answer_stream(at->first, at->second.read)) continue;
      ::close(at->first);
      streams.erase(at);
    }
  }
}

}  // namespace redoubt::sim
