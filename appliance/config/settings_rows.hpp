#pragma once
// The rows of the table of settings, in three parts, and what their columns are made with. Only the table includes
// this.
#include <array>
#include <chrono>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "appliance/config/settings.hpp"

namespace redoubt::config::rows {

using Milliseconds = std::chrono::milliseconds;

inline constexpr std::array<std::string_view, 4> transports{"udp", "tcp", "tls", "https"};

/// listen, tls, workers, state, zone-keys, control
std::span<const Setting> serving();
/// cache, resolution, validation
std::span<const Setting> resolving();
/// access, identity, limits, sandbox, log
std::span<const Setting> operating();

/// A fixed setting's keep_running, from the member it lives in.
template <auto member>
bool keep(const Configuration& running, Configuration& fresh) {
  return std::exchange(fresh.*member, running.*member) != running.*member;
}
template <auto outer, auto inner>
bool keep(const Configuration& running, Configuration& fresh) {
  return std::exchange((fresh.*outer).*inner, (running.*outer).*inner) != (running.*outer).*inner;
}

inline Milliseconds duration_of(const Value& value) { return Milliseconds{static_cast<std::int64_t>(value.number)}; }

/// The store of a list of maps.
void grow(auto& list, const Value& v) {
  if (v.flag)
    list.clear();
  else
    list.emplace_back();
}

}  // namespace redoubt::config::rows
