// The least that answering by UDP can cost with these system calls: takes a batch, sets QR, sends the batch back.
//
//   echo_loop ADDRESS@PORT
#include <array>

#include "tests/bench/sockets.hpp"

namespace {
constexpr std::size_t batch_size = 32;
constexpr std::size_t room_octets = 2048;
}  // namespace

int main(int count, char** arguments) {
  if (count != 2) redoubt::bench::fail("usage: echo_loop ADDRESS@PORT");
  const int socket = redoubt::bench::bound_socket(arguments[1]);
  static std::array<std::array<std::uint8_t, room_octets>, batch_size> rooms;
  static std::array<sockaddr_in, batch_size> peers;
  static std::array<iovec, batch_size> vectors;
  static std::array<mmsghdr, batch_size> headers;
  for (;;) {
    for (std::size_t i = 0; i < batch_size; ++i) {
      vectors[i] = {rooms[i].data(), room_octets};
      headers[i] = {};
      headers[i].msg_hdr.msg_name = &peers[i];
      headers[i].msg_hdr.msg_namelen = sizeof peers[i];
      headers[i].msg_hdr.msg_iov = &vectors[i];
      headers[i].msg_hdr.msg_iovlen = 1;
    }
    const int taken = recvmmsg(socket, headers.data(), batch_size, MSG_WAITFORONE, nullptr);
    if (taken <= 0) continue;
    for (std::size_t i = 0; i < static_cast<std::size_t>(taken); ++i) {
      vectors[i].iov_len = headers[i].msg_len;
      rooms[i][2] |= 0x80;
    }
    for (int sent = 0; sent < taken;) {
      const int now = sendmmsg(socket, headers.data() + sent, static_cast<unsigned>(taken - sent), 0);
      sent += now > 0 ? now : 1;
    }
  }
}
