#pragma once
// What a bare loop answers: to every question the same address, as if from a cache that always knows.
#include <sys/epoll.h>

#include "tests/bench/encrypted.hpp"

namespace redoubt::bench {

/// Appends the answer to a query with one question and EDNS; to anything else nothing.
inline bool append_answer(View query, Octets& to) {
  constexpr std::size_t header = 12;
  std::size_t at = header;
  while (at < query.size() && query[at] != 0) at += query[at] + 1U;
  at += 5;  // the root label, type and class
  if (query.size() < header || at > query.size()) return false;
  static constexpr std::array<std::uint8_t, 10> counts{0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 1};
  static constexpr std::array<std::uint8_t, 16> record{0xc0, 12, 0, 1, 0, 1, 0, 1, 0x51, 0x80, 0, 4, 192, 0, 2, 1};
  static constexpr std::array<std::uint8_t, 11> edns{0, 0, 41, 4, 0xd0, 0, 0, 0, 0, 0, 0};
  append(to, query.first(2));
  append(to, counts);
  append(to, query.subspan(header, at - header));
  append(to, record);
  append(to, edns);
  return true;
}

/// Accepts and serves with one epoll. Each connection is a Talk: made with its Wire; hear() is called with what was
/// read, done() once all that was there has been heard, to gather in the wire's output what is then written at once.
template <class Talk>
class BareServer {
 public:
  BareServer(const std::string& address, const char* certificate, const char* key, bool https)
      : context_{bare_context(TLS_server_method())},
        listener_{listening_socket(address)},
        poll_{epoll_create1(EPOLL_CLOEXEC)} {
    if (SSL_CTX_use_certificate_chain_file(context_, certificate) != 1 ||
        SSL_CTX_use_PrivateKey_file(context_, key, SSL_FILETYPE_PEM) != 1)
      fail("the certificate or its key cannot be read");
    SSL_CTX_set_num_tickets(context_, 1);
    SSL_CTX_set_options(context_, SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_session_cache_mode(context_, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_alpn_select_cb(
        context_,
        [](SSL*, const unsigned char** out, unsigned char* out_octets, const unsigned char* in, unsigned in_octets,
           void* ours) {
          const View wanted = alpn(ours != nullptr);
          const int found =
              SSL_select_next_proto(const_cast<unsigned char**>(out), out_octets, wanted.data(),  // NOLINT
                                    static_cast<unsigned>(wanted.size()), in, in_octets);
          return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
        },
        https ? this : nullptr);
    watch(listener_, EPOLLIN, nullptr);
  }

  void run() {
    std::array<epoll_event, 256> events;
    for (;;) {
      const int ready = epoll_wait(poll_, events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < ready; ++i) {
        auto* served = static_cast<Served*>(events[static_cast<std::size_t>(i)].data.ptr);
        served == nullptr ? accept_all() : serve(served);
      }
    }
  }

 private:
  struct Served {
    Served(SSL_CTX* context, int socket) : wire{context, socket}, talk{wire} {}
    Wire wire;
    Talk talk;
  };

  void watch(int socket, std::uint32_t what, Served* served) {
    epoll_event event{.events = what, .data = {.ptr = served}};
    epoll_ctl(poll_, EPOLL_CTL_ADD, socket, &event);
  }

  void accept_all() {
    for (;;) {
      const int socket = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (socket < 0) return;
      auto* served = new Served{context_, socket};  // NOLINT: serve() ends it
      SSL_set_accept_state(served->wire.ssl());
      watch(socket, EPOLLIN, served);
    }
  }

  void serve(Served* served) {
    Wire& wire = served->wire;
    if (wire.shake()) {
      wire.read([&](View octets) { served->talk.hear(octets); });
      served->talk.done();
      wire.flush();
    }
    if (wire.broken()) delete served;  // NOLINT; epoll forgets the socket as it closes
  }

  SSL_CTX* context_;
  int listener_;
  int poll_;
};

}  // namespace redoubt::bench
