#include "appliance/config/print.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "appliance/config/settings.hpp"

namespace redoubt::config {

namespace {

constexpr std::size_t comment_columns = 100;

/// The help and what a value looks like, in lines of comment.
void comment(std::string& out, std::string_view indent, std::string_view text) {
  while (!text.empty()) {
    std::size_t cut = text.size();
    if (indent.size() + 2 + text.size() > comment_columns) {
      cut = text.rfind(' ', comment_columns - indent.size() - 2);
      if (cut == std::string_view::npos) cut = std::min(text.find(' '), text.size());
    }
    out += fmt::format("{}# {}\n", indent, text.substr(0, cut));
    text.remove_prefix(std::min(cut + 1, text.size()));
  }
}

std::string remarks_of(const Setting& setting) {
  std::string text;
  if (setting.is_fixed_at_start()) text += " Takes effect at the next start.";
  return text;
}

std::string capitalised(std::string text) {
  if (!text.empty() && text.front() >= 'a' && text.front() <= 'z')
    text.front() = static_cast<char>(text.front() - 'a' + 'A');
  return text;
}

std::string comment_of(const Setting& setting) {
  if (setting.kind == Kind::section) return std::string{setting.help};
  return fmt::format("{} {}.{}", setting.help, capitalised(expectation(setting)), remarks_of(setting));
}

void print_entry_settings(std::string& out, std::string_view indent, const Setting& entries) {
  const auto below = settings_below(std::string{entries.key} + "[]");
  for (const Setting* setting : below) {
    const std::string must = setting->initial.empty() ? "must be given" : fmt::format("initially {}", setting->initial);
    comment(out, indent, fmt::format("  {} ({}): {}", last_part(setting->key), must, comment_of(*setting)));
  }
}

void print_limits(std::string& out, std::span<const dns::LimitRow> limits) {
  for (const dns::LimitRow& row : limits) {
    comment(out, "", fmt::format("  {}: {}  ({} to {}) {}", row.name, row.initial, row.least, row.most, row.help));
  }
}

void print_section(std::string& out, std::string_view section, std::string indent,
                   std::span<const dns::LimitRow> limits) {
  for (const Setting* setting : settings_below(section)) {
    if (section.empty()) out += '\n';
    comment(out, indent, comment_of(*setting));
    if (setting->kind == Kind::section) {
      out += fmt::format("{}{}:\n", indent, last_part(setting->key));
      print_section(out, setting->key, indent + "  ", limits);
      continue;
    }
    if (setting->kind == Kind::entries) print_entry_settings(out, indent, *setting);
    if (setting->kind == Kind::limits) print_limits(out, limits);
    out += fmt::format("{}{}: {}\n", indent, last_part(setting->key), setting->initial);
  }
}

std::string_view when(const Setting& setting) { return setting.is_fixed_at_start() ? "at start" : "on reload"; }

std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

}  // namespace

std::string default_text(std::span<const dns::LimitRow> limits) {
  std::string out =
      "# Redoubt's default configuration: every setting with its initial value. What a file leaves out\n"
      "# has the value that stands here. `resolverctl config check FILE` checks a file.\n";
  print_section(out, "", "", limits);
  return out;
}

std::string reference_text(std::span<const dns::LimitRow> limits) {
  std::string out =
      "# Settings\n\n"
      "<!-- Made by `resolverctl config reference` from the settings table; edits here are lost. -->\n\n"
      "A configuration is one YAML file. What it leaves out has the initial value below. An unknown key, a wrong type "
      "or a wrong\n"
      "unit is a fault, reported as `FILE:LINE:COLUMN: found ..., expected ...`; a file with a fault never replaces a "
      "running\n"
      "configuration. Settings that take effect *on reload* are read again on SIGHUP and `resolverctl reload`; others "
      "*at start*.\n"
      "A file that sets nothing, or no file, starts the defaults; at a reload a file that sets nothing is a fault.\n"
      "`[]` stands for each entry of a list. Anchors, aliases and tags of YAML are not taken; a file has at most 1 "
      "MiB.\n\n"
      "| setting | value | initially | takes effect | meaning |\n|---|---|---|---|---|\n";
  for (const Setting& setting : settings()) {
    if (setting.kind == Kind::section) continue;
    const std::string initial = setting.initial.empty() ? "must be given" : fmt::format("`{}`", setting.initial);
    out += fmt::format("| `{}` | {} | {} | {} | {} |\n", setting.key, cell(expectation(setting)), cell(initial),
                       when(setting), cell(setting.help));
  }
  out +=
      "\n## Limits\n\nNames for `limits`. Each bounds what somebody outside could multiply.\n\n| limit | initially | "
      "least | most | meaning |\n|---|---|---|---|---|\n";
  for (const dns::LimitRow& row : limits)
    out += fmt::format("| `{}` | {} | {} | {} | {} |\n", row.name, row.initial, row.least, row.most, cell(row.help));
  return out;
}

}  // namespace redoubt::config
