#pragma once
// The body of an answer that is made while it is sent. Whoever makes it never waits for whoever reads it: what waits is
// bounded, and what finds no room is left out and counted. On the loop's thread alone.
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>

namespace redoubt::control {

class HttpStream {
 public:
  /// most_waiting: octets that the client has not taken yet.
  explicit HttpStream(std::size_t most_waiting) : most_waiting_{most_waiting} {}
  HttpStream(const HttpStream&) = delete;
  HttpStream& operator=(const HttpStream&) = delete;

  /// Drops the piece when too much waits already, or nobody reads any more.
  void put(std::string piece);
  /// The last piece finds room always. Nothing comes after it.
  void end(std::string last);
  /// Pieces that found no room.
  std::uint64_t left_out() const { return left_out_; }
  std::size_t waiting_octets() const { return waiting_octets_; }

  // For the server.
  /// The next piece, if there is one already.
  std::optional<std::string> take();
  bool has_ended() const { return ended_ && waiting_.empty(); }
  /// Called when there is something new.
  void on_change(std::function<void()> then) { on_change_ = std::move(then); }
  /// The client is gone: all that waits and all that comes is dropped.
  void abandon();

 private:
  void add(std::string piece);

  std::size_t most_waiting_;
  std::size_t waiting_octets_ = 0;
  std::uint64_t left_out_ = 0;
  bool ended_ = false;
  bool abandoned_ = false;
  std::deque<std::string> waiting_;
  std::function<void()> on_change_;
};

}  // namespace redoubt::control
