#pragma once
// A client that speaks HTTP/2 over TLS: well, by nghttp2, or with frames of its own making.
#include <nghttp2/nghttp2.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "tests/unit/transport/tls_fixture.hpp"

namespace redoubt::transport::test {

/// RFC 9113 §6: the kinds of frames, and the flags that tests set.
enum class Frame : std::uint8_t {
  data,
  headers,
  priority,
  rst_stream,
  settings,
  push,
  ping,
  goaway,
  window_update,
  continuation
};
constexpr std::uint8_t end_stream = 1;
constexpr std::uint8_t end_headers = 4;

inline Octets frame(Frame kind, std::uint8_t flags, std::uint32_t stream, const Octets& payload = {}) {
  Octets out{static_cast<std::uint8_t>(payload.size() >> 16U), static_cast<std::uint8_t>(payload.size() >> 8U),
             static_cast<std::uint8_t>(payload.size()), static_cast<std::uint8_t>(kind), flags};
  for (const unsigned shift : {24U, 16U, 8U, 0U}) out.push_back(static_cast<std::uint8_t>(stream >> shift));
  out.insert(out.end(), payload.begin(), payload.end());
  return out;
}

inline Octets& operator+=(Octets& out, const Octets& more) {
  out.insert(out.end(), more.begin(), more.end());
  return out;
}

/// A literal field without indexing (RFC 7541 §6.2.2); both shorter than 127 octets.
inline Octets literal(const std::string& name, const std::string& value) {
  Octets out{0, static_cast<std::uint8_t>(name.size())};
  out.insert(out.end(), name.begin(), name.end());
  out.push_back(static_cast<std::uint8_t>(value.size()));
  out.insert(out.end(), value.begin(), value.end());
  return out;
}

inline std::string base64url(const Octets& octets) {
  static constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string out;
  for (std::size_t i = 0; i < octets.size(); i += 3) {
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 3; ++k) bits = bits << 8U | (i + k < octets.size() ? octets[i + k] : 0U);
    const std::size_t count = std::min<std::size_t>(octets.size() - i, 3) + 1;
    for (std::size_t k = 0; k < count; ++k) out.push_back(letters[bits >> (18 - 6 * k) & 63U]);
  }
  return out;
}

/// The header block of a GET, static table entries and literals only.
inline Octets get_fields(const std::string& path) {
  Octets out{0x82, 0x87};  // :method GET, :scheme https
  out += literal(":path", path.substr(0, 120));
  out += literal(":authority", "dns.example");
  return out;
}
inline Octets post_fields() {
  Octets out{0x83, 0x87};  // :method POST, :scheme https
  out += literal(":path", "/dns-query");
  out += literal(":authority", "dns.example");
  out += literal("content-type", "application/dns-message");
  return out;
}

inline Octets preface() {
  static constexpr std::string_view words = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  Octets out{words.begin(), words.end()};
  out += frame(Frame::settings, 0, 0);
  return out;
}

struct HttpResponse {
  std::map<std::string, std::string> fields;
  Octets body;
  bool whole = false;
  std::optional<std::uint32_t> reset;  ///< an error code
  std::string text() const { return {body.begin(), body.end()}; }
  std::string status() const { return fields.contains(":status") ? fields.at(":status") : ""; }
};

class Http2Peer {
 public:
  explicit Http2Peer(const dns::Endpoint& server, const std::string& from = "127.0.0.1")
      : tls_{server, {.alpn = "\2h2", .from = from}} {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_client_new(&session_, callbacks, this);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, nullptr, 0);
  }
  ~Http2Peer() { nghttp2_session_del(session_); }
  Http2Peer(const Http2Peer&) = delete;
  Http2Peer& operator=(const Http2Peer&) = delete;

  /// returns  the stream
  std::int32_t request(const std::string& method, const std::string& path, const Octets& body = {},
                       const std::string& content_type = "application/dns-message") {
    const bool with_body = method == "POST";
    std::vector<nghttp2_nv> fields{field(":method", method), field(":scheme", "https"),
                                   field(":authority", "dns.example"), field(":path", path)};
    if (with_body) fields.push_back(field("content-type", content_type));
    bodies_.push_back(std::make_unique<Body>(Body{body, 0}));
    const nghttp2_data_provider provider{{.ptr = bodies_.back().get()}, read_body};
    return nghttp2_submit_request(session_, nullptr, fields.data(), fields.size(), with_body ? &provider : nullptr,
                                  nullptr);
  }
  std::int32_t get(const Octets& message) { return request("GET", "/dns-query?dns=" + base64url(message)); }
  std::int32_t post(const Octets& message) { return request("POST", "/dns-query", message); }

  /// Sends and takes what can be now. False once the connection is over.
  bool step() {
    const bool there = tls_.step();
    feed();
    Octets together;
    while (there && tls_.established()) {
      const std::uint8_t* octets = nullptr;
      const ssize_t count = nghttp2_session_mem_send(session_, &octets);
      if (count <= 0) break;
      if (gathers_)
        together.insert(together.end(), octets, octets + count);
      else
        tls_.write({octets, octets + count});
    }
    if (!together.empty()) tls_.write(together);
    return there;
  }
  /// All frames of a step go into one record from here on.
  void gather() { gathers_ = true; }
  bool over() { return !step(); }
  const HttpResponse& response(std::int32_t stream) {
    step();
    return responses_[stream];
  }
  bool whole(std::int32_t stream) { return response(stream).whole; }
  std::optional<std::uint32_t> goaway() {
    step();
    return goaway_;
  }
  nghttp2_session* session() { return session_; }
  TlsPeer& tls() { return tls_; }

 private:
  struct Body {
    Octets octets;
    std::size_t sent;
  };
  /// Of texts that outlive the request.
  static nghttp2_nv field(std::string_view name, std::string_view value) {
    const auto octets = [](std::string_view text) {
      return const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(text.data()));
    };
    return {octets(name), octets(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
  }
  void feed() {
    const Octets received = std::exchange(tls_.received(), {});
    if (!received.empty()) nghttp2_session_mem_recv(session_, received.data(), received.size());
  }
  static Http2Peer& self(void* user) { return *static_cast<Http2Peer*>(user); }
  static int on_header(nghttp2_session*, const nghttp2_frame* head, const std::uint8_t* name, std::size_t name_count,
                       const std::uint8_t* value, std::size_t value_count, std::uint8_t, void* user) {
    self(user).responses_[head->hd.stream_id].fields[std::string{name, name + name_count}] =
        std::string{value, value + value_count};
    return 0;
  }
  static int on_data(nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* octets, std::size_t count,
                     void* user) {
    Octets& body = self(user).responses_[id].body;
    body.insert(body.end(), octets, octets + count);
    return 0;
  }
  static int on_close(nghttp2_session*, std::int32_t id, std::uint32_t error, void* user) {
    HttpResponse& response = self(user).responses_[id];
    response.whole = error == 0;
    if (error != 0) response.reset = error;
    return 0;
  }
  static int on_frame(nghttp2_session*, const nghttp2_frame* received, void* user) {
    if (received->hd.type == NGHTTP2_GOAWAY) self(user).goaway_ = received->goaway.error_code;
    return 0;
  }
  static ssize_t read_body(nghttp2_session*, std::int32_t, std::uint8_t* into, std::size_t room, std::uint32_t* flags,
                           nghttp2_data_source* source, void*) {
    Body& body = *static_cast<Body*>(source->ptr);
    const std::size_t count = std::min(room, body.octets.size() - body.sent);
    std::copy_n(body.octets.begin() + static_cast<std::ptrdiff_t>(body.sent), count, into);
    body.sent += count;
    if (body.sent == body.octets.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(count);
  }

  TlsPeer tls_;
  bool gathers_ = false;
  nghttp2_session* session_ = nullptr;
  std::vector<std::unique_ptr<Body>> bodies_;
  std::map<std::int32_t, HttpResponse> responses_;
  std::optional<std::uint32_t> goaway_;
};

/// Sends whatever it is told to, and reads the frames that come back only as far as a GOAWAY's error code.
class FramePeer {
 public:
  explicit FramePeer(const dns::Endpoint& server, const std::string& from = "127.0.0.2")
      : tls_{server, {.alpn = "\2h2", .from = from}} {}
  bool established() { return tls_.established(); }
  bool send(const Octets& octets) { return !over() && tls_.write(octets); }
  bool over() { return tls_.over(); }
  /// The error code of a GOAWAY that came; nothing when none did.
  std::optional<std::uint32_t> goaway() {
    tls_.step();
    const Octets& all = tls_.received();
    for (std::size_t at = 0; at + 9 <= all.size();) {
      const std::size_t octets = std::size_t{all[at]} << 16U | std::size_t{all[at + 1]} << 8U | all[at + 2];
      if (all[at + 3] == static_cast<std::uint8_t>(Frame::goaway) && at + 17 <= all.size())
        return std::uint32_t{all[at + 13]} << 24U | std::uint32_t{all[at + 14]} << 16U |
               std::uint32_t{all[at + 15]} << 8U | all[at + 16];
      at += 9 + octets;
    }
    return std::nullopt;
  }
  std::size_t received() { return tls_.received().size(); }

 private:
  TlsPeer tls_;
};

class HttpServerTest : public TlsServerTest {
 protected:
  void SetUp() override { serve(KeyKind::p256, Protocol::https); }
  bool whole(Http2Peer& peer, std::int32_t stream) {
    return run_until([&] { return peer.whole(stream) || peer.response(stream).reset.has_value(); });
  }
  /// Answers everything that was asked since.
  void give_all(std::size_t octets = 0) {
    for (; given_ < resolver_.asked.size(); ++given_) give(resolver_.asked[given_], octets);
  }
  std::size_t given_ = 0;
};

}  // namespace redoubt::transport::test
