#include "resolver/role/query_log.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>

namespace redoubt::resolver {

namespace {

/// A pipe takes so much at once without waiting, when it takes anything.
constexpr std::size_t most_at_once = PIPE_BUF;
constexpr std::chrono::milliseconds between_looks{20};

std::string_view to_text(AnswerSource source) {
  switch (source) {
    case AnswerSource::known:
      return "known";
    case AnswerSource::resolved:
      return "resolved";
    case AnswerSource::stale:
      return "stale";
    case AnswerSource::refused:
      return "refused";
  }
  return {};
}

std::string client_of(const QueryRecord& record, const QueryLogSettings& settings) {
  if (settings.whole_addresses) return record.client.to_text();
  return dns::Prefix::around(record.client, record.client.is_v6() ? 56 : 24).to_text();
}

std::string time_of(const QueryRecord& record) {
  const auto milliseconds = std::chrono::floor<std::chrono::milliseconds>(record.at);
  const auto seconds = std::chrono::floor<std::chrono::seconds>(milliseconds);
  return fmt::format("{:%FT%T}.{:03}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)),
                     (milliseconds - seconds).count());
}

}  // namespace

bool is_picked(const QueryRecord& record, const QueryLogSettings& settings) {
  if (settings.failed_only && record.rcode != dns::Rcode::servfail && record.rcode != dns::Rcode::refused) return false;
  if (record.took < settings.slower_than) return false;
  const auto within = [&](const dns::Prefix& prefix) { return prefix.contains(record.client); };
  if (!settings.clients.empty() && std::ranges::none_of(settings.clients, within)) return false;
  const auto below = [&](const dns::Name& zone) { return record.name.is_at_or_below(zone); };
  return settings.zones.empty() || std::ranges::any_of(settings.zones, below);
}

std::string line_of(const QueryRecord& record, const QueryLogSettings& settings) {
  const double milliseconds = static_cast<double>(record.took.count()) / 1000.0;
  if (!settings.json) {
    const std::string error = record.error ? fmt::format(" EDE {}", static_cast<unsigned>(*record.error)) : "";
    return fmt::format("{} {} {} {} {} {} {} {:.1f} ms{}\n", time_of(record), client_of(record, settings),
                       record.stream ? "stream" : "udp", record.name.to_text(), dns::to_text(record.type),
                       dns::to_text(record.rcode), to_text(record.source), milliseconds, error);
  }
  nlohmann::ordered_json object{{"time", time_of(record)},
                                {"client", client_of(record, settings)},
                                {"transport", record.stream ? "stream" : "udp"},
                                {"name", record.name.to_text()},
                                {"type", dns::to_text(record.type)},
                                {"rcode", dns::to_text(record.rcode)},
                                {"source", to_text(record.source)},
                                {"ms", milliseconds}};
  if (record.error) object["ede"] = static_cast<unsigned>(*record.error);
  return object.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace) + "\n";
}

bool QueryRing::put(const QueryRecord& record) {
  const std::size_t at = put_.load(std::memory_order_relaxed);
  if (at - taken_.load(std::memory_order_acquire) == slots) return false;
  records_[at % slots] = record;
  put_.store(at + 1, std::memory_order_release);
  return true;
}

std::optional<QueryRecord> QueryRing::take() {
  const std::size_t at = taken_.load(std::memory_order_relaxed);
  if (at == put_.load(std::memory_order_acquire)) return std::nullopt;
  QueryRecord record = records_[at % slots];
  taken_.store(at + 1, std::memory_order_release);
  return record;
}

void QueryLog::finish() {
  {
    const std::lock_guard guard{lock_};
    ends_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

QueryRing& QueryLog::add_ring() {
  const std::lock_guard guard{lock_};
  rings_.push_back(std::make_unique<QueryRing>());
  if (!thread_.joinable()) thread_ = std::thread{[this] { run(); }};
  return *rings_.back();
}

void QueryLog::use(const QueryLogSettings& settings) {
  const std::lock_guard guard{lock_};
  settings_ = settings;
}

void QueryLog::run() {
  std::unique_lock guard{lock_};
  for (bool last = false; !last;) {
    wake_.wait_for(guard, between_looks, [this] { return ends_; });
    last = ends_;
    drain();
  }
}

/// Under the lock, which only starts and reloads want besides.
void QueryLog::drain() {
  for (const auto& ring : rings_) {
    for (std::size_t i = 0; i < QueryRing::slots; ++i) {  // then the others have their turn
      const auto record = ring->take();
      if (!record) break;
      const std::string line = line_of(*record, settings_);
      if (chunk_.size() + line.size() > most_at_once) write_chunk();
      chunk_ += line;
      ++lines_in_chunk_;
    }
  }
  write_chunk();
}

void QueryLog::write_chunk() {
  if (lines_in_chunk_ == 0) return;
  pollfd ready{.fd = descriptor_, .events = POLLOUT, .revents = 0};
  ssize_t written = -1;
  if (::poll(&ready, 1, 0) == 1) {
    do written = ::write(descriptor_, chunk_.data(), chunk_.size());
    while (written < 0 && errno == EINTR);
  }
  const std::string_view taken =
      std::string_view{chunk_}.substr(0, written < 0 ? 0 : static_cast<std::size_t>(written));
  // A full disk may take a part of it. The line that it broke off is lost with those behind it, and ended before the
  // next.
  const bool ends_cut_line = is_cut_ && !taken.empty();
  const auto ends = static_cast<std::uint64_t>(std::ranges::count(taken, '\n')) - (ends_cut_line ? 1 : 0);
  lost_.fetch_add(lines_in_chunk_ - ends, std::memory_order_relaxed);
  if (!taken.empty()) is_cut_ = !taken.ends_with('\n');
  chunk_.assign(is_cut_ ? "\n" : "");
  lines_in_chunk_ = 0;
}

}  // namespace redoubt::resolver
