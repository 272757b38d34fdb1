#include "appliance/control/negative_anchors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "appliance/log/log.hpp"

namespace redoubt::control {

namespace {

using std::chrono::seconds;

/// The clock may be set: at least so often it is looked at.
constexpr seconds longest_wait{60};

std::int64_t seconds_since_1970() {
  return std::chrono::duration_cast<seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// A clock that was set back makes none of them live longer than it was given.
bool holds(const TimedNegativeAnchor& anchor, std::int64_t now) {
  return now < anchor.until && anchor.begun <= now + 86'400;
}

}  // namespace

NegativeAnchors::NegativeAnchors(boost::asio::io_context& loop, std::function<void()> changed)
    : timer_{loop}, changed_{std::move(changed)} {}

void NegativeAnchors::set_store(store::Store* store) {
  store_ = store;
  const auto rows = store_->negative_anchors();
  if (!rows) return log::error("negative trust anchors are not recalled: {}", rows.error());
  const std::int64_t now = seconds_since_1970();
  for (const auto& row : *rows) {
    const auto zone = dns::Name::from_text(row.zone);
    const bool is_sane = zone && row.until - row.begun <= most_negative_anchor.count();
    TimedNegativeAnchor anchor{zone ? *zone : dns::Name{}, row.begun, row.until, row.why};
    if (is_sane && holds(anchor, now) && anchors_.size() < max_negative_anchors) {
      anchors_.push_back(std::move(anchor));
    } else if (const auto done = store_->remove_negative_anchor(row.zone); !done) {
      log::warning("a negative trust anchor that has ended stays in the state folder: {}", done.error());
    }
  }
  wait();
}

std::expected<void, std::string> NegativeAnchors::add(const dns::Name& zone, seconds time, std::string why) {
  if (zone.is_root()) return std::unexpected{std::string{"the root itself cannot be excepted"}};
  if (time < least_negative_anchor || time > most_negative_anchor)
    return std::unexpected{std::string{"it must hold for a minute at least and a week at most"}};
  if (why.empty() || why.size() > max_reason_octets)
    return std::unexpected{fmt::format("a reason of at most {} octets must be given", max_reason_octets)};
  if (store_ == nullptr) return std::unexpected{std::string{"there is no store to keep it in"}};
  const auto same = std::ranges::find(anchors_, zone, &TimedNegativeAnchor::zone);
  if (same == anchors_.end() && anchors_.size() >= max_negative_anchors)
    return std::unexpected{fmt::format("there are {} already", max_negative_anchors)};
  const std::int64_t now = seconds_since_1970();
  TimedNegativeAnchor anchor{zone.lowercased(), now, now + time.count(), log::printable(why)};
  if (auto done = store_->put_negative_anchor({anchor.zone.to_text(), anchor.begun, anchor.until, anchor.why}); !done)
    return std::unexpected{"it cannot be kept in the state folder: " + done.error()};
  log::warning("negative trust anchor: nothing at and below {} is validated for {} s: {}", zone.to_text(), time.count(),
               anchor.why);
  if (same == anchors_.end()) {
    anchors_.push_back(std::move(anchor));
  } else {
    *same = std::move(anchor);
  }
  wait();
  changed_();
  return {};
}

std::expected<void, std::string> NegativeAnchors::remove(const dns::Name& zone) {
  const auto at = std::ranges::find(anchors_, zone, &TimedNegativeAnchor::zone);
  if (at == anchors_.end()) return std::unexpected{std::string{"there is none of that name"}};
  if (auto done = store_->remove_negative_anchor(at->zone.to_text()); !done)
    return std::unexpected{"its end cannot be kept in the state folder: " + done.error()};
  log::info("negative trust anchor of {} is removed", zone.to_text());
  anchors_.erase(at);
  wait();
  changed_();
  return {};
}

std::vector<TimedNegativeAnchor> NegativeAnchors::list() const {
  std::vector<TimedNegativeAnchor> all = anchors_;
  const std::int64_t now = seconds_since_1970();
  std::erase_if(all, [&](const TimedNegativeAnchor& anchor) { return !holds(anchor, now); });
  std::ranges::sort(all, {}, &TimedNegativeAnchor::zone);
  return all;
}

void NegativeAnchors::describe(config::Circumstances& circumstances) const {
  circumstances.negative_anchors.clear();
  for (const TimedNegativeAnchor& anchor : list())
    circumstances.negative_anchors.push_back({anchor.zone, static_cast<std::uint64_t>(anchor.until)});
}

void NegativeAnchors::wait() {
  timer_.cancel();
  if (anchors_.empty()) return;
  const std::int64_t first = std::ranges::min(anchors_, {}, &TimedNegativeAnchor::until).until;
  timer_.expires_after(std::clamp(seconds{first - seconds_since_1970()}, seconds{1}, longest_wait));
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) expire();
  });
}

/// The resolver heeds the end by itself; what it knows of the names is forgotten when it is told.
void NegativeAnchors::expire() {
  const std::int64_t now = seconds_since_1970();
  const auto gone = std::erase_if(anchors_, [&](const TimedNegativeAnchor& anchor) {
    if (holds(anchor, now)) return false;
    if (const auto done = store_->remove_negative_anchor(anchor.zone.to_text()); !done)
      log::warning("a negative trust anchor that has ended stays in the state folder: {}", done.error());
    log::info("negative trust anchor of {} has ended", anchor.zone.to_text());
    return true;
  });
  wait();
  if (gone != 0) changed_();
}

}  // namespace redoubt::control
