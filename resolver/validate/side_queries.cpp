#include "resolver/validate/side_queries.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <vector>

namespace redoubt::resolver {

namespace {

constexpr std::string_view report_label = "_er";
constexpr std::size_t max_label_octets = 63;
/// More of them would say no more, and queries stay small.
constexpr std::size_t most_tags_told = 12;

std::optional<dns::Name> with_label(const dns::Name& name, std::string_view label) {
  return name.prepended({reinterpret_cast<const std::uint8_t*>(label.data()), label.size()});
}

bool is_report(const dns::Name& name) {
  const auto label = name.first_label();
  return std::ranges::equal(label, report_label, [](std::uint8_t octet, char c) {
    return (octet >= 'A' && octet <= 'Z' ? octet + 32 : octet) == c;
  });
}

/// Ascending, each once.
std::vector<std::uint16_t> tags_of(const TrustAnchor& anchor) {
  std::vector<std::uint16_t> tags;
  for (const auto& rdata : anchor.vouchers.ds) {
    if (const auto ds = dnssec::Ds::parse(rdata)) tags.push_back(ds->key_tag);
  }
  for (const auto& rdata : anchor.vouchers.dnskey) tags.push_back(dnssec::key_tag(rdata));
  std::ranges::sort(tags);
  tags.erase(std::ranges::unique(tags).begin(), tags.end());
  return tags;
}

}  // namespace

std::optional<dns::Name> key_tag_query(const TrustAnchor& anchor) {
  const std::vector<std::uint16_t> tags = tags_of(anchor);
  if (tags.empty()) return std::nullopt;
  std::string label = "_ta";
  for (const std::uint16_t tag : tags) label += fmt::format("-{:04x}", tag);
  if (label.size() > max_label_octets) return std::nullopt;
  return with_label(anchor.zone, label);
}

std::vector<std::uint16_t> tags_to_tell(const dns::Name& zone, const ValidationSettings& settings) {
  if (!settings.enabled || !settings.signal) return {};
  const auto anchor = std::ranges::find(settings.anchors, zone, &TrustAnchor::zone);
  if (anchor == settings.anchors.end()) return {};
  std::vector<std::uint16_t> tags = tags_of(*anchor);
  tags.resize(std::min(tags.size(), most_tags_told));
  return tags;
}

std::optional<dns::Name> report_name(const dns::Question& failed, dns::EdeCode code, const dns::Name& agent) {
  std::vector<std::uint8_t> wire;
  const auto add = [&wire](std::string_view label) {
    wire.push_back(static_cast<std::uint8_t>(label.size()));
    wire.insert(wire.end(), label.begin(), label.end());
  };
  const auto name = failed.name.wire();
  add(report_label);
  add(std::to_string(failed.type.value));
  wire.insert(wire.end(), name.begin(), name.end() - 1);
  add(std::to_string(static_cast<unsigned>(code)));
  add(report_label);
  wire.insert(wire.end(), agent.wire().begin(), agent.wire().end());
  const auto whole = dns::Name::from_wire(wire);
  if (!whole) return std::nullopt;
  return *whole;
}

bool KeyTagSignals::is_due(Instant now) {
  const std::lock_guard guard{lock_};
  if (now < next_) return false;
  next_ = now + period;
  return true;
}

void ErrorReports::learn_agent(const dns::Name& zone, std::span<const std::uint8_t> option) {
  const auto agent = dns::Name::from_wire(option);
  const std::lock_guard guard{lock_};
  if (!agent || agent->is_root()) return agents_.erase(zone);
  agents_.touch(zone) = *agent;
}

bool ErrorReports::may_send(Instant now) {
  if (now >= minute_ + std::chrono::minutes{1} || minute_ == Instant::min()) {
    minute_ = now;
    in_minute_ = 0;
  }
  return in_minute_++ < most_a_minute;
}

void ErrorReports::note(const dns::Question& failed, dns::EdeCode code, const dns::Name& zone, Instant now) {
  if (is_report(failed.name)) return;
  const std::lock_guard guard{lock_};
  const dns::Name* agent = agents_.find(zone);
  if (agent == nullptr || agent->is_at_or_below(zone)) return;
  const auto report = report_name(failed, code, *agent);
  if (!report || waiting_.size() >= max_waiting) return;
  const Instant* before = sent_.find(*report);
  if ((before != nullptr && now < *before + same_again) || !may_send(now)) return;
  sent_.touch(*report) = now;
  waiting_.push_back(*report);
}

std::optional<dns::Name> ErrorReports::take() {
  const std::lock_guard guard{lock_};
  if (waiting_.empty()) return std::nullopt;
  const dns::Name next = waiting_.front();
  waiting_.pop_front();
  return next;
}

}  // namespace redoubt::resolver
