#include "transport/framing/output_queue.hpp"

namespace redoubt::transport {

namespace {

constexpr std::size_t kept_capacity = 1024;  // between answers; idle connections stay small

}  // namespace

void OutputQueue::append_frame(std::span<const std::uint8_t> message) {
  waiting_.push_back(static_cast<std::uint8_t>(message.size() >> 8U));
  waiting_.push_back(static_cast<std::uint8_t>(message.size() & 0xffU));
  append(message);
}

void OutputQueue::sent(std::size_t octets) {
  sent_ += octets;
  total_sent_ += octets;
  if (empty()) {
    sent_ = 0;
    waiting_.clear();
    if (waiting_.capacity() > kept_capacity) waiting_.shrink_to_fit();
  } else if (sent_ > waiting_.size() / 2) {  // each octet moves at most once more
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(sent_));
    sent_ = 0;
  }
}

}  // namespace redoubt::transport
