#pragma once
// Questions of zones whose servers the configuration names: one of the servers is asked, and where it is late, the next
// one as well; the first answer of use counts.
#include <expected>
#include <memory>

#include "resolver/forward/contest.hpp"
#include "resolver/forward/route.hpp"
#include "resolver/iterate/finding.hpp"
#include "resolver/network.hpp"
#include "resolver/shared.hpp"

namespace redoubt::resolver {

/// Packets that one question sends along one route, to all of its servers together. Each is charged to the question's
/// budget too.
inline constexpr std::size_t max_attempts = 9;

/// One per worker; all on its thread.
class Forwarder {
 public:
  /// All outlive the forwarder.
  Forwarder(Shared& shared, Network& network, Clock& clock, Random& random, boost::asio::any_io_executor executor)
      : shared_{&shared}, network_{&network}, clock_{&clock}, random_{&random}, executor_{std::move(executor)} {}
  /// Who waits here is dropped.
  ~Forwarder() { askers_->close(); }
  Forwarder(const Forwarder&) = delete;
  Forwarder& operator=(const Forwarder&) = delete;

  /// What the route's servers say: an answer, an alias, a denial, for stub zones also a referral. Nothing is cached
  /// here. A full queue before a server's packet budget is a failure of scope `house`: nothing was sent, and expired
  /// data is as good as it gets. errand and route outlive the call.
  Task<Finding> ask(const Errand& errand, const Route& route);

 private:
  Shared* shared_;
  Network* network_;
  Clock* clock_;
  Random* random_;
  boost::asio::any_io_executor executor_;
  std::shared_ptr<WaitingAskers> askers_ = std::make_shared<WaitingAskers>();
};

}  // namespace redoubt::resolver
