#include "resolver/network.hpp"

namespace redoubt::resolver {

std::string_view describe(NetworkFault fault) {
  switch (fault) {
    case NetworkFault::timed_out:
      return "no answer in time";
    case NetworkFault::refused:
      return "port closed";
    case NetworkFault::unreachable:
      return "unreachable";
    case NetworkFault::closed_early:
      return "connection closed early";
    case NetworkFault::malformed:
      return "malformed answer";
    case NetworkFault::spoofed:
      return "answers that do not match the query";
    case NetworkFault::no_resources:
      return "no local port or descriptor left";
    case NetworkFault::untrusted:
      return "its certificate is not to be trusted";
    case NetworkFault::stalled:
      return "connected, no answer in time";
    case NetworkFault::expired:
      return "its certificate has expired";
    case NetworkFault::wrong_name:
      return "its certificate is for another name";
    case NetworkFault::wrong_key:
      return "its key is not the pinned one";
    case NetworkFault::http_refused:
      return "HTTP status 4xx for the query";
    case NetworkFault::http_failed:
      return "HTTP status 5xx, or a reset, for the query";
    case NetworkFault::http_strange:
      return "an HTTP answer that is no DNS message";
    case NetworkFault::interrupted:
      return "our process for streams was started again";
  }
  return "network fault";
}

}  // namespace redoubt::resolver
