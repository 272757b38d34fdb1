#include "appliance/log/log.hpp"
#include "resolver/role/trace_view.hpp"
#include "resolver/role/worker_loop.hpp"
#include "resolver/spawn.hpp"

namespace redoubt::resolver {

namespace asio = boost::asio;
using channel::ResolverCounter;

void Worker::Loop::ask(std::vector<channel::Ask> asks) {
  counters_.add(ResolverCounter::queries_stream, asks.size());
  begin_batch();
  for (channel::Ask& ask : asks) serve_stream(ask);
  if (!known_together_.empty()) road_->give(std::exchange(known_together_, {}));
}

void Worker::Loop::serve_stream(channel::Ask& ask) {
  const Recipient recipient{
      .address = ask.client.address, .stream = true, .encrypted = ask.protocol != channel::StreamProtocol::tcp};
  const bool allowed = settings_->access.allows(ask.client.address) || settings_->access_names.allows(ask.client_name);
  dns::QueryGlance glance;
  const bool plain = allowed && dns::look_at(ask.query, glance);
  if (plain && serve_stream_again(glance, ask, recipient)) return;
  auto asking = std::make_shared<bool>(true);  // until answer_message() returns
  const auto leave = allowed ? leave_to_answer() : std::nullopt;
  kept_ = {};
  answer_message(std::move(ask.query), recipient, allowed,
                 [this, asking, leave, id = ask.id](std::vector<std::uint8_t> answer) {
                   if (!*asking) return road_->give(id, std::move(answer));
                   known_together_.push_back({id, std::move(answer), leave});
                 });
  *asking = false;
  if (leave && kept_.time.count() != 0) known_together_.back().leave = left_for(*leave, kept_.time, kept_.secure);
}

std::optional<channel::Leave> Worker::Loop::leave_to_answer() const {
  if (books_.logs()) return std::nullopt;
  return channel::Leave{.basis = {.settings = settings_->number, .flushes = flushes_seen_}};
}

channel::Leave Worker::Loop::left_for(channel::Leave leave, std::chrono::seconds time, bool secure) {
  leave.keep_for = static_cast<std::uint32_t>(time.count());
  leave.secure = secure;
  return leave;
}

bool Worker::Loop::serve_stream_again(const dns::QueryGlance& glance, const channel::Ask& ask,
                                      const Recipient& recipient) {
  const std::span<std::uint8_t> room = std::span{stream_room_}.first(dns::PacketCache::max_entry_octets + 512);
  const auto served = packets_->find(glance, ask.query, batch_began_, room);
  if (served.octets == 0) return false;
  counters_.add(ResolverCounter::cache_hits);
  counters_.add(ResolverCounter::packet_cache_hits);
  books_.answered_again(ask.query, recipient, served.rcode, served.secure);
  std::size_t octets = claims_.judge(glance.cookie, recipient.address).add_to(stream_room_, served.octets);
  if (glance.padded && recipient.encrypted)
    octets = dns::pad_answer(stream_room_, octets, served.octets - dns::plain_opt_octets, padding_block);
  auto leave = leave_to_answer();
  if (leave) leave = left_for(*leave, served.serve_for, served.secure);
  known_together_.push_back(
      {ask.id, {stream_room_.begin(), stream_room_.begin() + static_cast<std::ptrdiff_t>(octets)}, leave});
  return true;
}

void Worker::Loop::trace(Tracing tracing) {
  const auto query = dns::parse_query(tracing.request.query);
  std::vector<std::uint8_t> room(dns::max_message_octets);
  const auto end_at_once = [&](bool allowed, std::size_t octets) {
    room.resize(octets);
    tracing.done({.id = tracing.request.id, .allowed = allowed, .answer = std::move(room), .spent = {}});
  };
  if (!query) return end_at_once(true, put_fault(query.error(), room));
  if (tracing.request.client && !settings_->access.allows(*tracing.request.client)) {
    books_.answered(query->question, {.address = {}, .is_operator = true}, *refused_, AnswerSource::refused);
    return end_at_once(false, put(*query, *refused_, {}, room.size(), clock_.now(), room));
  }
  spawn(context_, resolve_traced(*query, std::move(tracing)), [](const std::exception_ptr& trouble) { note(trouble); });
}

void Worker::Loop::resolve_for(std::vector<std::uint8_t> query, Answered done) {
  answer_message(std::move(query), {.address = {}, .is_operator = true}, true, std::move(done));
}

void Worker::Loop::resolve_afresh(std::span<const std::uint8_t> octets, Answered done) {
  const auto query = dns::parse_query(octets);
  if (!query) return done({});
  spawn(context_, resolve_alone(*query, std::move(done)), [](const std::exception_ptr& trouble) { note(trouble); });
}

void Worker::Loop::answer_message(std::vector<std::uint8_t> octets, const Recipient& recipient, bool allowed,
                                  Answered done) {
  const auto query = dns::parse_query(octets);
  const std::span<std::uint8_t> room{stream_room_};
  const auto finish = [&](std::size_t size) { done({room.begin(), room.begin() + static_cast<std::ptrdiff_t>(size)}); };
  if (!query) {
    const bool silent = !allowed || query.error().fault == dns::QueryFault::ignore;
    if (silent) counters_.add(ResolverCounter::ignored_datagrams);
    return finish(silent ? 0 : put_fault(query.error(), room));
  }
  const auto answer_at_once = [&](const Outcome& outcome, AnswerSource source) {
    books_.answered(query->question, recipient, outcome, source);
    const std::size_t size = put(*query, outcome, claims_.judge(query->edns, recipient.address), room.size(),
                                 clock_.now(), room, block_for(recipient));
    dns::QueryGlance glance;
    if (recipient.stream && source == AnswerSource::known && dns::look_at(octets, glance))
      kept_ = {keep_packet(glance, outcome, room.first(size)), outcome.is_secure()};
    finish(size);
  };
  if (!allowed) {
    counters_.add(ResolverCounter::refused);
    return answer_at_once(*refused_, AnswerSource::refused);
  }
  if (const auto known = desk_.known(*query)) {
    counters_.add(ResolverCounter::cache_hits);
    return answer_at_once(*known, AnswerSource::known);
  }
  counters_.add(ResolverCounter::cache_misses);
  auto [place, turned] = desk_.enter(recipient.address, AddressProof::given);
  if (!place) {
    counters_.add(ResolverCounter::resolutions_refused);
    return answer_at_once(*desk_.turn_away(query->question, turned), AnswerSource::refused);
  }
  spawn(context_, resolve_message(*query, recipient, std::move(*place), std::move(done)),
        [](const std::exception_ptr& trouble) { note(trouble); });
}

Task<void> Worker::Loop::resolve_message(dns::Query query, Recipient recipient, WaitingRoom::Place place,
                                         Answered done) {
  const Client client{.network = place.client(), .address = recipient.address};
  const Instant began = clock_.now();
  const SharedOutcome outcome = co_await desk_.answer_unknown(query, client);
  const std::chrono::nanoseconds took = note_resolved(query, *outcome, began);
  books_.answered(query.question, recipient, *outcome, AnswerSource::resolved, took);
  const std::span<std::uint8_t> room{stream_room_};
  const std::size_t size = put(query, *outcome, claims_.judge(query.edns, recipient.address), room.size(), began + took,
                               room, block_for(recipient));
  done({room.begin(), room.begin() + static_cast<std::ptrdiff_t>(size)});
}

Task<void> Worker::Loop::resolve_traced(dns::Query query, Tracing tracing) {
  TraceView view{tracing.request.id, clock_.now(), tracing.step};
  Budget budget = desk_.fresh_budget();
  budget.trace_to(&view);
  const auto outcome = co_await desk_.answer_traced(query, budget, tracing.request.fresh);
  books_.answered(query.question, {.address = {}, .is_operator = true}, *outcome, AnswerSource::resolved);
  std::vector<std::uint8_t> room(dns::max_message_octets);
  room.resize(put(query, *outcome, {}, room.size(), clock_.now(), room));
  tracing.done({.id = tracing.request.id,
                .allowed = true,
                .answer = std::move(room),
                .spent = spent_of(budget),
                .left_out = view.left_out()});
}

Task<void> Worker::Loop::resolve_alone(dns::Query query, Answered done) {
  Budget budget = desk_.fresh_budget();
  const auto outcome = co_await desk_.answer_traced(query, budget, true);
  std::vector<std::uint8_t> room(dns::max_message_octets);
  room.resize(put(query, *outcome, {}, room.size(), clock_.now(), room));
  done(std::move(room));
}

}  // namespace redoubt::resolver
