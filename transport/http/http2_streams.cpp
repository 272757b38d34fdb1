#include "transport/http/http2_streams.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace redoubt::transport {

namespace {

/// Streams of requests that are over, with the memory of their texts, for requests to come on whatever connection.
constexpr std::size_t most_spare_octets = 2048;  // of each: what most requests and answers need
#ifdef REDOUBT_SANITIZED
constexpr std::size_t most_spare = 0;  // one that is used after its end is to be found
#else
constexpr std::size_t most_spare = 64;
#endif

struct Spare {
  std::array<std::unique_ptr<Http2Stream>, 64> streams;
  std::size_t count = 0;
};
thread_local Spare spare;

void put_aside(std::unique_ptr<Http2Stream> stream) {
  const HttpRequest& request = stream->request;
  const std::size_t octets = request.method.capacity() + request.path.capacity() + request.content_type.capacity() +
                             request.body.capacity() + stream->query.capacity() + stream->body.capacity();
  if (octets > most_spare_octets || spare.count >= most_spare) return;
  stream->begin_anew();
  spare.streams[spare.count++] = std::move(stream);
}

bool is_before(const std::unique_ptr<Http2Stream>& stream, std::int32_t id) { return stream->id < id; }

}  // namespace

Http2Streams::~Http2Streams() {
  for (auto& stream : streams_) put_aside(std::move(stream));
}

std::vector<std::unique_ptr<Http2Stream>>::iterator Http2Streams::place_of(std::int32_t id) {
  return std::lower_bound(streams_.begin(), streams_.end(), id, is_before);
}

Http2Stream& Http2Streams::add(std::int32_t id) {
  std::unique_ptr<Http2Stream> stream;
  if (spare.count == 0)
    stream = std::make_unique<Http2Stream>();
  else
    stream = std::move(spare.streams[--spare.count]);
  stream->id = id;
  ++incomplete_;
  return **streams_.insert(place_of(id), std::move(stream));
}

Http2Stream* Http2Streams::find(std::int32_t id) {
  const auto at = place_of(id);
  return at == streams_.end() || (*at)->id != id ? nullptr : at->get();
}

const Http2Stream* Http2Streams::find(std::int32_t id) const {
  const auto at = std::lower_bound(streams_.begin(), streams_.end(), id, is_before);
  return at == streams_.end() || (*at)->id != id ? nullptr : at->get();
}

void Http2Streams::remove(std::int32_t id) {
  const auto at = place_of(id);
  if (at == streams_.end() || (*at)->id != id) return;
  complete(**at);
  has_sent_body(**at);
  put_aside(std::move(*at));
  streams_.erase(at);
  if (streams_.empty() && streams_.capacity() > 8) streams_.shrink_to_fit();  // idle connections stay small
}

void Http2Streams::complete(Http2Stream& stream) {
  if (!std::exchange(stream.complete, true)) --incomplete_;
}

void Http2Streams::has_body(Http2Stream& stream) {
  stream.put = ++last_put_;
  stream.unsent = true;
  ++unsent_;
}

void Http2Streams::has_sent_body(Http2Stream& stream) {
  if (std::exchange(stream.unsent, false)) --unsent_;
}

std::int32_t Http2Streams::first_incomplete() const {
  if (incomplete_ == 0) return 0;
  const auto at = std::ranges::find(streams_, false, [](const auto& stream) { return stream->complete; });
  return at == streams_.end() ? 0 : (*at)->id;
}

std::uint64_t Http2Streams::first_unsent() const {
  std::uint64_t first = 0;
  if (unsent_ == 0) return first;
  for (const auto& stream : streams_) {
    if (stream->unsent && (first == 0 || stream->put < first)) first = stream->put;
  }
  return first;
}

}  // namespace redoubt::transport
