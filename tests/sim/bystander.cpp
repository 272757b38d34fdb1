#include "tests/sim/bystander.hpp"

#include <fmt/format.h>

namespace redoubt::sim {

void Bystander::ask() {
  ++asked_;
  world_->send(World::query(fmt::format("b{}.{}", asked_, zone_)), address_, [this](std::optional<Answer> answer) {
    if (answer && answer->rcode() == dns::Rcode::noerror) took_.push_back(answer->took);
  });
}

void attack(World& world, Bystander& bystander, std::chrono::milliseconds time, const std::function<void(int)>& each) {
  for (int step = 0; step < time.count(); ++step) {
    each(step);
    if (step % 100 == 0) bystander.ask();
    world.run_for(std::chrono::milliseconds{1});
  }
}

Duration quiet() {
  World world;
  world.site("calm.net.", "192.0.2.9", anything);
  Bystander bystander{world, "calm.net."};
  attack(world, bystander, std::chrono::seconds{2}, [](int) {});
  return bystander.slowest();
}

std::size_t largest_pulse(std::vector<Instant> moments) {
  std::ranges::sort(moments);
  std::size_t largest = 0;
  for (std::size_t first = 0, last = 0; last < moments.size(); ++last) {
    while (moments[last] - moments[first] >= std::chrono::milliseconds{10}) ++first;
    largest = std::max(largest, last - first + 1);
  }
  return largest;
}

}  // namespace redoubt::sim
