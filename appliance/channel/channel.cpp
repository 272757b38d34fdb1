#include "appliance/channel/channel.hpp"

#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace redoubt::channel {

namespace {

/// Room for the descriptors of one message, aligned as the kernel wants it.
struct ControlRoom {
  alignas(cmsghdr) std::array<std::uint8_t, CMSG_SPACE(sizeof(int) * max_descriptors)> octets{};
};

/// Every descriptor that came, whatever else is wrong with the message: what nobody takes is closed.
std::vector<Descriptor> descriptors_in(msghdr& header) {
  std::vector<Descriptor> descriptors;
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof(int));
      descriptors.emplace_back(fd);
    }
  }
  return descriptors;
}

}  // namespace

void Descriptor::reset() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

std::expected<std::pair<Channel, Channel>, std::error_code> Channel::make_pair() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0) {
    return std::unexpected{std::error_code{errno, std::system_category()}};
  }
  return std::pair{Channel{Descriptor{ends[0]}}, Channel{Descriptor{ends[1]}}};
}

std::error_code Channel::send(std::span<const std::uint8_t> octets, std::span<const int> descriptors) const {
  // An empty message would read as the end of the channel.
  if (octets.empty() || descriptors.size() > max_descriptors) return std::make_error_code(std::errc::invalid_argument);
  if (octets.size() > max_message_octets) return std::make_error_code(std::errc::message_size);

  iovec part{.iov_base = const_cast<std::uint8_t*>(octets.data()),
             .iov_len = octets.size()};  // NOLINT: sendmsg only reads
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  ControlRoom room;
  if (!descriptors.empty()) {
    header.msg_control = room.octets.data();
    header.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(rights), descriptors.data(), descriptors.size_bytes());
  }
  ssize_t sent = -1;
  do {
    sent = ::sendmsg(end_.get(), &header, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent >= 0) return {};
  if (errno == EAGAIN || errno == EWOULDBLOCK) return std::make_error_code(std::errc::resource_unavailable_try_again);
  if (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN) return std::make_error_code(std::errc::broken_pipe);
  return {errno, std::system_category()};
}

std::expected<Received, ReceiveTrouble> Channel::receive() {
  if (buffer_.empty()) buffer_.resize(max_message_octets);
  iovec part{.iov_base = buffer_.data(), .iov_len = buffer_.size()};
  ControlRoom room;
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = room.octets.data();
  header.msg_controllen = room.octets.size();
  ssize_t count = -1;
  do {
    count = ::recvmsg(end_.get(), &header, MSG_CMSG_CLOEXEC);
  } while (count < 0 && errno == EINTR);
  if (count < 0) {
    if (errno == EAGAIN || errno == EWOULDBLOCK) return std::unexpected{ReceiveTrouble::would_block};
    return std::unexpected{errno == ECONNRESET ? ReceiveTrouble::closed : ReceiveTrouble::failed};
  }
  Received received{.octets = {buffer_.data(), static_cast<std::size_t>(count)}, .descriptors = descriptors_in(header)};
  if ((header.msg_flags & MSG_TRUNC) != 0) return std::unexpected{ReceiveTrouble::too_large};
  if ((header.msg_flags & MSG_CTRUNC) != 0) return std::unexpected{ReceiveTrouble::too_many_descriptors};
  if (count == 0) return std::unexpected{ReceiveTrouble::closed};
  return received;
}

}  // namespace redoubt::channel
