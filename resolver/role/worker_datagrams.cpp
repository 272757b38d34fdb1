#include <algorithm>
#include <boost/asio/post.hpp>

#include "appliance/log/log.hpp"
#include "resolver/role/worker_loop.hpp"
#include "resolver/spawn.hpp"

namespace redoubt::resolver {

namespace asio = boost::asio;
using channel::ResolverCounter;

namespace {

/// Batches taken from one socket before others get their turn.
constexpr int batches_in_a_row = 8;

/// Largest answer by UDP: what the client can take, and never more than what we trust to arrive whole.
std::size_t datagram_limit(const dns::Query& query) {
  const std::size_t theirs = query.edns ? query.edns->usable_payload() : dns::minimum_udp_payload;
  return std::min(theirs, max_datagram_answer);
}

}  // namespace

void Worker::Loop::await_datagrams(channel::ListenerId listener, const SharedSocket& socket) {
  const auto serve = [this, listener, socket](boost::system::error_code error) {
    if (!error) serve_and_await(listener, socket);
  };
  if (socket->watch()) return socket->turn_later(serve);  // there is no memory: nobody tells us, so we look
  socket->wait(serve);
}

void Worker::Loop::serve_soon(channel::ListenerId listener, const SharedSocket& socket) {
  socket->turn([this, listener, socket](boost::system::error_code) { serve_and_await(listener, socket); });
}

void Worker::Loop::look_for_arrivals() {
  desk_.look_for_arrivals();
  returns_->look_for_arrivals();
  datagrams_.look_again();
  for (const auto& [listener, socket] : listeners_) {
    if (!socket->is_under_way()) await_datagrams(listener, socket);
  }
}

void Worker::Loop::serve_and_await(channel::ListenerId listener, const SharedSocket& socket) {
  const auto at = listeners_.find(listener);
  if (at == listeners_.end() || at->second != socket) return;
  bool more = false;
  try {
    more = serve(listener, socket->handle());
  } catch (const std::exception& trouble) {  // no memory: this batch is lost, the socket is not
    batch_.forget();
    counters_.add(ResolverCounter::work_lost);
    beginning_.clear();
    tell_of("a batch of queries is lost", trouble);
  }
  if (!more) return await_datagrams(listener, socket);
  socket->leave_alone();
  serve_soon(listener, socket);
}

bool Worker::Loop::serve(channel::ListenerId listener, int socket) {
  for (int round = 0; round < batches_in_a_row; ++round) {
    const std::size_t taken = batch_.receive(socket);
    if (taken == 0) return false;
    counters_.add(ResolverCounter::queries_udp, taken);
    begin_batch();
    serve_batch(listener, taken);
    if (const std::size_t lost = batch_.flush(socket); lost != 0) counters_.add(ResolverCounter::send_failures, lost);
    begin_resolutions();
    if (taken < batch_size) return false;
  }
  return true;
}

void Worker::Loop::serve_batch(channel::ListenerId listener, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) look(batch_.datagram(i), looks_[i]);
  for (std::size_t i = 0; i < count; ++i) {
    if (looks_[i].is_plain) packets_->fetch_answer(looks_[i].hash);
  }
  for (std::size_t i = 0; i < count; ++i) serve_datagram(listener, batch_.datagram(i), looks_[i]);
}

void Worker::Loop::look(const Datagram& datagram, Look& look) const {
  look.client = datagram.path->endpoint();
  look.is_ignored =
      look.client.port == 0 || (!is_client_port(look.client.port) && settings_->core->guards.client_ports);
  look.is_allowed = !look.is_ignored && settings_->access.allows(look.client.address);
  look.is_plain = look.is_allowed && dns::look_at(datagram.octets, look.glance);
  if (!look.is_plain) return;
  look.hash = packets_->hash_of(look.glance);
  packets_->fetch_place(look.hash);
}

void Worker::Loop::begin_resolutions() {
  for (Task<void>& task : beginning_)
    start_now(std::move(task), [](const std::exception_ptr& trouble) { note(trouble); });
  beginning_.clear();
}

bool Worker::Loop::serve_again(const Look& look, const Datagram& datagram) {
  const dns::QueryGlance& glance = look.glance;
  const dns::IpAddress& client = look.client.address;
  const std::size_t limit = std::min<std::size_t>(glance.udp_payload, max_datagram_answer);
  const std::size_t held_back = glance.cookie.empty() ? 0 : dns::cookie_option_octets;
  const auto served =
      packets_->find(glance, look.hash, datagram.octets, batch_began_, batch_.room().first(limit - held_back));
  if (served.octets == 0) return false;
  counters_.add(ResolverCounter::cache_hits);
  counters_.add(ResolverCounter::packet_cache_hits);
  books_.answered_again(datagram.octets, {.address = client}, served.rcode, served.secure);
  const Claim claim = claims_.judge(glance.cookie, client);
  const std::size_t octets = claim.add_to(batch_.room(), served.octets);
  batch_.commit(unless_amplified(datagram.octets, claim, client, batch_.room(), octets), *datagram.path);
  return true;
}

std::size_t Worker::Loop::unless_amplified(std::span<const std::uint8_t> query, const Claim& claim,
                                           const dns::IpAddress& client, std::span<std::uint8_t> room,
                                           std::size_t octets) {
  if (claims_.may_leave(query.size(), octets, claim, client)) return octets;
  const auto parsed = dns::parse_query(query);
  return parsed ? slip(*parsed, claim, room) : octets;
}

void Worker::Loop::serve_datagram(channel::ListenerId listener, const Datagram& datagram, const Look& look) {
  if (look.is_ignored) return counters_.add(ResolverCounter::ignored_datagrams);
  if (look.is_plain && serve_again(look, datagram)) return;
  const dns::IpAddress& client = look.client.address;
  auto query = dns::parse_query(datagram.octets);
  if (!query) {
    // A stranger's garbage gets nothing at all; a friend's gets the header that says what was wrong.
    if (!look.is_allowed || query.error().fault == dns::QueryFault::ignore)
      return counters_.add(ResolverCounter::ignored_datagrams);
    return batch_.commit(put_fault(query.error(), batch_.room()), *datagram.path);
  }
  const Claim claim = claims_.judge(query->edns, client);
  const auto answer_at_once = [&](const Outcome& outcome, AnswerSource source) {
    books_.answered(query->question, {.address = client}, outcome, source);
    std::size_t octets = put(*query, outcome, claim, datagram_limit(*query), batch_began_, batch_.room());
    if (look.is_plain && source == AnswerSource::known) keep_packet(look.glance, outcome, batch_.room().first(octets));
    if (!claims_.may_leave(datagram.octets.size(), octets, claim, client)) octets = slip(*query, claim, batch_.room());
    batch_.commit(octets, *datagram.path);
  };
  if (!look.is_allowed) return refuse_stranger(*query, datagram, client);
  if (const auto known = desk_.known(*query)) {
    counters_.add(ResolverCounter::cache_hits);
    return answer_at_once(*known, AnswerSource::known);
  }
  counters_.add(ResolverCounter::cache_misses);
  auto [place, turned] = desk_.enter(client, claim.is_proven ? AddressProof::given : AddressProof::none);
  if (!place) {
    counters_.add(ResolverCounter::resolutions_refused);
    if (turned == WaitingRoom::Turned::silently) return counters_.add(ResolverCounter::answers_withheld);
    return answer_at_once(*desk_.turn_away(query->question, turned), AnswerSource::refused);
  }
  beginning_.push_back(
      resolve_datagram(listener, std::move(*query), datagram.octets.size(), claim, *datagram.path, std::move(*place)));
}

void Worker::Loop::refuse_stranger(const dns::Query& query, const Datagram& datagram, const dns::IpAddress& client) {
  counters_.add(ResolverCounter::refused);
  books_.answered(query.question, {.address = client}, *refused_, AnswerSource::refused);
  std::size_t octets = put(query, *refused_, {}, datagram_limit(query), batch_began_, batch_.room());
  if (octets > datagram.octets.size())
    octets = put(query, *refused_without_reason_, {}, datagram_limit(query), batch_began_, batch_.room());
  batch_.commit(octets, *datagram.path);
}

Task<void> Worker::Loop::resolve_datagram(channel::ListenerId listener, dns::Query query, std::size_t query_octets,
                                          Claim claim, ReturnPath path, WaitingRoom::Place place) {
  const Recipient recipient{.address = path.endpoint().address};
  const Client client{.network = place.client(), .address = recipient.address};
  const SharedOutcome outcome = co_await desk_.answer_unknown(query, client);
  const std::chrono::nanoseconds took = note_resolved(query, *outcome, place.came());
  const Instant now = place.came() + took;
  const auto turn = place.leave_at(now);
  if (!turn) {
    counters_.add(ResolverCounter::answers_withheld);
    co_return;
  }
  if (*turn > now) co_await clock_.sleep_until(*turn);
  books_.answered(query.question, recipient, *outcome, AnswerSource::resolved, took);
  if (late_.is_full() || listener != late_listener_) send_late();
  std::size_t octets = put(query, *outcome, claim, datagram_limit(query), std::max(now, *turn), late_.room());
  if (!claims_.may_leave(query_octets, octets, claim, recipient.address)) octets = slip(query, claim, late_.room());
  late_.commit_with_copy(octets, path);
  late_listener_ = listener;
  // Whoever else is resumed by what came from servers in this turn of the loop stands in line before this.
  if (late_is_posted_) co_return;
  asio::post(context_, [this] {
    late_is_posted_ = false;
    send_late();
  });
  late_is_posted_ = true;
}

void Worker::Loop::send_late() {
  const auto at = listeners_.find(late_listener_);
  if (at == listeners_.end()) return late_.forget();  // the listener went with a reload while we worked
  if (const std::size_t lost = late_.flush(at->second->handle()); lost != 0)
    counters_.add(ResolverCounter::send_failures, lost);
}

}  // namespace redoubt::resolver
