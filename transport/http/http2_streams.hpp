#pragma once
// The requests of one HTTP/2 connection, by the numbers of their streams, which count up (RFC 9113 §5.1.1).
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "transport/http/http2_stream.hpp"

namespace redoubt::transport {

/// Numbers of streams on their way to somebody, first come, first served.
class Line {
 public:
  bool empty() const { return first_ == waiting_.size(); }
  void push(std::int32_t id) {
    if (first_ > waiting_.size() / 2) {  // each moves at most once more
      waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(first_));
      first_ = 0;
    }
    waiting_.push_back(id);
  }
  std::span<const std::int32_t> all() const { return std::span{waiting_}.subspan(first_); }
  std::int32_t pop() {
    const std::int32_t id = waiting_[first_++];
    if (empty()) {
      waiting_.clear();
      first_ = 0;
    }
    return id;
  }

 private:
  std::vector<std::int32_t> waiting_;
  std::size_t first_ = 0;
};

class Http2Streams {
 public:
  Http2Streams() = default;
  Http2Streams(const Http2Streams&) = delete;
  Http2Streams& operator=(const Http2Streams&) = delete;
  ~Http2Streams();

  /// A new one, which stays where it is until it is removed.
  Http2Stream& add(std::int32_t id);
  Http2Stream* find(std::int32_t id);
  const Http2Stream* find(std::int32_t id) const;
  void remove(std::int32_t id);
  template <class Visit>
  void each(Visit visit) {
    for (const auto& stream : streams_) visit(*stream);
  }

  // Which of them somebody waits for is told here, in both directions.
  void complete(Http2Stream& stream);       ///< its request is whole
  void has_body(Http2Stream& stream);       ///< of an answer, of which all is still to be sent
  void has_sent_body(Http2Stream& stream);  ///< all of it
  /// The oldest whose request is not whole, and the oldest answer (its number) that is not sent whole; 0: none.
  std::int32_t first_incomplete() const;
  std::uint64_t first_unsent() const;
  std::uint64_t last_put() const { return last_put_; }

 private:
  std::vector<std::unique_ptr<Http2Stream>>::iterator place_of(std::int32_t id);

  std::vector<std::unique_ptr<Http2Stream>> streams_;  // by id
  std::size_t incomplete_ = 0;
  std::size_t unsent_ = 0;
  std::uint64_t last_put_ = 0;
};

}  // namespace redoubt::transport
