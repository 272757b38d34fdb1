#include "appliance/control/zone_key_desk.hpp"

#include <boost/asio/post.hpp>
#include <utility>
#include <variant>
#include <vector>

namespace redoubt::control {

namespace {

/// An RSA key of 4096 bits takes seconds. Below http_answer_patience.
constexpr std::chrono::seconds patience{20};

}  // namespace

void ZoneKeyDesk::begin(channel::RequestId id, const channel::ControlToKeykeeper& message, Then then) {
  const auto refuse = [&](const char* why) {
    boost::asio::post(loop_, [then, why] { then(std::unexpected{std::string{why}}); });
  };
  if (waiting_.size() >= max_zone_key_requests)
    return refuse("too many requests about zone keys are under way; try again");
  if (!tell_(message)) return refuse("keykeeper is not there; try again");
  auto deadline = std::make_unique<boost::asio::steady_timer>(loop_, patience);
  deadline->async_wait([this, id](const boost::system::error_code& error) {
    if (!error) end(id, std::unexpected{std::string{"keykeeper did not answer in time"}});
  });
  waiting_.emplace(id, Waiting{std::move(then), std::move(deadline)});
}

void ZoneKeyDesk::end(channel::RequestId id, std::expected<channel::KeykeeperToControl, std::string> answer) {
  const auto found = waiting_.find(id);
  if (found == waiting_.end()) return;  // too late: nobody waits any more
  const Then then = std::move(found->second.then);
  waiting_.erase(found);
  then(std::move(answer));
}

void ZoneKeyDesk::on_answer(const channel::KeykeeperToControl& answer) {
  end(std::visit([](const auto& message) { return message.id; }, answer), answer);
}

void ZoneKeyDesk::on_keykeeper_gone() {
  std::vector<channel::RequestId> lost;
  for (const auto& [id, waiting] : waiting_) lost.push_back(id);
  for (const auto id : lost) end(id, std::unexpected{std::string{"keykeeper ended meanwhile; try again"}});
}

}  // namespace redoubt::control
