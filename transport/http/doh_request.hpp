#pragma once
// From an HTTP request to a DNS query (RFC 8484), and from a DNS answer to what HTTP says about it. Pure, and fuzzed.
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace redoubt::transport {

/// As far as it matters here; a field that came twice has its first value.
struct HttpRequest {
  std::string method;
  std::string path;  ///< with its query part
  std::string content_type;
  std::vector<std::uint8_t> body;

  /// Empty, with the memory that it has.
  void clear() {
    method.clear();
    path.clear();
    content_type.clear();
    body.clear();
  }
};

/// What is answered without asking anybody. body: text/plain, but for the page (status 200).
struct HttpReply {
  unsigned status;
  std::string_view content_type;
  std::string body;
  std::string_view allow{};  ///< of status 405: the methods that work (RFC 9110 §15.5.6)
};

using DnsQuery = std::vector<std::uint8_t>;

/// path: where DNS is served. The query is at least a header and no response; no more is known of it. The request's
/// body may be taken.
std::variant<DnsQuery, HttpReply> to_dns(HttpRequest&& request, std::string_view path);

/// RFC 4648 §5 without padding (RFC 8484 §6). Nothing when it is none, or longer than a DNS message.
std::optional<std::vector<std::uint8_t>> from_base64url(std::string_view text);

/// How long an answer may be kept by HTTP caches (RFC 8484 §5.1): the least TTL of its answer section; of a denial that
/// of the SOA or its minimum. Nothing for what should not be kept: failures, and answers that say they are out of date.
std::optional<std::uint32_t> lifetime_of(std::span<const std::uint8_t> answer);

}  // namespace redoubt::transport
