#include "appliance/channel/outbox.hpp"

#include <fcntl.h>

#include <utility>

namespace redoubt::channel {

namespace {

Sending send_now(const Channel& channel, std::span<const std::uint8_t> octets, int descriptor) {
  const std::error_code error = descriptor < 0 ? channel.send(octets) : channel.send(octets, {&descriptor, 1});
  if (!error) return Sending::sent;
  if (error == std::errc::resource_unavailable_try_again) return Sending::queued;
  return error == std::errc::broken_pipe ? Sending::gone : Sending::refused;
}

}  // namespace

Sending Outbox::send(const Channel& channel, std::vector<std::uint8_t> octets, int descriptor) {
  if (waiting_.empty()) {
    const Sending now = send_now(channel, octets, descriptor);
    if (now != Sending::queued) return now;
  }
  Message message{.octets = std::move(octets), .descriptor = {}};
  if (message.octets.empty() || message.octets.size() > max_message_octets) return Sending::refused;
  if (octets_ + message.weight() > max_outbox_octets) return Sending::refused;
  if (descriptor >= 0) {
    if (descriptors_ == max_outbox_descriptors) return Sending::refused;
    message.descriptor = Descriptor{::fcntl(descriptor, F_DUPFD_CLOEXEC, 3)};
    if (!message.descriptor) return Sending::refused;
    ++descriptors_;
  }
  octets_ += message.weight();
  waiting_.push_back(std::move(message));
  return Sending::queued;
}

Sending Outbox::flush(const Channel& channel) {
  while (!waiting_.empty()) {
    const Message& next = waiting_.front();
    const Sending now = send_now(channel, next.octets, next.descriptor.get());
    if (now == Sending::queued) return Sending::queued;
    if (now != Sending::sent) {  // a message that cannot be sent would leave a gap: the peer is given up
      clear();
      return Sending::gone;
    }
    octets_ -= next.weight();
    if (next.descriptor) --descriptors_;
    waiting_.pop_front();
  }
  return Sending::sent;
}

void Outbox::clear() {
  waiting_.clear();
  octets_ = 0;
  descriptors_ = 0;
}

}  // namespace redoubt::channel
