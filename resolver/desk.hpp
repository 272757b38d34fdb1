#pragma once
// Where questions arrive: what is no business of the Internet is answered at once, what is known from the cache, what
// is in flight is waited for, the rest is resolved. What cannot be had in time or at all is given from what has expired
// (RFC 8767). One per worker.
#include <boost/asio/any_io_executor.hpp>
#include <memory>

#include "dns/message.hpp"
#include "resolver/iterate/iterator.hpp"
#include "resolver/late_flights.hpp"
#include "resolver/mailbox.hpp"
#include "resolver/outcome.hpp"
#include "resolver/settings.hpp"
#include "resolver/shared.hpp"

namespace redoubt::resolver {

/// Who asks. As it is made, nobody: the house itself.
struct Client {
  Holder network = Holder::nobody;  ///< whose share it takes
  dns::IpAddress address;           ///< to notice when our own question comes back
};

class Desk {
 public:
  /// All references outlive the desk. Coroutines resume on the executor.
  Desk(Shared& shared, Network& network, Clock& clock, Random& random, std::shared_ptr<const Settings> settings,
       boost::asio::any_io_executor executor);

  /// What waits here is dropped. Destroy the desk while its executor is still there.
  ~Desk() {
    shared_->flights.withdraw(this);
    shared_->unchecked_flights.withdraw(this);
    arrivals_->close();
  }
  Desk(const Desk&) = delete;
  Desk& operator=(const Desk&) = delete;

  /// For questions that come from now on.
  void use(std::shared_ptr<const Settings> settings);
  /// The outcome, if it takes no waiting; else null. Popular records that end soon are fetched again behind it. Stale
  /// ones are among them while the question's servers are known to fail.
  SharedOutcome known(const dns::Query& query);
  /// For whoever may not or cannot resolve the question now (a bound is reached, an upstream is overloaded): an outcome
  /// from what is kept, fresh or stale; null when there is none. `why` is told with a stale one. At once.
  SharedOutcome stale(const dns::Question& question, std::string_view why);
  /// A place for a query of this client that has to wait.
  WaitingRoom::Entry enter(const dns::IpAddress& client, AddressProof proof = AddressProof::none);
  /// What a client is told who got no place: what is kept, else SERVFAIL.
  SharedOutcome turn_away(const dns::Question& question, WaitingRoom::Turned turned);
  /// Never null: trouble is a SERVFAIL with its reason. The query outlives the call. Throws std::bad_alloc alone, where
  /// there is no memory for the call itself.
  Task<SharedOutcome> answer(const dns::Query& query, Client asker = {});
  /// The same for what known() did not know just now.
  Task<SharedOutcome> answer_unknown(const dns::Query& query, Client asker);
  /// The answer by a resolution of its own, shared with nobody, while the budget's listener is told of it. fresh:
  /// although the cache has it. The budget outlives the call.
  Task<SharedOutcome> answer_traced(dns::Query query, Budget& budget, bool fresh);
  /// Outcomes that have come and of which there was no memory to tell. Call it now and then.
  void look_for_arrivals() { arrivals_->deliver(); }
  Budget fresh_budget() const { return Budget{settings_->limits, clock_->now()}; }

 private:
  SharedOutcome special(const dns::Query& query) const;
  /// Whether the asker wants what comes to be validated: not with CD (RFC 4035 §3.2.2).
  bool checks(const dns::Query& query) const {
    return !query.header.checking_disabled || !settings_->validation.enabled;
  }
  Flights& flights(bool checks) { return checks ? shared_->flights : shared_->unchecked_flights; }
  SharedOutcome gate(SharedOutcome outcome, bool checks) const;
  bool is_withheld(const Outcome& outcome, const dns::Question& question, bool checks) const;
  Flights::Bounds bounds() const;
  void renew(const dns::Question& question);
  void lead(const dns::Question& question, Holder client, bool renews, bool checks) noexcept;
  Task<void> fly(dns::Question question, Holder client, bool renews, bool checks);
  Task<void> prime();
  /// What is to be asked for its own sake: which keys are trusted, what failed.
  void ask_beside(const Settings& settings);
  Task<void> ask_for_its_own_sake(dns::Question question);
  Task<SharedOutcome> answer_apart(const dns::Query& query, Client asker);
  Task<SharedOutcome> join(const dns::Question& question, Holder client, bool checks);
  Task<SharedOutcome> alone(dns::Question question, bool checks);
  Task<SharedOutcome> wait_out_the_loop(dns::Query query, Abroad::Return found);
  SharedOutcome beyond(const dns::Question& question, Limit limit, bool checks = true);
  Task<void> watch_late_flights();
  Task<void> probe(Encryption::Probe probe);

  Shared* shared_;
  Clock* clock_;
  std::shared_ptr<const Settings> settings_;
  boost::asio::any_io_executor executor_;
  std::shared_ptr<Mailbox> arrivals_;  // of flights that others lead
  Iterator iterator_;
  /// For who waits for a flight that ends before its time; made ahead, for that may be for want of memory.
  const SharedOutcome broken_off_ = failure(dns::EdeCode::other, "the resolution broke off");
  const SharedOutcome out_of_means_ = failure(dns::EdeCode::other, "out of means to resolve it");
  std::shared_ptr<LateFlights> late_ = std::make_shared<LateFlights>();
};

}  // namespace redoubt::resolver
