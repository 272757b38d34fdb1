#pragma once
// One question, walked down from the deepest known cut to its answer (RFC 1034 §5.3.3), as straight-line coroutines.
#include <expected>
#include <memory>
#include <vector>

#include "dns/question.hpp"
#include "resolver/iterate/classify.hpp"
#include "resolver/network.hpp"
#include "resolver/outcome.hpp"
#include "resolver/settings.hpp"
#include "resolver/shared.hpp"

namespace redoubt::resolver {

/// One per worker; all members are used on its thread alone.
class Iterator {
 public:
  /// All outlive the iterator.
  Iterator(Shared& shared, Network& network, Clock& clock, Random& random)
      : shared_{&shared}, network_{&network}, clock_{&clock}, random_{&random} {}

  /// From caches and servers. What was learned is in the cache when it returns; failures are too, briefly (RFC 9520).
  /// The budget outlives the call.
  Task<SharedOutcome> resolve(dns::Question question, std::shared_ptr<const Settings> settings, Budget& budget) {
    return follow(std::move(question), *settings, budget, 0, settings);
  }

  /// What the caches alone say: a whole outcome, or null. No suspension, for the fast path.
  SharedOutcome known(const dns::Question& question, const Settings& settings, Instant now);

 private:
  using Failure = dns::ExtendedError;
  template <class T>
  using Result = std::expected<T, Failure>;

  struct Asking;  // the state of one question at one cut

  Task<SharedOutcome> follow(dns::Question question, const Settings& settings, Budget& budget, unsigned depth,
                             std::shared_ptr<const Settings> keep);
  Task<Result<Classified>> walk(dns::Question question, const Settings& settings, Budget& budget, unsigned depth);
  Task<Result<Classified>> ask(Delegation cut, dns::Question question, const Settings& settings, Budget& budget,
                               unsigned depth);
  Task<Result<Classified>> exchange(Asking& asking, dns::IpAddress server);
  Task<std::expected<dns::Message, NetworkFault>> send(Asking& asking, dns::IpAddress server,
                                                       UpstreamTransport transport, bool edns);
  Task<bool> look_up_server(Asking& asking);

  Delegation root(const Settings& settings) const;
  bool may_ask(const dns::IpAddress& address, const Settings& settings) const;
  SharedRRset hold(dns::RRset rrset, const Settings& settings, Instant now) const;
  /// Puts what a reply told into the cache and into the outcome. True when the outcome is complete.
  bool take(Classified found, const dns::Question& question, const Settings& settings, Outcome& outcome);
  SharedDelegation learn_cut(const Classified& found, const Delegation& parent, const Settings& settings);
  /// The part of known() and follow() that both need: what the cache has for `name`. True when the outcome is complete.
  enum class Step : std::uint8_t { complete, alias, unknown };
  Step step_from_cache(dns::Name& name, dns::RrType type, Instant now, Outcome& outcome);
  SharedOutcome fail(const dns::Question& question, const Failure& why, const Budget& budget);

  Shared* shared_;
  Network* network_;
  Clock* clock_;
  Random* random_;
};

}  // namespace redoubt::resolver
