#pragma once
// From a plan to servers of the simulation.
#include "tests/sim/world.hpp"
#include "tests/worlds/plan.hpp"

namespace redoubt::worlds {

/// What a liar or a spoofer wants to be believed about the names of others.
dns::IpAddress forged_address();

/// Puts every server of that state in its place, ghosts included. plan and random outlive the servers.
void build(sim::Internet& internet, const Plan& plan, std::size_t state, resolver::Random& random);

}  // namespace redoubt::worlds
