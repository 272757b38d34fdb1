#include "resolver/role/fetch_returns.hpp"

#include <utility>

namespace redoubt::resolver {

class FetchReturns::Letter final : public Mailbox::Letter {
 public:
  Letter(FetchReturns& home, Ticket ticket) : home_{&home}, ticket_{ticket} {}
  void brings(Result result) noexcept { result_ = std::move(result); }
  void open() noexcept override { home_->resume(ticket_, std::move(result_)); }

 private:
  FetchReturns* home_;  // whose mailbox opens it, or nobody
  Ticket ticket_;
  Result result_ = std::unexpected{NetworkFault::no_resources};
};

FetchReturns::Way::Way(std::shared_ptr<FetchReturns> home, std::unique_ptr<Letter> letter)
    : home_{std::move(home)}, letter_{std::move(letter)} {}

FetchReturns::Way::Way(Way&&) noexcept = default;

FetchReturns::Way::~Way() {
  if (letter_) home_->arrivals_->put(std::move(letter_));
}

void FetchReturns::Way::bring(Result result) noexcept {
  letter_->brings(std::move(result));
  home_->arrivals_->put(std::move(letter_));
}

FetchReturns::Way FetchReturns::wait(Resume resume) {
  auto letter = std::make_unique<Letter>(*this, ++last_);
  waiting_.emplace(last_, std::move(resume));
  return {shared_from_this(), std::move(letter)};
}

void FetchReturns::resume(Ticket ticket, Result result) {
  const auto at = waiting_.find(ticket);
  if (at == waiting_.end()) return;
  Resume go_on = std::move(at->second);
  waiting_.erase(at);
  go_on(std::move(result));
}

void FetchReturns::close() {
  arrivals_->close();
  std::exchange(waiting_, {}).clear();
}

}  // namespace redoubt::resolver
