#pragma once
// From the text of a configuration file to a Configuration, or to the list of everything that is wrong with it.
#include <expected>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "appliance/config/configuration.hpp"
#include "appliance/config/fault.hpp"
#include "dns/limit_row.hpp"

namespace redoubt::config {

/// What the checker needs beside the text.
struct Surroundings {
  /// The rows of all tables of limits, one table after the other.
  std::vector<dns::LimitRow> limits;
  /// Reads a file that the configuration names (at most max_file_octets); the error is the reason alone, for its path
  /// is told beside it.
  std::function<std::expected<std::string, std::string>(const std::string& path)> read_file;
};

/// configuration is there when there are no faults.
struct Checked {
  std::optional<Configuration> configuration;
  Remarks remarks;
  Places places{};
  bool sets_nothing = false;  ///< no setting at all: empty, or comments alone
};

/// An empty text is the built-in default.
Checked check(std::string_view text, const Surroundings& surroundings);

/// Gives `fresh` the running values of what is fixed at start.
/// returns  the keys whose new values therefore wait for a restart
std::vector<std::string_view> keep_what_is_fixed(const Configuration& running, Configuration& fresh);

}  // namespace redoubt::config
