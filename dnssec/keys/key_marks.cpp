#include "dnssec/keys/key_marks.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>

namespace redoubt::dnssec {

namespace {

constexpr std::string_view in_keykeeper = "the private half is in the keykeeper of resolverd\n";
constexpr std::string_view role_word = "role: ";
constexpr std::string_view retired_mark = "; Retired: ";

/// YYYYMMDDHHmmSS, the form that BIND's key files have.
std::string stamp(std::int64_t time) {
  const auto day = std::chrono::floor<std::chrono::days>(std::chrono::sys_seconds{std::chrono::seconds{time}});
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{std::chrono::sys_seconds{std::chrono::seconds{time}} - day};
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%04d%02u%02u%02d%02d%02d", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return text.data();
}

}  // namespace

std::string retired_line(std::int64_t time) { return std::string{retired_mark} + stamp(time) + "\n"; }

bool is_marked_retired(std::string_view text) { return text.starts_with(retired_mark); }

bool says_retired(std::string_view text) {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const std::string present = stamp(now.time_since_epoch().count());
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.starts_with(retired_mark)) return true;
    for (const std::string_view word : {std::string_view{"; Inactive: "}, std::string_view{"; Delete: "}}) {
      if (line.starts_with(word) && line.size() >= word.size() + present.size() &&
          line.substr(word.size(), present.size()) <= present)
        return true;
    }
  }
  return false;
}

std::string keykeeper_text(KeyRole role) {
  return std::string{in_keykeeper} + std::string{role_word} + std::string{to_text(role)} + "\n";
}

std::optional<KeyRole> kept_role(std::string_view text) {
  if (!text.starts_with(in_keykeeper)) return std::nullopt;
  text.remove_prefix(in_keykeeper.size());
  if (!text.starts_with(role_word)) return std::nullopt;
  text.remove_prefix(role_word.size());
  return own_role_from_text(text.substr(0, text.find('\n')));
}

}  // namespace redoubt::dnssec
