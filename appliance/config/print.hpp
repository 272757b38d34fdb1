#pragma once
// The settings table as text: the default configuration, and the manual.
#include <span>
#include <string>

#include "dns/limit_row.hpp"

namespace redoubt::config {

/// A configuration file with every setting at its initial value and its comment.
std::string default_text(std::span<const dns::LimitRow> limits);
/// docs/reference/configuration.md
std::string reference_text(std::span<const dns::LimitRow> limits);

}  // namespace redoubt::config
