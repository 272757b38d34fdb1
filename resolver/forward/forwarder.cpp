#include "resolver/forward/forwarder.hpp"

#include "resolver/forward/consultation.hpp"

namespace redoubt::resolver {

Task<Finding> Forwarder::ask(const Errand& errand, const Route& route) {
  auto contest = std::make_shared<Contest>(askers_, *network_, *clock_, executor_);
  Consultation consultation{errand, route, *shared_, *clock_, *random_, std::move(contest)};
  auto result = co_await consultation.run();
  shared_->upstreams.count(route.zone, !result);
  co_return result;
}

}  // namespace redoubt::resolver
