#pragma once
// A reply of resolverd's API, read and ready to be shown.
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "appliance/ctl/commands.hpp"

namespace redoubt::ctl {

/// A reply that was understood; otherwise the exit code, with the trouble told already.
struct Answer {
  std::optional<nlohmann::json> body;
  ExitCode code = ExitCode::done;
};

/// Errors of the daemon are shown with everything it says about them, one line each.
Answer understand(const Context& context, const std::expected<ApiReply, std::string>& reply);

/// "-" when there is none.
std::string text_of(const nlohmann::json& object, const char* key);
/// "3m 20s"
std::string duration_of(std::int64_t seconds);

}  // namespace redoubt::ctl
