#pragma once
// What one worker counts and logs of the questions that it answers. Single-threaded, as its worker is.
#include <chrono>
#include <optional>
#include <span>

#include "dns/address.hpp"
#include "dns/question.hpp"
#include "resolver/network.hpp"
#include "resolver/outcome.hpp"
#include "resolver/role/query_log.hpp"
#include "resolver/role/worker_counters.hpp"

namespace redoubt::resolver {

/// Who gets an answer.
struct Recipient {
  dns::IpAddress address;
  bool stream = false;
  bool encrypted = false;    ///< answers are padded for those who pad
  bool is_operator = false;  ///< asked through the control socket: not logged
};

class Bookkeeping {
 public:
  /// Both outlive it.
  Bookkeeping(WorkerCounters& counters, Random& random) : counters_{&counters}, random_{&random} {}

  void log_to(QueryRing& ring) { ring_ = &ring; }
  void use(const QueryLogSettings& settings) { settings_ = &settings; }

  /// Whether answers have to be told of one by one.
  bool logs() const { return settings_ != nullptr && settings_->sample != 0; }
  /// A question that the cache could not answer has come to its end.
  void resolved(std::chrono::nanoseconds took);
  /// An answer leaves.
  void answered(const dns::Question& question, const Recipient& recipient, const Outcome& outcome, AnswerSource source,
                std::chrono::nanoseconds took = {}) {
    count(outcome);
    if (logs()) log(question, recipient, told_by(outcome, source), took);
  }
  /// One leaves that was made for an earlier query. It is counted here alone.
  void answered_again(std::span<const std::uint8_t> query, const Recipient& recipient, dns::Rcode rcode, bool secure) {
    count(rcode);
    if (secure) counters_->add(channel::ResolverCounter::answers_secure);
    if (logs()) log_again(query, recipient, rcode);
  }

 private:
  /// What a log line tells of an answer.
  struct Told {
    AnswerSource source;
    dns::Rcode rcode;
    std::optional<dns::EdeCode> error = {};
  };
  static Told told_by(const Outcome& outcome, AnswerSource source);

  void count(dns::Rcode rcode);
  void count(const Outcome& outcome);
  void log(const dns::Question& question, const Recipient& recipient, const Told& told, std::chrono::nanoseconds took);
  void log_again(std::span<const std::uint8_t> query, const Recipient& recipient, dns::Rcode rcode);

  WorkerCounters* counters_;
  Random* random_;
  QueryRing* ring_ = nullptr;
  const QueryLogSettings* settings_ = nullptr;
};

}  // namespace redoubt::resolver
