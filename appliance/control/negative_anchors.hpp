#pragma once
// Negative trust anchors that the operator sets while resolverd runs (RFC 7646): each with an end and a reason, kept in
// the store, told to the resolver at once, and gone when their time is up.
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <string>
#include <vector>

#include "appliance/config/compile.hpp"
#include "appliance/control/negative_anchor_limits.hpp"
#include "appliance/store/store.hpp"
#include "dns/name.hpp"

namespace redoubt::control {

struct TimedNegativeAnchor {
  dns::Name zone;
  std::int64_t begun = 0;  ///< seconds since 1970
  std::int64_t until = 0;
  std::string why;
};

class NegativeAnchors {
 public:
  /// changed: others are to be handed to the resolver.
  NegativeAnchors(boost::asio::io_context& loop, std::function<void()> changed);
  /// Reads what a former life kept.
  void set_store(store::Store* store);

  /// In place of one of the same name. Kept before it takes effect. An error is one line.
  std::expected<void, std::string> add(const dns::Name& zone, std::chrono::seconds time, std::string why);
  std::expected<void, std::string> remove(const dns::Name& zone);
  /// Those that hold, by name.
  std::vector<TimedNegativeAnchor> list() const;
  void describe(config::Circumstances& circumstances) const;

 private:
  void wait();
  void expire();

  boost::asio::steady_timer timer_;
  std::function<void()> changed_;
  store::Store* store_ = nullptr;
  std::vector<TimedNegativeAnchor> anchors_;
};

}  // namespace redoubt::control
