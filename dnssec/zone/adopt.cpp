#include "dnssec/zone/adopt.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

#include "dnssec/zone/load.hpp"

namespace redoubt::dnssec {

namespace {

/// What the file publishes at its apex, and what has signed there.
class Signed {
 public:
  explicit Signed(std::optional<Zone> zone) : zone_{std::move(zone)} {
    if (!zone_) return;
    const ZoneNode& apex = zone_->nodes().front();
    published_ = zone_->find(apex, dns::type::dnskey);
    signatures_ = zone_->find(apex, dns::type::rrsig);
  }
  bool has_keys() const { return published_ != nullptr; }
  bool has_published(const StoredKey& key) const {
    return published_ != nullptr &&
           std::ranges::any_of(published_->rdata(), [&](OctetView one) { return std::ranges::equal(one, key.dnskey); });
  }
  bool has_signed(const StoredKey& key, dns::RrType type) const {
    return signatures_ != nullptr && std::ranges::any_of(signatures_->rdata(), [&](OctetView rdata) {
             const auto rrsig = Rrsig::parse(rdata);
             return rrsig && rrsig->covered == type && rrsig->key_tag == key.tag &&
                    rrsig->algorithm == static_cast<std::uint8_t>(key.algorithm);
           });
  }

 private:
  std::optional<Zone> zone_;
  const ZoneSet* published_ = nullptr;
  const ZoneSet* signatures_ = nullptr;
};

KeyRole role_of(const AdoptFrom& from, const StoredKey& key, const Signed& before) {
  if (is_kept_elsewhere(from.policy, key)) return KeyRole::ksk;
  if (!key.secret) return KeyRole::foreign;
  if (key.kept_as) return *key.kept_as;  // more than that it does not sign
  if (!key.is_entry_point()) return KeyRole::zsk;
  return from.policy.layout == KeyLayout::csk || before.has_signed(key, dns::type::soa) ? KeyRole::csk : KeyRole::ksk;
}

}  // namespace

bool is_kept_elsewhere(const Policy& policy, const StoredKey& key) {
  return policy.offline_ksk && key.is_entry_point() && !key.secret;
}

void take_in(ZoneRolls& zone, const StoredKey& stored, KeyRole role) {
  RollingKey key;
  key.stem = stored.stem;
  key.tag = stored.tag;
  key.algorithm = stored.algorithm;
  key.role = role;
  static_cast<void>(add_key(zone, std::move(key)));
}

std::expected<bool, std::string> adopt_signed_zone(const AdoptFrom& from, ZoneRolls& zone,
                                                   std::vector<StoredKey>& keys) {
  std::error_code error;
  const bool has_output = std::filesystem::exists(from.output, error);
  if (error) return std::unexpected{from.output + ": " + error.message()};
  if (has_output && !std::filesystem::is_regular_file(from.output, error))  // a pipe would make us wait
    return std::unexpected{from.output + ": is no file that could be replaced"};
  std::optional<Zone> loaded;
  if (has_output || from.input_is_signed) {
    auto file = load_zone(has_output ? from.output : from.input, {.origin = from.apex});
    if (file) loaded.emplace(std::move(*file));
  }
  const Signed before{std::move(loaded)};
  KeySet published;
  KeyMask signing = 0;
  bool has_zsk = false;
  for (StoredKey& key : keys) {
    const bool is_published = before.has_published(key);
    if (key.retired && !is_published) continue;
    // Of the ZSKs that were made for rolls to come, only the first is used.
    const bool is_zsk_ahead = from.policy.offline_ksk && !key.is_entry_point() && key.secret && !is_published;
    if (is_zsk_ahead && (before.has_keys() || has_zsk)) continue;
    has_zsk = has_zsk || is_zsk_ahead;
    if (key.retired) {  // rolled away in part: it goes on its way out
      if (auto opened = from.folder.unlock(key); !opened) return std::unexpected{opened.error()};
    }
    if (zone.keys.size() == max_keys) return std::unexpected{from.folder.path() + ": more keys than one zone may have"};
    const KeyMask me = bit(static_cast<unsigned>(zone.keys.size()));
    take_in(zone, key, role_of(from, key, before));
    zone.keys.back().wanted = !key.retired;
    if (!before.has_keys()) continue;
    if (is_published) published.published |= me;
    if (before.has_signed(key, dns::type::dnskey)) published.signers |= me;
    if (before.has_signed(key, dns::type::soa)) signing |= me;
  }
  if (published.published == 0) return false;
  adopt(zone, published, signing);
  return true;
}

}  // namespace redoubt::dnssec
