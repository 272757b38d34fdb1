#pragma once
// One request of an HTTP/2 connection, then its answer.
#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <utility>
#include <vector>

#include "transport/http/doh_request.hpp"

namespace redoubt::transport {

struct Http2Stream {
  std::int32_t id = 0;
  HttpRequest request;
  std::size_t header_octets = 0;
  std::size_t fields = 0;
  std::size_t unconsumed = 0;  ///< octets of the body that the peer's window is still without
  unsigned refused = 0;        ///< a status: the request is too large, the rest of it is read and dropped
  bool complete = false;
  bool asked = false;  ///< its query was given out
  bool answered = false;
  bool without_body = false;  ///< HEAD
  DnsQuery query;
  // The answer. Text that nghttp2 refers to until it is sent stands here.
  std::uint64_t put = 0;  ///< the answer's number
  std::vector<std::uint8_t> body;
  std::size_t body_sent = 0;
  std::array<char, 8> status{};
  std::array<char, 24> length{};
  std::array<char, 40> cache{};
  bool unsent = false;  ///< of the body is something left

  /// What is over stays as memory for what is to come, where that is little: a peer decides for how long.
  static constexpr std::size_t most_kept = 1024;
  void forget_request() {
    if (std::max({request.method.capacity(), request.path.capacity(), request.content_type.capacity(),
                  request.body.capacity()}) > most_kept)
      request = {};
    request.clear();
  }
  void forget_query() {
    if (query.capacity() > most_kept) query = {};
    query.clear();
  }
  /// For another request; what memory its texts have stays.
  void begin_anew() {
    HttpRequest kept = std::move(request);
    DnsQuery kept_query = std::move(query);
    std::vector<std::uint8_t> kept_body = std::move(body);
    *this = {};
    request = std::move(kept);
    query = std::move(kept_query);
    body = std::move(kept_body);
    request.clear();
    query.clear();
    body.clear();
  }
};

inline std::string_view text_of(const std::uint8_t* octets, std::size_t count) {
  return {reinterpret_cast<const char*>(octets), count};  // NOLINT: the API's way
}

/// Refers to both.
inline nghttp2_nv header_field(std::string_view name, std::string_view value) {
  const auto octets = [](std::string_view text) {
    return const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(text.data()));  // NOLINT: only read
  };
  return {octets(name), octets(value), name.size(), value.size(),
          NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE};
}

/// text: room for both and twenty digits.
template <std::size_t room>
std::string_view number_into(std::array<char, room>& text, std::string_view before, std::uint64_t value) {
  std::ranges::copy(before, text.begin());
  const auto end = std::to_chars(text.data() + before.size(), text.data() + room, value).ptr;
  return {text.data(), end};
}

}  // namespace redoubt::transport
