#pragma once
// One question, walked down from the deepest known cut to its answer (RFC 1034 §5.3.3), as straight-line coroutines.
#include <expected>
#include <memory>
#include <string_view>

#include "dns/question.hpp"
#include "resolver/forward/forwarder.hpp"
#include "resolver/iterate/asking.hpp"
#include "resolver/iterate/finding.hpp"
#include "resolver/iterate/minimise.hpp"
#include "resolver/network.hpp"
#include "resolver/outcome.hpp"
#include "resolver/settings.hpp"
#include "resolver/shared.hpp"
#include "resolver/trace.hpp"
#include "resolver/validate/validator.hpp"

namespace redoubt::resolver {

/// One per worker; all members are used on its thread alone.
class Iterator : private Fetcher {
 public:
  /// All outlive the iterator. Coroutines that wait for each other resume on the executor.
  Iterator(Shared& shared, Network& network, Clock& clock, Random& random, const boost::asio::any_io_executor& executor)
      : shared_{&shared},
        network_{&network},
        clock_{&clock},
        random_{&random},
        forwarder_{shared, network, clock, random, executor},
        validator_{shared, clock, *this, executor} {}
  Iterator(const Iterator&) = delete;
  Iterator& operator=(const Iterator&) = delete;

  struct Manner {
    bool renews = false;  ///< to be fetched although the cache has it
    bool checks = true;   ///< validated, where the settings say so; else (a question with CD) it comes as it is
    bool is_new = false;  ///< the cache was just seen to have nothing of that name: it is not asked for it again
  };
  /// From caches and servers. What was learned is in the cache when it returns; failures are too, briefly (RFC 9520).
  /// The budget and the settings outlive the call.
  Task<SharedOutcome> resolve(dns::Question question, const Settings& settings, Budget& budget, Manner manner);

  /// Asks the root for its servers (priming.cpp). What came of it is in the cache; the budget and the settings outlive
  /// the call.
  Task<void> prime(const Settings& settings, Budget& budget);
  /// Finds out whether a server speaks TLS (probing.cpp). The settings outlive the call.
  Task<void> probe(Encryption::Probe probe, const Settings& settings);

  /// What the caches alone say: a whole outcome, or null. No suspension, for the fast path.
  /// renewal: set to what the caller should have fetched again soon, if it is a client's question; else null.
  SharedOutcome known(const dns::Question& question, const Settings& settings, Instant now,
                      std::optional<dns::Question>* renewal = nullptr, bool checks = true);

  /// The same, from what has expired too (stale.cpp): links first, in order. `why` is told with it. Null when that does
  /// not make a whole outcome, or the settings forbid it. No suspension.
  SharedOutcome stale(const dns::Question& question, const Settings& settings, Instant now, std::string_view why,
                      bool checks = true);

 private:
  template <class T>
  using Result = std::expected<T, Failure>;

  // iterator.cpp: from one name to the next, until there is an outcome
  /// What the cache has for `name`: adds it to the outcome and moves the name along an alias.
  enum class Step : std::uint8_t { complete, alias, unknown };
  /// checked: what nobody has validated yet is not known; anything: what was found bogus is no failure.
  enum class Wanted : std::uint8_t { checked, anything };
  static Wanted wanted(const Settings& settings, bool checks) {
    return settings.validation.enabled && checks ? Wanted::checked : Wanted::anything;
  }
  Step step_from_cache(dns::Name& name, dns::RrType type, Instant now, Outcome& outcome, Wanted wanted,
                       std::optional<dns::Question>* renewal = nullptr);
  /// What proofs that were checked before say of a name that nobody has asked for yet.
  Step step_from_proofs(dns::Name& name, dns::RrType type, const Settings& settings, Instant now, Outcome& outcome);
  /// The same, and what the names that are nobody's have.
  Step step_beside_cache(dns::Name& name, dns::RrType type, const Settings& settings, Instant now, Outcome& outcome);
  /// All of these.
  Step step_here(dns::Name& name, dns::RrType type, const Settings& settings, Instant now, Outcome& outcome,
                 Wanted wanted, std::optional<dns::Question>* renewal = nullptr);
  Task<Result<bool>> advance(const Errand& errand, dns::Name& name, Outcome& outcome);
  bool take(Classified&& found, const dns::Question& question, const Errand& errand, Outcome& outcome);
  void take_denial(Classified& found, const dns::Question& question, const Errand& errand, Outcome& outcome);
  /// What is kept of a verdict: none that was found under other anchors than hold now.
  Standing kept_as(const Errand& errand, Standing standing) const;
  SharedOutcome fail(const Errand& errand, Failure why);
  /// That the answer to that name is bogus, or that the zone's servers have none, for the agent of its zone (RFC 9567).
  void report(const Errand& errand, const dns::Name& name, const Failure& why);

  // evidence.cpp: between what servers said and what is kept, where validation is concerned
  /// The errand checks.
  Task<Finding> walk_and_check(const Errand& errand);
  Task<Finding> walk_as_wanted(const Errand& errand) { return errand.checks ? walk_and_check(errand) : walk(errand); }
  Task<Finding> fetch(const Errand& errand, dns::Question question, Source source,
                      std::optional<dns::IpAddress> not_from) override;
  /// What a referral says of the cut's DS: the validator will want it (RFC 4035 §3.1.4).
  void keep_ds(const Classified& found, Instant expires, const Settings& settings);

  // descent.cpp: from one cut to the next, until a server knows
  Task<Finding> walk(const Errand& errand);
  std::unique_ptr<Classified> denied_above(const dns::Question& question, const dns::Name& zone,
                                           const Settings& settings, Instant now);
  /// The alias that a DNAME above the name makes, when that is known (renamed.cpp).
  std::unique_ptr<Classified> renamed_above(const dns::Question& question, const dns::Name& zone, Instant now);
  /// What a shorter name than the question's brought (RFC 9156).
  enum class Shorter : std::uint8_t { no_cut, denied, unknown };
  Shorter known_of_shorter(const dns::Question& shorter);
  Shorter take_shorter(Classified& found, const dns::Question& shorter, const Errand& errand);
  Task<SharedDelegation> refreshed(const Errand& errand, const Delegation& dead);
  Task<Finding> ask(const Errand& errand, SharedDelegation cut, unsigned tries = tries_per_server);
  static Failure beyond(Limit limit, const dns::Name& zone);
  std::unique_ptr<Classified> ask_local_root(const Errand& errand);
  Task<void> look_up_server(Asking& asking);
  Task<bool> look_up_address(Asking& asking, const dns::Question& question);
  SharedDelegation learn_cut(const Classified& found, const Delegation& parent, const Settings& settings);
  SharedDelegation begin_of_walk(const dns::Name& start, const Route* stub, const Settings& settings, Instant now);
  static SharedDelegation hints(const Settings& settings);

  /// Tells whoever listens; make gives the phrase.
  template <class Make>
  void tell(const Errand& errand, TraceKind kind, const dns::Question& question, Make make) const {
    if (Trace* trace = errand.budget.trace())
      trace->note({.kind = kind,
                   .at = clock_->now(),
                   .depth = errand.depth,
                   .question = question,
                   .zone = {},
                   .server_name = {},
                   .server = std::nullopt,
                   .verdict = make()});
  }

  /// Whom the cut's servers have that is put aside, to whoever listens; each once.
  void tell_aside(Asking& asking) const;

  // exchange.cpp: one server
  Task<Finding> ask_server(Asking& asking, dns::IpAddress server);
  Task<std::expected<dns::Message, NetworkFault>> exchange(Asking& asking, dns::IpAddress server,
                                                           UpstreamTransport transport, bool edns, bool by_floor);
  class TracedExchange;
  /// Whom the zone's servers want to hear of failures (RFC 9567 §5).
  void learn_agent(const dns::Message& reply, const dns::Name& zone);
  void learn_cookie(const dns::Message& reply, const dns::Cookie& sent, const dns::IpAddress& server, bool stream);

  Shared* shared_;
  Network* network_;
  Clock* clock_;
  Random* random_;
  Forwarder forwarder_;
  Validator validator_;
};

}  // namespace redoubt::resolver
