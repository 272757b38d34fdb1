// Entrance: HTTP requests to control. Properties: any octets are read within the limits; what is understood as a call
// is whole; what is not gets a status and one printable line.
#include "appliance/control/api_request.hpp"

#include <algorithm>
#include <boost/beast/http.hpp>
#include <cstdint>
#include <string_view>

#include "fuzz/require.hpp"

namespace {

using namespace redoubt;
using fuzz::require;
namespace http = boost::beast::http;

void check_refusal(const control::RequestError& error) {
  require(error.status >= 400 && error.status < 500, "the client's fault has a status of 4xx");
  require(!error.what.empty() && error.what.size() < 4096, "a refusal says something, and not too much");
  require(std::ranges::all_of(error.what, [](char c) { return c >= ' ' && c <= '~'; }),
          "a refusal is one printable line");
}

void take(std::string_view method, std::string_view target, std::string_view body) {
  const auto call = control::parse_api_request(method, target, body);
  if (!call) check_refusal(call.error());
  const auto* show = call ? std::get_if<control::ShowCall>(&*call) : nullptr;
  require(show == nullptr || (show->limit > 0 && show->limit <= channel::max_cache_entries_shown),
          "a limit within its range");
  const auto page = control::parse_public_request(method, target);
  if (!page) check_refusal(page.error());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  http::request_parser<http::string_body> parser;
  parser.header_limit(control::max_request_header_octets);
  parser.body_limit(control::max_request_body_octets);
  parser.eager(true);
  boost::system::error_code error;
  boost::asio::const_buffer left{data, size};
  while (left.size() != 0 && !parser.is_done()) {
    const std::size_t taken = parser.put(left, error);
    if (error || taken == 0) break;
    left += taken;
  }
  require(parser.get().body().size() <= control::max_request_body_octets, "a body within its limit");
  if (parser.is_done() && !error) {
    const auto method = parser.get().method_string();
    const auto target = parser.get().target();
    take({method.data(), method.size()}, {target.data(), target.size()}, parser.get().body());
  }
  // And without the wrapping: the first line is the target, the rest the body.
  const std::string_view text{reinterpret_cast<const char*>(data), size};  // NOLINT: the fuzzer's octets as text
  const std::size_t line = std::min(text.find('\n'), text.size());
  const std::string_view body = text.substr(std::min(line + 1, text.size()));
  take("GET", text.substr(0, line), body);
  take("POST", text.substr(0, line), body);
  return 0;
}
