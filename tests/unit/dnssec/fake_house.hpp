#pragma once
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "dnssec/keys/key_house.hpp"
#include "tests/unit/dnssec/tags.hpp"

namespace redoubt::dnssec::sites {

/// Keys that another process has: it signs in batches, until it is told to stop.
class FakeHouse : public KeyHouse {
 public:
  struct Held : RemoteKey {
    explicit Held(PrivateKey key) : key_{std::move(key)} {}
    std::unique_ptr<RemoteSigner> signer() const override;
    std::string trouble() const override { return batches_left == 0 ? "it has ended" : ""; }
    PrivateKey key_;
    mutable std::atomic<int> batches_left = 1'000'000;
    mutable std::atomic<int> batches = 0;
    mutable bool kills = false;  ///< the process that asks for signatures
  };
  struct HeldSigner : RemoteSigner {
    explicit HeldSigner(const Held& key) : key_{&key}, signer_{key.key_} {}
    bool prefers_batches() const override { return true; }
    bool sign(OctetView data, Octets& out) override { return signer_.sign(data, out); }
    bool sign_all(std::span<const Octets> data, std::vector<Octets>& out) override {
      if (key_->kills) kill(getpid(), SIGKILL);
      if (key_->batches_left == 0) return false;
      --key_->batches_left;
      ++key_->batches;
      return RemoteSigner::sign_all(data, out);
    }
    const Held* key_;
    Signer signer_;
  };
  std::expected<Octets, std::string> make(const dns::Name&, Algorithm algorithm, KeyRole role, unsigned bits,
                                          std::span<const std::uint16_t> taken) override {
    const auto ready = std::ranges::find_if(
        ready_, [&](const Octets& rdata) { return Dnskey::parse(rdata)->flags == flags_of(role); });
    if (ready != ready_.end()) {
      const Octets dnskey = *ready;
      ready_.erase(ready);
      return dnskey;
    }
    auto key = PrivateKey::generate(algorithm, bits);
    Octets dnskey = dnskey_rdata(flags_of(role), algorithm, key->public_key());
    while (is_taken(dnskey, taken)) {
      key = PrivateKey::generate(algorithm, bits);
      dnskey = dnskey_rdata(flags_of(role), algorithm, key->public_key());
    }
    keys_.emplace_back(dnskey, std::make_shared<const Held>(std::move(*key)));
    return dnskey;
  }
  std::expected<bool, std::string> has(const dns::Name& zone, OctetView dnskey) override {
    return find(zone, dnskey).has_value();
  }
  std::expected<std::shared_ptr<const RemoteKey>, std::string> find(const dns::Name&, OctetView dnskey) override {
    for (const auto& [rdata, key] : keys_) {
      if (std::ranges::equal(rdata, dnskey)) return key;
    }
    return std::unexpected{std::string{"no such key"}};
  }
  std::expected<void, std::string> erase(const dns::Name&, OctetView dnskey) override {
    if (std::erase_if(keys_, [&](const auto& one) { return std::ranges::equal(one.first, dnskey); }) == 0)
      return std::unexpected{std::string{"no such key"}};
    if (loses_answers_) return std::unexpected{std::string{"no answer"}};
    return {};
  }
  /// Also by one of its own, which the zone may not know yet.
  bool is_taken(OctetView dnskey, std::span<const std::uint16_t> taken) const {
    return std::ranges::any_of(tests::tags_of(dnskey),
                               [&](std::uint16_t tag) { return std::ranges::find(taken, tag) != taken.end(); }) ||
           std::ranges::any_of(keys_, [&](const auto& one) { return tests::tags_meet(dnskey, one.first); });
  }
  bool loses_answers_ = false;  ///< what is erased is erased
  std::vector<std::pair<Octets, std::shared_ptr<const Held>>> keys_;
  std::vector<Octets> ready_;  ///< of these, for whoever wants a new one
};

inline std::unique_ptr<RemoteSigner> FakeHouse::Held::signer() const { return std::make_unique<HeldSigner>(*this); }

}  // namespace redoubt::dnssec::sites
