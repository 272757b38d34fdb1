#pragma once
// DNS over HTTPS (RFC 8484) as a framing: HTTP/2, and a polite word to those who speak HTTP/1.1.
#include <memory>
#include <string>

#include "transport/framing/message_framing.hpp"
#include "transport/limits.hpp"

namespace redoubt::transport {

/// Decides by the first octets which version it is. limits: outlives it.
std::unique_ptr<MessageFraming> https_framing(std::string path, const Limits& limits);

std::unique_ptr<MessageFraming> http2_framing(std::string path, const Limits& limits);
/// Tells what is here and how to ask for it, and closes: whole requests of up to http-header-octets are read.
std::unique_ptr<MessageFraming> http1_framing(std::string path, const Limits& limits);

}  // namespace redoubt::transport
