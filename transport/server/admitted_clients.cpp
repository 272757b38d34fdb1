#include "transport/server/admitted_clients.hpp"

#include <sodium.h>

#include "dns/keyed_hash.hpp"

namespace redoubt::transport {

AdmittedClients::AdmittedClients() { randombytes_buf(key_.data(), key_.size()); }

std::size_t AdmittedClients::place_of(const Origin& client) const {
  return dns::keyed_hash(client.client.address.octets(), key_) % places;
}

void AdmittedClients::admit(const Origin& client, std::uint64_t era) {
  if (client.name) return;
  if (places_.empty()) places_.resize(places);
  places_[place_of(client)] = {.address = client.client.address, .listener = client.listener, .era = era};
}

bool AdmittedClients::has(const Origin& client, std::uint64_t era) const {
  if (places_.empty() || client.name) return false;
  const Place& place = places_[place_of(client)];
  return place.era == era && place.listener == client.listener && place.address == client.client.address;
}

}  // namespace redoubt::transport
