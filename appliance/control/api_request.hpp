#pragma once
// What a client of the API may ask for, out of an HTTP request. No I/O here: it reads what a stranger wrote.
#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "appliance/channel/control_resolver.hpp"
#include "appliance/channel/keykeeper_clients.hpp"
#include "dns/address.hpp"
#include "dns/name.hpp"
#include "dns/rr_types.hpp"

namespace redoubt::control {

inline constexpr std::size_t max_request_header_octets = 8 * 1024;
inline constexpr std::size_t max_request_body_octets = 64 * 1024;

struct StatusCall {};
struct ReloadCall {};
struct QueryCall {
  dns::Name name;
  dns::RrType type = dns::type::a;
  dns::RrClass rr_class = dns::rr_class::in;
  bool dnssec = false;             ///< DO
  bool checking_disabled = false;  ///< CD
  bool recursion_desired = true;
};
struct ShowCall {
  dns::Name name;
  bool below = false;
  std::uint32_t limit = channel::max_cache_entries_shown;
};
struct FlushCall {
  dns::Name name;
  bool below = false;
};
struct TraceCall {
  dns::Name name;
  dns::RrType type = dns::type::a;
  std::optional<dns::IpAddress> client;  ///< whose access is judged; nothing: nobody's
  bool fresh = false;                    ///< although the cache has it
  bool stream = false;                   ///< each step as it happens, one JSON object a line
};
struct UpstreamsCall {
  std::uint32_t limit = channel::max_upstreams_shown;
};
struct StatisticsCall {};
struct AnchorsCall {};
struct NegativeAnchorsCall {};
struct AddNegativeAnchorCall {
  dns::Name name;
  std::chrono::seconds time{};
  std::string why;
};
struct RemoveNegativeAnchorCall {
  dns::Name name;
};
/// The public halves of the keys that keykeeper has of a zone.
struct ListKeysCall {
  dns::Name zone;
};
struct MakeKeyCall {
  dns::Name zone;
  std::uint8_t algorithm = 0;  ///< of a DNSKEY
  channel::ZoneKeyRole role = channel::ZoneKeyRole::zsk;
  std::uint16_t bits = 0;  ///< of an RSA key
  std::vector<std::uint16_t> taken;
};
/// Signatures over signing inputs of RFC 4034 §3.1.8.1.
struct SignCall {
  dns::Name zone;
  std::uint8_t algorithm = 0;
  std::uint16_t tag = 0;
  std::vector<std::vector<std::uint8_t>> sets;
};
/// Takes a key away for good.
struct DeleteKeyCall {
  dns::Name zone;
  std::uint8_t algorithm = 0;
  std::uint16_t tag = 0;
};
using ApiCall = std::variant<StatusCall, ReloadCall, QueryCall, ShowCall, FlushCall, TraceCall, UpstreamsCall,
                             StatisticsCall, AnchorsCall, NegativeAnchorsCall, AddNegativeAnchorCall,
                             RemoveNegativeAnchorCall, ListKeysCall, MakeKeyCall, SignCall, DeleteKeyCall>;

/// What the HTTP listener for metrics serves.
enum class PublicPage : std::uint8_t { metrics, health, ready };

struct RequestError {
  unsigned status;   ///< of HTTP
  std::string what;  ///< one line
};

/// The API on the unix socket:
///   GET /v1/status | POST /v1/reload | POST /v1/query {"name","type","class","dnssec","checking_disabled","recursion"}
///   GET /v1/cache?name=NAME&below=true&limit=N | POST /v1/cache/flush {"name","below"} or {"all":true}
///   POST /v1/trace {"name","type","client","fresh","stream"} | GET /v1/upstreams?limit=N | GET /v1/statistics
///   GET /v1/keys?name=ZONE | POST /v1/keys {"zone","algorithm","role","bits","taken"}
///   POST /v1/keys/sign {"zone","algorithm","tag","sets"} | POST /v1/keys/delete {"zone","algorithm","tag"}
///   GET /v1/anchors | GET /v1/nta | POST /v1/nta {"name","for","why"} | POST /v1/nta/remove {"name"}
std::expected<ApiCall, RequestError> parse_api_request(std::string_view method, std::string_view target,
                                                       std::string_view body);

/// The pages on control.http: GET and HEAD of /metrics, /health and /ready, nothing else.
std::expected<PublicPage, RequestError> parse_public_request(std::string_view method, std::string_view target);

}  // namespace redoubt::control
