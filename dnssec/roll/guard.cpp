#include "dnssec/roll/guard.hpp"

#include <algorithm>
#include <bitset>

namespace redoubt::dnssec {

namespace {

using AlgorithmSet = std::bitset<256>;

AlgorithmSet algorithms_of(KeyMask keys, const KeyTraits& traits) {
  AlgorithmSet set;
  for (unsigned place = 0; place < max_keys; ++place) {
    if ((keys >> place & 1) != 0) set.set(static_cast<std::uint8_t>(traits.algorithm[place]));
  }
  return set;
}

bool covers(const AlgorithmSet& all, const AlgorithmSet& wanted) { return (wanted & ~all).none(); }

}  // namespace

bool validates(const Combination& combination, const KeyTraits& traits) {
  if (combination.ds == 0) return true;
  const KeyMask entry = combination.ds & combination.keys.published & combination.keys.signers;
  const KeyMask signing = combination.signatures & combination.keys.published;
  if (entry == 0 || signing == 0) return false;
  const AlgorithmSet named_by_ds = algorithms_of(combination.ds, traits);
  const AlgorithmSet named_by_keys = algorithms_of(combination.keys.published & ~traits.foreign, traits);
  return covers(algorithms_of(entry, traits), named_by_ds) &&
         covers(algorithms_of(combination.keys.signers & combination.keys.published, traits), named_by_keys) &&
         covers(algorithms_of(signing, traits), named_by_keys | named_by_ds);
}

bool may_publish_keys(const LiveVersions& live, const KeySet& next, const KeyTraits& traits) {
  for (const KeyMask ds : live.ds) {
    for (const KeyMask signatures : live.signatures) {
      if (validates({ds, next, signatures}, traits)) continue;
      const auto good = [&](const KeySet& keys) { return validates({ds, keys, signatures}, traits); };
      if (std::ranges::any_of(live.keys, good)) return false;
    }
  }
  return true;
}

bool may_publish_signatures(const LiveVersions& live, KeyMask next, const KeyTraits& traits) {
  for (const KeyMask ds : live.ds) {
    for (const KeySet& keys : live.keys) {
      if (validates({ds, keys, next}, traits)) continue;
      const auto good = [&](KeyMask signatures) { return validates({ds, keys, signatures}, traits); };
      if (std::ranges::any_of(live.signatures, good)) return false;
    }
  }
  return true;
}

bool may_publish_ds(const LiveVersions& live, KeyMask next, const KeyTraits& traits) {
  for (const KeySet& keys : live.keys) {
    for (const KeyMask signatures : live.signatures) {
      if (validates({next, keys, signatures}, traits)) continue;
      const auto good = [&](KeyMask ds) { return validates({ds, keys, signatures}, traits); };
      if (std::ranges::any_of(live.ds, good)) return false;
    }
  }
  return true;
}

bool fit_together(const KeySet& keys, KeyMask signatures, const KeyTraits& traits) {
  const KeyMask missing = signatures & ~keys.published;
  return (algorithms_of(missing, traits) & algorithms_of(keys.published, traits)).none();
}

}  // namespace redoubt::dnssec
