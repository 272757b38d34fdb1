#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "transport/http/http2_streams.hpp"
#include "transport/http/http_framing.hpp"
#include "transport/http/session_memory.hpp"
#include "transport/http/session_pages.hpp"

namespace redoubt::transport {

namespace {

/// Header fields of one request; of each, these octets count beside name and value (RFC 9113 §6.5.2).
constexpr std::size_t max_fields = 32;
constexpr std::size_t field_overhead = 32;
/// Beyond so many times what is allowed, a header is an attack rather than a mistake.
constexpr std::size_t beyond_mistakes = 8;
/// Frames that each answered query makes up for: of its request, window updates, acknowledgements.
constexpr std::uint64_t frames_per_answer = 10;
constexpr std::size_t max_continuations = 8;  // frames of one header; most have none
constexpr std::size_t max_unsent_acknowledgements = 100;
constexpr std::size_t max_settings = 16;  // entries of one SETTINGS frame
/// Of each request beside header and body.
constexpr std::size_t spare_octets = 1024;
/// What HTTP/2 adds to an answer at most: frame heads, and header fields that the peer's table does not know yet.
constexpr std::size_t answer_overhead = 256;
/// Of what is written at once: a TLS record (RFC 8446 §5.1).
constexpr std::size_t most_spoken = 16 * 1024;

constexpr std::string_view plain_text = "text/plain; charset=utf-8";

/// RFC 9113 §6.1: DATA with END_STREAM.
bool ends_an_answer(std::span<const std::uint8_t> frame) {
  constexpr std::size_t type_at = 3;
  constexpr std::size_t flags_at = 4;
  return frame.size() > flags_at && frame[type_at] == NGHTTP2_DATA && (frame[flags_at] & NGHTTP2_FLAG_END_STREAM) != 0;
}

template <auto free>
struct Free {
  template <class T>
  void operator()(T* object) const {
    free(object);
  }
};

std::span<const std::uint8_t> octets_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};  // NOLINT: octets are octets
}

class Http2Framing : public MessageFraming {
 public:
  Http2Framing(std::string path, const Limits& limits) : path_{std::move(path)}, limits_{limits} { open(); }
  ~Http2Framing() override { session_.reset(); }  // first: its callbacks touch the rest
  Http2Framing(const Http2Framing&) = delete;
  Http2Framing& operator=(const Http2Framing&) = delete;

  void append(std::span<const std::uint8_t> octets) override {
    if (finished()) return;
    octets_ += octets.size();
    const std::uint64_t of_one = limits_[Limit::http_header_octets] + limits_[Limit::http_body_octets] + spare_octets;
    if (octets_ > of_one * (limits_[Limit::http_streams] + answers_)) return calm_down();
    const std::uint64_t completed = completed_;
    if (nghttp2_session_mem_recv(session_.get(), octets.data(), octets.size()) < 0) calm_down();
    gathers_ = gathers_ || completed_ - completed > pieces_;
  }
  void comes_in(unsigned pieces) override { pieces_ = pieces; }

  std::expected<std::optional<Incoming>, FramingBroken> next() override {
    while (!ready_.empty() && !finished()) {
      const std::int32_t id = ready_.pop();
      Http2Stream* const found = streams_.find(id);
      if (found == nullptr) continue;  // cancelled meanwhile
      Http2Stream& stream = *found;
      consume(stream);
      auto mapped = to_dns(std::move(stream.request), path_);
      stream.forget_request();
      if (const auto* reply = std::get_if<HttpReply>(&mapped)) {
        refuse(stream, reply->status, reply->content_type, reply->body, reply->allow);
        continue;
      }
      // What the stream had room for before has room for its next request.
      stream.request.body = std::exchange(stream.query, std::get<DnsQuery>(std::move(mapped)));
      stream.asked = true;
      return Incoming{static_cast<ExchangeTag>(id), stream.query};
    }
    return std::nullopt;
  }

  /// Those that came by POST. Streams that ended meanwhile and those that came by GET are looked at, too: by their
  /// number the work is bounded.
  Coming coming(std::span<std::span<const std::uint8_t>> into) const override {
    Coming coming{.messages = 0, .looked_at = std::min(ready_.all().size(), into.size())};
    for (const std::int32_t id : ready_.all().first(coming.looked_at)) {
      const Http2Stream* const stream = streams_.find(id);
      if (stream != nullptr && !stream->request.body.empty()) into[coming.messages++] = stream->request.body;
    }
    return coming;
  }

  std::uint64_t unfinished() const override { return static_cast<std::uint64_t>(streams_.first_incomplete()); }
  std::uint64_t last_begun() const override { return static_cast<std::uint64_t>(last_begun_); }
  std::size_t overhead() const override { return answer_overhead; }
  bool takes_always() const override { return true; }
  std::size_t held() const override { return held_; }
  std::uint64_t first_held() const override { return streams_.first_unsent(); }
  std::uint64_t last_put() const override { return streams_.last_put(); }
  bool broken() const override { return broken_; }
  bool finished() const override {
    return broken_ ||
           (nghttp2_session_want_read(session_.get()) == 0 && nghttp2_session_want_write(session_.get()) == 0);
  }

  void put(ExchangeTag tag, std::span<const std::uint8_t> answer, OutputQueue&) override {
    Http2Stream* const found = streams_.find(static_cast<std::int32_t>(tag));
    if (found == nullptr) return;  // cancelled meanwhile
    ++answers_;
    respond(*found, 200, "application/dns-message", answer, lifetime_of(answer));
  }

  bool put_nothing(ExchangeTag tag) override {
    Http2Stream* const found = streams_.find(static_cast<std::int32_t>(tag));
    if (found != nullptr) refuse(*found, 400, plain_text, "There is no answer to that.\n");
    return true;
  }

  bool speaks() const override { return !mute_ && session_ && nghttp2_session_want_write(session_.get()) != 0; }

  void speak(OutputQueue& output) override {
    while (!mute_ && output.size() < most_spoken) {
      const std::uint8_t* octets = nullptr;
      const ssize_t count = nghttp2_session_mem_send(session_.get(), &octets);
      if (count < 0) mute_ = broken_ = true;
      if (count <= 0) return;
      const std::span frame{octets, static_cast<std::size_t>(count)};
      output.append(frame);
      // Clients that take one answer from each read lose the others of its record (dnsperf), so each is a record of its
      // own; but for those who themselves put several requests into one.
      if (!gathers_ && ends_an_answer(frame)) return;
    }
  }

  void rest() override { rest_session_page(page_); }

  std::optional<ExchangeTag> cancelled() override {
    if (cancelled_.empty()) return std::nullopt;
    return static_cast<ExchangeTag>(cancelled_.pop());
  }

  /// Requests that were not taken are safe to be sent again elsewhere, and are said to be (RFC 9113 §6.8, §8.7).
  void retire(bool is_heard) override {
    if (finished()) return;
    if (is_heard) nghttp2_submit_goaway(session_.get(), NGHTTP2_FLAG_NONE, last_begun_, NGHTTP2_NO_ERROR, nullptr, 0);
    streams_.each([this](Http2Stream& stream) {
      if (stream.asked || stream.answered) return;
      stream.answered = true;
      nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, stream.id, NGHTTP2_REFUSED_STREAM);
    });
  }

 private:
  /// What is the same for all sessions; each copies what it needs of it.
  struct Manner {
    std::unique_ptr<nghttp2_session_callbacks, Free<nghttp2_session_callbacks_del>> callbacks;
    std::unique_ptr<nghttp2_option, Free<nghttp2_option_del>> options;

    Manner() {
      nghttp2_session_callbacks* made = nullptr;
      if (nghttp2_session_callbacks_new(&made) == 0) set_callbacks(*made);
      callbacks.reset(made);
      nghttp2_option* option = nullptr;
      if (nghttp2_option_new(&option) == 0) set_options(*option);
      options.reset(option);
    }
    static const Manner& of_thread() {
      static thread_local Manner manner;
      if (!manner.callbacks || !manner.options) manner = Manner{};  // there was no memory for it before
      return manner;
    }
  };

  static Http2Framing& self(void* user) { return *static_cast<Http2Framing*>(user); }

  void open() {
    nghttp2_session* session = nullptr;
    if (const Manner& manner = Manner::of_thread(); manner.callbacks && manner.options) {
      const SessionBirth birth;
      nghttp2_session_server_new3(&session, manner.callbacks.get(), this, manner.options.get(), session_memory());
      page_ = birth.page();
    }
    session_.reset(session);
    const std::array settings{
        nghttp2_settings_entry{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, number(Limit::http_streams)},
        nghttp2_settings_entry{NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, number(Limit::http_header_octets)},
        // Answers are short: a tree of who goes first costs more than it could bring (RFC 9218 §2.1).
        nghttp2_settings_entry{NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1}};
    mute_ = broken_ = session == nullptr ||
                      nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings.data(), settings.size()) != 0;
  }

  static void set_callbacks(nghttp2_session_callbacks& callbacks) {
    nghttp2_session_callbacks_set_on_begin_frame_callback(&callbacks, on_begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(&callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(&callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(&callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(&callbacks, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(&callbacks, on_close);
    nghttp2_session_callbacks_set_on_frame_send_callback(&callbacks, on_sent);
  }

  static void set_options(nghttp2_option& options) {
    // A body is given back to the peer's window when its query is taken: those that wait share one window.
    nghttp2_option_set_no_auto_window_update(&options, 1);
    nghttp2_option_set_no_closed_streams(&options, 1);
    nghttp2_option_set_max_outbound_ack(&options, max_unsent_acknowledgements);
    nghttp2_option_set_max_settings(&options, max_settings);
    nghttp2_option_set_max_continuations(&options, max_continuations);
  }

  std::uint32_t number(Limit limit) const { return static_cast<std::uint32_t>(limits_[limit]); }

  /// The peer costs more than it asks: it is told so, and what it says from here on is not looked at.
  void calm_down() {
    if (!std::exchange(broken_, true)) nghttp2_session_terminate_session(session_.get(), NGHTTP2_ENHANCE_YOUR_CALM);
  }
  int result() const { return broken_ ? NGHTTP2_ERR_CALLBACK_FAILURE : 0; }

  void count_waste() {
    if (++wasted_ > limits_[Limit::http_wasted] + answers_) calm_down();
  }

  static int on_begin_frame(nghttp2_session*, const nghttp2_frame_hd*, void* user) {
    Http2Framing& framing = self(user);
    if (++framing.frames_ > framing.limits_[Limit::http_idle_frames] + frames_per_answer * framing.answers_)
      framing.calm_down();
    return framing.result();
  }

  static int on_begin_headers(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    Http2Framing& framing = self(user);
    Http2Stream& stream = framing.streams_.add(frame->hd.stream_id);
    nghttp2_session_set_stream_user_data(session, stream.id, &stream);
    framing.last_begun_ = std::max(framing.last_begun_, stream.id);
    return 0;
  }

  static Http2Stream* stream_of(nghttp2_session* session, std::int32_t id) {
    return static_cast<Http2Stream*>(nghttp2_session_get_stream_user_data(session, id));
  }

  static int on_header(nghttp2_session* session, const nghttp2_frame* frame, const std::uint8_t* name_octets,
                       std::size_t name_count, const std::uint8_t* value_octets, std::size_t value_count, std::uint8_t,
                       void* user) {
    Http2Framing& framing = self(user);
    Http2Stream* stream = stream_of(session, frame->hd.stream_id);
    if (stream == nullptr) return 0;
    stream->header_octets += name_count + value_count + field_overhead;
    ++stream->fields;
    const std::size_t most_octets = framing.limits_[Limit::http_header_octets];
    if (stream->fields > max_fields * beyond_mistakes || stream->header_octets > most_octets * beyond_mistakes) {
      framing.calm_down();
      return framing.result();
    }
    if (stream->fields > max_fields || stream->header_octets > most_octets) stream->refused = 431;
    if (stream->refused != 0) {
      stream->request = {};
      return 0;
    }
    const std::string_view name = text_of(name_octets, name_count);
    std::string* into = name == ":method"        ? &stream->request.method
                        : name == ":path"        ? &stream->request.path
                        : name == "content-type" ? &stream->request.content_type
                                                 : nullptr;
    if (into != nullptr && into->empty()) *into = text_of(value_octets, value_count);
    return 0;
  }

  static int on_data(nghttp2_session* session, std::uint8_t, std::int32_t id, const std::uint8_t* octets,
                     std::size_t count, void* user) {
    Http2Framing& framing = self(user);
    Http2Stream* stream = stream_of(session, id);
    if (stream == nullptr) return nghttp2_session_consume(session, id, count);
    stream->unconsumed += count;
    if (stream->request.body.size() + count > framing.limits_[Limit::http_body_octets]) stream->refused = 413;
    if (stream->refused != 0) {
      stream->request = {};
      framing.consume(*stream);
      if (!stream->complete) framing.complete(*stream);
    } else {
      stream->request.body.insert(stream->request.body.end(), octets, octets + count);
    }
    return framing.result();
  }

  static int on_frame(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    const bool of_request = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
    if (!of_request || (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return 0;
    Http2Stream* stream = stream_of(session, frame->hd.stream_id);
    if (stream != nullptr && !stream->complete) self(user).complete(*stream);
    return self(user).result();
  }

  void consume(Http2Stream& stream) {
    nghttp2_session_consume(session_.get(), stream.id, std::exchange(stream.unconsumed, 0));
  }

  /// Whole, or as much of it as is needed to refuse it.
  void complete(Http2Stream& stream) {
    streams_.complete(stream);
    ++completed_;
    stream.without_body = stream.request.method == "HEAD";
    if (stream.refused == 0) return ready_.push(stream.id);
    refuse(stream, stream.refused, plain_text,
           stream.refused == 431 ? "The header of this request is too large.\n"
                                 : "The body of this request is too large.\n");
  }

  static int on_close(nghttp2_session* session, std::int32_t id, std::uint32_t, void* user) {
    Http2Framing& framing = self(user);
    const Http2Stream* const found = framing.streams_.find(id);
    if (found == nullptr) return 0;
    const Http2Stream& stream = *found;
    nghttp2_session_consume_connection(session, stream.unconsumed);
    framing.held_ -= stream.body.size() - stream.body_sent;
    if (stream.asked && !stream.answered) framing.cancelled_.push(id);
    if (!stream.answered) framing.count_waste();
    framing.streams_.remove(id);
    return 0;  // also within speak(), which has to go on
  }

  /// What is wrong in the peer's frames, nghttp2 tells him by itself.
  static int on_sent(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    if (frame->hd.type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR) self(user).broken_ = true;
    return 0;
  }

  void refuse(Http2Stream& stream, unsigned status, std::string_view content_type, std::string_view words,
              std::string_view allow = {}) {
    respond(stream, status, content_type, octets_of(words), std::nullopt, allow);
    count_waste();
  }

  void respond(Http2Stream& stream, unsigned status, std::string_view content_type, std::span<const std::uint8_t> body,
               std::optional<std::uint32_t> lifetime, std::string_view allow = {}) {
    if (std::exchange(stream.answered, true)) return;
    stream.forget_query();
    // RFC 8484 §5.1; what HTTP caches are not told they may guess.
    const std::string_view cache = lifetime ? number_into(stream.cache, "max-age=", *lifetime) : "no-store";
    std::array fields{header_field(":status", number_into(stream.status, "", status)),
                      header_field("content-type", content_type),
                      header_field("content-length", number_into(stream.length, "", body.size())),
                      header_field("cache-control", cache), header_field("allow", allow)};
    const std::size_t count = fields.size() - (allow.empty() ? 1 : 0);
    if (lifetime) fields[3].flags |= NGHTTP2_NV_FLAG_NO_INDEX;  // another one each time: it would crowd out the rest
    const nghttp2_data_provider provider{{.ptr = &stream}, read_body};
    const bool with_body = !stream.without_body && !body.empty();
    if (with_body) {
      stream.body.assign(body.begin(), body.end());
      held_ += stream.body.size();
      streams_.has_body(stream);
    }
    if (nghttp2_submit_response(session_.get(), stream.id, fields.data(), count, with_body ? &provider : nullptr) != 0)
      mute_ = broken_ = true;
  }

  static ssize_t read_body(nghttp2_session*, std::int32_t, std::uint8_t* into, std::size_t room, std::uint32_t* flags,
                           nghttp2_data_source* source, void* user) {
    Http2Stream& stream = *static_cast<Http2Stream*>(source->ptr);
    const std::size_t count = std::min(room, stream.body.size() - stream.body_sent);
    std::copy_n(stream.body.begin() + static_cast<std::ptrdiff_t>(stream.body_sent), count, into);
    stream.body_sent += count;
    self(user).held_ -= count;
    if (stream.body_sent == stream.body.size()) {
      *flags |= NGHTTP2_DATA_FLAG_EOF;
      self(user).streams_.has_sent_body(stream);
    }
    return static_cast<ssize_t>(count);
  }

  std::string path_;
  const Limits& limits_;
  Http2Streams streams_;
  Line ready_;      ///< whole requests
  Line cancelled_;  ///< asked, and no longer wanted
  std::unique_ptr<nghttp2_session, Free<nghttp2_session_del>> session_;
  void* page_ = nullptr;  ///< the session's, see session_pages.hpp
  std::size_t held_ = 0;  ///< octets of answers that nghttp2 has not taken
  std::int32_t last_begun_ = 0;
  std::uint64_t answers_ = 0;  ///< to queries
  std::uint64_t octets_ = 0;   ///< read
  std::uint64_t frames_ = 0;
  std::uint64_t wasted_ = 0;
  std::uint64_t completed_ = 0;  ///< requests
  unsigned pieces_ = 1;          ///< of what append() gets
  bool gathers_ = false;         ///< the peer puts several requests into a record, and may be answered so
  bool broken_ = false;          ///< the peer is not listened to any more
  bool mute_ = false;            ///< nghttp2 has failed
};

}  // namespace

std::unique_ptr<MessageFraming> http2_framing(std::string path, const Limits& limits) {
  return std::make_unique<Http2Framing>(std::move(path), limits);
}

}  // namespace redoubt::transport
