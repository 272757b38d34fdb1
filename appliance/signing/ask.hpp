#pragma once
// One question to one server, for the tools: over TCP, where nobody off the path can put words into a server's mouth.
#include <chrono>
#include <expected>
#include <string>

#include "dns/address.hpp"
#include "dns/message.hpp"

namespace redoubt::signing {

struct AskOptions {
  bool recursion = false;
  bool dnssec = false;
  bool notify = false;                      ///< a NOTIFY (RFC 1996) in place of a query
  std::chrono::milliseconds timeout{5000};  ///< for all of it
};

/// errors: one line, the server in front. Whatever comes back must repeat id and question.
std::expected<dns::Message, std::string> ask(const dns::Endpoint& server, const dns::Question& question,
                                             const AskOptions& options = {});

}  // namespace redoubt::signing
