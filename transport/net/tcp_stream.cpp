#include <cerrno>

#include "transport/net/byte_stream.hpp"

namespace redoubt::transport {

namespace {

class TcpStream : public ByteStream {
 public:
  explicit TcpStream(Socket socket) : socket_{std::move(socket)} {}

  Moved read(std::span<std::uint8_t> into) override {
    ssize_t count = -1;
    do {
      count = ::recv(socket_.get(), into.data(), into.size(), 0);
    } while (count < 0 && errno == EINTR);
    has_emptied_ = (count > 0 && static_cast<std::size_t>(count) < into.size()) || (count < 0 && would_block());
    if (count > 0) return {StreamState::moved, static_cast<std::size_t>(count)};
    if (count == 0) return {StreamState::closed};
    return {would_block() ? StreamState::wants_read : StreamState::failed};
  }

  Moved write(std::span<const std::uint8_t> from) override {
    ssize_t count = -1;
    do {
      count = ::send(socket_.get(), from.data(), from.size(), MSG_NOSIGNAL);
    } while (count < 0 && errno == EINTR);
    if (count > 0) return {StreamState::moved, static_cast<std::size_t>(count)};
    return {count < 0 && would_block() ? StreamState::wants_write : StreamState::failed};
  }

  void finish() override { ::shutdown(socket_.get(), SHUT_WR); }
  int descriptor() const override { return socket_.get(); }
  bool has_emptied() const override { return has_emptied_; }
  void acknowledge() override { acknowledge_now(socket_); }

 private:
  static bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK; }

  Socket socket_;
  bool has_emptied_ = false;
};

}  // namespace

std::unique_ptr<ByteStream> tcp_stream(Socket socket) { return std::make_unique<TcpStream>(std::move(socket)); }

}  // namespace redoubt::transport
