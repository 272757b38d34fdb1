#pragma once
#include <cstdint>

namespace redoubt::resolver {

/// How a server is asked.
enum class UpstreamTransport : std::uint8_t { udp, tcp, tls, https };

}  // namespace redoubt::resolver
