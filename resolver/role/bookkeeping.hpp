#pragma once
// What one worker counts and logs of the questions that it answers. Single-threaded, as its worker is.
#include <chrono>

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
  bool is_operator = false;  ///< asked through the control socket: not logged
};

class Bookkeeping {
 public:
  /// Both outlive it.
  Bookkeeping(WorkerCounters& counters, Random& random) : counters_{&counters}, random_{&random} {}

  void log_to(QueryRing& ring) { ring_ = &ring; }
  void use(const QueryLogSettings& settings) { settings_ = &settings; }

  /// A question that the cache could not answer has come to its end.
  void resolved(std::chrono::nanoseconds took);
  /// An answer leaves.
  void answered(const dns::Question& question, const Recipient& recipient, const Outcome& outcome, AnswerSource source,
                std::chrono::nanoseconds took = {}) {
    count(outcome);
    if (settings_ != nullptr && settings_->sample != 0) log(question, recipient, outcome, source, took);
  }

 private:
  void count(const Outcome& outcome);
  void log(const dns::Question& question, const Recipient& recipient, const Outcome& outcome, AnswerSource source,
           std::chrono::nanoseconds took);

  WorkerCounters* counters_;
  Random* random_;
  QueryRing* ring_ = nullptr;
  const QueryLogSettings* settings_ = nullptr;
};

}  // namespace redoubt::resolver
