#pragma once
// Clients of whom the resolver has said that they may ask: their next connection need not wait for it to say so again.
#include <cstdint>
#include <vector>

#include "dns/address.hpp"
#include "dns/name.hpp"
#include "transport/server/query_taker.hpp"

namespace redoubt::transport {

class AdmittedClients {
 public:
  /// Whoever comes when all places are taken takes one that another has.
  static constexpr std::size_t places = 4096;

  AdmittedClients();
  /// era: of what was said; what was said in another one does not count. Who has shown a certificate is let in by his
  /// name, which the address does not say: he is not remembered.
  void admit(const Origin& client, std::uint64_t era);
  bool has(const Origin& client, std::uint64_t era) const;

 private:
  struct Place {
    dns::IpAddress address;
    ListenerId listener = 0;
    std::uint64_t era = 0;  ///< 0: nobody
  };
  std::size_t place_of(const Origin& client) const;

  dns::HashKey key_{};
  std::vector<Place> places_;  ///< none before the first is admitted
};

}  // namespace redoubt::transport
