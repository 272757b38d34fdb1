#include "appliance/control/reload.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "appliance/log/log.hpp"
#include "appliance/snapshot/snapshot.hpp"

namespace redoubt::control {

namespace {

using channel::Role;
constexpr std::array servers{Role::resolver, Role::transport};
// A role that is there but does not take the snapshot by then is broken; monitor notices when it dies. The change goes
// back.
constexpr std::chrono::seconds patience_with_servers{10};

std::int64_t seconds_since_1970() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

Reload::Reload(boost::asio::io_context& loop, Siblings& siblings, TellMonitor tell_monitor)
    : siblings_{siblings}, tell_monitor_{std::move(tell_monitor)}, deadline_{loop} {}

void Reload::set_circumstances(std::uint32_t workers, std::vector<dns::IpAddress> own_addresses) {
  circumstances_.workers = workers;
  circumstances_.own_addresses = std::move(own_addresses);
}

void Reload::begin(config::Configuration configuration, std::string text, OnDone on_done,
                   std::vector<std::string> troubles) {
  Pending& pending = pending_.emplace();
  pending.troubles = std::move(troubles);
  pending.plan = plan_listeners(configuration, standing_);
  pending.change = change_of(standing_, pending.plan);
  pending.next.configuration = std::move(configuration);
  pending.text = std::move(text);
  pending.on_done = std::move(on_done);
  bind(pending.change.bind, &pending.binds_waiting);
  if (pending.binds_waiting.empty()) bound();
}

void Reload::bind(const ListenerPlan& listeners, std::set<std::uint32_t>* waiting) {
  const std::uint32_t configured = pending_->next.configuration.workers;
  const std::uint32_t workers = configured == 0 ? circumstances_.workers : configured;
  for (const PlannedListener& listener : listeners) {
    const std::uint32_t id = next_bind_++;
    if (waiting != nullptr) waiting->insert(id);
    tell_monitor_(channel::Bind{.id = id,
                                .listener = listener.id,
                                .at = listener.at,
                                .datagrams = listener.datagrams,
                                .streams = listener.streams,
                                .workers = listener.datagrams ? workers : 0});
  }
}

void Reload::on_bind_result(const channel::BindResult& result) {
  if (!pending_ || pending_->binds_waiting.erase(result.id) == 0) {
    // A listener that was put back after a failed change.
    if (!result.trouble.empty()) log::error("{}", log::printable(result.trouble));
    return;
  }
  if (!result.trouble.empty()) pending_->troubles.push_back(log::printable(result.trouble));
  if (pending_->binds_waiting.empty()) bound();
}

void Reload::bound() {
  if (!pending_->troubles.empty()) return fail();
  number_it(*pending_);
  hand_over();
}

/// Remembered before it takes effect. What the store cannot remember (a full disk) has the number behind the one in
/// force. Where none is in force, because control has just started, only the clock gives a number that the others
/// cannot have already.
void Reload::number_it(Pending& pending) {
  pending.next.since = seconds_since_1970();
  const std::uint64_t least = in_force_ ? in_force_->generation + 1 : 1;
  const std::uint64_t unremembered = in_force_ ? least : static_cast<std::uint64_t>(pending.next.since);
  std::expected<std::uint64_t, std::string> number = std::unexpected{std::string{"no store"}};
  if (store_ != nullptr) {
    const std::string digest = store::digest_of(pending.text);
    const bool is_first = is_start_ && first_of_start_ == 0;
    number = is_first ? store_->begin_first_generation(pending.next.since, digest)
                      : store_->begin_generation(pending.next.since, digest);
    if (is_first) first_of_start_ = number.value_or(0);
  }
  pending.next.generation = std::max(number.value_or(unremembered), least);
  if (!number)
    log::error("the store does not remember generation {}{}: {}", pending.next.generation,
               in_force_ ? "" : ", which has its number from the clock", number.error());
}

void Reload::start_failed() {
  if (!std::exchange(is_start_, false) || store_ == nullptr || first_of_start_ == 0) return;
  if (const auto done = store_->forget_start(first_of_start_); !done)
    log::error("the store still counts the generation of a start that failed: {}", done.error());
}

void Reload::hand_over() {
  Pending& pending = *pending_;
  pending.step = Step::handing_over;
  circumstances_.generation = pending.next.generation;
  circumstances_.listener_ids.clear();
  for (const PlannedListener& listener : pending.plan) circumstances_.listener_ids.push_back(listener.id);
  if (describe_) describe_(pending.next.configuration, circumstances_);
  auto sealed = snapshot::seal(config::compile(pending.next.configuration, circumstances_));
  if (!sealed) {
    pending.troubles.push_back(sealed.error());
    return fail();
  }
  pending.next.snapshot = *std::move(sealed);
  // The first one waits for both, however long they take to start; later ones for whoever is there.
  for (const Role role : servers) {
    if (!in_force_ || siblings_.attached(role)) pending.takers.insert(role);
    if (siblings_.attached(role)) offer(role);
  }
  if (in_force_) restart_deadline();
  if (pending.takers.empty()) taken_by_all();
}

void Reload::offer(Role role) {
  const InForce* what = pending_ && pending_->step == Step::handing_over ? &pending_->next
                        : in_force_                                      ? &*in_force_
                                                                         : nullptr;
  if (what == nullptr) return;
  if (!siblings_.use_snapshot(role, what->generation, what->snapshot.get()))
    log::warning("{} does not take the snapshot", channel::to_text(role));
}

void Reload::on_attachment(Role role, bool attached) {
  up_to_date_.erase(role);
  if (attached) {
    if (pending_ && pending_->step == Step::handing_over) pending_->takers.insert(role);
    return offer(role);
  }
  // It gets the snapshot when it is back.
  if (pending_ && pending_->step == Step::handing_over && in_force_ && pending_->takers.erase(role) != 0 &&
      pending_->takers.empty())
    taken_by_all();
}

void Reload::on_taken(Role role, std::uint64_t generation, const std::string& trouble) {
  if (pending_ && pending_->step == Step::handing_over && generation == pending_->next.generation) {
    if (!trouble.empty()) {
      pending_->troubles.push_back(fmt::format("{}: {}", channel::to_text(role), log::printable(trouble)));
      return fail();
    }
    up_to_date_.insert(role);
    if (pending_->takers.erase(role) != 0 && pending_->takers.empty()) taken_by_all();
    return;
  }
  if (!in_force_ || generation != in_force_->generation) return;
  if (trouble.empty())
    up_to_date_.insert(role);
  else
    log::error("{} does not take generation {}: {}", channel::to_text(role), generation, log::printable(trouble));
}

void Reload::taken_by_all() {
  deadline_.cancel();
  Pending done = *std::exchange(pending_, std::nullopt);
  for (const channel::ListenerId id : done.change.unbind) tell_monitor_(channel::Unbind{.listener = id});
  standing_ = done.plan;
  auto warnings = remember(done, store::Outcome::in_force, "");
  in_force_ = std::move(done.next);
  log::info("generation {} is in force", in_force_->generation);
  done.on_done({.generation = in_force_->generation, .faults = {}, .warnings = std::move(warnings)});
}

/// Back to what was: old sockets stand again, and whoever took the new snapshot gets the old one.
void Reload::fail() {
  deadline_.cancel();
  const ListenerChange undo = undo_of(standing_, pending_->change);
  if (in_force_) {
    bind(undo.bind, nullptr);
    for (const channel::ListenerId id : undo.unbind) tell_monitor_(channel::Unbind{.listener = id});
  }
  Pending failed = *std::exchange(pending_, std::nullopt);
  if (failed.next.generation != 0) {
    static_cast<void>(remember(failed, store::Outcome::failed, fmt::format("{}", fmt::join(failed.troubles, "; "))));
    up_to_date_.clear();
    for (const Role role : servers) {
      if (siblings_.attached(role)) offer(role);
    }
  }
  failed.on_done({.generation = in_force_ ? in_force_->generation : 0, .faults = std::move(failed.troubles)});
}

void Reload::restart_deadline() {
  deadline_.expires_after(patience_with_servers);
  deadline_.async_wait([this](const boost::system::error_code& error) {
    if (error || !pending_ || pending_->step != Step::handing_over) return;
    for (const Role role : pending_->takers)
      pending_->troubles.push_back(
          fmt::format("{}: did not take the snapshot in {} s", channel::to_text(role), patience_with_servers.count()));
    fail();
  });
}

std::vector<std::string> Reload::remember(const Pending& pending, store::Outcome outcome, std::string_view trouble) {
  std::vector<std::string> lost;
  if (store_ == nullptr) return lost;
  const auto judge = [&](const std::expected<void, std::string>& done, std::string_view what) {
    if (done) return;
    lost.push_back(fmt::format("{} of generation {} not kept in the state folder: {}", what, pending.next.generation,
                               done.error()));
    log::error("{}", lost.back());
  };
  judge(store_->finish_generation(pending.next.generation, outcome, trouble, pending.text), "the configuration");
  if (outcome == store::Outcome::in_force) judge(store_->set_listeners(to_text(pending.plan)), "the listeners");
  return lost;
}

}  // namespace redoubt::control
