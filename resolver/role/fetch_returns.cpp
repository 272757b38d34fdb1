#include "resolver/role/fetch_returns.hpp"

#include <boost/asio/post.hpp>
#include <utility>

namespace redoubt::resolver {

FetchReturns::Ticket FetchReturns::wait(Resume resume) {
  waiting_.emplace(++last_, std::move(resume));
  return last_;
}

void FetchReturns::bring(Ticket ticket, Result result) {
  const std::lock_guard guard{lock_};
  if (closed_) return;
  boost::asio::post(home_, [self = shared_from_this(), ticket, result = std::move(result)]() mutable {
    self->resume(ticket, std::move(result));
  });
}

void FetchReturns::resume(Ticket ticket, Result result) {
  const auto at = waiting_.find(ticket);
  if (at == waiting_.end()) return;
  Resume go_on = std::move(at->second);
  waiting_.erase(at);
  go_on(std::move(result));
}

void FetchReturns::close() {
  {
    const std::lock_guard guard{lock_};
    closed_ = true;
  }
  std::exchange(waiting_, {}).clear();
}

}  // namespace redoubt::resolver
