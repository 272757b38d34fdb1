#include "resolver/role/datagrams.hpp"

#include <cerrno>
#include <cstring>

namespace redoubt::resolver {

namespace {

/// The reply's source address is the query's destination. The interface index goes along only for link-local addresses:
/// for others the routing table knows better.
void remember_destination(const msghdr& message, ReturnPath& path) {
  path.control_octets = 0;
  for (const cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(const_cast<msghdr*>(&message),
                            const_cast<cmsghdr*>(header))) {  // the macro wants them mutable and only reads
    const bool v4 = header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_PKTINFO;
    const bool v6 = header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_PKTINFO;
    if (!v4 && !v6) continue;
    msghdr out{};
    out.msg_control = path.control.data();
    out.msg_controllen = path.control.size();
    cmsghdr* copy = CMSG_FIRSTHDR(&out);
    copy->cmsg_level = header->cmsg_level;
    copy->cmsg_type = header->cmsg_type;
    if (v4) {
      in_pktinfo info;
      std::memcpy(&info, CMSG_DATA(header), sizeof info);
      info.ipi_spec_dst = info.ipi_addr;
      info.ipi_ifindex = 0;
      copy->cmsg_len = CMSG_LEN(sizeof info);
      std::memcpy(CMSG_DATA(copy), &info, sizeof info);
      path.control_octets = CMSG_SPACE(sizeof info);
    } else {
      in6_pktinfo info;
      std::memcpy(&info, CMSG_DATA(header), sizeof info);
      if (!IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr)) info.ipi6_ifindex = 0;
      copy->cmsg_len = CMSG_LEN(sizeof info);
      std::memcpy(CMSG_DATA(copy), &info, sizeof info);
      path.control_octets = CMSG_SPACE(sizeof info);
    }
    return;
  }
}

msghdr header_for(const iovec& octets, const ReturnPath& path) {
  msghdr message{};
  message.msg_name = const_cast<sockaddr_in6*>(&path.peer);  // sendmsg reads it only
  message.msg_namelen = path.peer_octets;
  message.msg_iov = const_cast<iovec*>(&octets);
  message.msg_iovlen = 1;
  if (path.control_octets != 0) {
    message.msg_control = const_cast<std::uint8_t*>(path.control.data());
    message.msg_controllen = path.control_octets;
  }
  return message;
}

}  // namespace

dns::Endpoint ReturnPath::endpoint() const {
  if (peer.sin6_family == AF_INET6) {
    std::array<std::uint8_t, 16> octets;
    std::memcpy(octets.data(), &peer.sin6_addr, octets.size());
    return {dns::IpAddress::v6(octets), ntohs(peer.sin6_port)};
  }
  sockaddr_in v4;
  std::memcpy(&v4, &peer, sizeof v4);
  std::array<std::uint8_t, 4> octets;
  std::memcpy(octets.data(), &v4.sin_addr, octets.size());
  return {dns::IpAddress::v4(octets), ntohs(v4.sin_port)};
}

struct DatagramBatch::ControlRoom {
  alignas(cmsghdr) std::array<std::uint8_t, 64> octets;
};

/// One line of the processor's cache longer than a page: first lines that lie a page apart would push out each other.
struct DatagramBatch::QueryRoom {
  std::array<std::uint8_t, max_datagram_query + 64> octets;
};

struct DatagramBatch::Storage {
  std::array<mmsghdr, batch_size> in_headers;
  std::array<iovec, batch_size> in_vectors;
  std::array<ReturnPath, batch_size> paths;
  std::array<ControlRoom, batch_size> in_control;
  std::array<QueryRoom, batch_size> in_octets;

  std::array<mmsghdr, batch_size> out_headers;
  std::array<iovec, batch_size> out_vectors;
  std::array<ReturnPath, batch_size> out_paths;  // of commit_with_copy()
  std::array<std::array<std::uint8_t, max_datagram_answer>, batch_size> out_octets;
};

DatagramBatch::DatagramBatch() : storage_{std::make_unique_for_overwrite<Storage>()} {
  for (std::size_t i = 0; i < batch_size; ++i)
    storage_->in_vectors[i] = {storage_->in_octets[i].octets.data(), max_datagram_query};
}

DatagramBatch::~DatagramBatch() = default;

std::size_t DatagramBatch::receive(int socket) {
  Storage& s = *storage_;
  for (std::size_t i = 0; i < batch_size; ++i) {
    msghdr& header = s.in_headers[i].msg_hdr;
    header = {};
    header.msg_name = &s.paths[i].peer;
    header.msg_namelen = sizeof s.paths[i].peer;
    header.msg_iov = &s.in_vectors[i];
    header.msg_iovlen = 1;
    header.msg_control = s.in_control[i].octets.data();
    header.msg_controllen = s.in_control[i].octets.size();
  }
  int taken = 0;
  do {
    taken = recvmmsg(socket, s.in_headers.data(), batch_size, MSG_DONTWAIT, nullptr);
  } while (taken < 0 && errno == EINTR);
  if (taken <= 0) return 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(taken); ++i) {
    s.paths[i].peer_octets = s.in_headers[i].msg_hdr.msg_namelen;
    remember_destination(s.in_headers[i].msg_hdr, s.paths[i]);
  }
  return static_cast<std::size_t>(taken);
}

Datagram DatagramBatch::datagram(std::size_t index) const {
  const mmsghdr& header = storage_->in_headers[index];
  const std::size_t octets = (header.msg_hdr.msg_flags & MSG_TRUNC) != 0 ? 0 : header.msg_len;
  return {std::span{storage_->in_octets[index].octets}.first(octets), &storage_->paths[index]};
}

std::span<std::uint8_t> DatagramBatch::room() { return storage_->out_octets[committed_]; }

void DatagramBatch::commit(std::size_t octets, const ReturnPath& path) {
  Storage& s = *storage_;
  s.out_vectors[committed_] = {s.out_octets[committed_].data(), octets};
  s.out_headers[committed_].msg_hdr = header_for(s.out_vectors[committed_], path);
  ++committed_;
}

void DatagramBatch::commit_with_copy(std::size_t octets, const ReturnPath& path) {
  ReturnPath& copy = storage_->out_paths[committed_];
  copy = path;
  commit(octets, copy);
}

std::size_t DatagramBatch::flush(int socket) {
  Storage& s = *storage_;
  std::size_t lost = 0;
  std::size_t at = 0;
  while (at < committed_) {
    const int sent = sendmmsg(socket, s.out_headers.data() + at, static_cast<unsigned>(committed_ - at), MSG_DONTWAIT);
    if (sent > 0) {
      at += static_cast<std::size_t>(sent);
      continue;
    }
    if (errno == EINTR) continue;
    // The first of the rest cannot be sent: its peer is unreachable, or the buffer is full. The others get their try.
    ++at;
    ++lost;
  }
  committed_ = 0;
  return lost;
}

}  // namespace redoubt::resolver
