#pragma once
// One server that the configuration names, as all workers know it: how fast it answers, whether it does, and how many
// packets a second it may get.
#include <cstdint>
#include <mutex>
#include <optional>
#include <variant>

#include "dns/address.hpp"
#include "dns/rr_types.hpp"
#include "resolver/clock.hpp"
#include "resolver/network.hpp"

namespace redoubt::resolver {

/// Why an upstream was last of no use: what the network said, or the code of its answer.
using UpstreamTrouble = std::variant<std::monostate, NetworkFault, dns::Rcode>;

/// What is told of an upstream. Counts since the process began.
struct UpstreamFigures {
  dns::Endpoint at;
  std::uint64_t queries = 0;    ///< sent, those raced against others included
  std::uint64_t answers = 0;    ///< that came, whatever they said, late ones included
  std::uint64_t timeouts = 0;   ///< queries without any answer
  std::uint64_t failures = 0;   ///< answers of no use, and errors of the network
  std::uint64_t overtaken = 0;  ///< queries that another upstream answered first
  std::uint64_t refused = 0;    ///< queries that found its queue full
  Duration round_trip{};        ///< smoothed; zero: not known
  Instant aside_until{};        ///< asked last until then, when that is to come
  std::uint64_t waiting = 0;    ///< packets that wait for its packet budget
  UpstreamTrouble trouble{};    ///< of the last exchange; nothing when that was of use
};

class Upstream {
 public:
  explicit Upstream(dns::Endpoint at) : at_{at} { figures_.at = at; }
  const dns::Endpoint& at() const { return at_; }

  enum class Health : std::uint8_t {
    well,
    probe,  ///< it was aside long enough: this one question shows whether it is back
    aside
  };
  struct Standing {
    Health health = Health::well;
    Duration round_trip{};  ///< smoothed; zero: not known
    Duration patience{};    ///< after that the next one may be asked as well: nearly all answers were faster
  };
  /// Asks for the standing of one that is about to be asked: only one caller gets `probe`, until a time is over.
  Standing standing(Instant now);

  void sent();
  /// Any answer: whatever was held against it is forgotten, and so is its trouble. The round trip is nothing where it
  /// does not compare.
  void answered(std::optional<Duration> round_trip);
  /// Another one was faster although it was later, or nothing came. Three of these in a row put it aside, longer each
  /// time up to half a minute. again: the same query was counted as overtaken before.
  void overtaken(Instant now);
  void timed_out(bool again, NetworkFault fault, Instant now);
  /// An answer of no use for the question: that may be the question's fault.
  void useless(UpstreamTrouble why);
  /// An answer that says that it does not serve us at all, or a network that says that nobody is there.
  void unwilling(UpstreamTrouble why, Instant now);

  /// The instant at which `packets` may leave: in order of asking, never more than `rate` a second over any second but
  /// for one fiftieth. Nothing when that is after `latest` or more than `most_waiting` wait already: nothing was
  /// reserved then. rate zero: now.
  std::optional<Instant> reserve(std::uint32_t rate, std::uint32_t packets, Instant now, Instant latest,
                                 std::uint64_t most_waiting);
  void refused();

  UpstreamFigures figures(Instant now) const;

 private:
  void missed_locked(Instant now);
  std::uint64_t waiting_locked(Instant now) const;

  const dns::Endpoint at_;
  mutable std::mutex lock_;  // guards the rest
  UpstreamFigures figures_;
  Duration variation_{};
  std::uint32_t missed_in_a_row_ = 0;
  std::uint32_t rests_in_a_row_ = 0;
  bool probing_ = false;
  Instant free_at_{};    // when all packets that were let go so far are paid for
  Duration interval_{};  // of the rate that was used last
  Duration burst_{};
};

}  // namespace redoubt::resolver
