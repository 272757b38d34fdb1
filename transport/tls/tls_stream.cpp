#include "transport/tls/tls_stream.hpp"

#include <netinet/in.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "transport/tls/client_authorities.hpp"

namespace redoubt::transport {

namespace {

/// Of a handshake's octets that the peer does not take: a flight of ours is some four thousand.
constexpr std::size_t max_held_octets = 64 * 1024;

/// What is held by one stream leaves before another one holds something, as a rule: they have the room in turn.
thread_local std::vector<std::uint8_t> spare_room;

/// Nearly always there is nothing to forget, and looking is cheaper than clearing all that there is room for.
void forget_errors() {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK; }

TlsStream::Wire& wire_of(BIO* bio) { return *static_cast<TlsStream::Wire*>(BIO_get_data(bio)); }

int wire_read(BIO* bio, char* into, int room) {
  TlsStream::Wire& wire = wire_of(bio);
  BIO_clear_retry_flags(bio);
  if (wire.dry) {
    BIO_set_retry_read(bio);
    return -1;
  }
  ssize_t count = -1;
  do {
    count = ::recv(wire.socket.get(), into, static_cast<std::size_t>(room), 0);
  } while (count < 0 && errno == EINTR);
  wire.dry = count > 0 && count < room;
  if (count < 0 && would_block()) {
    wire.dry = true;
    BIO_set_retry_read(bio);
  }
  return static_cast<int>(count);
}

int wire_write(BIO* bio, const char* from, int count) {
  TlsStream::Wire& wire = wire_of(bio);
  BIO_clear_retry_flags(bio);
  const std::span octets{reinterpret_cast<const std::uint8_t*>(from), static_cast<std::size_t>(count)};  // NOLINT
  if (wire.holding && wire.held.size() + octets.size() <= max_held_octets) {
    if (wire.held.capacity() == 0) wire.held = std::exchange(spare_room, {});
    wire.held.insert(wire.held.end(), octets.begin(), octets.end());
    return count;
  }
  const std::size_t sent = wire.send(octets);
  if (sent > 0) return static_cast<int>(sent);
  if (!wire.failed) BIO_set_retry_write(bio);
  return -1;
}

long wire_control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

const BIO_METHOD* wire_method() {
  static const BIO_METHOD* method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "stream");
    BIO_meth_set_read(made, wire_read);
    BIO_meth_set_write(made, wire_write);
    BIO_meth_set_ctrl(made, wire_control);
    return made;
  }();
  return method;
}

}  // namespace

/// One call. A single piece costs the kernel less than a list of pieces.
ssize_t TlsStream::Wire::send_pieces(std::span<const std::uint8_t> octets) {
  if (held.empty() || octets.empty()) {
    const std::span<const std::uint8_t> piece = held.empty() ? octets : held;
    return ::send(socket.get(), piece.data(), piece.size(), MSG_NOSIGNAL);
  }
  std::array<iovec, 2> parts{
      iovec{.iov_base = held.data(), .iov_len = held.size()},
      iovec{.iov_base = const_cast<std::uint8_t*>(octets.data()), .iov_len = octets.size()}};  // NOLINT: only read
  msghdr header{};
  header.msg_iov = parts.data();
  header.msg_iovlen = parts.size();
  return ::sendmsg(socket.get(), &header, MSG_NOSIGNAL);
}

/// What is held goes first, in the same call. returns  octets of `octets` that the kernel took
std::size_t TlsStream::Wire::send(std::span<const std::uint8_t> octets) {
  ssize_t count = -1;
  do {
    count = send_pieces(octets);
  } while (count < 0 && errno == EINTR);
  if (count < 0) {
    failed = failed || !would_block();
    return 0;
  }
  const std::size_t of_held = std::min(static_cast<std::size_t>(count), held.size());
  held.erase(held.begin(), held.begin() + static_cast<std::ptrdiff_t>(of_held));
  if (held.empty() && held.capacity() != 0) {
    if (spare_room.capacity() < held.capacity()) std::swap(spare_room, held);
    held = {};
  }
  return static_cast<std::size_t>(count) - of_held;
}

bool TlsStream::Wire::send_held() {
  if (!held.empty()) send({});
  return held.empty();
}

TlsStream::TlsStream(Socket socket, SslPointer ssl, HandshakeSigner* signer, Counters& counters,
                     std::shared_ptr<const void> context)
    : context_{std::move(context)}, ssl_{std::move(ssl)}, counters_{counters} {
  wire_.socket = std::move(socket);
  if (signer != nullptr) {
    signature_.emplace(*signer, [this] {
      if (wake_) wake_();
    });
  }
  BIO* bio = BIO_new(wire_method());
  if (bio == nullptr || !ssl_) {
    BIO_free(bio);
    broken_ = true;
    return;
  }
  BIO_set_data(bio, &wire_);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_msg_callback(ssl_.get(), see_message);
  SSL_set_msg_callback_arg(ssl_.get(), this);
}

TlsStream::~TlsStream() {
  if (!ssl_) return;
  if (signature_ && signature_->waiting()) {  // the job that waits has to come to its end before it can be freed
    signature_->give_up();
    const HandshakeSignature::Scope scope{*signature_};
    wire_.holding = true;
    SSL_do_handshake(ssl_.get());
  } else if (established_ && !broken_ && !finished_) {
    wire_.holding = false;
    SSL_shutdown(ssl_.get());  // says that we close (RFC 8446 §6.1); nobody waits for it
  }
  forget_errors();
}

/// Called for each message and record header; only handshake messages of the peer after the handshake count.
void TlsStream::see_message(int sent, int, int kind, const void*, std::size_t, SSL*, void* stream) {
  auto& self = *static_cast<TlsStream*>(stream);
  if (sent == 0 && kind == SSL3_RT_HANDSHAKE && self.established_) ++self.messages_after_handshake_;
}

Moved TlsStream::state_of(int result) {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return {StreamState::wants_read};
    case SSL_ERROR_WANT_WRITE:
      return {StreamState::wants_write};
    case SSL_ERROR_WANT_ASYNC:
      return {StreamState::waits};
    case SSL_ERROR_ZERO_RETURN:
      return {StreamState::closed};
    default:
      broken_ = true;
      return {StreamState::failed};
  }
}

/// Nothing once the handshake is done.
std::optional<Moved> TlsStream::shake_hands() {
  if (!wire_.held.empty() && !wire_.send_held())
    return Moved{wire_.failed ? StreamState::failed : StreamState::wants_write};
  if (signature_ && signature_->waiting()) return Moved{StreamState::waits};
  std::optional<HandshakeSignature::Scope> scope;
  if (signature_) scope.emplace(*signature_);
  wire_.holding = true;
  const int result = SSL_do_handshake(ssl_.get());
  wire_.holding = false;
  if (result == 1) {
    note_handshake();
    return std::nullopt;
  }
  const Moved state = state_of(result);
  if (state.state == StreamState::failed) ++counters_.handshakes_failed;
  if (!wire_.send_held() && state.state != StreamState::failed && state.state != StreamState::waits)
    return Moved{wire_.failed ? StreamState::failed : StreamState::wants_write};
  return state;
}

void TlsStream::note_handshake() {
  established_ = true;
  SSL_clear_mode(ssl_.get(), SSL_MODE_ASYNC);  // nothing waits any more, and each call of its own would be a job
  ++counters_.handshakes;
  if (SSL_session_reused(ssl_.get()) == 1) ++counters_.handshakes_resumed;
}

Distrust TlsStream::distrust() const {
  if (established_ || !ssl_) return Distrust::none;
  switch (SSL_get_verify_result(ssl_.get())) {
    case X509_V_OK:
      return Distrust::none;
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return Distrust::expired;
    case X509_V_ERR_HOSTNAME_MISMATCH:
      return Distrust::wrong_name;
    case wrong_key_error:
      return Distrust::wrong_key;
    default:
      return Distrust::untrusted;
  }
}

std::shared_ptr<const dns::Name> TlsStream::peer_name() const {
  auto name = ClientAuthorities::name_of(*ssl_);
  return name ? std::make_shared<const dns::Name>(*std::move(name)) : nullptr;
}

Moved TlsStream::read(std::span<std::uint8_t> into) {
  holds_more_ = false;
  if (broken_) return {StreamState::failed};
  wire_.dry = false;
  forget_errors();
  const bool shakes_hands = !established_;
  if (shakes_hands) {
    if (const auto state = shake_hands()) return *state;
  }
  std::size_t total = 0;
  unsigned records = 0;
  Moved state{StreamState::moved};
  while (total < into.size()) {
    std::size_t octets = 0;
    const int result = SSL_read_ex(ssl_.get(), into.data() + total, into.size() - total, &octets);
    if (result != 1) {
      state = state_of(result);
      break;
    }
    total += octets;
    ++records;
    if (wire_.dry && SSL_has_pending(ssl_.get()) == 0) break;
  }
  if (messages_after_handshake_ > max_messages_after_handshake) {
    broken_ = true;
    return {StreamState::failed};
  }
  // What ended the reading, if it was more than a want of octets, is told by the next call.
  const bool ended = state.state == StreamState::closed || state.state == StreamState::failed;
  holds_more_ = total > 0 && (ended || (total == into.size() && SSL_has_pending(ssl_.get()) == 1));
  if (total > 0) {
    messages_after_handshake_ = 0;
    return {StreamState::moved, total, records};
  }
  // Nobody asked anything that an answer could be sent along with.
  if (broken_ || state.state != StreamState::wants_read) return state;
  const bool tells = !wire_.held.empty();
  if (!wire_.send_held()) return {wire_.failed ? StreamState::failed : StreamState::wants_write};
  if (!tells && shakes_hands) acknowledge();
  return state;
}

Moved TlsStream::write(std::span<const std::uint8_t> from) {
  if (broken_ || !established_) return {StreamState::failed};
  forget_errors();
  std::size_t octets = 0;
  const int result = SSL_write_ex(ssl_.get(), from.data(), from.size(), &octets);
  if (result == 1) return {StreamState::moved, octets};
  const Moved state = state_of(result);
  return state.state == StreamState::closed ? Moved{StreamState::failed} : state;
}

Moved TlsStream::uncork() {
  wire_.holding = false;
  if (wire_.send_held()) return {StreamState::moved};
  return {wire_.failed ? StreamState::failed : StreamState::wants_write};
}

void TlsStream::finish() {
  finished_ = true;
  if (established_ && !broken_) {
    forget_errors();
    SSL_shutdown(ssl_.get());
    wire_.send_held();
  }
  ::shutdown(wire_.socket.get(), SHUT_WR);
}

}  // namespace redoubt::transport
