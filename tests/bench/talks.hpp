#pragma once
// How the load's questions and answers travel inside TLS: with lengths before them, or as HTTP/2 requests.
#include <functional>
#include <unordered_map>

#include "tests/bench/encrypted.hpp"

namespace redoubt::bench {

/// answered(slot, message): slot as given to ask().
using Answered = std::function<void(std::size_t, View)>;

class Talk {
 public:
  virtual ~Talk() = default;
  /// Appends a question; its message's id is the slot where the way has no other mark, else 0 (RFC 8484 §4.1).
  virtual void ask(Octets query, std::size_t slot, Octets& output) = 0;
  virtual void hear(View octets, const Answered& answered) = 0;
  /// Appends what the protocol itself has to say.
  virtual void say(Octets& output) = 0;
};

class LengthTalk : public Talk {
 public:
  void ask(Octets query, std::size_t slot, Octets& output) override {
    query[0] = static_cast<std::uint8_t>(slot >> 8U);
    query[1] = static_cast<std::uint8_t>(slot);
    output.push_back(static_cast<std::uint8_t>(query.size() >> 8U));
    output.push_back(static_cast<std::uint8_t>(query.size()));
    append(output, query);
  }
  void hear(View octets, const Answered& answered) override {
    append(kept_, octets);
    std::size_t at = 0;
    while (kept_.size() - at >= 2) {
      const std::size_t count = static_cast<std::size_t>(kept_[at] << 8U | kept_[at + 1]);
      if (kept_.size() - at - 2 < count) break;
      const View message = View{kept_}.subspan(at + 2, count);
      if (count >= 12) answered(static_cast<std::size_t>(message[0] << 8U | message[1]), message);
      at += 2 + count;
    }
    kept_.erase(kept_.begin(), kept_.begin() + static_cast<std::ptrdiff_t>(at));
  }
  void say(Octets&) override {}

 private:
  Octets kept_;
};

class HttpTalk : public Talk {
 public:
  HttpTalk() {
    static nghttp2_session_callbacks* const callbacks = make_callbacks();
    nghttp2_session_client_new(&session_, callbacks, this);
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, nullptr, 0);
    nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, 1 << 24);
  }
  HttpTalk(const HttpTalk&) = delete;
  HttpTalk& operator=(const HttpTalk&) = delete;
  ~HttpTalk() override { nghttp2_session_del(session_); }

  void ask(Octets query, std::size_t slot, Octets& output) override {
    auto request = std::make_unique<Request>();
    const std::string digits = std::to_string(query.size());
    request->body.octets = std::move(query);
    request->slot = slot;
    const std::array fields{http_field(":method", "POST"),
                            http_field(":scheme", "https"),
                            http_field(":authority", "dns.bench"),
                            http_field(":path", "/dns-query"),
                            http_field("accept", "application/dns-message"),
                            http_field("content-type", "application/dns-message"),
                            content_length(digits)};
    const nghttp2_data_provider body = request->body.provider();
    const std::int32_t id =
        nghttp2_submit_request(session_, nullptr, fields.data(), fields.size(), &body, request.get());
    if (id < 0) fail("a request was refused by nghttp2");
    requests_.emplace(id, std::move(request));
    speak(session_,
          output);  // each body behind its header, as most clients send them; knot-resolver refuses anything else
  }
  void hear(View octets, const Answered& answered) override {
    answered_ = &answered;
    nghttp2_session_mem_recv(session_, octets.data(), octets.size());
  }
  void say(Octets& output) override { speak(session_, output); }

 private:
  struct Request {
    Body body;
    std::size_t slot = 0;
    Octets answer;
  };

  static nghttp2_session_callbacks* make_callbacks() {
    nghttp2_session_callbacks* made = nullptr;
    nghttp2_session_callbacks_new(&made);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
        made, [](nghttp2_session* session, std::uint8_t, std::int32_t id, const std::uint8_t* data, std::size_t count,
                 void*) {
          auto* request = static_cast<Request*>(nghttp2_session_get_stream_user_data(session, id));
          if (request != nullptr) append(request->answer, {data, count});
          return 0;
        });
    nghttp2_session_callbacks_set_on_stream_close_callback(
        made, [](nghttp2_session*, std::int32_t id, std::uint32_t, void* self) {
          return static_cast<HttpTalk*>(self)->closed(id), 0;
        });
    return made;
  }

  void closed(std::int32_t id) {
    const auto found = requests_.find(id);
    if (found == requests_.end()) return;
    const std::unique_ptr<Request> request = std::move(found->second);
    requests_.erase(found);
    // An HTTP error has no message: it counts as lost, for its slot stays taken.
    if (answered_ != nullptr && request->answer.size() >= 12) (*answered_)(request->slot, request->answer);
  }

  nghttp2_session* session_ = nullptr;
  std::unordered_map<std::int32_t, std::unique_ptr<Request>> requests_;
  const Answered* answered_ = nullptr;
};

}  // namespace redoubt::bench
