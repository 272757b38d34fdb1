#pragma once
// What came of asking servers, on its way up.
#include <expected>
#include <memory>
#include <utility>

#include "resolver/iterate/classify.hpp"
#include "resolver/iterate/errand.hpp"

namespace redoubt::resolver {

/// As std::expected<Classified, Failure> is used, in the room of two pointers: half a dozen coroutines hand it up, each
/// with a place for it in its frame. Empty when moved from.
class [[nodiscard]] Finding {
 public:
  // Both implicit, as with std::expected: what is returned is one or the other.
  Finding(Classified found) : found_{std::make_unique<Classified>(std::move(found))} {}
  Finding(std::unexpected<Failure> why) : why_{std::make_unique<Failure>(std::move(why.error()))} {}
  /// found is not null.
  explicit Finding(std::unique_ptr<Classified> found) : found_{std::move(found)} {}

  explicit operator bool() const { return found_ != nullptr; }
  Classified* operator->() { return found_.get(); }
  const Classified* operator->() const { return found_.get(); }
  Classified& operator*() & { return *found_; }
  const Classified& operator*() const& { return *found_; }
  Classified&& operator*() && { return std::move(*found_); }
  Failure& error() { return *why_; }
  const Failure& error() const { return *why_; }

 private:
  std::unique_ptr<Classified> found_;
  std::unique_ptr<Failure> why_;
};

}  // namespace redoubt::resolver
