// The least that answering by HTTPS can cost with nghttp2 and OpenSSL: reads all that is there, answers each request's
// body, whatever its fields say, and writes once.
//
//   http_loop ADDRESS@PORT CERTIFICATE KEY
#include "tests/bench/bare_answer.hpp"

namespace {

using namespace redoubt::bench;

class Requests {
 public:
  explicit Requests(Wire& wire) : wire_{&wire} {
    static nghttp2_session_callbacks* const callbacks = make_callbacks();
    nghttp2_session_server_new(&session_, callbacks, this);
    constexpr std::array settings{nghttp2_settings_entry{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 100}};
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  }
  Requests(const Requests&) = delete;
  Requests& operator=(const Requests&) = delete;
  ~Requests() { nghttp2_session_del(session_); }

  void hear(View octets) { nghttp2_session_mem_recv(session_, octets.data(), octets.size()); }
  void done() { speak(session_, wire_->output()); }

 private:
  struct Stream {
    Octets query;
    Body answer;
  };

  static Stream* stream_of(nghttp2_session* session, std::int32_t id) {
    return static_cast<Stream*>(nghttp2_session_get_stream_user_data(session, id));
  }

  static nghttp2_session_callbacks* make_callbacks() {
    nghttp2_session_callbacks* made = nullptr;
    nghttp2_session_callbacks_new(&made);
    nghttp2_session_callbacks_set_on_begin_headers_callback(
        made, [](nghttp2_session* session, const nghttp2_frame* frame, void*) {
          if (frame->headers.cat == NGHTTP2_HCAT_REQUEST)
            nghttp2_session_set_stream_user_data(session, frame->hd.stream_id,
                                                 new Stream);  // NOLINT: ends as the stream closes
          return 0;
        });
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
        made, [](nghttp2_session* session, std::uint8_t, std::int32_t id, const std::uint8_t* data, std::size_t count,
                 void*) {
          if (Stream* stream = stream_of(session, id)) append(stream->query, {data, count});
          return 0;
        });
    nghttp2_session_callbacks_set_on_frame_recv_callback(
        made, [](nghttp2_session* session, const nghttp2_frame* frame, void*) {
          if (frame->hd.type == NGHTTP2_DATA && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
            answer(session, frame->hd.stream_id);
          return 0;
        });
    nghttp2_session_callbacks_set_on_stream_close_callback(
        made, [](nghttp2_session* session, std::int32_t id, std::uint32_t, void*) {
          delete stream_of(session, id);  // NOLINT
          return 0;
        });
    return made;
  }

  static void answer(nghttp2_session* session, std::int32_t id) {
    Stream* stream = stream_of(session, id);
    if (stream == nullptr || !append_answer(stream->query, stream->answer.octets)) return;
    const std::string digits = std::to_string(stream->answer.octets.size());
    const std::array fields{http_field(":status", "200"), http_field("content-type", "application/dns-message"),
                            http_field("cache-control", "max-age=86400"), content_length(digits)};
    const nghttp2_data_provider body = stream->answer.provider();
    nghttp2_submit_response(session, id, fields.data(), fields.size(), &body);
  }

  Wire* wire_;
  nghttp2_session* session_ = nullptr;
};

}  // namespace

int main(int count, char** arguments) {
  if (count != 4) fail("usage: http_loop ADDRESS@PORT CERTIFICATE KEY");
  BareServer<Requests>{arguments[1], arguments[2], arguments[3], true}.run();
}
