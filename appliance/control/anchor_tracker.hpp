#pragma once
// Follows trust anchors through their zones' key rolls (RFC 5011): asks for the keys by way of the resolver when it is
// time, judges the signatures itself, for the resolver may be anybody's by now, writes the state down, and only then
// has the resolver told. What the states mean stands in dnssec/anchors/trust_point.hpp.
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "appliance/config/compile.hpp"
#include "appliance/config/configuration.hpp"
#include "appliance/control/siblings.hpp"
#include "appliance/store/store.hpp"
#include "dnssec/anchors/trust_point.hpp"

namespace redoubt::control {

class AnchorTracker {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;
  /// One zone that is followed.
  struct Row {
    dnssec::TrustPoint point;
    SteadyTime due;                      ///< of the next look
    std::optional<SteadyTime> looked{};  ///< when this process has seen keys that it believed
    std::optional<SteadyTime> warned{};  ///< that they were not seen for too long
    std::string trouble{};               ///< of the last look; empty: it went well
  };
  using Rows = std::map<dns::Name, Row>;

  /// The first look of a process: when resolution is well under way.
  static constexpr std::chrono::seconds usual_first_look{20};

  /// changed: other anchors are to be handed to the resolver.
  AnchorTracker(boost::asio::io_context& loop, Siblings& siblings, std::function<void()> changed,
                std::chrono::seconds first_look = usual_first_look);

  /// The store may be missing: then the anchors stay as the configuration has them.
  void set_store(store::Store* store) { store_ = store; }
  /// What a snapshot of that configuration says of anchors. Changes nothing.
  void describe(const config::Configuration& configuration, config::Circumstances& circumstances) const;
  /// At each configuration that comes into force.
  void use(const config::Configuration& configuration);

  const Rows& rows() const { return rows_; }

 private:
  dnssec::TrustPoint point_of(const dns::Name& zone, const config::Validation& validation) const;
  bool remember(const dnssec::TrustPoint& point);
  void wait();
  void look();
  void take(const dns::Name& zone, const std::optional<std::vector<std::uint8_t>>& answer);
  void judge(Row& row, const std::vector<std::uint8_t>& answer);
  void failed(Row& row, std::string why);

  boost::asio::steady_timer timer_;
  Siblings& siblings_;
  std::function<void()> changed_;
  std::chrono::seconds first_look_;
  store::Store* store_ = nullptr;
  config::Validation validation_;
  Rows rows_;
};

}  // namespace redoubt::control
