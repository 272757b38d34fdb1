#pragma once
// What other threads, or later turns of the loop, have for those who wait on this one. A letter is made before anybody
// waits for it, so that bringing it takes no memory: there may be none just then, and a chain of coroutines must
// neither end on a thread that is not its own nor wait for ever.
#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <mutex>

namespace redoubt::resolver {

class Mailbox : public std::enable_shared_from_this<Mailbox> {
 public:
  class Letter {
   public:
    Letter() = default;
    Letter(const Letter&) = delete;
    Letter& operator=(const Letter&) = delete;
    virtual ~Letter() = default;
    /// At home, once.
    virtual void open() noexcept = 0;

   private:
    friend class Mailbox;
    std::unique_ptr<Letter> next_;
  };

  explicit Mailbox(boost::asio::any_io_executor home) : home_{std::move(home)} {}
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;
  ~Mailbox() { close(); }

  /// From any thread. It is opened at home, in its turn. Where there is no memory to say so there, with the next one
  /// that comes, or by the next deliver().
  void put(std::unique_ptr<Letter> letter) noexcept;
  /// At home: opens what is there.
  void deliver() noexcept;
  /// At home or after its end, and before its loop goes. What is there and what still comes is dropped unopened.
  void close() noexcept;

 private:
  std::unique_ptr<Letter> take_all();

  std::mutex lock_;  // guards all; and home_ from going away while it is used
  boost::asio::any_io_executor home_;
  std::unique_ptr<Letter> first_;
  Letter* last_ = nullptr;  // null when there is none
  bool is_told_ = false;    // home will look
  bool is_closed_ = false;
};

}  // namespace redoubt::resolver
