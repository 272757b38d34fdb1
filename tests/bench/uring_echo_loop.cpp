// The echo loop (echo_loop.cpp) by io_uring: one multishot recvmsg that the kernel fills from a ring of buffers, and a
// sendmsg for each answer, all of a turn handed over by one system call. An experiment: docs/performance.md has what
// came of it.
//
//   uring_echo_loop ADDRESS@PORT
#include <liburing.h>

#include <array>
#include <memory>

#include "tests/bench/sockets.hpp"

namespace {

using redoubt::bench::fail;

constexpr unsigned buffers = 1024;  // a power of two
constexpr unsigned room_octets = 2048;
constexpr unsigned ring_entries = 2048;
constexpr int group = 1;
constexpr std::uint64_t receiving = ~std::uint64_t{0};  // else the number of the buffer that is being sent

class Loop {
 public:
  explicit Loop(int socket) : socket_{socket} {
    io_uring_params parameters{};
    parameters.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE;
    parameters.cq_entries = 2 * ring_entries;
    if (io_uring_queue_init_params(ring_entries, &ring_, &parameters) < 0) fail("no io_uring");
    give_buffers();
    wanted_.msg_namelen = sizeof(sockaddr_in);
    receive();
  }

  [[noreturn]] void run() {
    for (;;) {
      io_uring_submit_and_wait(&ring_, 1);
      unsigned head = 0;
      unsigned seen = 0;
      io_uring_cqe* done = nullptr;
      io_uring_for_each_cqe(&ring_, head, done) {
        ++seen;
        done->user_data == receiving ? take(*done) : recycle(static_cast<unsigned>(done->user_data));
      }
      io_uring_cq_advance(&ring_, seen);
      io_uring_buf_ring_advance(free_, recycled_);
      recycled_ = 0;
    }
  }

 private:
  void give_buffers() {
    const std::size_t octets = buffers * sizeof(io_uring_buf);
    free_ = static_cast<io_uring_buf_ring*>(std::aligned_alloc(4096, octets));
    if (free_ == nullptr) fail("no memory");
    io_uring_buf_reg registration{};
    registration.ring_addr = reinterpret_cast<std::uint64_t>(free_);  // the kernel's own idiom
    registration.ring_entries = buffers;
    registration.bgid = group;
    if (io_uring_register_buf_ring(&ring_, &registration, 0) != 0) fail("no ring of buffers");
    io_uring_buf_ring_init(free_);
    for (unsigned i = 0; i < buffers; ++i) recycle(i);
    io_uring_buf_ring_advance(free_, recycled_);
    recycled_ = 0;
  }

  void recycle(unsigned buffer) {
    io_uring_buf_ring_add(free_, rooms_->at(buffer).data(), room_octets, static_cast<unsigned short>(buffer),
                          io_uring_buf_ring_mask(buffers), recycled_++);
  }

  io_uring_sqe& next() {
    io_uring_sqe* entry = io_uring_get_sqe(&ring_);
    while (entry == nullptr) {
      io_uring_submit(&ring_);
      entry = io_uring_get_sqe(&ring_);
    }
    return *entry;
  }

  void receive() {
    io_uring_sqe& entry = next();
    io_uring_prep_recvmsg_multishot(&entry, socket_, &wanted_, 0);
    entry.flags |= IOSQE_BUFFER_SELECT;
    entry.buf_group = group;
    entry.user_data = receiving;
  }

  void take(const io_uring_cqe& done) {
    if ((done.flags & IORING_CQE_F_MORE) == 0) receive();
    if (done.res < 0) return;  // no buffer was free: the datagram waits in the socket
    const unsigned buffer = done.flags >> IORING_CQE_BUFFER_SHIFT;
    io_uring_recvmsg_out* got = io_uring_recvmsg_validate(rooms_->at(buffer).data(), done.res, &wanted_);
    if (got == nullptr) return recycle(buffer);
    auto* octets = static_cast<std::uint8_t*>(io_uring_recvmsg_payload(got, &wanted_));
    const unsigned length = io_uring_recvmsg_payload_length(got, done.res, &wanted_);
    if (length < 12) return recycle(buffer);
    octets[2] |= 0x80;
    vectors_[buffer] = {octets, length};
    msghdr& header = headers_[buffer];
    header.msg_name = io_uring_recvmsg_name(got);
    header.msg_namelen = got->namelen;
    header.msg_iov = &vectors_[buffer];
    header.msg_iovlen = 1;
    io_uring_sqe& entry = next();
    io_uring_prep_sendmsg(&entry, socket_, &header, 0);
    entry.user_data = buffer;
  }

  int socket_;
  io_uring ring_{};
  io_uring_buf_ring* free_ = nullptr;
  int recycled_ = 0;
  msghdr wanted_{};
  std::unique_ptr<std::array<std::array<std::uint8_t, room_octets>, buffers>> rooms_ =
      std::make_unique<std::array<std::array<std::uint8_t, room_octets>, buffers>>();
  std::array<iovec, buffers> vectors_{};
  std::array<msghdr, buffers> headers_{};
};

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) fail("usage: uring_echo_loop ADDRESS@PORT");
  const auto loop = std::make_unique<Loop>(redoubt::bench::bound_socket(arguments[1]));
  loop->run();
}
