#pragma once
// A byte stream inside TLS. The handshake goes on while read() is called; what is read and written is the plain text.
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "transport/counters.hpp"
#include "transport/net/byte_stream.hpp"
#include "transport/tls/key_provider.hpp"
#include "transport/tls/openssl.hpp"

namespace redoubt::transport {

/// Handshake messages that a peer may send once the handshake is done (key updates) between two of our reads of data;
/// more of them, and the stream has failed (RFC 8446 §4.6.3 sets no limit; each one costs us a new key).
inline constexpr unsigned max_messages_after_handshake = 32;

/// What whoever verifies sets for a peer with another key than the pinned ones.
inline constexpr int wrong_key_error = X509_V_ERR_APPLICATION_VERIFICATION;

class TlsStream : public ByteStream {
 public:
  /// The socket is connected, ssl knows which side it is. signer: of a server, null for a client. context: what ssl's
  /// callbacks look at; it lives as long as the stream, whatever new connections are given.
  TlsStream(Socket socket, SslPointer ssl, HandshakeSigner* signer, Counters& counters,
            std::shared_ptr<const void> context = nullptr);
  ~TlsStream() override;
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  Moved read(std::span<std::uint8_t> into) override;
  Moved write(std::span<const std::uint8_t> from) override;
  void cork() override { wire_.holding = established_ && !broken_; }
  Moved uncork() override;
  std::size_t held() const override { return wire_.held.size(); }
  void finish() override;
  int descriptor() const override { return wire_.socket.get(); }
  bool established() const override { return established_; }
  Distrust distrust() const override;
  std::shared_ptr<const dns::Name> peer_name() const override;
  bool has_emptied() const override { return wire_.dry; }
  void acknowledge() override { acknowledge_now(wire_.socket); }
  bool holds_more() const override { return holds_more_; }
  void on_wake(std::function<void()> wake) override { wake_ = std::move(wake); }

  const SSL& ssl() const { return *ssl_; }

  /// What OpenSSL reads from and writes to.
  struct Wire {
    Socket socket;
    /// Written by OpenSSL and not by us yet: the parts of a handshake leave together, and tickets with the first
    /// answer.
    std::vector<std::uint8_t> held;
    bool holding = false;
    bool dry = false;  ///< the socket has been read to its end in this turn
    std::size_t send(std::span<const std::uint8_t> octets);
    ssize_t send_pieces(std::span<const std::uint8_t> octets);
    bool send_held();
    bool failed = false;
  };

 private:
  std::optional<Moved> shake_hands();
  Moved state_of(int result);
  void note_handshake();
  static void see_message(int sent, int version, int kind, const void* octets, std::size_t count, SSL* ssl,
                          void* stream);

  Wire wire_;
  std::shared_ptr<const void> context_;  // outlives ssl_
  SslPointer ssl_;
  Counters& counters_;
  std::optional<HandshakeSignature> signature_;
  std::function<void()> wake_;
  unsigned messages_after_handshake_ = 0;
  bool established_ = false;
  bool holds_more_ = false;
  bool broken_ = false;
  bool finished_ = false;
};

}  // namespace redoubt::transport
