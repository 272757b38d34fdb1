#pragma once
// Phrases that reasons share.
#include <cstdint>
#include <string>

#include "dnssec/base/canonical.hpp"
#include "dnssec/verify/signature.hpp"

namespace redoubt::dnssec {

/// "www.example. A".
std::string set_name(const SetView& set);
/// "2026-01-31 12:00:00 UTC": the moment nearest to now that these 32 bits can mean is not known here, so the first
/// after 1970 is told.
std::string time_text(std::uint32_t seconds);
/// "signed by key 20326, from ... to ...".
std::string signature_text(const Signed& signature);
/// "key 20326 (RSASHA256, digest 2)", one after the other; what cannot be read is left out.
std::string ds_text(RdataRange ds);

}  // namespace redoubt::dnssec
