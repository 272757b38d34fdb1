#pragma once
// How an exchange with a server ends when it brings no answer.
#include <cstdint>
#include <expected>
#include <functional>
#include <system_error>
#include <vector>

namespace redoubt::transport {

/// timed_out: there was no connection in time; stalled: there was one, and no answer. malformed: what came answers
/// another question, or none. too_many: a limit of ours. bad_request: the query is none, or the server cannot be
/// reached in the way that was asked for. untrusted: its certificate is of an authority that we do not know, or not fit
/// for a server; expired: that is over, or has not begun; wrong_name, wrong_key: it is not who it has to be. In these
/// four cases it was asked nothing. http_refused, http_failed, http_strange: the answer to a request of HTTP is a
/// status 4xx, a status 5xx or a reset, or anything else that is no DNS message.
enum class UpstreamFault : std::uint8_t {
  refused,
  unreachable,
  timed_out,
  closed_early,
  malformed,
  too_many,
  bad_request,
  untrusted,
  stalled,
  expired,
  wrong_name,
  wrong_key,
  http_refused,
  http_failed,
  http_strange
};

using UpstreamResult = std::expected<std::vector<std::uint8_t>, UpstreamFault>;
using UpstreamDone = std::function<void(UpstreamResult)>;

/// What an error of connect(2) or of the connection means.
UpstreamFault fault_of(const std::error_code& error);

}  // namespace redoubt::transport
