#pragma once
// How an exchange with a server ends when it brings no answer.
#include <cstdint>
#include <expected>
#include <functional>
#include <system_error>
#include <vector>

namespace redoubt::transport {

/// malformed: what came answers another question, or none. too_many: a limit of ours. bad_request: the query is none,
/// or the server cannot be reached in the way that was asked for. untrusted: by its certificate it is not who it has to
/// be, and was asked nothing.
enum class UpstreamFault : std::uint8_t {
  refused,
  unreachable,
  timed_out,
  closed_early,
  malformed,
  too_many,
  bad_request,
  untrusted
};

using UpstreamResult = std::expected<std::vector<std::uint8_t>, UpstreamFault>;
using UpstreamDone = std::function<void(UpstreamResult)>;

/// What an error of connect(2) or of the connection means.
UpstreamFault fault_of(const std::error_code& error);

}  // namespace redoubt::transport
