#include "appliance/control/siblings.hpp"

#include <boost/asio/post.hpp>
#include <utility>
#include <variant>

#include "appliance/log/log.hpp"

namespace redoubt::control {

using channel::Role;

Siblings::Siblings(boost::asio::io_context& loop, OnTaken on_taken, OnAttachment on_attachment)
    : loop_{loop},
      on_taken_{std::move(on_taken)},
      on_attachment_{std::move(on_attachment)},
      resolver_{Role::resolver, channel::AsyncChannel{loop.get_executor()}},
      transport_{Role::transport, channel::AsyncChannel{loop.get_executor()}} {}

Siblings::Sibling* Siblings::find(Role role) {
  if (role == Role::resolver) return &resolver_;
  return role == Role::transport ? &transport_ : nullptr;
}

bool Siblings::attached(Role role) const {
  return role == Role::resolver ? resolver_.channel.attached()
                                : role == Role::transport && transport_.channel.attached();
}

void Siblings::attach(Role role, channel::Channel channel) {
  Sibling* sibling = find(role);
  if (sibling == nullptr) return;
  // What the former one was asked, this one knows nothing of.
  give_up_all(role);
  sibling->channel.attach(
      std::move(channel), [this, sibling](channel::Received received) { hear(*sibling, received); },
      [this, sibling] { lose(*sibling, nullptr); });
  on_attachment_(role, true);
}

void Siblings::lose(Sibling& sibling, const char* why) {
  if (why != nullptr) log::error("{} sent {}; its channel is closed", channel::to_text(sibling.role), why);
  sibling.channel.close();
  give_up_all(sibling.role);
  on_attachment_(sibling.role, false);
}

void Siblings::give_up_all(Role role) {
  std::vector<channel::RequestId> lost;
  for (const auto& [id, waiting] : waiting_) {
    if (waiting.role == role) lost.push_back(id);
  }
  for (const auto id : lost) give_up(id);
}

void Siblings::hear(Sibling& sibling, const channel::Received& received) {
  // A sibling that talks garbage may have been taken over: nothing more is heard of it until monitor starts it again.
  if (!received.descriptors.empty()) return lose(sibling, "a descriptor that nobody asked for");
  const auto dispatch = [&](const auto& message) {
    using Message = std::decay_t<decltype(message)>;
    if constexpr (std::is_same_v<Message, channel::SnapshotTaken>) {
      on_taken_(sibling.role, message.generation, message.trouble);
    } else if constexpr (std::is_same_v<Message, channel::TraceStep>) {
      add_step(sibling.role, message);
    } else if constexpr (std::is_same_v<Message, channel::TransferMessage>) {
      if (transfer_events_.message) transfer_events_.message(message);
    } else if constexpr (std::is_same_v<Message, channel::TransferEnded>) {
      if (transfer_events_.ended) transfer_events_.ended(message);
    } else if constexpr (std::is_same_v<Message, channel::CertificateTaken>) {
      if (certificate_taken_) certificate_taken_(message);
    } else if constexpr (std::is_same_v<Message, channel::KeptCacheWritten>) {
      if (kept_cache_written_) kept_cache_written_(message);
    } else {
      answer(sibling.role, message.id, message);
    }
  };
  if (sibling.role == Role::resolver) {
    const auto message = channel::decode_resolver_to_control(received.octets);
    if (!message) return lose(sibling, "a message that cannot be read");
    std::visit(dispatch, *message);
  } else {
    const auto message = channel::decode_transport_to_control(received.octets);
    if (!message) return lose(sibling, "a message that cannot be read");
    std::visit(dispatch, *message);
  }
}

bool Siblings::use_snapshot(Role role, std::uint64_t generation, int memfd) {
  Sibling* sibling = find(role);
  const channel::UseSnapshot message{generation};
  auto octets = role == Role::resolver ? channel::encode(channel::ControlToResolver{message})
                                       : channel::encode(channel::ControlToTransport{message});
  return sibling != nullptr && sibling->channel.send(std::move(octets), memfd);
}

void Siblings::answer(Role role, channel::RequestId id, Answer answer) {
  const auto found = waiting_.find(id);
  if (found == waiting_.end() || found->second.role != role) return;  // too late: nobody waits any more
  const auto then = std::move(found->second.then);
  waiting_.erase(found);
  then(std::move(answer));
}

void Siblings::give_up(channel::RequestId id) {
  const auto found = waiting_.find(id);
  if (found == waiting_.end()) return;
  const auto then = std::move(found->second.then);
  waiting_.erase(found);
  then(std::nullopt);
}

template <class Message, class Result, class Extract>
void Siblings::ask(Role role, Message message, std::chrono::milliseconds patience, Then<Result> then, Extract extract,
                   OnStep on_step) {
  Sibling* sibling = find(role);
  message.id = next_id_++;
  const channel::RequestId id = message.id;
  std::vector<std::uint8_t> octets;
  if constexpr (std::is_same_v<Message, channel::AskStatistics>) {
    octets = role == Role::resolver ? channel::encode(channel::ControlToResolver{message})
                                    : channel::encode(channel::ControlToTransport{message});
  } else {
    octets = channel::encode(channel::ControlToResolver{std::move(message)});
  }
  if (waiting_.size() >= max_requests_waiting || sibling == nullptr || !sibling->channel.send(std::move(octets))) {
    boost::asio::post(loop_, [then = std::move(then)] { then(std::nullopt); });
    return;
  }
  auto deadline = std::make_unique<boost::asio::steady_timer>(loop_, patience);
  deadline->async_wait([this, id](const boost::system::error_code& error) {
    if (!error) give_up(id);
  });
  // Another kind of answer than was asked for counts as none.
  auto unwrap = [then = std::move(then), extract](std::optional<Answer> answer) {
    then(answer ? extract(*answer) : std::nullopt);
  };
  waiting_.emplace(
      id,
      Waiting{.role = role, .on_step = std::move(on_step), .then = std::move(unwrap), .deadline = std::move(deadline)});
}

namespace {

template <class T>
std::optional<T> whole(auto& answer) {
  auto* found = std::get_if<T>(&answer);
  return found != nullptr ? std::optional<T>{std::move(*found)} : std::nullopt;
}

}  // namespace

void Siblings::ask_statistics(Role role, std::chrono::milliseconds patience, Then<std::vector<std::uint64_t>> then) {
  ask(role, channel::AskStatistics{}, patience, std::move(then),
      [](Answer& answer) -> std::optional<std::vector<std::uint64_t>> {
        auto* statistics = std::get_if<channel::Statistics>(&answer);
        return statistics != nullptr ? std::optional{std::move(statistics->values)} : std::nullopt;
      });
}

void Siblings::show_cache(channel::ShowCache request, std::chrono::milliseconds patience,
                          Then<channel::CacheShown> then) {
  ask(Role::resolver, std::move(request), patience, std::move(then),
      [](Answer& answer) { return whole<channel::CacheShown>(answer); });
}

void Siblings::flush_cache(channel::FlushCache request, std::chrono::milliseconds patience,
                           Then<channel::CacheFlushed> then) {
  if (before_flush_) before_flush_();
  ask(Role::resolver, std::move(request), patience, std::move(then),
      [](Answer& answer) { return whole<channel::CacheFlushed>(answer); });
  if (after_flush_) after_flush_();
}

void Siblings::resolve(std::vector<std::uint8_t> query, std::chrono::milliseconds patience,
                       Then<std::vector<std::uint8_t>> then) {
  resolve(channel::ResolveFor{.id = 0, .query = std::move(query), .fresh = false}, patience, std::move(then));
}

void Siblings::resolve_afresh(std::vector<std::uint8_t> query, std::chrono::milliseconds patience,
                              Then<std::vector<std::uint8_t>> then) {
  resolve(channel::ResolveFor{.id = 0, .query = std::move(query), .fresh = true}, patience, std::move(then));
}

void Siblings::resolve(channel::ResolveFor request, std::chrono::milliseconds patience,
                       Then<std::vector<std::uint8_t>> then) {
  ask(Role::resolver, std::move(request), patience, std::move(then),
      [](Answer& answer) -> std::optional<std::vector<std::uint8_t>> {
        auto* resolved = std::get_if<channel::ResolvedFor>(&answer);
        return resolved != nullptr ? std::optional{std::move(resolved->answer)} : std::nullopt;
      });
}

void Siblings::add_step(Role role, const channel::TraceStep& step) {
  const auto found = waiting_.find(step.id);
  if (found == waiting_.end() || found->second.role != role || !found->second.on_step) return;
  if (found->second.steps++ < max_trace_steps_heard) found->second.on_step(step);
}

void Siblings::trace(channel::TraceFor request, std::chrono::milliseconds patience, OnStep on_step,
                     Then<channel::Traced> then) {
  ask(
      Role::resolver, std::move(request), patience, std::move(then),
      [](Answer& answer) { return whole<channel::Traced>(answer); }, std::move(on_step));
}

void Siblings::ask_upstreams(channel::AskUpstreams request, std::chrono::milliseconds patience,
                             Then<channel::Upstreams> then) {
  ask(Role::resolver, request, patience, std::move(then),
      [](Answer& answer) { return whole<channel::Upstreams>(answer); });
}

bool Siblings::use_certificate(const channel::UseCertificate& certificate) {
  return transport_.channel.send(channel::encode(channel::ControlToTransport{certificate}));
}

bool Siblings::use_local_root(std::chrono::seconds time, int memfd) {
  const channel::UseLocalRoot message{static_cast<std::uint32_t>(time.count())};
  return resolver_.channel.send(channel::encode(channel::ControlToResolver{message}), memfd);
}

bool Siblings::drop_local_root() {
  return resolver_.channel.send(channel::encode(channel::ControlToResolver{channel::DropLocalRoot{}}));
}

bool Siblings::use_kept_cache(const channel::UseKeptCache& message, int memfd) {
  return resolver_.channel.send(channel::encode(channel::ControlToResolver{message}), memfd);
}

bool Siblings::write_kept_cache(const channel::WriteKeptCache& message, int memfd) {
  return resolver_.channel.send(channel::encode(channel::ControlToResolver{message}), memfd);
}

std::optional<channel::RequestId> Siblings::open_transfer(const dns::Endpoint& server,
                                                          std::chrono::milliseconds patience,
                                                          std::vector<std::uint8_t> query) {
  const channel::RequestId id = next_id_++;
  channel::OpenTransfer message{id, server, static_cast<std::uint32_t>(patience.count()), std::move(query)};
  if (!transport_.channel.send(channel::encode(channel::ControlToTransport{std::move(message)}))) return std::nullopt;
  return id;
}

void Siblings::continue_transfer(channel::RequestId id) {
  transport_.channel.send(channel::encode(channel::ControlToTransport{channel::ContinueTransfer{id}}));
}

void Siblings::close_transfer(channel::RequestId id) {
  transport_.channel.send(channel::encode(channel::ControlToTransport{channel::CloseTransfer{id}}));
}

}  // namespace redoubt::control
