#include "appliance/log/log.hpp"

#include <poll.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>

#include "appliance/log/rate_limiter.hpp"

namespace redoubt::log {

namespace {

constexpr std::size_t max_line_octets = 3500;  // with its head below PIPE_BUF, so that lines of several roles never mix
constexpr std::string_view time_pattern = "%Y-%m-%dT%H:%M:%S.%eZ";

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::trace:
      return spdlog::level::trace;
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warning:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

std::unique_ptr<spdlog::formatter> formatter_of(std::string_view pattern) {
  return std::make_unique<spdlog::pattern_formatter>(std::string{pattern}, spdlog::pattern_time_type::utc, "");
}

/// Standard error. Never waits: when the reader of our lines stopped reading, lines are lost, not queries.
class StandardError final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  StandardError() : text_{formatter_of(std::string{time_pattern} + " %l %n: %v")}, time_{formatter_of(time_pattern)} {}
  void set_json(bool json) { json_ = json; }

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    if (!limiter_.allow(std::chrono::steady_clock::now())) return;
    if (const std::uint64_t held_back = limiter_.take_held_back(); held_back != 0) {
      const std::string note = fmt::format("{} log lines held back", held_back);
      put(spdlog::details::log_msg{message.time, {}, message.logger_name, spdlog::level::warn, note});
    }
    put(message);
  }

  void put(const spdlog::details::log_msg& message) {
    spdlog::memory_buf_t line;
    if (json_) {
      spdlog::memory_buf_t time;
      time_->format(message, time);
      const auto level = spdlog::level::to_string_view(message.level);
      const nlohmann::ordered_json object{
          {"time", std::string_view{time.data(), time.size()}},
          {"level", std::string_view{level.data(), level.size()}},
          {"who", std::string_view{message.logger_name.data(), message.logger_name.size()}},
          {"message", std::string_view{message.payload.data(), message.payload.size()}}};
      const std::string text = object.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
      line.append(text.data(), text.data() + text.size());
    } else {
      text_->format(message, line);
    }
    line.push_back('\n');
    if (!write_whole({line.data(), line.size()})) limiter_.count_as_held_back();
  }

  static bool write_whole(std::string_view line) {
    pollfd ready{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
    if (::poll(&ready, 1, 0) == 0) return false;  // a full pipe; errors show at write()
    while (!line.empty()) {
      const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return false;
      line.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
  }

  void flush_() override {}

  RateLimiter limiter_{max_lines_per_second};
  std::unique_ptr<spdlog::formatter> text_;
  std::unique_ptr<spdlog::formatter> time_;
  std::atomic<bool> json_{false};
};

struct Log {
  explicit Log(std::string_view who) : logger{std::string{who}, sink} {
    logger.set_level(spdlog::level::trace);  // enabled() decides
  }

  std::shared_ptr<StandardError> sink = std::make_shared<StandardError>();
  spdlog::logger logger;
  std::atomic<Level> level{Level::info};
};

// Made by start(), before there are threads, and never destroyed: threads may log until the process ends.
Log* the_log = nullptr;

Log& current() {
  if (the_log == nullptr) start("redoubt");
  return *the_log;
}

/// One line stays one line, and a terminal gets no commands, whatever a caller forgot to escape.
std::string harmless(std::string_view line) {
  std::string result;
  result.reserve(line.size());
  for (const char c : line) {
    if (result.size() >= max_line_octets) return result + " [cut]";
    const auto octet = static_cast<unsigned char>(c);
    if (octet < 0x20 || octet == 0x7f) {
      result += fmt::format("\\x{:02x}", octet);
    } else {
      result += c;
    }
  }
  return result;
}

}  // namespace

void start(std::string_view who) {
  // A reader of our lines that went away must not end us.
  std::signal(SIGPIPE, SIG_IGN);
  delete the_log;
  the_log = new Log{who};
}

void set(Level level, bool json) {
  current().level = level;
  current().sink->set_json(json);
}

bool enabled(Level level) { return level >= current().level.load(std::memory_order_relaxed); }

std::optional<Level> level_from_text(std::string_view text) {
  if (text == "trace") return Level::trace;
  if (text == "debug") return Level::debug;
  if (text == "info") return Level::info;
  if (text == "warning") return Level::warning;
  if (text == "error") return Level::error;
  return std::nullopt;
}

std::string printable(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (octet >= 0x20 && octet < 0x7f) {
      result += c;
    } else {
      result += fmt::format("\\x{:02x}", octet);
    }
  }
  return result;
}

void write(Level level, std::string_view line) {
  Log& log = current();
  log.logger.log(to_spdlog(level), spdlog::string_view_t{harmless(line)});
}

}  // namespace redoubt::log
