#pragma once
// How the files of a key are called.
#include <string>

#include "dns/name.hpp"
#include "dnssec/base/algorithm.hpp"

namespace redoubt::dnssec {

/// "example.com." Octets that a file name should not have are written as %2F.
std::string zone_file_name(const dns::Name& zone);
/// "Kexample.com.+013+12345"
std::string key_file_stem(const dns::Name& zone, Algorithm algorithm, std::uint16_t tag);

}  // namespace redoubt::dnssec
