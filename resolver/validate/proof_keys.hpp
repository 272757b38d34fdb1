#pragma once
// What known proofs are found by. For proofs.cpp and synthesis.cpp.
#include <string>
#include <string_view>

#include "dns/name.hpp"
#include "dns/rr_types.hpp"
#include "dnssec/base/canonical.hpp"
#include "dnssec/base/nsec3_hash.hpp"

namespace redoubt::resolver {

inline std::string order_key(const dns::Name& name) {
  std::string key;
  dnssec::append_order_key(key, name.wire());
  return key;
}

/// A view of it.
inline std::string_view hash_key(const dnssec::Nsec3Hash& hash) {
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

inline std::string wildcard_key(const dns::Name& wildcard, dns::RrType type) {
  std::string key = order_key(wildcard);
  key += static_cast<char>(type.value >> 8);
  key += static_cast<char>(type.value & 0xff);
  return key;
}

}  // namespace redoubt::resolver
