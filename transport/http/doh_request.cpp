#include "transport/http/doh_request.hpp"

#include <algorithm>
#include <utility>

#include "dns/header.hpp"

namespace redoubt::transport {

namespace {

constexpr std::size_t max_message = 65'535;
constexpr std::string_view media_type = "application/dns-message";
constexpr std::string_view plain_text = "text/plain; charset=utf-8";
constexpr std::string_view html = "text/html; charset=utf-8";

constexpr std::string_view page =
    "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>DNS over HTTPS</title>"
    "<style>body{font:16px/1.5 sans-serif;max-width:40em;margin:4em auto;padding:0 1em}code{background:#eee}</style>"
    "<h1>This is a DNS resolver</h1><p>It answers DNS over HTTPS (RFC&nbsp;8484) at <code>";
constexpr std::string_view page_end =
    "</code> of this address. Browsers and systems that speak it want the whole URL in their settings for secure DNS."
    "</p><p>There is nothing else to see here.</p></html>\n";

HttpReply refusal(unsigned status, std::string_view words, std::string_view allow = {}) {
  return {status, plain_text, std::string{words} + "\n", allow};
}

char lower(char letter) { return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter; }

/// Parameters behind a semicolon do not matter; letters of any case do not either.
bool is_dns_message(std::string_view content_type) {
  content_type = content_type.substr(0, content_type.find(';'));
  while (content_type.ends_with(' ')) content_type.remove_suffix(1);
  return std::ranges::equal(content_type, media_type, {}, lower);
}

/// The first parameter `dns`; nothing when there is none.
std::optional<std::string_view> dns_parameter(std::string_view query) {
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view one = query.substr(0, end);
    if (one.starts_with("dns=")) return one.substr(4);
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return std::nullopt;
}

int value_of(char letter) {
  if (letter >= 'A' && letter <= 'Z') return letter - 'A';
  if (letter >= 'a' && letter <= 'z') return letter - 'a' + 26;
  if (letter >= '0' && letter <= '9') return letter - '0' + 52;
  if (letter == '-') return 62;
  return letter == '_' ? 63 : -1;
}

std::variant<DnsQuery, HttpReply> checked(DnsQuery query) {
  if (query.size() < dns::header_octets) return refusal(400, "What was sent is too short for a DNS message.");
  if ((query[2] & 0x80U) != 0) return refusal(400, "What was sent is a DNS response, no query.");
  return query;
}

}  // namespace

std::optional<std::vector<std::uint8_t>> from_base64url(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);  // some clients pad, against the RFC
  if (text.size() % 4 == 1 || text.size() > (max_message + 2) / 3 * 4) return std::nullopt;
  std::vector<std::uint8_t> octets;
  octets.reserve(text.size() * 3 / 4);
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char letter : text) {
    const int value = value_of(letter);
    if (value < 0) return std::nullopt;
    bits = bits << 6U | static_cast<std::uint32_t>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    octets.push_back(static_cast<std::uint8_t>(bits >> count));
  }
  if (octets.size() > max_message) return std::nullopt;
  return octets;
}

std::variant<DnsQuery, HttpReply> to_dns(HttpRequest&& request, std::string_view path) {
  const std::string_view whole = request.path;
  const std::size_t mark = std::min(whole.find('?'), whole.size());
  const std::string_view target = whole.substr(0, mark);
  if (target == "/" && path != "/") {
    if (request.method != "GET" && request.method != "HEAD") return refusal(405, "Only GET works here.", "GET, HEAD");
    return HttpReply{200, html, std::string{page} + std::string{path} + std::string{page_end}};
  }
  if (target != path) return refusal(404, "There is nothing here.");
  if (request.method == "POST") {
    if (!is_dns_message(request.content_type))
      return refusal(415, "The content type has to be application/dns-message.");
    if (request.body.size() > max_message) return refusal(413, "No DNS message is that long.");
    return checked(std::move(request.body));
  }
  // HEAD is answered as GET is, without the body (RFC 9110 §9.3.2): who sends the answer leaves it out.
  if (request.method != "GET" && request.method != "HEAD")
    return refusal(405, "DNS is asked by GET or POST (RFC 8484).", "GET, HEAD, POST");
  const auto parameter = dns_parameter(mark < whole.size() ? whole.substr(mark + 1) : std::string_view{});
  if (!parameter) return refusal(400, "The parameter dns is missing: a DNS message in base64url (RFC 8484).");
  auto query = from_base64url(*parameter);
  if (!query) return refusal(400, "The parameter dns is no base64url.");
  return checked(*std::move(query));
}

}  // namespace redoubt::transport
