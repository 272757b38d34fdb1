#include "resolver/role/upstream_datagrams.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <utility>

#include "resolver/upstream/reply_match.hpp"

namespace redoubt::resolver {

namespace asio = boost::asio;

namespace {

/// So that a ticket has 63 bits, as UpstreamSockets wants it.
constexpr std::uint32_t most_generations = 0x7fffffff;

/// Sockets that are looked at before the loop's others get their turn: as many as clients' datagrams are (worker).
constexpr std::size_t most_ready_at_once = 64;
constexpr int rounds_in_a_row = 4;

/// -1 where it cannot be had: then every exchange finds no resources.
int open_set(asio::posix::stream_descriptor& owner) {
  const int set = epoll_create1(EPOLL_CLOEXEC);
  if (set < 0) return -1;
  boost::system::error_code error;
  owner.assign(set, error);
  if (!error) return set;
  ::close(set);
  return -1;
}

}  // namespace

/// One exchange; stands in its coroutine's frame.
struct UpstreamDatagrams::Waiting {
  const Exchange* exchange;
  Instant started;
  std::uint64_t ticket = 0;
  UpstreamSockets::Taken socket = {};
  std::uint32_t mismatched = 0;
  bool port_is_seen = false;  ///< the kernel was asked
  std::optional<Suspended> suspended = {};
  Result result = std::unexpected{NetworkFault::timed_out};
};

/// A place among those who wait, and then the socket, while the exchange lives, however its coroutine ends.
class UpstreamDatagrams::Seat {
 public:
  Seat(UpstreamDatagrams& house, Waiting& waiting) : house_{&house}, waiting_{&waiting} {
    waiting.ticket = house.sit_down(waiting);
    ++house.open_;
  }
  Seat(const Seat&) = delete;
  Seat& operator=(const Seat&) = delete;
  ~Seat() {
    if (waiting_->socket.descriptor >= 0) house_->sockets_.give_back(waiting_->socket);
    house_->get_up(waiting_->ticket);
    --house_->open_;
  }

 private:
  UpstreamDatagrams* house_;
  Waiting* waiting_;
};

UpstreamDatagrams::UpstreamDatagrams(const asio::any_io_executor& executor, Random& random, HeldPorts& held,
                                     WorkerCounters& counters)
    : counters_{&counters}, ready_{executor}, sockets_{random, held, open_set(ready_)}, timer_{executor} {}

void UpstreamDatagrams::close() {
  for (std::size_t i = 0; i < places_.size(); ++i) {
    if (places_[i].waiting == nullptr || !places_[i].waiting->suspended) continue;
    const Suspended dropped = std::move(*places_[i].waiting->suspended);
    places_[i].waiting->suspended.reset();
  }
}

std::uint64_t UpstreamDatagrams::sit_down(Waiting& waiting) {
  if (free_places_.empty()) {
    free_places_.reserve(places_.size() + 1);  // so that getting up never needs memory
    places_.emplace_back();
    free_places_.push_back(static_cast<std::uint32_t>(places_.size() - 1));
  }
  const std::uint32_t at = free_places_.back();
  free_places_.pop_back();
  places_[at].waiting = &waiting;
  places_[at].generation = places_[at].generation % most_generations + 1;  // never 0
  return std::uint64_t{places_[at].generation} << 32 | at;
}

void UpstreamDatagrams::get_up(std::uint64_t ticket) {
  const auto at = static_cast<std::uint32_t>(ticket);
  places_[at].waiting = nullptr;
  free_places_.push_back(at);
}

UpstreamDatagrams::Waiting* UpstreamDatagrams::find(std::uint64_t ticket) const {
  if (ticket == 0) return nullptr;
  const Place& place = places_[static_cast<std::uint32_t>(ticket)];
  return place.generation == ticket >> 32 ? place.waiting : nullptr;
}

/// Only while somebody waits: an idle loop has nothing of ours to wait for.
void UpstreamDatagrams::watch() {
  if (is_watching_ || open_ == 0) return;
  ready_.async_wait(asio::posix::stream_descriptor::wait_read, [this](boost::system::error_code error) {
    is_watching_ = false;
    if (!error) serve_ready();
    if (!error || error == asio::error::operation_aborted) watch();
  });
  is_watching_ = true;  // behind what throws where there is no memory: the next exchange tries again
}

void UpstreamDatagrams::watch_deadlines(Instant latest) {
  if (timer_goes_at_ && *timer_goes_at_ <= latest) return;
  const auto next = open_ == 0 ? std::nullopt : deadlines_.next();
  if (!next) return;
  timer_.expires_at(*next);
  timer_goes_at_.reset();  // whoever waited waits no more
  timer_.async_wait([this](boost::system::error_code error) {
    if (error) return;  // set anew, or the loop is ending
    timer_goes_at_.reset();
    pass_deadlines();
    serve_ready();  // sockets of servers that say nothing rest no longer than others
    watch_deadlines(Instant::min());
    if (open_ == 0 && is_watching_) ready_.cancel();
  });
  timer_goes_at_ = next;
}

void UpstreamDatagrams::pass_deadlines() {
  deadlines_.turn(MachineClock::now(), [this](DeadlineWheel::Ticket ticket) {
    Waiting* waiting = find(ticket);
    if (waiting == nullptr || !waiting->suspended) return;
    // Its reply may have come while we were too busy to look: that is no fault of the server's.
    try {
      read(*waiting);
    } catch (const std::bad_alloc&) {
      // There is no memory for the reply: its time is over all the same.
    }
    waiting = find(ticket);
    if (waiting == nullptr || !waiting->suspended) return;
    ++counts_.timeouts;
    finish(*waiting, std::unexpected{waiting->mismatched == 0 ? NetworkFault::timed_out : NetworkFault::spoofed});
  });
}

void UpstreamDatagrams::serve_ready() {
  std::array<epoll_event, most_ready_at_once> events;
  sockets_.begin_to_heed();
  for (int round = 0; round < rounds_in_a_row; ++round) {
    const int ready = epoll_wait(ready_.native_handle(), events.data(), static_cast<int>(events.size()), 0);
    for (int i = 0; i < ready; ++i) {
      Waiting* const waiting = find(sockets_.heed(events[static_cast<std::size_t>(i)].data.u64));
      if (waiting != nullptr && waiting->suspended) read(*waiting);
    }
    if (ready < static_cast<int>(events.size())) return sockets_.heeded_all();
  }
}

void UpstreamDatagrams::look_again() {
  watch();
  watch_deadlines(Instant::min());
}

/// Whoever waits is resumed last: then the exchange may be gone.
void UpstreamDatagrams::finish(Waiting& waiting, Result result) {
  waiting.result = std::move(result);
  Suspended suspended = std::move(*waiting.suspended);
  waiting.suspended.reset();
  suspended.resume();
}

void UpstreamDatagrams::read(Waiting& waiting) {
  const Guards& in_force = sockets_.settings().guards;
  for (;;) {
    const auto received = sockets_.receive(waiting.socket, waiting.exchange->server, buffer_);
    if (!received) {
      if (received.error() == EINTR) continue;
      if (received.error() == EAGAIN) return;
      // Somebody says by ICMP that this was too long, although what we send may be cut to pieces: nothing to heed.
      if (received.error() == EMSGSIZE && in_force.path_mtu_ignored) continue;
      return finish(waiting, std::unexpected{network_fault_of(received.error())});
    }
    if (received->to != UpstreamSockets::ToPort::drawn) {  // late, for another exchange; or the kernel's doing
      // Once: within an exchange it does not change, and a flood of late ones must not cost a system call each.
      if (!std::exchange(waiting.port_is_seen, true) && sockets_.is_of_no_use(waiting.socket, received->to))
        return ask_again_from_fresh(waiting);
      continue;
    }
    if (!received->is_from_server) continue;
    // Longer than what we said we take: no honest server sends it, and fragments are where forgeries ride (RFC 9715).
    const std::size_t taken = std::min(received->octets, buffer_.size());
    const bool too_long = in_force.datagram_bound && received->octets > buffer_.size();
    const auto message = std::span<const std::uint8_t>{buffer_}.first(too_long ? 0 : taken);
    if (!too_long && is_reply_to(waiting.exchange->query, message, waiting.exchange->cookie)) {
      return finish(waiting,
                    Reply{{message.begin(), message.end()}, MachineClock::now() - waiting.started, waiting.mismatched});
    }
    ++counts_.mismatched;
    if (++waiting.mismatched >= max_mismatched_replies && in_force.mismatch_bound)
      return finish(waiting, std::unexpected{NetworkFault::spoofed});
  }
}

/// The query went out by a port that we did not draw, and no reply to that counts.
void UpstreamDatagrams::ask_again_from_fresh(Waiting& waiting) {
  sockets_.give_back(std::exchange(waiting.socket, {}));
  const auto socket = sockets_.make_fresh(waiting.exchange->server, waiting.ticket);
  if (!socket) return finish(waiting, std::unexpected{socket.error()});
  waiting.socket = *socket;
  const int trouble = sockets_.send(waiting.socket, waiting.exchange->server, waiting.exchange->query);
  if (trouble != 0) return finish(waiting, std::unexpected{network_fault_of(trouble)});
  ++counts_.queries;
}

bool UpstreamDatagrams::begin(Waiting& waiting) {
  const Exchange& exchange = *waiting.exchange;
  const auto socket = sockets_.take(exchange.server, waiting.ticket);
  if (!socket) {
    waiting.result = std::unexpected{socket.error()};
    return false;
  }
  waiting.socket = *socket;
  if (const int trouble = sockets_.send(waiting.socket, exchange.server, exchange.query); trouble != 0) {
    waiting.result = std::unexpected{network_fault_of(trouble)};
    return false;
  }
  ++counts_.queries;
  deadlines_.note(waiting.ticket, exchange.deadline, waiting.started);
  return true;
}

void UpstreamDatagrams::count(const Result& result) {
  using channel::ResolverCounter;
  const std::uint64_t made = sockets_.counts().made;
  counters_->add(ResolverCounter::upstream_sockets_made, made - sockets_made_);
  sockets_made_ = made;
  if (result) {
    if (result->mismatched != 0) counters_->add(ResolverCounter::upstream_mismatched, result->mismatched);
    return;
  }
  if (result.error() == NetworkFault::timed_out) counters_->add(ResolverCounter::upstream_timeouts);
  if (result.error() == NetworkFault::no_resources) counters_->add(ResolverCounter::upstream_no_resources);
  if (result.error() == NetworkFault::spoofed)
    counters_->add(ResolverCounter::upstream_mismatched, max_mismatched_replies);
}

Task<std::expected<Reply, NetworkFault>> UpstreamDatagrams::exchange(Exchange exchange) {
  Waiting waiting{&exchange, MachineClock::now()};
  if (open_ >= sockets_.settings().max_open) {
    waiting.result = std::unexpected{NetworkFault::no_resources};
  } else {
    const Seat seat{*this, waiting};
    if (begin(waiting)) {
      co_await Suspension{[&](Suspended suspended) {
        watch();
        watch_deadlines(exchange.deadline + DeadlineWheel::tick);
        waiting.suspended.emplace(std::move(suspended));
      }};
    }
  }
  count(waiting.result);
  co_return std::move(waiting.result);
}

}  // namespace redoubt::resolver
