#pragma once
// An executor without memory: what it is given throws, for as long as the test says.
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <new>
#include <utility>

namespace redoubt::resolver::testing {

class GrudgingExecutor {
 public:
  /// Both outlive it.
  GrudgingExecutor(boost::asio::io_context& loop, const bool& refuses) : loop_{&loop}, refuses_{&refuses} {}

  boost::asio::execution_context& query(boost::asio::execution::context_t) const noexcept { return *loop_; }
  static constexpr boost::asio::execution::blocking_t query(boost::asio::execution::blocking_t) noexcept {
    return boost::asio::execution::blocking.never;
  }
  GrudgingExecutor require(boost::asio::execution::blocking_t::never_t) const noexcept { return *this; }
  template <class Function>
  void execute(Function&& function) const {
    if (*refuses_) throw std::bad_alloc{};
    boost::asio::post(*loop_, std::forward<Function>(function));
  }
  friend bool operator==(const GrudgingExecutor&, const GrudgingExecutor&) noexcept = default;

 private:
  boost::asio::io_context* loop_;
  const bool* refuses_;
};

}  // namespace redoubt::resolver::testing
