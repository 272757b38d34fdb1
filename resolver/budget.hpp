#pragma once
// What one client question may cost, in one table and one ledger: an attacker who multiplies work spends his asker's
// allowance, not ours. All sub-questions charge the same ledger and nothing resets it.
#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "dns/limit_row.hpp"
#include "resolver/clock.hpp"
#include "resolver/fairness/holder.hpp"

namespace redoubt::resolver {

enum class Limit : std::uint8_t {
  upstream_queries,
  nameserver_lookups,
  nameservers_kept,
  addresses_kept,
  alias_steps,
  nested_depth,
  nested_questions,
  upstream_octets,
  records_per_rrset,
  question_time_ms,
  waiting_queries,
  waiting_of_one_client,
  flights,
  renewals,
  flights_of_one_client,
  flights_of_one_zone,
  exchanges_of_one_server,
  denials_of_one_zone,
  upstream_queue,
  amplified_answers,
  signature_checks,
  failed_signature_checks,
  nsec3_blocks,
  signatures_of_rrset,
  keys_of_tag,
  ds_of_zone,
  denial_records,
  nsec3_iterations,
  entropy_floor,
  count
};

/// In the order of Limit.
std::span<const dns::LimitRow> limit_rows();

/// The row's name, as configuration, errors and manual have it.
std::string_view name_of(Limit limit);

/// The limits in force.
class Limits {
 public:
  /// The table's initial values.
  Limits();
  std::uint64_t operator[](Limit limit) const { return values_[static_cast<std::size_t>(limit)]; }
  /// False when the name is none of this table or the value is out of its row's range.
  bool set(std::string_view name, std::uint64_t value);
  /// As good as no bound, for tests that show what the limit keeps out; no configuration gets there.
  void lift(Limit limit) { values_[static_cast<std::size_t>(limit)] = std::uint64_t{1} << 32; }

 private:
  std::array<std::uint64_t, static_cast<std::size_t>(Limit::count)> values_{};
};

class Trace;

/// The ledger of one client question.
class Budget {
 public:
  /// client: whose question it is, for places that clients share.
  Budget(const Limits& limits, Instant started, Holder client = Holder::nobody)
      : limits_{limits},
        client_{client},
        deadline_{started + std::chrono::milliseconds{limits[Limit::question_time_ms]}} {}

  /// Charges `amount`; false, and the limit is noted as exhausted, when that is more than is left. Only for the limits
  /// that are counted over the whole question: upstream_queries, nested_questions, alias_steps, upstream_octets,
  /// signature_checks, failed_signature_checks, nsec3_blocks.
  bool spend(Limit limit, std::uint64_t amount = 1);
  std::uint64_t spent(Limit limit) const { return spent_[static_cast<std::size_t>(limit)]; }
  /// Notes that a limit of another kind stopped the work.
  void exhaust(Limit limit) {
    if (!exhausted_) exhausted_ = limit;
  }
  /// The first limit that was hit.
  std::optional<Limit> exhausted() const { return exhausted_; }
  Instant deadline() const { return deadline_; }
  Holder client() const { return client_; }
  /// Who listens; null: nobody. Outlives the budget.
  Trace* trace() const { return trace_; }
  void trace_to(Trace* trace) { trace_ = trace; }
  const Limits& limits() const { return limits_; }
  /// Whether its failure is nothing to report: it is a report itself.
  bool is_report() const { return is_report_; }
  void be_report() { is_report_ = true; }
  /// The anchors that its question is resolved under (Shared::trust_epoch); set when that begins.
  std::uint64_t trust_epoch() const { return trust_epoch_; }
  void begin_trust(std::uint64_t epoch) { trust_epoch_ = epoch; }

 private:
  Limits limits_;
  Holder client_;
  Instant deadline_;
  std::array<std::uint64_t, static_cast<std::size_t>(Limit::count)> spent_{};
  std::optional<Limit> exhausted_;
  Trace* trace_ = nullptr;
  bool is_report_ = false;
  std::uint64_t trust_epoch_ = 0;
};

}  // namespace redoubt::resolver
