#pragma once
// The operator's look at resolutions and servers.
#include <cstddef>
#include <functional>

#include "appliance/channel/control_resolver.hpp"
#include "resolver/budget.hpp"
#include "resolver/shared.hpp"
#include "resolver/trace.hpp"

namespace redoubt::resolver {

/// Steps of one trace that are told; later ones are not. More than any budget allows exchanges by default.
inline constexpr std::size_t max_trace_steps = 500;

/// Turns each event into a message for control.
class TraceView final : public Trace {
 public:
  using Tell = std::function<void(channel::TraceStep)>;
  TraceView(channel::RequestId id, Instant begun, Tell tell) : id_{id}, begun_{begun}, tell_{std::move(tell)} {}
  void note(TraceEvent event) override;
  /// Steps that were not told.
  std::uint32_t left_out() const { return left_out_; }

 private:
  channel::RequestId id_;
  Instant begun_;
  Tell tell_;
  std::size_t told_ = 0;
  std::uint32_t left_out_ = 0;
};

/// What the budget has been charged, limit by limit.
std::vector<channel::SpentLimit> spent_of(const Budget& budget);

channel::Upstreams show_upstreams(const Shared& shared, const Routes& routes, const channel::AskUpstreams& request,
                                  Instant now);

}  // namespace redoubt::resolver
