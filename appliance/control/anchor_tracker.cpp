#include "appliance/control/anchor_tracker.hpp"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "appliance/log/log.hpp"
#include "dns/message.hpp"

namespace redoubt::control {

namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr std::chrono::milliseconds patience{20'000};
/// Of signature checks in one look; a set of a few keys with a few signatures needs far fewer.
constexpr unsigned most_checks = 64;
/// For so long at least keys may be out of sight before that is told as an error (attacks: replay of old key sets).
constexpr std::int64_t least_alarm = 86'400;

std::int64_t seconds_since_1970() {
  return std::chrono::duration_cast<seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

class Allowance final : public dnssec::Effort {
 public:
  bool spend(dnssec::Work, std::uint64_t amount) override {
    if (amount > left_) return false;
    left_ -= amount;
    return true;
  }

 private:
  std::uint64_t left_ = most_checks;
};

dnssec::Vouchers configured_for(const dns::Name& zone, const config::Validation& validation) {
  dnssec::Vouchers vouchers;
  for (const dns::Record& anchor : validation.trust_anchors) {
    if (!(anchor.owner == zone)) continue;
    (anchor.type == dns::type::ds ? vouchers.ds : vouchers.dnskey).push_back(anchor.rdata);
  }
  return vouchers;
}

/// With an instant of its own for signatures nothing is followed: such a configuration is for tests.
bool is_tracked(const dns::Name& zone, const config::Validation& validation) {
  return validation.enabled && !validation.time &&
         std::ranges::find(validation.tracked_anchors, zone) != validation.tracked_anchors.end() &&
         std::ranges::any_of(validation.trust_anchors, [&](const dns::Record& anchor) { return anchor.owner == zone; });
}

std::vector<dns::Record> records_of(const dnssec::TrustPoint& point) {
  std::vector<dns::Record> records;
  const dnssec::Vouchers anchors = dnssec::anchors_of(point);
  for (const auto& ds : anchors.ds)
    records.push_back({point.zone, dns::type::ds, dns::rr_class::in, dns::Ttl::from_wire(0), ds});
  for (const auto& key : anchors.dnskey)
    records.push_back({point.zone, dns::type::dnskey, dns::rr_class::in, dns::Ttl::from_wire(0), key});
  return records;
}

std::vector<std::uint8_t> question_for_keys(const dns::Name& zone) {
  dns::Message message;
  message.header.id = static_cast<std::uint16_t>(randombytes_random() & 0xffffU);
  message.header.recursion_desired = true;
  message.header.checking_disabled = true;  // it is judged here
  message.question = dns::Question{.name = zone, .type = dns::type::dnskey, .rr_class = dns::rr_class::in};
  message.edns.emplace().dnssec_ok = true;
  return message.to_wire();
}

}  // namespace

AnchorTracker::AnchorTracker(boost::asio::io_context& loop, Siblings& siblings, std::function<void()> changed,
                             seconds first_look)
    : timer_{loop}, siblings_{siblings}, changed_{std::move(changed)}, first_look_{first_look} {}

dnssec::TrustPoint AnchorTracker::point_of(const dns::Name& zone, const config::Validation& validation) const {
  const dnssec::Vouchers configured = configured_for(zone, validation);
  if (const auto row = rows_.find(zone); row != rows_.end())
    return dnssec::continue_trust_point(row->second.point, configured);
  if (store_ == nullptr) return dnssec::begin_trust_point(zone, configured);
  const auto text = store_->trust_point(zone.to_text());
  if (!text) {
    log::error("the state of trust anchors is not recalled: {}", text.error());
  } else if (*text) {
    auto kept = dnssec::trust_point_from_text(**text);
    if (kept && kept->zone == zone) return dnssec::continue_trust_point(*std::move(kept), configured);
    log::error("the kept state of the trust anchors of {} is damaged; they begin anew as they are configured",
               zone.to_text());
  }
  return dnssec::begin_trust_point(zone, configured);
}

void AnchorTracker::describe(const config::Configuration& configuration, config::Circumstances& circumstances) const {
  circumstances.followed_zones.clear();
  circumstances.followed_anchors.clear();
  for (const dns::Name& zone : configuration.validation.tracked_anchors) {
    if (!is_tracked(zone, configuration.validation)) continue;
    circumstances.followed_zones.push_back(zone);
    std::ranges::move(records_of(point_of(zone, configuration.validation)),
                      std::back_inserter(circumstances.followed_anchors));
  }
}

void AnchorTracker::use(const config::Configuration& configuration) {
  Rows next;
  for (const dns::Name& zone : configuration.validation.tracked_anchors) {
    if (!is_tracked(zone, configuration.validation)) continue;
    const auto known = rows_.find(zone);
    Row row = known != rows_.end() ? known->second : Row{.point = {}, .due = steady_clock::now() + first_look_};
    dnssec::TrustPoint point = point_of(zone, configuration.validation);
    if (!(point == row.point)) remember(point);
    row.point = std::move(point);
    next.emplace(zone, std::move(row));
  }
  validation_ = configuration.validation;
  rows_ = std::move(next);
  wait();
}

bool AnchorTracker::remember(const dnssec::TrustPoint& point) {
  if (store_ == nullptr) return false;
  const auto done = store_->set_trust_point(point.zone.to_text(), dnssec::to_text(point));
  if (!done) log::error("the state of trust anchors is not kept: {}", done.error());
  return done.has_value();
}

void AnchorTracker::wait() {
  if (rows_.empty()) {
    timer_.cancel();
    return;
  }
  const auto first = std::ranges::min_element(rows_, {}, [](const auto& row) { return row.second.due; });
  timer_.expires_at(first->second.due);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) look();
  });
}

void AnchorTracker::look() {
  const SteadyTime now = steady_clock::now();
  for (auto& [zone, row] : rows_) {
    if (row.due > now) continue;
    row.due = now + seconds{row.point.retry_interval};  // unless something better comes of it
    siblings_.resolve_afresh(
        question_for_keys(zone), patience,
        [this, asked = zone](const std::optional<std::vector<std::uint8_t>>& answer) { take(asked, answer); });
  }
  wait();
}

void AnchorTracker::take(const dns::Name& zone, const std::optional<std::vector<std::uint8_t>>& answer) {
  const auto at = rows_.find(zone);
  if (at == rows_.end()) return;  // no longer followed
  if (answer) {
    judge(at->second, *answer);
  } else {
    failed(at->second, "the resolver does not answer");
  }
  wait();
}

void AnchorTracker::judge(Row& row, const std::vector<std::uint8_t>& answer) {
  const auto message = dns::Message::parse(answer);
  if (!message) return failed(row, "the resolver's answer cannot be read");
  dns::RdataList keys;
  dns::RdataList signatures;
  for (const dns::Record& record : message->answer) {
    if (!(record.owner == row.point.zone) || record.rr_class != dns::rr_class::in) continue;
    if (record.type == dns::type::dnskey) keys.add(record.rdata);
    if (record.type == dns::type::rrsig) signatures.add(record.rdata);
  }
  if (keys.empty()) return failed(row, fmt::format("no keys came: {}", dns::to_text(message->rcode())));
  const std::int64_t now = seconds_since_1970();
  const SteadyTime steady = steady_clock::now();
  dnssec::Moment moment{.now = now};
  if (row.looked) moment.elapsed = std::chrono::duration_cast<seconds>(steady - *row.looked).count();
  Allowance allowance;
  const dnssec::SignatureRules rules{.now = static_cast<std::uint32_t>(now), .sha1 = validation_.sha1};
  dnssec::TrustPoint next = row.point;
  const dnssec::Observed seen = dnssec::observe(next, {keys, signatures}, moment, rules, allowance);
  // Written down before anybody acts by it; what cannot be written down did not happen.
  if (!(next == row.point) && !remember(next)) return failed(row, "the state cannot be kept");
  row.point = std::move(next);
  for (const std::string& event : seen.events) log::warning("trust anchors: {}", event);
  if (seen.trouble) {
    failed(row, seen.trouble->text);
  } else {
    row.looked = steady;
    row.warned.reset();
    row.trouble.clear();
    row.due = steady + seconds{row.point.query_interval};
  }
  if (seen.anchors_changed) changed_();
}

void AnchorTracker::failed(Row& row, std::string why) {
  const SteadyTime now = steady_clock::now();
  row.due = now + seconds{row.point.retry_interval};
  if (why != row.trouble) log::warning("trust anchors of {}: {}", row.point.zone.to_text(), log::printable(why));
  row.trouble = std::move(why);
  const std::int64_t age = seconds_since_1970() - row.point.observed_at;
  const std::int64_t most = std::max<std::int64_t>(least_alarm, 2 * std::int64_t{row.point.query_interval});
  if (row.point.observed_at == 0 || age < most || (row.warned && now - *row.warned < seconds{least_alarm})) return;
  row.warned = now;
  log::error("the keys of {} were not seen for {} hours: {}; a key roll may pass unseen", row.point.zone.to_text(),
             age / 3600, log::printable(row.trouble));
}

}  // namespace redoubt::control
