#pragma once
// The descriptors of an event loop that are watched (epoll(7)), in a set of our own whose one descriptor Boost.Asio
// waits for. Asio arms a descriptor again for each wait, by a system call; here it is armed once, and again only where
// it was not read to its end. One thread.
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

struct epoll_event;

namespace redoubt::transport {

/// Of a descriptor in the set. ready() comes from the loop; it may take any descriptor out, its own included.
class Watched {
 public:
  Watched() = default;
  Watched(const Watched&) = delete;
  Watched& operator=(const Watched&) = delete;
  /// events: EPOLLIN and so on, what became so since the last time; another time only for what became so since, or by
  /// arm().
  virtual void ready(std::uint32_t events) = 0;

 protected:
  ~Watched() = default;
};

class ReadySet : public boost::asio::execution_context::service {
 public:
  static boost::asio::execution_context::id id;  // what makes it one for each loop

  /// The loop's; made when it is first asked for. Throws std::system_error when the system has none.
  static ReadySet& of(const boost::asio::any_io_executor& executor);
  explicit ReadySet(boost::asio::execution_context& loop) : boost::asio::execution_context::service{loop} {}
  ~ReadySet() override = default;
  ReadySet(const ReadySet&) = delete;
  ReadySet& operator=(const ReadySet&) = delete;

  /// What is so already is told, too. False when the system does not watch that descriptor.
  bool add(int descriptor, std::uint32_t events, Watched& watched);
  /// Tells of what is so now, and from here on of these events.
  void arm(int descriptor, std::uint32_t events, Watched& watched);
  /// Nothing is told from here on. The descriptor is best still open: one that is not is out of the set already.
  void remove(int descriptor, const Watched& watched);

  /// Runs behind what became ready together with what is told now. False, and nothing is taken, when nothing is being
  /// told on that loop.
  static bool run_behind(const boost::asio::any_io_executor& executor, std::function<void()>& callback);

 private:
  class Telling;

  void shutdown() override { set_.reset(); }
  void wait();
  void tell();

  std::optional<boost::asio::posix::stream_descriptor> set_;
  std::span<epoll_event> told_;  ///< what tell() still has to tell
  std::vector<std::function<void()>> behind_;
};

}  // namespace redoubt::transport
