#include "appliance/control/http_stream.hpp"

#include <algorithm>
#include <utility>

namespace redoubt::control {

void HttpStream::add(std::string piece) {
  if (piece.empty()) return;  // an empty chunk would end the body
  waiting_octets_ += piece.size();
  waiting_.push_back(std::move(piece));
}

void HttpStream::put(std::string piece) {
  if (ended_ || abandoned_) return;
  if (piece.size() > most_waiting_ - std::min(waiting_octets_, most_waiting_)) {
    ++left_out_;
    return;
  }
  add(std::move(piece));
  if (on_change_) on_change_();
}

void HttpStream::end(std::string last) {
  if (std::exchange(ended_, true) || abandoned_) return;
  add(std::move(last));
  if (on_change_) on_change_();
}

std::optional<std::string> HttpStream::take() {
  if (waiting_.empty()) return std::nullopt;
  std::string piece = std::move(waiting_.front());
  waiting_.pop_front();
  waiting_octets_ -= piece.size();
  return piece;
}

void HttpStream::abandon() {
  abandoned_ = true;
  on_change_ = nullptr;
  waiting_.clear();
  waiting_octets_ = 0;
}

}  // namespace redoubt::control
