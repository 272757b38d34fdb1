#pragma once
// The queries that wait for an answer, with their octets: a resolver that starts anew gets them again, and its clients
// notice nothing.
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "transport/framing/message_framing.hpp"
#include "transport/net/loop.hpp"
#include "transport/server/query_taker.hpp"

namespace redoubt::transport {

class Connection;

struct WaitingAsk {
  Connection* connection;
  ExchangeTag tag;
  Origin origin;
  std::vector<std::uint8_t> query;
  Clock::time_point since;
};

class AskTable {
 public:
  explicit AskTable(QueryTaker& taker) : taker_{taker} {}

  /// Sends the query if it can be sent.
  AskId add(WaitingAsk ask);
  /// Nothing when the id is not known: old news.
  std::optional<WaitingAsk> take(AskId id);
  /// Takes it out and tells the resolver.
  void withdraw(AskId id);
  /// Sends what has not been sent, as far as it is taken.
  void resume();
  /// The resolver is a new one: all of them go again.
  void resend_all();
  bool all_sent() const { return waiting_.lower_bound(first_unsent_) == waiting_.end(); }
  /// Of all queries, with their bookkeeping.
  std::size_t octets() const { return octets_; }
  std::size_t size() const { return waiting_.size(); }
  /// The one that waits longest.
  const WaitingAsk* oldest() const { return waiting_.empty() ? nullptr : &waiting_.begin()->second; }

 private:
  static std::size_t weight(const WaitingAsk& ask);

  QueryTaker& taker_;
  /// Ids grow, so this is also the order of arrival, and what is unsent stands at the end.
  std::map<AskId, WaitingAsk> waiting_;
  /// Grows across the lives of the process: an answer to a question of its former life must not find one of this life
  /// under its id.
  AskId last_id_ = static_cast<AskId>(std::chrono::steady_clock::now().time_since_epoch().count());
  AskId first_unsent_ = 1;
  std::size_t octets_ = 0;
};

}  // namespace redoubt::transport
