#pragma once
// Where questions arrive: what is no business of the Internet is answered at once, what is known from the cache, what
// is in flight is waited for, the rest is resolved. One per worker.
#include <boost/asio/any_io_executor.hpp>
#include <memory>

#include "dns/message.hpp"
#include "resolver/iterate/iterator.hpp"
#include "resolver/outcome.hpp"
#include "resolver/settings.hpp"
#include "resolver/shared.hpp"

namespace redoubt::resolver {

class Desk {
 public:
  /// All references outlive the desk. Coroutines resume on the executor.
  Desk(Shared& shared, Network& network, Clock& clock, Random& random, std::shared_ptr<const Settings> settings,
       boost::asio::any_io_executor executor);

  /// What waits here is dropped. Destroy the desk while its executor is still there.
  ~Desk() { shared_->flights.withdraw(this); }
  Desk(const Desk&) = delete;
  Desk& operator=(const Desk&) = delete;

  /// For questions that come from now on.
  void use(std::shared_ptr<const Settings> settings) { settings_ = std::move(settings); }
  /// The outcome, if it takes no waiting; else null.
  SharedOutcome known(const dns::Query& query);
  /// Never null, never throws: trouble is a SERVFAIL with its reason.
  Task<SharedOutcome> answer(dns::Query query);

 private:
  SharedOutcome special(const dns::Query& query) const;
  Task<SharedOutcome> lead(dns::Question question);
  Task<SharedOutcome> join(dns::Question question);

  Shared* shared_;
  Clock* clock_;
  std::shared_ptr<const Settings> settings_;
  boost::asio::any_io_executor executor_;
  Iterator iterator_;
};

}  // namespace redoubt::resolver
