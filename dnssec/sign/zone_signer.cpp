#include "dnssec/sign/zone_signer.hpp"

#include <sodium.h>

#include <algorithm>

#include "dns/rdata.hpp"
#include "dnssec/sign/node_signer.hpp"
#include "dnssec/sign/ordered_work.hpp"
#include "dnssec/sign/prepare.hpp"

namespace redoubt::dnssec {

namespace {

constexpr std::uint32_t hashed_bit = 0x80000000;
constexpr std::size_t items_of_piece = 256;
constexpr std::size_t pieces_ahead_per_thread = 8;
constexpr std::size_t usual_text = std::size_t{192} * 1024;  // of a piece

}  // namespace

std::expected<ZoneSigner, std::string> ZoneSigner::create(const SigningTask& task) {
  if (task.zone->nodes().size() >= hashed_bit) return std::unexpected{std::string{"more names than one zone may have"}};
  ZoneSigner signer{task};
  signer.task_.threads = std::clamp(task.threads, 1U, 256U);
  auto chain = DenialChain::build(*task.zone, task.rules, signer.task_.threads);
  if (!chain) return std::unexpected{chain.error()};
  signer.chain_ = std::make_unique<DenialChain>(std::move(*chain));
  if (sodium_init() < 0) return std::unexpected{std::string{"no random numbers"}};
  randombytes_buf(&signer.seed_, sizeof signer.seed_);
  signer.arrange();
  return signer;
}

/// A digest wants canonical order over all; hashed names stand among the others then.
void ZoneSigner::arrange() {
  const auto nodes = task_.zone->nodes();
  const std::size_t hashed = chain_->hashed().size();
  items_.reserve(nodes.size() + hashed);
  std::uint32_t k = 0;
  dns::Name next = hashed == 0 ? dns::Name{} : chain_->nsec3_owner(0);
  for (std::uint32_t i = 0; i < nodes.size(); ++i) {
    if (task_.rules.zonemd) {
      for (const dns::Name name = nodes[i].name(); k < hashed && next < name; ++k) {
        items_.push_back(k | hashed_bit);
        if (k + 1 < hashed) next = chain_->nsec3_owner(k + 1);
      }
    }
    items_.push_back(i);
  }
  for (; k < hashed; ++k) items_.push_back(k | hashed_bit);
}

/// With keys that sign in batches it is gone through twice: the text is cheap, and a journey to the key is not.
SignedPiece ZoneSigner::piece(NodeSigner& worker, std::size_t number) const {
  worker.note();
  SignedPiece out = pass(worker, number);
  const bool again = worker.has_noted();
  if (!worker.sign_noted()) out.failed = true;
  return again && !out.failed ? pass(worker, number) : std::move(out);
}

SignedPiece ZoneSigner::pass(NodeSigner& worker, std::size_t number) const {
  SignedPiece out;
  out.text.reserve(usual_text);
  const std::size_t end = std::min(items_.size(), (number + 1) * items_of_piece);
  for (std::size_t at = number * items_of_piece; at < end && !out.failed; ++at) {
    if ((items_[at] & hashed_bit) != 0) {
      worker.hashed(items_[at] & ~hashed_bit, out);
    } else {
      worker.node(items_[at], out);
    }
  }
  return out;
}

std::vector<std::unique_ptr<NodeSigner>> ZoneSigner::workers(bool dry) const {
  std::vector<std::unique_ptr<NodeSigner>> made;
  for (unsigned i = 0; i < task_.threads; ++i) made.push_back(std::make_unique<NodeSigner>(task_, *chain_, seed_, dry));
  return made;
}

std::size_t ZoneSigner::piece_count() const { return (items_.size() + items_of_piece - 1) / items_of_piece; }

SigningCounts ZoneSigner::plan(bool whole) const {
  const auto those = workers(true);
  SigningCounts counts;
  in_order<SignedPiece>(
      piece_count(), task_.threads, pieces_ahead_per_thread * task_.threads,
      [&](std::size_t number, unsigned worker) { return piece(*those[worker], number); },
      [&](SignedPiece&& done) {
        counts += done.counts;
        return whole || (counts.made == 0 && counts.changed == 0 && counts.gone == 0);
      });
  return counts;
}

std::expected<SigningCounts, std::string> ZoneSigner::sign(const TakeText& take) const {
  const auto those = workers(false);
  const auto make = [&](std::size_t number, unsigned worker) { return piece(*those[worker], number); };
  SigningCounts counts;
  Digest digest{find_digest("SHA384")};
  bool digested = !task_.rules.zonemd || digest.start();
  bool failed = false;
  std::size_t done = 0;
  const auto take_piece = [&](SignedPiece&& piece) {
    counts += piece.counts;
    done = std::min(items_.size(), done + items_of_piece);
    failed = failed || piece.failed;
    if (task_.rules.zonemd) digested = digested && digest.add(piece.digested);
    return !failed && digested && take(piece.text, done, items_.size());
  };
  const bool whole =
      in_order<SignedPiece>(piece_count(), task_.threads, pieces_ahead_per_thread * task_.threads, make, take_piece);
  if (failed || !digested) return std::unexpected{std::string{"the cryptographic library failed"}};
  if (!whole) return std::unexpected{std::string{"the output could not be written"}};
  if (task_.rules.zonemd) {
    Octets octets(digest.octets());
    if (!digest.finish(octets)) return std::unexpected{std::string{"the cryptographic library failed"}};
    const auto text = zonemd_text(octets);
    if (!text) return std::unexpected{text.error()};
    ++counts.made;
    if (!take(*text, items_.size(), items_.size()))
      return std::unexpected{std::string{"the output could not be written"}};
  }
  return counts;
}

std::expected<std::string, std::string> ZoneSigner::zonemd_text(OctetView digest) const {
  const ZoneSet* placeholder = task_.zone->find(task_.zone->nodes().front(), dns::type::zonemd);
  const auto serial = serial_of(*task_.zone);
  if (placeholder == nullptr || !serial) return std::unexpected{std::string{"the zone was not prepared for a ZONEMD"}};
  dns::RdataList rdata;
  rdata.add(zonemd_rdata(*serial, digest));
  auto text = NodeSigner{task_, *chain_, seed_, false}.apex_signatures(dns::type::zonemd, placeholder->ttl, rdata);
  if (!text) return std::unexpected{std::string{"the cryptographic library failed"}};
  return std::move(*text);
}

}  // namespace redoubt::dnssec
