#include "resolver/forward/forwarder.hpp"

#include <boost/asio/this_coro.hpp>

#include "resolver/forward/consultation.hpp"

namespace redoubt::resolver {

Task<std::expected<Classified, Failure>> Forwarder::ask(const Errand& errand, const Route& route) {
  auto executor = co_await boost::asio::this_coro::executor;
  auto contest = std::make_shared<Contest>(askers_, *network_, *clock_, std::move(executor));
  Consultation consultation{errand, route, *shared_, *clock_, *random_, std::move(contest)};
  auto result = co_await consultation.run();
  shared_->upstreams.count(route.zone, !result);
  co_return result;
}

}  // namespace redoubt::resolver
