#include "resolver/role/upstream_sockets.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <utility>

#include "appliance/log/log.hpp"
#include "resolver/role/datagram_socket.hpp"

namespace redoubt::resolver {

namespace {

/// Datagrams that are thrown away before a socket is rather closed than kept: so many were not meant well.
constexpr int most_drained = 16;

dns::IpAddress any_address(bool v6) { return v6 ? dns::IpAddress::v6({}) : dns::IpAddress{}; }

}  // namespace

NetworkFault network_fault_of(int error) {
  switch (error) {
    case ECONNREFUSED:
      return NetworkFault::refused;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case EAGAIN:
    case EADDRINUSE:
      return NetworkFault::no_resources;
    default:
      return NetworkFault::unreachable;
  }
}

void UpstreamSockets::use(OutgoingSettings settings) {
  // A socket that was bound to an address stays so.
  if (settings.addresses != settings_.addresses) retire_kept();
  settings_ = std::move(settings);
  may_keep_ = settings_.guards.own_ports && settings_.guards.connected_sockets;
  kernel_ports_.begin_anew();
}

bool UpstreamSockets::Draws::next() {
  house_->let_go(keep());
  const OutgoingSettings& settings = house_->settings_;
  const std::uint32_t ports = std::uint32_t{settings.last_port} - settings.first_port + 1;
  // To the kernel a port of one address is not that of another: with several, it is the one to say whether it is free.
  const bool has_ports_by_address = settings.addresses.size() > 1;
  while (left_-- > 0) {
    if (!settings.guards.own_ports) return true;
    const auto port = static_cast<std::uint16_t>(settings.first_port + house_->random_->below(ports));
    is_claimed_ = house_->held_->claim(port);
    if (!is_claimed_ && !has_ports_by_address) continue;
    port_ = port;
    return true;
  }
  return false;
}

void UpstreamSockets::let_go(std::uint16_t port) noexcept {
  if (port != 0) held_->release(port);
}

std::optional<dns::IpAddress> UpstreamSockets::draw_source(bool v6) {
  std::optional<dns::IpAddress> source;
  std::uint32_t seen = 0;
  for (const dns::IpAddress& candidate : settings_.addresses) {
    if (candidate.is_v6() == v6 && random_->below(++seen) == 0)
      source = candidate;  // each of the family with the same chance
  }
  return source;
}

int UpstreamSockets::make(bool v6) {
  const int socket = ::socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (socket < 0) return socket;
  if (settings_.guards.path_mtu_ignored) ignore_path_mtu(socket, v6);
  ++counts_.made;
  return socket;
}

bool UpstreamSockets::watch(int descriptor, std::uint64_t data) const {
  epoll_event watched{};
  watched.events = EPOLLIN;
  watched.data.u64 = data;
  return epoll_ctl(epoll_set_, EPOLL_CTL_ADD, descriptor, &watched) == 0;
}

/// The port is drawn first, and which way leads to it follows from it: no way has a say in what is drawn.
std::expected<UpstreamSockets::Taken, NetworkFault> UpstreamSockets::take(const dns::Endpoint& server, Ticket ticket) {
  Draws draws{*this};
  if (!draws.next()) return std::unexpected{NetworkFault::no_resources};
  if (may_keep_ && draws.is_claimed()) {
    const auto expected = kernel_ports_.expect(draws.port());
    if (expected != KernelPorts::Expected::not_given) {
      if (auto kept = take_kept(server, ticket, draws, expected)) return *kept;
    }
  }
  return make_fresh(server, ticket, draws);
}

std::expected<UpstreamSockets::Taken, NetworkFault> UpstreamSockets::make_fresh(const dns::Endpoint& server,
                                                                                Ticket ticket) {
  Draws draws{*this};
  if (!draws.next()) return std::unexpected{NetworkFault::no_resources};
  return make_fresh(server, ticket, draws);
}

std::expected<UpstreamSockets::Taken, NetworkFault> UpstreamSockets::make_fresh(const dns::Endpoint& server,
                                                                                Ticket ticket, Draws& draws) {
  const bool v6 = server.address.is_v6();
  const int socket = make(v6);
  if (socket < 0) return std::unexpected{network_fault_of(errno)};
  const dns::IpAddress source = draw_source(v6).value_or(any_address(v6));
  int trouble = bind_to(socket, source, draws.port());
  while (trouble == EADDRINUSE || trouble == EACCES) {  // EACCES: below 1024, for those with a right to them
    if (!draws.next()) break;
    trouble = bind_to(socket, source, draws.port());
  }
  if (trouble == EACCES) trouble = EADDRINUSE;
  if (trouble == 0 && settings_.guards.connected_sockets) trouble = connect_to(socket, server);
  if (trouble == 0 && !watch(socket, ticket)) trouble = ENOMEM;  // the machine cannot watch one more
  if (trouble != 0) {
    close(socket);
    return std::unexpected{network_fault_of(trouble)};
  }
  ++counts_.fresh;
  return Taken{.descriptor = socket, .kept = std::nullopt, .port = draws.keep()};
}

std::optional<std::uint32_t> UpstreamSockets::idle_kept(bool v6) {
  std::vector<std::uint32_t>& idle = idle_[v6];
  if (!idle.empty()) {
    const std::uint32_t place = idle.back();
    idle.pop_back();
    return place;
  }
  if (vacant_.empty()) {
    if (kept_.size() == most_kept) return std::nullopt;
    for (auto* families : {&idle_, &resting_, &looked_at_}) {
      for (auto& places : *families) places.reserve(kept_.size() + 1);
    }
    vacant_.reserve(kept_.size() + 1);
    kept_.emplace_back();
    vacant_.push_back(static_cast<std::uint32_t>(kept_.size() - 1));
  }
  const std::uint32_t place = vacant_.back();
  const int socket = make(v6);
  if (socket < 0) return std::nullopt;
  if (!tell_destinations(socket, v6)) {
    close(socket);
    keep_no_more(Because::ports_are_not_told);  // it would be so for each
    return std::nullopt;
  }
  if (!watch(socket, kept_mark | place)) {
    close(socket);
    return std::nullopt;
  }
  vacant_.pop_back();
  kept_[place] = {.descriptor = socket, .ticket = 0, .v6 = v6, .epoch = epoch_};
  return place;
}

int UpstreamSockets::connect_kept(const Kept& kept, const dns::Endpoint& server, std::uint16_t port,
                                  KernelPorts::Expected expected) {
  if (!take_no_port_but(kept.descriptor, port)) return ENOPROTOOPT;
  int trouble = 0;
  if (const auto source = draw_source(server.address.is_v6())) trouble = bind_to(kept.descriptor, *source, 0);
  if (trouble == 0) trouble = connect_to(kept.descriptor, server);
  if (trouble == EAGAIN) trouble = EADDRINUSE;
  if (trouble != 0 || expected == KernelPorts::Expected::given) return trouble;
  const std::uint16_t taken = port_of(kept.descriptor);
  kernel_ports_.gave(port, taken);
  return taken == port ? 0 : ERANGE;
}

/// Whoever narrows the machine's range says nothing to us, and must not choose our ports: what comes to another is not
/// read, and says that it is so. What comes to no port that is told could be of any exchange, and is not read either.
bool UpstreamSockets::is_of_no_use(const Taken& taken, ToPort to) {
  if (!taken.kept || to == ToPort::drawn) return false;
  if (to == ToPort::untold) {
    keep_no_more(Because::ports_are_not_told);
    return true;
  }
  const std::uint16_t port = port_of(taken.descriptor);
  if (port == taken.port) return false;
  kernel_ports_.gave(taken.port, port);
  heed_range();
  return true;
}

void UpstreamSockets::keep_no_more(Because why) {
  may_keep_ = false;
  retire_kept();
  static std::atomic<bool> is_said = false;
  if (is_said.exchange(true)) return;
  if (why == Because::ports_are_not_told)
    return log::info(
        "each query to a server has to make a socket of its own: the kernel does not tell to which port a datagram "
        "came (IP_RECVORIGDSTADDR)");
  log::info(
      "each query to a server has to make a socket of its own: the kernel cannot give one the port that was drawn "
      "(IP_LOCAL_PORT_RANGE; Linux 6.3 can)");
}

void UpstreamSockets::heed_range() {
  if (!kernel_ports_.is_heeded()) return keep_no_more(Because::ports_are_not_given);
  static std::atomic<bool> is_said = false;
  if (is_said.exchange(true)) return;
  log::info(
      "the kernel gives sockets not all of the ports {} to {} (net.ipv4.ip_local_port_range): a query to a server from "
      "one of the others has to make a socket of its own, which costs more",
      settings_.first_port, settings_.last_port);
}

std::optional<std::expected<UpstreamSockets::Taken, NetworkFault>> UpstreamSockets::take_kept(
    const dns::Endpoint& server, Ticket ticket, Draws& draws, KernelPorts::Expected expected) {
  const auto place = idle_kept(server.address.is_v6());
  if (!place) return std::nullopt;
  Kept& kept = kept_[*place];
  const int trouble = connect_kept(kept, server, draws.port(), expected);
  if (trouble == 0) {
    kept.ticket = ticket;
    ++counts_.kept;
    return Taken{.descriptor = kept.descriptor, .kept = place, .port = draws.keep()};
  }
  disconnect_kept(*place);
  if (trouble == ENOPROTOOPT) keep_no_more(Because::ports_are_not_given);
  if (trouble == ERANGE) heed_range();
  if (trouble == EADDRINUSE) kernel_ports_.gave_none(draws.port());
  // A fresh one gets that port where anybody can, else it draws until it finds a free one, or knows that there is none.
  if (trouble == ENOPROTOOPT || trouble == ERANGE || trouble == EADDRINUSE) return std::nullopt;
  return std::unexpected{network_fault_of(trouble)};
}

void UpstreamSockets::give_back(const Taken& taken) noexcept {
  if (taken.kept) {
    disconnect_kept(*taken.kept);
  } else {
    close(taken.descriptor);  // leaves the epoll set with it
  }
  let_go(taken.port);
}

/// Without a port nothing can come any more. What has come and was not read is found by its port in the next exchange,
/// and by heed() before that: it need not be looked for.
void UpstreamSockets::disconnect_kept(std::uint32_t place) noexcept {
  Kept& kept = kept_[place];
  kept.ticket = 0;
  if (kept.epoch == epoch_ && connect_to_nobody(kept.descriptor)) {
    resting_[kept.v6].push_back(place);
  } else {
    vacate(place);
  }
}

int UpstreamSockets::send(const Taken& taken, const dns::Endpoint& server, std::span<const std::uint8_t> query) const {
  const SocketAddress there = socket_address(server.address, server.port);
  const bool is_connected = settings_.guards.connected_sockets;  // such a one knows where to
  const sockaddr* to = is_connected ? nullptr : as_sockaddr(there);
  const socklen_t octets = is_connected ? 0 : there.octets;
  // Once more where it is kept: an error may be the last exchange's, by ICMP, and is told once.
  for (int attempts_left = taken.kept ? 2 : 1; attempts_left > 0; --attempts_left) {
    if (sendto(taken.descriptor, query.data(), query.size(), MSG_NOSIGNAL, to, octets) >= 0) return 0;
  }
  return errno;
}

/// Whoever sends: before it was connected anybody reached a fresh socket, and in a kept one lies what came late in the
/// exchanges before, to their ports.
std::expected<UpstreamSockets::Received, int> UpstreamSockets::receive(const Taken& taken, const dns::Endpoint& server,
                                                                       std::span<std::uint8_t> room) const {
  SocketAddress sender;
  alignas(cmsghdr) std::array<std::uint8_t, CMSG_SPACE(sizeof(sockaddr_in6))> told;
  iovec octets{room.data(), room.size()};
  msghdr message{};
  message.msg_name = &sender.storage;
  message.msg_namelen = sizeof sender.storage;
  message.msg_iov = &octets;
  message.msg_iovlen = 1;
  message.msg_control = taken.kept ? told.data() : nullptr;
  message.msg_controllen = taken.kept ? told.size() : 0;
  const ssize_t count = recvmsg(taken.descriptor, &message, MSG_DONTWAIT | MSG_TRUNC);
  if (count < 0) return std::unexpected{errno};
  sender.octets = message.msg_namelen;
  return Received{.octets = static_cast<std::size_t>(count),
                  .is_from_server = !settings_.guards.connected_sockets || is_address(sender, server),
                  .to = told_port(taken, destination_port(message))};
}

UpstreamSockets::ToPort UpstreamSockets::told_port(const Taken& taken, std::uint16_t port) {
  if (!taken.kept || port == taken.port) return ToPort::drawn;
  return port == 0 ? ToPort::untold : ToPort::another;
}

bool UpstreamSockets::drain(int descriptor) noexcept {
  for (int drained = 0; drained < most_drained; ++drained) {
    if (recv(descriptor, nullptr, 0, MSG_DONTWAIT | MSG_TRUNC) < 0 && errno == EAGAIN) return true;
  }
  return false;
}

void UpstreamSockets::vacate(std::uint32_t place) noexcept {
  close(kept_[place].descriptor);
  kept_[place].descriptor = -1;
  vacant_.push_back(place);
}

void UpstreamSockets::retire_kept() noexcept {
  ++epoch_;
  for (auto* families : {&idle_, &resting_, &looked_at_}) {
    for (auto& places : *families) {
      for (const std::uint32_t place : places) vacate(place);
      places.clear();
    }
  }
}

void UpstreamSockets::begin_to_heed() noexcept {
  for (std::size_t family = 0; family < resting_.size(); ++family) {
    looked_at_[family].insert(looked_at_[family].end(), resting_[family].begin(), resting_[family].end());
    resting_[family].clear();
  }
}

void UpstreamSockets::heeded_all() noexcept {
  for (std::size_t family = 0; family < looked_at_.size(); ++family) {
    idle_[family].insert(idle_[family].end(), looked_at_[family].begin(), looked_at_[family].end());
    looked_at_[family].clear();
  }
}

UpstreamSockets::Ticket UpstreamSockets::heed(std::uint64_t event_data) {
  if ((event_data & kept_mark) == 0) return event_data;
  const std::uint64_t place = event_data & ~kept_mark;
  if (place >= kept_.size()) return 0;
  const Kept& kept = kept_[place];
  if (kept.ticket == 0 && kept.descriptor >= 0 && !drain(kept.descriptor)) {
    for (auto* families : {&idle_, &resting_, &looked_at_})
      std::erase((*families)[kept.v6], static_cast<std::uint32_t>(place));
    vacate(static_cast<std::uint32_t>(place));
  }
  return kept.ticket;
}

}  // namespace redoubt::resolver
