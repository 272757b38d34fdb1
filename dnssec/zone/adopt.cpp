#include "dnssec/zone/adopt.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

#include "dnssec/base/records.hpp"
#include "dnssec/keys/key_names.hpp"
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
  /// RDATA of its DNSKEY records that are none of these.
  std::vector<OctetView> published_beside(std::span<const StoredKey> keys) const {
    std::vector<OctetView> others;
    if (published_ == nullptr) return others;
    for (const OctetView one : published_->rdata()) {
      if (std::ranges::none_of(keys, [&](const StoredKey& key) { return std::ranges::equal(one, key.dnskey); }))
        others.push_back(one);
    }
    return others;
  }
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

/// The output, or else the source.
std::expected<Signed, std::string> load_signed(const AdoptFrom& from) {
  std::error_code error;
  const bool has_output = std::filesystem::exists(from.output, error);
  if (error) return std::unexpected{from.output + ": " + error.message()};
  if (has_output && !std::filesystem::is_regular_file(from.output, error))  // a pipe would make us wait
    return std::unexpected{from.output + ": is no file that could be replaced"};
  if (!has_output && !from.input_is_signed) return Signed{std::nullopt};
  auto file = load_zone(has_output ? from.output : from.input, {.origin = from.apex});
  if (file) return Signed{std::move(*file)};
  // Another signer's may be of a form that is not read here (raw, as BIND's named writes it).
  if (has_output && !from.despite_missing_keys && std::filesystem::file_size(from.output, error) != 0)
    return std::unexpected{from.output + ": it cannot be read, so nobody can say which keys the zone is signed with (" +
                           file.error() +
                           "); nothing was changed. Say -o FILE for another output, or put it away, or "
                           "--despite-missing-keys if no resolver holds anything that was signed before"};
  return Signed{std::nullopt};
}

/// The files of that key beside the zone, without their ending; empty where there are none.
std::string beside_zone(const AdoptFrom& from, const std::string& stem) {
  std::error_code error;
  for (const std::string& zone_file : {from.input, from.output}) {
    const auto folder = std::filesystem::path{zone_file}.parent_path();
    if (std::filesystem::equivalent(folder.empty() ? "." : folder, from.folder.path(), error)) continue;
    if (std::filesystem::exists(folder / (stem + ".private"), error)) return (folder / stem).string();
  }
  return "";
}

std::expected<void, std::string> refuse_missing(const AdoptFrom& from, const Signed& before,
                                                std::span<const StoredKey> keys) {
  const auto missing = before.published_beside(keys);
  if (missing.empty() || from.despite_missing_keys) return {};
  std::string names;
  std::string imports;
  for (const OctetView rdata : missing) {
    const auto key = Dnskey::parse(rdata);
    if (!key) continue;
    const bool is_entry = (key->flags & Dnskey::entry_point_bit) != 0;
    names += (names.empty() ? "" : ", ") + std::to_string(key_tag(rdata)) + (is_entry ? " (KSK or CSK)" : " (ZSK)");
    const std::string found =
        beside_zone(from, key_file_stem(from.apex, static_cast<Algorithm>(key->algorithm), key_tag(rdata)));
    if (!found.empty()) imports += "  resolverctl key import " + found + ".private --keys " + from.folder.path() + "\n";
  }
  return std::unexpected{
      from.apex.to_text() + " is signed with keys that are not in " + from.folder.path() + ": " + names +
      "\nSigned without them it would be bogus for all who hold its DS, its old keys or its old signatures; nothing "
      "was "
      "changed.\n" +
      (imports.empty() ? "Say where they are (--keys FOLDER), or take them in (resolverctl key import FILE.private)\n"
                       : "Their files lie beside the zone; take them in:\n" + imports) +
      "(another signer's that stays: its .key file into the folder). --despite-missing-keys signs all the same"};
}

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

std::expected<void, std::string> refuse_missing_keys(const AdoptFrom& from, std::span<const StoredKey> keys) {
  const auto before = load_signed(from);
  if (!before) return std::unexpected{before.error()};
  return refuse_missing(from, *before, keys);
}

std::expected<bool, std::string> adopt_signed_zone(const AdoptFrom& from, ZoneRolls& zone,
                                                   std::vector<StoredKey>& keys) {
  const auto loaded = load_signed(from);
  if (!loaded) return std::unexpected{loaded.error()};
  const Signed& before = *loaded;
  if (auto all_here = refuse_missing(from, before, keys); !all_here) return std::unexpected{all_here.error()};
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
