#include "resolver/role/bookkeeping.hpp"

#include <array>

#include "dns/message.hpp"
#include "resolver/role/machine_clock.hpp"

namespace redoubt::resolver {

using channel::ResolverCounter;

namespace {

ResolverCounter counter_of(dns::Rcode rcode) {
  if (rcode == dns::Rcode::noerror) return ResolverCounter::answers_noerror;
  if (rcode == dns::Rcode::nxdomain) return ResolverCounter::answers_nxdomain;
  if (rcode == dns::Rcode::servfail) return ResolverCounter::answers_servfail;
  return ResolverCounter::answers_other;
}

/// Nothing for limits that cut a list short and end no question.
std::optional<ResolverCounter> counter_of(Limit limit) {
  switch (limit) {
    case Limit::upstream_queries:
      return ResolverCounter::limit_upstream_queries;
    case Limit::alias_steps:
      return ResolverCounter::limit_alias_steps;
    case Limit::nested_depth:
      return ResolverCounter::limit_nested_depth;
    case Limit::nested_questions:
      return ResolverCounter::limit_nested_questions;
    case Limit::upstream_octets:
      return ResolverCounter::limit_upstream_octets;
    case Limit::records_per_rrset:
      return ResolverCounter::limit_records_per_rrset;
    case Limit::question_time_ms:
      return ResolverCounter::limit_question_time;
    case Limit::waiting_queries:
      return ResolverCounter::limit_waiting_queries;
    case Limit::waiting_of_one_client:
      return ResolverCounter::limit_waiting_of_one_client;
    case Limit::flights:
      return ResolverCounter::limit_resolutions;
    case Limit::flights_of_one_client:
      return ResolverCounter::limit_resolutions_of_one_client;
    case Limit::flights_of_one_zone:
      return ResolverCounter::limit_resolutions_of_one_zone;
    case Limit::exchanges_of_one_server:
      return ResolverCounter::limit_exchanges_of_one_server;
    case Limit::denials_of_one_zone:
      return ResolverCounter::limit_denials_of_one_zone;
    case Limit::upstream_queue:
      return ResolverCounter::limit_upstream_queue;
    case Limit::amplified_answers:
      return ResolverCounter::limit_amplified_answers;
    case Limit::signature_checks:
      return ResolverCounter::limit_signature_checks;
    case Limit::failed_signature_checks:
      return ResolverCounter::limit_failed_signature_checks;
    case Limit::nsec3_blocks:
      return ResolverCounter::limit_nsec3_blocks;
    case Limit::signatures_of_rrset:
      return ResolverCounter::limit_signatures_of_rrset;
    case Limit::keys_of_tag:
      return ResolverCounter::limit_keys_of_tag;
    case Limit::ds_of_zone:
      return ResolverCounter::limit_ds_of_zone;
    case Limit::denial_records:
      return ResolverCounter::limit_denial_records;
    case Limit::nsec3_iterations:
    case Limit::entropy_floor:
    case Limit::nameserver_lookups:
    case Limit::nameservers_kept:
    case Limit::addresses_kept:
    case Limit::renewals:
    case Limit::count:
      break;
  }
  return std::nullopt;
}

struct Bucket {
  std::chrono::milliseconds up_to;
  ResolverCounter counter;
};

constexpr std::array<Bucket, 7> buckets{{{std::chrono::milliseconds{1}, ResolverCounter::resolution_time_1ms},
                                         {std::chrono::milliseconds{10}, ResolverCounter::resolution_time_10ms},
                                         {std::chrono::milliseconds{30}, ResolverCounter::resolution_time_30ms},
                                         {std::chrono::milliseconds{100}, ResolverCounter::resolution_time_100ms},
                                         {std::chrono::milliseconds{300}, ResolverCounter::resolution_time_300ms},
                                         {std::chrono::milliseconds{1000}, ResolverCounter::resolution_time_1s},
                                         {std::chrono::milliseconds{3000}, ResolverCounter::resolution_time_3s}}};

}  // namespace

void Bookkeeping::resolved(std::chrono::nanoseconds took) {
  for (const Bucket& bucket : buckets) {
    if (took <= bucket.up_to) counters_->add(bucket.counter);  // cumulative, as Prometheus has them
  }
  counters_->add(ResolverCounter::resolution_time_any);
  counters_->add(ResolverCounter::resolution_time_count);
  counters_->add(ResolverCounter::resolution_time_sum,
                 static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(took).count()));
}

Bookkeeping::Told Bookkeeping::told_by(const Outcome& outcome, AnswerSource source) {
  Told told{.source = outcome.stale ? AnswerSource::stale : source, .rcode = outcome.rcode};
  if (outcome.error) told.error = outcome.error->code;
  return told;
}

void Bookkeeping::count(dns::Rcode rcode) { counters_->add(counter_of(rcode)); }

void Bookkeeping::count(const Outcome& outcome) {
  count(outcome.rcode);
  if (outcome.stale) counters_->add(ResolverCounter::answers_stale);
  if (outcome.is_secure()) counters_->add(ResolverCounter::answers_secure);
  if (outcome.is_bogus()) counters_->add(ResolverCounter::answers_bogus);
  if (!outcome.limit) return;
  if (const auto counter = counter_of(*outcome.limit)) counters_->add(*counter);
}

void Bookkeeping::log_again(std::span<const std::uint8_t> query, const Recipient& recipient, dns::Rcode rcode) {
  if (const auto parsed = dns::parse_query(query))
    log(parsed->question, recipient, {.source = AnswerSource::known, .rcode = rcode}, {});
}

void Bookkeeping::log(const dns::Question& question, const Recipient& recipient, const Told& told,
                      std::chrono::nanoseconds took) {
  if (ring_ == nullptr || recipient.is_operator) return;
  QueryRecord record;
  record.took = std::chrono::duration_cast<std::chrono::microseconds>(took);
  record.client = recipient.address;
  record.stream = recipient.stream;
  record.source = told.source;
  record.name = question.name;
  record.type = question.type;
  record.rcode = told.rcode;
  record.error = told.error;
  if (!is_picked(record, *settings_)) return;
  if (settings_->sample > 1 && random_->below(settings_->sample) != 0) return;
  record.at = machine_wall();
  counters_->add(ResolverCounter::query_log_lines);
  if (!ring_->put(record)) counters_->add(ResolverCounter::query_log_lost);
}

}  // namespace redoubt::resolver
