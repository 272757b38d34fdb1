#include "resolver/forward/contest.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>

#include "resolver/spawn.hpp"

namespace redoubt::resolver {

namespace asio = boost::asio;

void Contest::start(Attempt attempt, OutgoingQuery query, Abroad::Ticket ticket, Instant deadline) {
  tickets_.push_back(std::move(ticket));
  attempts_.push_back(std::move(attempt));
  spawn(executor_, run(shared_from_this(), attempts_.size() - 1, std::move(query), deadline), Detached{});
  ++under_way_;
}

/// Detached: it owns all that it touches, but for the network and the clock, which outlive the executor.
Task<void> Contest::run(std::shared_ptr<Contest> contest, std::size_t index, OutgoingQuery query, Instant deadline) {
  Clock& clock = *contest->clock_;
  Network& network = *contest->network_;
  const Attempt attempt = contest->attempts_[index];
  if (attempt.departs > clock.now()) co_await clock.sleep_until(attempt.departs);
  if (contest->finished_) co_return;
  attempt.upstream->sent();
  Arrival arrival{index, std::unexpected{NetworkFault::no_resources}};
  try {
    // Not in braces inside the call: GCC 12 destroys such temporaries twice across a suspension.
    Exchange exchange{attempt.upstream->at(), attempt.transport, query.wire, deadline};
    auto reply = co_await network.exchange(std::move(exchange));
    judge(contest->attempts_[index], reply, clock.now());
    if (reply) {
      arrival.octets = reply->message.size();
      arrival.reply = read_reply(query, std::move(reply->message));
    } else {
      arrival.reply = std::unexpected{reply.error()};
    }
  } catch (const std::exception&) {  // no memory for this exchange; the asker hears of it
  }
  contest->attempts_[index].over = true;
  if (!contest->finished_) contest->arrive(std::move(arrival));
}

/// What an exchange says of the upstream itself.
void Contest::judge(Attempt& attempt, const std::expected<Reply, NetworkFault>& reply, Instant now) {
  Upstream& upstream = *attempt.upstream;
  if (reply) return upstream.answered(attempt.measured ? std::optional{reply->round_trip} : std::nullopt);
  switch (reply.error()) {
    case NetworkFault::timed_out:
    case NetworkFault::stalled:
      return upstream.timed_out(attempt.overtaken, reply.error(), now);
    case NetworkFault::refused:
    case NetworkFault::unreachable:
    case NetworkFault::closed_early:
    case NetworkFault::untrusted:
    case NetworkFault::expired:
    case NetworkFault::wrong_name:
    case NetworkFault::wrong_key:
    case NetworkFault::http_refused:
    case NetworkFault::http_failed:
    case NetworkFault::http_strange:
      return upstream.unwilling(reply.error(), now);
    case NetworkFault::malformed:
    case NetworkFault::spoofed:
      return upstream.useless(reply.error());
    case NetworkFault::no_resources:
    case NetworkFault::interrupted:
      return;
  }
}

void Contest::arrive(Arrival arrival) {
  arrivals_.push_back(std::move(arrival));
  wake();
}

Task<std::optional<Arrival>> Contest::next(Instant until) {
  for (;;) {
    if (!arrivals_.empty()) {
      Arrival arrival = std::move(arrivals_.front());
      arrivals_.pop_front();
      --under_way_;
      co_return arrival;
    }
    if (clock_->now() >= until) co_return std::nullopt;
    if (!alarm_ || *alarm_ > until) {
      alarm_ = until;
      spawn(executor_, ring(shared_from_this(), until), Detached{});
    }
    co_await wait();
  }
}

Task<void> Contest::ring(std::shared_ptr<Contest> contest, Instant at) {
  co_await contest->clock_->sleep_until(at);
  if (contest->finished_) co_return;
  if (contest->alarm_ == at) contest->alarm_.reset();
  contest->wake();
}

Task<void> Contest::wait() {
  co_await Suspension{[this](Suspended suspended) {
    asker_ = askers_->add([suspended = std::move(suspended)]() mutable { suspended.resume(); });
  }};
}

void Contest::wake() {
  if (!asker_ || askers_->closed()) return;
  asio::post(executor_, askers_->take(*std::exchange(asker_, std::nullopt)));
}

bool Contest::came_back() const { return std::ranges::any_of(tickets_, &Abroad::Ticket::came_back); }

void Contest::finish() {
  finished_ = true;
  tickets_.clear();
  arrivals_.clear();
  const Instant now = clock_->now();
  for (Attempt& attempt : attempts_) {
    if (attempt.over || now - attempt.departs < attempt.patience) continue;
    attempt.overtaken = true;
    attempt.upstream->overtaken(now);
  }
}

}  // namespace redoubt::resolver
