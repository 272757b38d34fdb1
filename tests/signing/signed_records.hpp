#pragma once
// A whole zone, signed.
#include <vector>

#include "tests/signing/test_key.hpp"

namespace redoubt::signing {

enum class DenialBy : std::uint8_t { nsec, nsec3 };

struct ZoneSigning {
  std::vector<TestKey> keys{TestKey::make()};  ///< each signs everything
  std::vector<TestKey> idle_keys{};            ///< published, sign nothing
  Times times{};
  DenialBy denial = DenialBy::nsec;
  bool opt_out = false;  ///< NSEC3 alone: unsigned cuts have no record of their own
  std::uint16_t iterations = 0;
  Octets salt{};
  dns::Ttl denial_ttl = dns::Ttl::from_wire(900);
};

/// The records with DNSKEY, NSEC or NSEC3 and RRSIG records added. records has the SOA.
std::vector<dns::Record> sign_zone(const dns::Name& apex, std::vector<dns::Record> records, const ZoneSigning& signing);

}  // namespace redoubt::signing
