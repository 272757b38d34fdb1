#pragma once
// What the programs of the bench share that speak TLS: contexts, sockets, and an SSL that is read and written whole.
#include <fcntl.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <vector>

#include "tests/bench/sockets.hpp"

namespace redoubt::bench {

using Octets = std::vector<std::uint8_t>;
using View = std::span<const std::uint8_t>;

constexpr std::size_t record_octets = 16'384;  // RFC 8446 §5.1

inline void append(Octets& to, View octets) { to.insert(to.end(), octets.begin(), octets.end()); }

inline int nodelay_socket() {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (socket < 0) fail(std::string{"no socket: "} + std::strerror(errno));
  const int yes = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  return socket;
}

inline int listening_socket(const std::string& text) {
  const int socket = nodelay_socket();  // what it accepts has the option, too
  const int yes = 1;
  setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  const sockaddr_in address = address_of(text);
  if (bind(socket, generic(address), sizeof address) != 0 || listen(socket, 1024) != 0)
    fail("cannot listen at " + text + ": " + std::strerror(errno));
  return socket;
}

/// The wire form of a list of one protocol (RFC 7301 §3.1).
inline View alpn(bool https) {
  static constexpr std::array<std::uint8_t, 3> h2{2, 'h', '2'};
  static constexpr std::array<std::uint8_t, 4> dot{3, 'd', 'o', 't'};
  return https ? View{h2} : View{dot};
}

inline SSL_CTX* bare_context(const SSL_METHOD* method) {
  SSL_CTX* context = SSL_CTX_new(method);
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set1_groups_list(context, "X25519");
  SSL_CTX_set_mode(context,
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(context, 1);
  return context;
}

/// One end of a connection, written to in whole batches. Owns both.
class Wire {
 public:
  Wire(SSL_CTX* context, int socket) : socket_{socket}, ssl_{SSL_new(context)} { SSL_set_fd(ssl_, socket); }
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;
  ~Wire() {
    SSL_free(ssl_);
    close(socket_);
  }

  int socket() const { return socket_; }
  SSL* ssl() const { return ssl_; }
  Octets& output() { return output_; }
  bool wants_write() const { return wants_write_; }

  /// Whether the handshake is over; false as well when it failed, which broken() then says.
  bool shake() {
    if (SSL_is_init_finished(ssl_) != 0) return true;
    const int result = SSL_do_handshake(ssl_);
    if (result == 1) return true;
    note(result);
    return false;
  }

  /// Reads all that is there: heard(octets) for each record.
  template <class Heard>
  void read(const Heard& heard) {
    static thread_local std::array<std::uint8_t, record_octets> room;
    do {
      const int got = SSL_read(ssl_, room.data(), static_cast<int>(room.size()));
      if (got <= 0) return note(got);
      heard(View{room}.first(static_cast<std::size_t>(got)));
    } while (SSL_has_pending(ssl_) != 0);
  }

  /// Writes what has gathered; what the socket has no room for stays.
  void flush() {
    wants_write_ = false;
    std::size_t sent = 0;
    while (sent < output_.size() && !broken_) {
      const int now =
          SSL_write(ssl_, output_.data() + sent, static_cast<int>(std::min(output_.size() - sent, record_octets)));
      if (now <= 0) {
        note(now);
        break;
      }
      sent += static_cast<std::size_t>(now);
    }
    output_.erase(output_.begin(), output_.begin() + static_cast<std::ptrdiff_t>(sent));
  }

  /// It ended, by its peer's will or by a fault.
  bool broken() const { return broken_; }

 private:
  void note(int result) {
    const int error = SSL_get_error(ssl_, result);
    if (error == SSL_ERROR_WANT_WRITE) wants_write_ = true;
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) broken_ = true;
    ERR_clear_error();
  }

  int socket_;
  SSL* ssl_;
  Octets output_;
  bool wants_write_ = false;
  bool broken_ = false;
};

template <std::size_t name_room, std::size_t value_room>
nghttp2_nv http_field(const char (&name)[name_room], const char (&value)[value_room]) {
  const auto octets = [](const char* text) {
    return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text));
  };  // NOLINT
  return {octets(name), octets(value), name_room - 1, value_room - 1,
          NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE};
}

inline nghttp2_nv content_length(const std::string& digits) {
  nghttp2_nv field = http_field("content-length", "");
  field.value = reinterpret_cast<std::uint8_t*>(const_cast<char*>(digits.data()));  // NOLINT nghttp2 copies it
  field.valuelen = digits.size();
  field.flags = NGHTTP2_NV_FLAG_NO_COPY_NAME;
  return field;
}

/// Lets nghttp2 say all it has to.
inline void speak(nghttp2_session* session, Octets& output) {
  const std::uint8_t* said = nullptr;
  for (;;) {
    const auto count = nghttp2_session_mem_send(session, &said);
    if (count <= 0) return;
    append(output, {said, static_cast<std::size_t>(count)});
  }
}

/// A message that nghttp2 takes as a body; the struct stays where it is until then.
struct Body {
  Octets octets;
  std::size_t taken = 0;

  nghttp2_data_provider provider() {
    return {{.ptr = this},
            [](nghttp2_session*, std::int32_t, std::uint8_t* into, std::size_t room, std::uint32_t* flags,
               nghttp2_data_source* source, void*) {
              auto& self = *static_cast<Body*>(source->ptr);
              const std::size_t count = std::min(room, self.octets.size() - self.taken);
              std::copy_n(self.octets.begin() + static_cast<std::ptrdiff_t>(self.taken), count, into);
              self.taken += count;
              if (self.taken == self.octets.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
              return static_cast<ssize_t>(count);
            }};
  }
};

}  // namespace redoubt::bench
