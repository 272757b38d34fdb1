#pragma once
// What DNSSEC says of data, and why (RFC 4035 §4.3, RFC 8914).
#include <cstdint>
#include <string>

#include "dns/edns.hpp"

namespace redoubt::dnssec {

/// indeterminate: nobody has looked yet. Forgetting to look fails closed, for only `secure` earns AD and only `secure`
/// and `insecure` are given to who wants checked data.
enum class Security : std::uint8_t { indeterminate, bogus, insecure, secure };

/// Names the zone, the key tag where there is one, and the cause.
struct Reason {
  dns::EdeCode code = dns::EdeCode::dnssec_bogus;
  std::string text;
};

}  // namespace redoubt::dnssec
