#pragma once
// Where one worker's fetches come back to. Who waits is kept here, on the worker's side: what transport brings after
// the worker's end finds nobody, rather than a loop that is gone.
#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <unordered_map>

#include "resolver/mailbox.hpp"
#include "resolver/network.hpp"

namespace redoubt::resolver {

class FetchReturns : public std::enable_shared_from_this<FetchReturns> {
  class Letter;

 public:
  using Result = std::expected<Reply, NetworkFault>;
  using Resume = std::move_only_function<void(Result)>;

  /// The way back of one fetch, from whatever thread. Dropped unused, wherever that happens, it has brought
  /// `no_resources`: who waits goes on in any case.
  class Way {
   public:
    Way(Way&&) noexcept;
    Way& operator=(Way&&) = delete;
    ~Way();
    /// Once.
    void bring(Result result) noexcept;

   private:
    friend class FetchReturns;
    Way(std::shared_ptr<FetchReturns> home, std::unique_ptr<Letter> letter);

    std::shared_ptr<FetchReturns> home_;
    std::unique_ptr<Letter> letter_;  // null once it is on its way
  };

  /// home is the worker's.
  explicit FetchReturns(const boost::asio::any_io_executor& home) : arrivals_{std::make_shared<Mailbox>(home)} {}
  FetchReturns(const FetchReturns&) = delete;
  FetchReturns& operator=(const FetchReturns&) = delete;
  ~FetchReturns() { arrivals_->close(); }  // its letters know it
  /// On the worker's thread. When it throws, nobody waits.
  Way wait(Resume resume);
  /// On the worker's thread, now and then: what has come and could not be told of for want of memory.
  void look_for_arrivals() { arrivals_->deliver(); }
  /// Once the worker's thread has ended, and before its loop goes: who waits is dropped.
  void close();

 private:
  using Ticket = std::uint64_t;
  void resume(Ticket ticket, Result result);

  std::shared_ptr<Mailbox> arrivals_;
  // The worker's thread's own:
  Ticket last_ = 0;
  std::unordered_map<Ticket, Resume> waiting_;
};

}  // namespace redoubt::resolver
