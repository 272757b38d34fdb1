#include "transport/server/ask_table.hpp"

#include <utility>

namespace redoubt::transport {

std::size_t AskTable::weight(const WaitingAsk& ask) { return ask.query.size() + sizeof(WaitingAsk); }

AskId AskTable::add(WaitingAsk ask) {
  const AskId id = ++last_id_;
  octets_ += weight(ask);
  waiting_.emplace(id, std::move(ask));
  resume();
  return id;
}

std::optional<WaitingAsk> AskTable::take(AskId id) {
  const auto found = waiting_.find(id);
  if (found == waiting_.end()) return std::nullopt;
  WaitingAsk ask = std::move(found->second);
  octets_ -= weight(ask);
  waiting_.erase(found);
  return ask;
}

void AskTable::withdraw(AskId id) {
  if (take(id) && id < first_unsent_) taker_.withdraw(id);
}

void AskTable::resume() {
  for (auto next = waiting_.lower_bound(first_unsent_); next != waiting_.end(); ++next) {
    if (!taker_.ask(next->first, next->second.origin, next->second.query)) return;
    first_unsent_ = next->first + 1;
  }
}

void AskTable::resend_all() {
  first_unsent_ = 1;
  resume();
}

}  // namespace redoubt::transport
