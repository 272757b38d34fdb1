#include "resolver/role/kept_settings.hpp"

#include <sodium.h>

namespace redoubt::resolver {

namespace {

/// Each field with its length or count in front, so that no two lists of fields look the same.
class Digest {
 public:
  Digest() { crypto_generichash_init(&state_, nullptr, 0, std::tuple_size_v<SettingsDigest>); }
  void number(std::uint64_t value) {
    std::array<std::uint8_t, 8> octets{};
    for (std::size_t i = 0; i < octets.size(); ++i) octets[i] = static_cast<std::uint8_t>(value >> (8 * i));
    crypto_generichash_update(&state_, octets.data(), octets.size());
  }
  void octets(std::span<const std::uint8_t> octets) {
    number(octets.size());
    crypto_generichash_update(&state_, octets.data(), octets.size());
  }
  void name(const dns::Name& name) { octets(name.wire()); }
  void address(const dns::IpAddress& address) { octets(address.octets()); }
  SettingsDigest finish() {
    SettingsDigest digest;
    crypto_generichash_final(&state_, digest.data(), digest.size());
    return digest;
  }

 private:
  crypto_generichash_state state_;
};

void add(Digest& digest, const ValidationSettings& validation) {
  for (const bool flag : {validation.enabled, validation.sha1, validation.aggressive, validation.time.has_value()})
    digest.number(flag ? 1 : 0);
  digest.number(validation.time.value_or(0));
  digest.number(validation.anchors.size());
  for (const TrustAnchor& anchor : validation.anchors) {
    digest.name(anchor.zone);
    for (const auto* rdatas : {&anchor.vouchers.ds, &anchor.vouchers.dnskey}) {
      digest.number(rdatas->size());
      for (const auto& rdata : *rdatas) digest.octets(rdata);
    }
  }
  digest.number(validation.negative_anchors.size());
  for (const NegativeAnchor& anchor : validation.negative_anchors) {
    digest.name(anchor.zone);
    digest.number(anchor.until);
  }
}

void add(Digest& digest, const Routes& routes) {
  digest.number(routes.all().size());
  for (const Route& route : routes.all()) {
    digest.name(route.zone);
    digest.number(static_cast<std::uint64_t>(route.kind));
    digest.number(static_cast<std::uint64_t>(route.transport));
    digest.number(route.first ? 1 : 0);
    digest.number(route.to.size());
    for (const dns::Endpoint& server : route.to) {
      digest.address(server.address);
      digest.number(server.port);
    }
  }
}

}  // namespace

SettingsDigest digest_of(const Settings& settings) {
  Digest digest;
  add(digest, settings.validation);
  add(digest, settings.routes);
  digest.number(settings.root_servers.size());
  for (const RootServer& server : settings.root_servers) {
    digest.name(server.name);
    digest.number(server.addresses.size());
    for (const dns::IpAddress& address : server.addresses) digest.address(address);
  }
  digest.number(settings.authority_port);
  digest.number(settings.do_not_query.size());
  for (const dns::Prefix& prefix : settings.do_not_query) {
    digest.address(prefix.address());
    digest.number(prefix.length());
  }
  digest.number(settings.not_special.size());
  for (const dns::Name& name : settings.not_special) digest.name(name);
  for (const dns::Ttl ttl : {settings.min_ttl, settings.max_ttl, settings.negative_max_ttl})
    digest.number(ttl.seconds());
  settings.zone_ttls.each([&](const dns::Name& zone, const TtlBounds& bounds) {
    digest.name(zone);
    digest.number(bounds.least.seconds());
    digest.number(bounds.most.seconds());
  });
  digest.number(static_cast<std::uint64_t>(settings.nxdomain_cut));
  return digest.finish();
}

}  // namespace redoubt::resolver
