#include "appliance/control/root_copy.hpp"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "appliance/control/files.hpp"
#include "appliance/log/log.hpp"
#include "appliance/snapshot/snapshot.hpp"
#include "dns/rdata.hpp"
#include "dns/record_stream.hpp"
#include "dns/text.hpp"
#include "dnssec/zonemd.hpp"

namespace redoubt::control {

namespace {

using std::chrono::seconds;

constexpr std::size_t max_file_octets = 32U << 20U;
/// A file is looked at this often: whoever renews it moves a new one into its place.
constexpr seconds file_period{60};
/// Times of the zone's own SOA are kept within these.
constexpr seconds least_refresh{300};
constexpr seconds most_refresh{86'400};
constexpr seconds least_retry{60};
/// A copy is given up when this much of its SOA's expiry is over (attacks: stale root copy).
constexpr std::int64_t usable_percent = 90;

std::int64_t usable(seconds expire) { return expire.count() * usable_percent / 100; }

std::int64_t now_seconds() {
  return std::chrono::duration_cast<seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

const dns::Record* soa_of(const std::vector<dns::Record>& records) {
  const auto at = std::ranges::find_if(
      records, [](const dns::Record& record) { return record.type == dns::type::soa && record.owner.is_root(); });
  return at == records.end() ? nullptr : &*at;
}

std::vector<std::uint8_t> stream_of(const std::vector<dns::Record>& records) {
  std::vector<std::uint8_t> stream;
  for (const dns::Record& record : records) dns::append_record(stream, record);
  return stream;
}

}  // namespace

std::vector<dns::Endpoint> root_transfer_servers(bool ipv4, bool ipv6) {
  // b, c, d, f, g and k.root-servers.net; then lax and iad.xfr.dns.icann.org.
  static constexpr std::array v4{"170.247.170.2", "192.33.4.12",  "199.7.91.13",  "192.5.5.241",
                                 "192.112.36.4",  "193.0.14.129", "192.0.32.132", "192.0.47.132"};
  static constexpr std::array v6{"2801:1b8:10::b",   "2001:500:2::c", "2001:500:2d::d",       "2001:500:2f::f",
                                 "2001:500:12::d0d", "2001:7fd::1",   "2620:0:2830:202::132", "2620:0:2d0:202::132"};
  std::vector<dns::Endpoint> servers;
  const auto add = [&](std::span<const char* const> addresses) {
    for (const char* text : addresses) {
      if (const auto address = dns::IpAddress::from_text(text)) servers.push_back({*address, 53});
    }
  };
  if (ipv4) add(v4);
  if (ipv6) add(v6);
  for (std::size_t left = servers.size(); left > 1; --left)
    std::swap(servers[left - 1], servers[randombytes_uniform(static_cast<std::uint32_t>(left))]);
  return servers;
}

std::vector<dns::Endpoint> servers_of(const config::Resolution& resolution) {
  if (resolution.local_root_from.empty())
    return root_transfer_servers(resolution.outgoing.ipv4, resolution.outgoing.ipv6);
  std::vector<dns::Endpoint> servers;
  for (const dns::IpAddress& address : resolution.local_root_from) servers.push_back({address, resolution.port});
  return servers;
}

RootCopy::RootCopy(boost::asio::io_context& loop, Siblings& siblings)
    : siblings_{siblings}, timer_{loop}, fetch_{siblings} {}

RootCopy::State RootCopy::state() const {
  State state{.wanted = setting_.has_value(), .serial = std::nullopt, .until = 0, .trouble = trouble_};
  if (copy_ && copy_->until > now_seconds()) {
    state.serial = copy_->serial;
    state.until = copy_->until;
  }
  return state;
}

void RootCopy::use(const config::Configuration& configuration, const std::string& configuration_path) {
  const auto& wanted = configuration.resolution.local_root;
  configuration_path_ = configuration_path;
  servers_ = servers_of(configuration.resolution);
  if (!wanted) return drop();
  const bool changed = setting_ != wanted;
  setting_ = wanted;
  if (changed) {
    fetch_.cancel();
    copy_.reset();
    file_text_digest_.clear();
    if (wanted->file.empty()) recall();
  }
  if (changed || !wanted->file.empty()) renew();
}

void RootCopy::drop() {
  if (!std::exchange(setting_, std::nullopt)) return;
  timer_.cancel();
  fetch_.cancel();
  copy_.reset();
  trouble_.clear();
  siblings_.drop_local_root();
}

void RootCopy::on_attachment(channel::Role role, bool attached) {
  if (role == channel::Role::transport && !attached) fetch_.lost();
  if (role == channel::Role::resolver && attached && setting_) hand_over();
}

/// What a former life has fetched.
void RootCopy::recall() {
  if (store_ == nullptr) return;
  const auto kept = store_->root_copy();
  if (!kept) return log::warning("the copy of the root zone is not recalled: {}", kept.error());
  if (!*kept) return;
  const auto& octets = (*kept)->records;
  const auto records =
      dns::read_records({reinterpret_cast<const std::uint8_t*>(octets.data()), octets.size()}, ZoneBounds{}.records);
  if (!records)
    return log::warning("the kept copy of the root zone is damaged: {}", dns::describe(records.error().fault));
  if (const auto taken = take(*records, (*kept)->at); !taken)
    log::info("the kept copy of the root zone is not used: {}", taken.error());
}

void RootCopy::renew() {
  if (!setting_) return;
  if (setting_->file.empty()) return renew_from_servers();
  renew_from_file();
}

void RootCopy::renew_from_file() {
  again_in(file_period);
  const auto file = read_dated_file(setting_->file, configuration_path_, max_file_octets);
  if (!file) return failed(fmt::format("{}: {}", setting_->file, file.error()));
  std::string digest = store::digest_of(file->text);
  if (copy_ && digest == file_text_digest_) return;
  file_text_digest_ = std::move(digest);
  const auto records = dns::zone_from_text(file->text, dns::Name{}, ZoneBounds{}.records);
  if (!records) return failed(fmt::format("{}:{}: {}", setting_->file, records.error().line, records.error().what));
  if (const auto taken = take(*records, file->modified_at); !taken)
    return failed(fmt::format("{}: {}", setting_->file, taken.error()));
}

void RootCopy::renew_from_servers() {
  if (fetch_.running()) return;
  fetch_.start(dns::Name{}, servers_, copy_ ? std::optional{copy_->serial} : std::nullopt,
               [this](ZoneFetch::Result result) { fetched(std::move(result)); });
}

void RootCopy::fetched(ZoneFetch::Result result) {
  if (!setting_) return;
  if (!result) {
    again_in(copy_ ? copy_->retry : least_retry);
    return failed(std::move(result.error()));
  }
  if (!*result) {
    prolong();
  } else if (const auto taken = take(**result, now_seconds()); taken) {
    remember(**result);
  } else {
    again_in(least_retry);
    return failed(taken.error());
  }
  again_in(copy_->refresh);
}

/// Ours is the newest: its time begins anew (RFC 1034 §4.3.5).
void RootCopy::prolong() {
  const std::int64_t now = now_seconds();
  copy_->until = now + usable(copy_->expire);
  trouble_.clear();
  if (store_ != nullptr) {
    if (const auto done = store_->renew_root_copy(now); !done)
      log::warning("how new the copy of the root zone is will not outlive a restart: {}", done.error());
  }
  hand_over();
}

/// Verified, sealed, handed over. obtained_at: seconds since 1970; a time to come counts as now.
std::expected<void, std::string> RootCopy::take(const std::vector<dns::Record>& records, std::int64_t obtained_at) {
  if (const auto verified = dnssec::verify_zone_digest(dns::Name{}, records); !verified)
    return std::unexpected{std::string{dnssec::describe(verified.error())}};
  const dns::Record* record = soa_of(records);
  const auto soa = dns::parse_soa(record->rdata);
  const std::int64_t now = now_seconds();
  const std::int64_t until = std::min(obtained_at, now) + usable(seconds{soa->expire});
  if (until <= now) return std::unexpected{fmt::format("serial {} has expired", soa->serial)};
  auto sealed = snapshot::seal(stream_of(records));
  if (!sealed) return std::unexpected{sealed.error()};
  copy_ = Copy{.records = *std::move(sealed),
               .serial = soa->serial,
               .refresh = std::clamp(seconds{soa->refresh}, least_refresh, most_refresh),
               .retry = std::clamp(seconds{soa->retry}, least_retry, most_refresh),
               .expire = seconds{soa->expire},
               .until = until};
  trouble_.clear();
  log::info("the root zone is answered from a copy, serial {}, {} records", soa->serial, records.size());
  hand_over();
  return {};
}

void RootCopy::remember(const std::vector<dns::Record>& records) {
  if (store_ == nullptr) return;
  const auto stream = stream_of(records);
  const std::string_view octets{reinterpret_cast<const char*>(stream.data()), stream.size()};
  if (const auto done = store_->set_root_copy(now_seconds(), octets); !done)
    log::warning("the copy of the root zone will not outlive a restart: {}", done.error());
}

void RootCopy::hand_over() {
  if (!siblings_.attached(channel::Role::resolver)) return;  // on_attachment() comes back to it
  const std::int64_t left = copy_ ? copy_->until - now_seconds() : 0;
  if (left <= 0 || !siblings_.use_local_root(seconds{left}, copy_->records.get())) siblings_.drop_local_root();
}

void RootCopy::failed(std::string why) {
  if (why != trouble_) log::warning("the copy of the root zone is not renewed: {}", log::printable(why));
  trouble_ = std::move(why);
}

void RootCopy::again_in(seconds time) {
  timer_.expires_after(time);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) renew();
  });
}

}  // namespace redoubt::control
