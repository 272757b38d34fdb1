#pragma once
// Private keys that another process keeps, makes and signs with: resolverd's keykeeper.
#include <expected>
#include <memory>
#include <span>
#include <string>

#include "dns/name.hpp"
#include "dnssec/keys/private_key.hpp"

namespace redoubt::dnssec {

/// May be shared by threads. All errors are one line, and name it.
class KeyHouse {
 public:
  virtual ~KeyHouse() = default;
  /// RDATA of the DNSKEY of a new key.
  /// taken  tags that it may not have, also once revoked
  virtual std::expected<Octets, std::string> make(const dns::Name& zone, Algorithm algorithm, KeyRole role,
                                                  unsigned rsa_bits, std::span<const std::uint16_t> taken) = 0;
  /// errors: it cannot be asked
  virtual std::expected<bool, std::string> has(const dns::Name& zone, OctetView dnskey) = 0;
  /// errors: it has no such key
  virtual std::expected<std::shared_ptr<const RemoteKey>, std::string> find(const dns::Name& zone,
                                                                            OctetView dnskey) = 0;
  /// Takes the private half away for good. errors: it has no such key, or it could not be done
  virtual std::expected<void, std::string> erase(const dns::Name& zone, OctetView dnskey) = 0;
};

}  // namespace redoubt::dnssec
