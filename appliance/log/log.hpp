#pragma once
// Log lines of all roles on one stream, standard error: one write a line. Text from outside goes through printable();
// names through Name::to_text(), which escapes. At most max_lines_per_second leave a process; what was held back is
// counted and said.
#include <fmt/format.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace redoubt::log {

enum class Level : std::uint8_t { trace, debug, info, warning, error };
inline constexpr unsigned max_lines_per_second = 100;

/// Once, at the start of a process, before it has threads: who stands in each line, e.g. "resolver". Ignores SIGPIPE,
/// so that a reader of our lines may go away. Starts with level info, as text.
void start(std::string_view who);
/// Changes take effect with the next line. json: one object a line with time, level, who, message.
void set(Level level, bool json);
bool enabled(Level level);
std::optional<Level> level_from_text(std::string_view text);
/// Control octets and everything outside printable ASCII as \xNN.
std::string printable(std::string_view text);
/// Control octets are escaped and what is over 3500 octets is cut, so that it is one line. Never waits: when the reader
/// of standard error does not keep up, the line is held back and counted.
void write(Level level, std::string_view line);

template <class... Args>
void at(Level level, fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(level)) write(level, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
  at(Level::debug, format, std::forward<Args>(args)...);
}
template <class... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
  at(Level::info, format, std::forward<Args>(args)...);
}
template <class... Args>
void warning(fmt::format_string<Args...> format, Args&&... args) {
  at(Level::warning, format, std::forward<Args>(args)...);
}
template <class... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
  at(Level::error, format, std::forward<Args>(args)...);
}

}  // namespace redoubt::log
