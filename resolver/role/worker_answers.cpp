#include <algorithm>

#include "appliance/log/log.hpp"
#include "resolver/role/worker_loop.hpp"

namespace redoubt::resolver {

namespace asio = boost::asio;
using channel::ResolverCounter;

namespace {

/// How long before it ends an answer is left to the record cache again, which then has it renewed (Cache's own rule).
std::chrono::seconds renewal_lead(const Outcome& outcome) {
  std::uint32_t lead = 0;
  for (const SharedRRset& held : outcome.answer) lead = std::max(lead, held->ttl().seconds() / 10 + 1);
  return std::chrono::seconds{lead};
}

}  // namespace

void Worker::Loop::begin_batch() {
  batch_began_ = clock_.now();
  const WallTime wall = clock_.wall();
  claims_.begin_batch(wall);
  if (const auto jump = clock_watch_.look(batch_began_, wall); jump.count() != 0) {
    counters_.add(ResolverCounter::clock_jumps);
    log::warning("the wall clock was set, by {} s: signatures are judged by the new time", jump.count());
  }
  const std::uint64_t flushes = shared_->cache.flushes();
  if (flushes == flushes_seen_) return;
  flushes_seen_ = flushes;
  packets_->clear();
  counters_.set(ResolverCounter::packet_cache_octets, packets_->octets());
}

std::size_t Worker::Loop::slip(const dns::Query& query, const Claim& claim, std::span<std::uint8_t> room) {
  counters_.add(ResolverCounter::limit_amplified_answers);
  return render_slip(query, room, {.cookie = claim.cookie()});
}

std::chrono::seconds Worker::Loop::keep_packet(const dns::QueryGlance& glance, const Outcome& outcome,
                                               std::span<const std::uint8_t> answer) {
  if (outcome.stale || outcome.error) return {};
  const auto time = packets_->keep(glance, answer,
                                   {.secure = outcome.is_secure(),
                                    .lead = settings_->core->prefetch ? renewal_lead(outcome) : std::chrono::seconds{0},
                                    .admission = dns::PacketCache::Admission::at_second_time},
                                   batch_began_);
  counters_.set(ResolverCounter::packet_cache_octets, packets_->octets());
  return time;
}

std::chrono::nanoseconds Worker::Loop::note_resolved(const dns::Query& query, const Outcome& outcome, Instant began) {
  const std::chrono::nanoseconds took = clock_.now() - began;
  books_.resolved(took);
  if (outcome.rcode == dns::Rcode::servfail && outcome.error) {
    log::debug("{} {} failed: {}", query.question.name.to_text(), dns::to_text(query.question.type),
               log::printable(outcome.error->text));
  }
  return took;
}

std::size_t Worker::Loop::put(const dns::Query& query, const Outcome& outcome, const Claim& claim, std::size_t limit,
                              Instant now, std::span<std::uint8_t> room, std::size_t block) {
  const Rendered rendered =
      render(query, outcome, now, room.first(std::min(limit, room.size())),
             {.nsid = settings_->core->identity.nsid, .cookie = claim.cookie(), .padding_block = block});
  if (rendered.truncated) counters_.add(ResolverCounter::answers_truncated);
  return rendered.octets;
}

std::size_t Worker::Loop::put_fault(const dns::QueryError& error, std::span<std::uint8_t> room) {
  switch (error.fault) {
    case dns::QueryFault::formerr:
      counters_.add(ResolverCounter::formerr_sent);
      break;
    case dns::QueryFault::notimp:
      counters_.add(ResolverCounter::notimp_sent);
      break;
    case dns::QueryFault::badvers:
      counters_.add(ResolverCounter::badvers_sent);
      break;
    case dns::QueryFault::ignore:
      break;
  }
  return render_fault(error, room);
}

void Worker::Loop::note(const std::exception_ptr& trouble) {
  if (!trouble) return;
  try {
    std::rethrow_exception(trouble);
  } catch (const std::exception& caught) {
    log::error("a resolution failed: {}", log::printable(caught.what()));
  }
}

}  // namespace redoubt::resolver
