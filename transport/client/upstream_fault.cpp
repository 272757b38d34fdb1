#include "transport/client/upstream_fault.hpp"

#include <cerrno>

namespace redoubt::transport {

UpstreamFault fault_of(const std::error_code& error) {
  switch (error.value()) {
    case ECONNREFUSED:
      return UpstreamFault::refused;
    case ETIMEDOUT:
      return UpstreamFault::timed_out;
    case ECONNRESET:
    case EPIPE:
      return UpstreamFault::closed_early;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case EAGAIN:  // no port is left (connect(2))
    case EADDRINUSE:
      return UpstreamFault::too_many;
    default:
      return UpstreamFault::unreachable;
  }
}

}  // namespace redoubt::transport
