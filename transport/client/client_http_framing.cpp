#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <utility>
#include <vector>

#include "dns/header.hpp"
#include "transport/client/client_framing.hpp"
#include "transport/http/http2_stream.hpp"

namespace redoubt::transport {

namespace {

constexpr std::string_view media_type = "application/dns-message";
constexpr std::size_t max_answer_octets = 65'535;
/// Fields of one response, and octets of them: a server has no reason for more.
constexpr std::size_t max_fields = 64;
constexpr std::size_t max_field_octets = 16 * 1024;
/// Frames of a server beyond so many for each request that is over (floods of PING, SETTINGS, empty frames).
constexpr std::uint64_t spare_frames = 500;
constexpr std::uint64_t frames_per_request = 20;

struct FreeSession {
  void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
};

/// One query, then its answer.
struct Request {
  std::vector<std::uint8_t> query;
  std::size_t sent = 0;
  std::vector<std::uint8_t> answer;
  std::size_t fields = 0;
  std::size_t field_octets = 0;
  char status_class = 0;  ///< the first digit
  bool told = false;      ///< that no answer comes of it
  bool is_ok = false;
  bool is_dns = false;

  bool brings_answer() const { return is_ok && is_dns; }
  std::uint16_t id() const { return static_cast<std::uint16_t>(query[0] << 8U | query[1]); }
  /// Once it is clear that no answer comes of it.
  UpstreamFault fault() const {
    if (status_class == '4') return UpstreamFault::http_refused;
    return status_class == '5' ? UpstreamFault::http_failed : UpstreamFault::http_strange;
  }
};

class ClientHttpFraming : public ClientFraming {
 public:
  ClientHttpFraming(std::string authority, std::string path)
      : authority_{std::move(authority)}, path_{std::move(path)} {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session* session = nullptr;
    if (nghttp2_session_callbacks_new(&callbacks) == 0) {
      nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, on_begin_frame);
      nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
      nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
      nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
      nghttp2_session_client_new(&session, callbacks, this);
    }
    nghttp2_session_callbacks_del(callbacks);
    session_.reset(session);
    const std::array settings{nghttp2_settings_entry{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
                              nghttp2_settings_entry{NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, max_field_octets}};
    broken_ = session == nullptr ||
              nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings.data(), settings.size()) != 0;
  }
  ~ClientHttpFraming() override { session_.reset(); }  // first: its callbacks touch the rest
  ClientHttpFraming(const ClientHttpFraming&) = delete;
  ClientHttpFraming& operator=(const ClientHttpFraming&) = delete;

  void put(std::span<const std::uint8_t> query, OutputQueue&) override {
    if (broken_ || query.size() < dns::header_octets) return;
    auto request = std::make_unique<Request>();
    request->query.assign(query.begin(), query.end());
    std::array<char, 24> length{};
    std::array fields{header_field(":method", "POST"),
                      header_field(":scheme", "https"),
                      header_field(":authority", authority_),
                      header_field(":path", path_),
                      header_field("accept", media_type),
                      header_field("content-type", media_type),
                      header_field("content-length", number_into(length, "", query.size()))};
    fields.back().flags = NGHTTP2_NV_FLAG_NONE;  // its text is gone with this call
    const nghttp2_data_provider provider{{.ptr = request.get()}, read_query};
    const std::int32_t id =
        nghttp2_submit_request(session_.get(), nullptr, fields.data(), fields.size(), &provider, request.get());
    if (id < 0)
      broken_ = true;
    else
      requests_.emplace(id, std::move(request));
  }

  void append(std::span<const std::uint8_t> octets) override {
    if (broken_) return;
    // A session that wants nothing more is over: the server said so, or broke the rules.
    broken_ = nghttp2_session_mem_recv(session_.get(), octets.data(), octets.size()) < 0 || broken_ ||
              nghttp2_session_want_read(session_.get()) == 0;
  }

  std::expected<std::optional<std::span<const std::uint8_t>>, FramingBroken> next() override {
    if (!answers_.empty()) {
      given_ = std::move(answers_.front());
      answers_.pop_front();
      return std::optional{std::span<const std::uint8_t>{given_}};
    }
    if (broken_) return std::unexpected{FramingBroken{}};
    return std::optional<std::span<const std::uint8_t>>{};
  }

  std::optional<Unanswered> unanswered() override {
    if (unanswered_.empty()) return std::nullopt;
    const Unanswered next = unanswered_.front();
    unanswered_.pop_front();
    return next;
  }
  bool left() const override { return left_; }
  bool unfinished() const override {
    return std::ranges::any_of(requests_, [](const auto& row) { return !row.second->answer.empty(); });
  }
  bool takes() const override { return !broken_ && nghttp2_session_check_request_allowed(session_.get()) != 0; }
  bool speaks() const override { return !broken_ && nghttp2_session_want_write(session_.get()) != 0; }
  void speak(OutputQueue& output) override {
    while (!broken_) {
      const std::uint8_t* octets = nullptr;
      const ssize_t count = nghttp2_session_mem_send(session_.get(), &octets);
      if (count < 0) broken_ = true;
      if (count <= 0) return;
      output.append({octets, static_cast<std::size_t>(count)});
    }
  }

 private:
  static ClientHttpFraming& self(void* user) { return *static_cast<ClientHttpFraming*>(user); }
  static Request* request_of(nghttp2_session* session, std::int32_t id) {
    return static_cast<Request*>(nghttp2_session_get_stream_user_data(session, id));
  }

  static int on_begin_frame(nghttp2_session*, const nghttp2_frame_hd*, void* user) {
    ClientHttpFraming& framing = self(user);
    const bool too_many = ++framing.frames_ > spare_frames + frames_per_request * framing.concluded_;
    return too_many ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
  }

  static int on_header(nghttp2_session* session, const nghttp2_frame* frame, const std::uint8_t* name_octets,
                       std::size_t name_count, const std::uint8_t* value_octets, std::size_t value_count, std::uint8_t,
                       void*) {
    Request* request = request_of(session, frame->hd.stream_id);
    if (request == nullptr) return 0;
    request->field_octets += name_count + value_count;
    if (++request->fields > max_fields || request->field_octets > max_field_octets) return NGHTTP2_ERR_CALLBACK_FAILURE;
    const std::string_view name = text_of(name_octets, name_count);
    const std::string_view value = text_of(value_octets, value_count);
    if (name == ":status") {
      request->is_ok = value == "200";
      request->status_class = value.empty() ? '\0' : value.front();
    }
    if (name == "content-type") request->is_dns = value.substr(0, value.find(';')) == media_type;
    return 0;
  }

  static int on_data(nghttp2_session* session, std::uint8_t, std::int32_t id, const std::uint8_t* octets,
                     std::size_t count, void* user) {
    Request* request = request_of(session, id);
    if (request == nullptr || request->told) return 0;
    if (!request->brings_answer()) {  // a page that explains an error is for nobody here
      self(user).give_up(*request, request->fault());
      return nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
    }
    if (request->answer.size() + count > max_answer_octets) return NGHTTP2_ERR_CALLBACK_FAILURE;
    request->answer.insert(request->answer.end(), octets, octets + count);
    return 0;
  }

  /// What is no answer ends this request alone: the others, and the connection, have nothing to do with it. One that
  /// was refused was not looked at (RFC 9113 §8.7), and may go another way; all of them, where the server leaves.
  static int on_close(nghttp2_session* session, std::int32_t id, std::uint32_t error, void* user) {
    ClientHttpFraming& framing = self(user);
    const auto found = framing.requests_.find(id);
    if (found == framing.requests_.end()) return 0;
    Request& request = *found->second;
    const bool leaves = error == NGHTTP2_REFUSED_STREAM && nghttp2_session_check_request_allowed(session) == 0;
    if (leaves) {
      framing.left_ = framing.left_ || !framing.broken_;
      framing.broken_ = true;
    } else if (!request.told && error == NGHTTP2_NO_ERROR && request.brings_answer() &&
               request.answer.size() >= dns::header_octets) {
      framing.answers_.push_back(std::move(request.answer));
    } else {
      framing.give_up(request, fault_of(request, error));
    }
    ++framing.concluded_;
    framing.requests_.erase(found);
    return 0;
  }

  void give_up(Request& request, UpstreamFault fault) {
    if (!std::exchange(request.told, true)) unanswered_.push_back({request.id(), fault});
  }

  static UpstreamFault fault_of(const Request& request, std::uint32_t error) {
    if (error == NGHTTP2_REFUSED_STREAM) return UpstreamFault::closed_early;
    if (request.status_class != 0 && !request.brings_answer()) return request.fault();
    return error == NGHTTP2_NO_ERROR ? UpstreamFault::malformed : UpstreamFault::http_failed;
  }

  static ssize_t read_query(nghttp2_session*, std::int32_t, std::uint8_t* into, std::size_t room, std::uint32_t* flags,
                            nghttp2_data_source* source, void*) {
    Request& request = *static_cast<Request*>(source->ptr);
    const std::size_t count = std::min(room, request.query.size() - request.sent);
    std::copy_n(request.query.begin() + static_cast<std::ptrdiff_t>(request.sent), count, into);
    request.sent += count;
    if (request.sent == request.query.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(count);
  }

  std::string authority_;
  std::string path_;
  std::map<std::int32_t, std::unique_ptr<Request>> requests_;
  std::deque<std::vector<std::uint8_t>> answers_;
  std::deque<Unanswered> unanswered_;
  std::vector<std::uint8_t> given_;
  std::unique_ptr<nghttp2_session, FreeSession> session_;
  std::uint64_t frames_ = 0;
  std::uint64_t concluded_ = 0;  ///< requests, however they ended
  bool broken_ = false;
  bool left_ = false;
};

}  // namespace

std::unique_ptr<ClientFraming> client_http_framing(std::string authority, std::string path) {
  return std::make_unique<ClientHttpFraming>(std::move(authority), std::move(path));
}

}  // namespace redoubt::transport
