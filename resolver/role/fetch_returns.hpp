#pragma once
// Where one worker's fetches come back to. Who waits is kept here, on the worker's side: what transport brings after
// the worker's end finds nobody, rather than a loop that is gone.
#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "resolver/network.hpp"

namespace redoubt::resolver {

class FetchReturns : public std::enable_shared_from_this<FetchReturns> {
 public:
  using Result = std::expected<Reply, NetworkFault>;
  using Resume = std::move_only_function<void(Result)>;
  using Ticket = std::uint64_t;

  /// home is the worker's.
  explicit FetchReturns(boost::asio::any_io_executor home) : home_{std::move(home)} {}
  /// On the worker's thread.
  Ticket wait(Resume resume);
  /// From any thread. Who waits goes on at home, unless that has closed.
  void bring(Ticket ticket, Result result);
  /// Once the worker's thread has ended, and before its loop goes: who waits is dropped.
  void close();

 private:
  void resume(Ticket ticket, Result result);

  std::mutex lock_;  // guards closed_, and home_ from going away while it is used
  bool closed_ = false;
  boost::asio::any_io_executor home_;
  Ticket last_ = 0;
  std::unordered_map<Ticket, Resume> waiting_;  // the worker's thread's own
};

}  // namespace redoubt::resolver
