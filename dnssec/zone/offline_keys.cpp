#include "dnssec/zone/offline_keys.hpp"

#include <algorithm>
#include <filesystem>

#include "dnssec/keys/durable_file.hpp"
#include "dnssec/zone/load.hpp"
#include "dnssec/zone/maintain.hpp"

namespace redoubt::dnssec {

namespace {

constexpr unsigned public_mode = 0644;
constexpr std::int64_t most_rolls = 200;  // of ZSKs within one request

std::string path_of(const KeyFolder& keys, const dns::Name& zone) {
  return keys.path() + "/" + zone_file_name(zone) + "presigned";
}

using KeyList = std::vector<const StoredKey*>;

/// The keys of a zone by what they are for.
class Request {
 public:
  Request(const dns::Name& zone, const Policy& policy, std::int64_t now, seconds span) : policy_{policy} {
    sets_.zone = zone.lowercased();
    sets_.from = now - policy.signing.backdate.count();
    sets_.until = now + span.count();
  }

  void sort(const std::vector<StoredKey>& stored, const std::optional<ZoneRolls>& rolls) {
    for (const StoredKey& key : stored) {
      const auto place = rolls ? rolls->place_of(key.stem) : std::nullopt;
      const bool is_leaving = place && !rolls->keys[*place].wanted;
      const bool is_published = place && (rolls->key_sets.newest().published & bit(*place)) != 0;
      if (is_published) published_.push_back(&key);
      if (key.retired || is_leaving) {
        if (is_published && key.is_entry_point()) leaving_entries_.push_back(&key);
        continue;
      }
      if (!key.is_entry_point() && !key.secret) {
        foreign_.push_back(&key);
      } else if (key.is_entry_point()) {
        (rolls && !place ? next_entries_ : entries_).push_back(&key);
      } else {
        place ? signers_.insert(signers_.begin(), &key) : signers_.insert(signers_.end(), &key);
      }
    }
  }
  std::size_t signer_count() const { return signers_.size(); }
  bool has_entries() const { return !entries_.empty() || !next_entries_.empty(); }

  PresignedSets build() {
    if (!published_.empty()) add_keys(published_);
    // From those that leave to those that the zone uses, and on to those that it may come to use.
    for (const KeyList& entries : {entries_, joined(leaving_entries_, entries_), joined(entries_, next_entries_),
                                   joined(leaving_entries_, joined(entries_, next_entries_)), next_entries_}) {
      if (entries.empty()) continue;
      add_cds(entries);
      for (std::size_t at = 0; at < signers_.size(); ++at) {
        KeyList keys = entries;
        keys.insert(keys.end(), foreign_.begin(), foreign_.end());
        keys.push_back(signers_[at]);
        add_keys(keys);
        if (at + 1 == signers_.size()) continue;
        keys.push_back(signers_[at + 1]);
        add_keys(keys);
      }
    }
    return std::move(sets_);
  }

 private:
  static KeyList joined(const KeyList& left, const KeyList& right) {
    KeyList all = left;
    all.insert(all.end(), right.begin(), right.end());
    return all;
  }
  void add_keys(const KeyList& keys) {
    std::vector<Octets> rdata;
    for (const StoredKey* key : keys) rdata.push_back(key->dnskey);
    add(dns::type::dnskey, std::move(rdata));
  }
  void add_cds(const KeyList& keys) {
    if (!policy_.signing.cds) return;
    std::vector<Octets> cds;
    std::vector<Octets> cdnskey;
    for (const StoredKey* key : keys) {
      cds.push_back(ds_rdata(sets_.zone, key->dnskey, DsDigest::sha256));
      cdnskey.push_back(key->dnskey);
    }
    add(dns::type::cds, std::move(cds));
    add(dns::type::cdnskey, std::move(cdnskey));
  }
  void add(dns::RrType type, std::vector<Octets> rdata) {
    std::ranges::sort(rdata);
    KeyRRset set{type, policy_.signing.dnskey_ttl, std::move(rdata), {}};
    if (std::ranges::find(sets_.sets, set) == sets_.sets.end()) sets_.sets.push_back(std::move(set));
  }

  const Policy& policy_;
  PresignedSets sets_;
  KeyList published_;
  KeyList entries_;
  KeyList leaving_entries_;
  KeyList next_entries_;  // KSKs that the zone does not use yet
  KeyList foreign_;
  KeyList signers_;  // ZSKs in the order in which they will sign
};

}  // namespace

std::expected<PresignedSets, std::string> request_key_sets(const KeyFolder& keys, const dns::Name& zone,
                                                           const Policy& policy, std::int64_t now, seconds span) {
  if (!policy.offline_ksk) return std::unexpected{std::string{"the policy does not keep KSKs elsewhere (offline-ksk)"}};
  const auto rolls = read_state(keys, zone);
  if (!rolls) return std::unexpected{rolls.error()};
  const std::int64_t lifetime = policy.zsk_lifetime.count();
  const std::int64_t wanted = 1 + (lifetime == 0 ? 0 : std::min(most_rolls, 1 + span.count() / lifetime));
  for (;;) {
    const auto stored = keys.keys_of(zone);
    if (!stored) return std::unexpected{stored.error()};
    Request request{zone, policy, now, span};
    request.sort(*stored, *rolls);
    if (!request.has_entries())
      return std::unexpected{keys.path() +
                             ": there is no KSK's .key file; make the KSK where it is kept (key generate), "
                             "and put its .key file here"};
    if (static_cast<std::int64_t>(request.signer_count()) >= wanted) return request.build();
    if (auto made = make_key_by(keys, policy, zone, policy.algorithm, KeyRole::zsk); !made)
      return std::unexpected{made.error()};
  }
}

std::expected<void, std::string> accept_key_sets(const KeyFolder& keys, const PresignedSets& sets) {
  auto stored = keys.list();
  if (!stored) return std::unexpected{stored.error()};
  std::erase_if(*stored, [&](const StoredKey& key) { return !(key.zone == sets.zone); });
  if (auto good = check_presigned(sets, *stored); !good) return good;
  const std::string text = to_text(sets);
  return write_durably(path_of(keys, sets.zone), octets_of(text), public_mode);
}

std::expected<std::optional<PresignedSets>, std::string> accepted_key_sets(const KeyFolder& keys,
                                                                           const dns::Name& zone) {
  const std::string path = path_of(keys, zone);
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return std::optional<PresignedSets>{};
  const auto text = read_text_file(path);
  if (!text) return std::unexpected{text.error()};
  auto sets = presigned_from_text(*text);
  if (!sets) return std::unexpected{path + ": " + sets.error()};
  return std::optional{std::move(*sets)};
}

std::vector<PresignedSignature> signatures_of(const PresignedSets& sets, const StoredKey& key) {
  std::vector<PresignedSignature> all;
  for (const KeyRRset& set : sets.sets) {
    for (const Octets& signature : set.signatures) {
      const auto rrsig = Rrsig::parse(signature);
      if (rrsig && rrsig->key_tag == key.tag && rrsig->algorithm == static_cast<std::uint8_t>(key.algorithm))
        all.push_back({set.type, set.ttl, set.rdata, signature});
    }
  }
  return all;
}

bool is_signed_ahead(const PresignedSets& sets, const StoredKey& key, dns::RrType type,
                     const std::vector<Octets>& rdata, std::int64_t now) {
  if (now < sets.from || now >= sets.until) return false;
  const auto all = signatures_of(sets, key);
  return std::ranges::any_of(all,
                             [&](const PresignedSignature& one) { return one.type == type && one.rdata == rdata; });
}

std::expected<StoredKey, std::string> make_key_by(const KeyFolder& keys, const Policy& policy, const dns::Name& zone,
                                                  Algorithm algorithm, KeyRole role) {
  if (policy.token.empty()) return keys.generate(zone, algorithm, role, policy.rsa_bits);
  auto uri = token_uri_from_text(policy.token);
  if (!uri) return std::unexpected{"token: " + uri.error()};
  return keys.generate_in_token(zone, algorithm, role, std::move(*uri), policy.rsa_bits);
}

}  // namespace redoubt::dnssec
