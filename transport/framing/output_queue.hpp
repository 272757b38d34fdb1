#pragma once
// Octets on their way to a peer, in order. Bounded by whoever fills it.
#include <cstdint>
#include <span>
#include <vector>

namespace redoubt::transport {

class OutputQueue {
 public:
  void append(std::span<const std::uint8_t> octets) { waiting_.insert(waiting_.end(), octets.begin(), octets.end()); }
  /// Two length octets and the message (RFC 7766 §8): they leave in one write. At most 65,535 octets.
  void append_frame(std::span<const std::uint8_t> message);
  std::span<const std::uint8_t> front() const { return std::span{waiting_}.subspan(sent_); }
  void sent(std::size_t octets);
  /// What memory it keeps between messages may go.
  void rest() { waiting_.shrink_to_fit(); }
  bool empty() const { return sent_ == waiting_.size(); }
  std::size_t size() const { return waiting_.size() - sent_; }
  /// Octets that ever left; with size() it says when what is queued now has left.
  std::uint64_t total_sent() const { return total_sent_; }

 private:
  std::vector<std::uint8_t> waiting_;
  std::size_t sent_ = 0;
  std::uint64_t total_sent_ = 0;
};

}  // namespace redoubt::transport
