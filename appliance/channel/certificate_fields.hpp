#pragma once
// Certificates as channel messages carry them. For the .cpp files of this folder only.
#include "appliance/channel/keykeeper_clients.hpp"
#include "appliance/channel/variant_codec.hpp"

namespace redoubt::channel {

inline void write_chain(Encoder& to, const CertificateChain& chain) {
  to.below(static_cast<std::uint32_t>(chain.size()), max_chain + 1);
  for (const auto& certificate : chain) to.bytes(certificate);
}
inline CertificateChain read_chain(Decoder& from) {
  CertificateChain chain;
  const std::uint32_t count = from.below(max_chain + 1);
  for (std::uint32_t i = 0; i < count && from.ok(); ++i) chain.push_back(copy(from.bytes(max_certificate_octets)));
  return chain;
}

}  // namespace redoubt::channel
