#include "dnssec/sign/node_signer.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "dns/rdata.hpp"
#include "dns/record_stream.hpp"
#include "dns/text.hpp"
#include "dns/text_reading.hpp"

namespace redoubt::dnssec {

namespace {

bool is_about_keys(dns::RrType type) {
  return type == dns::type::dnskey || type == dns::type::cds || type == dns::type::cdnskey;
}

bool signs(const SigningKey& key, dns::RrType type) {
  if (!key.secret && key.presigned.empty()) return false;
  return is_about_keys(type) ? key.signs_keys : key.signs_zone;
}

bool same_octets(const RdataRange& left, const RdataRange& right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end(), std::ranges::equal);
}

/// Spreads what is counted up evenly (splitmix64).
std::uint64_t mixed(std::uint64_t value) {
  value += 0x9e3779b97f4a7c15U;
  value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9U;
  value = (value ^ value >> 27) * 0x94d049bb133111ebU;
  return value ^ value >> 31;
}

}  // namespace

NodeSigner::NodeSigner(const SigningTask& task, const DenialChain& chain, std::uint64_t seed, bool dry)
    : task_{&task}, chain_{&chain}, seed_{seed}, dry_{dry} {
  for (const SigningKey& key : task.keys) {
    const bool used = !dry && key.secret && (key.signs_keys || key.signs_zone);
    signers_.push_back(used ? std::make_unique<Signer>(*key.secret) : nullptr);
  }
}

/// The same name in the earlier output. Names come in order, so mostly it is the next one.
const ZoneNode* NodeSigner::earlier_node() {
  if (task_->earlier == nullptr) return nullptr;
  const auto nodes = task_->earlier->nodes();
  constexpr std::size_t few = 8;
  for (std::size_t step = 0; step < few && earlier_at_ < nodes.size(); ++step) {
    const auto order = nodes[earlier_at_].name() <=> owner_;
    if (order == 0) return &nodes[earlier_at_++];
    if (order > 0) {
      if (earlier_at_ == 0 || nodes[earlier_at_ - 1].name() < owner_) return nullptr;
      break;
    }
    ++earlier_at_;
  }
  const auto at =
      std::ranges::lower_bound(nodes, owner_, std::less<>{}, [](const ZoneNode& node) { return node.name(); });
  earlier_at_ = static_cast<std::size_t>(at - nodes.begin());
  return earlier_at_ < nodes.size() && nodes[earlier_at_].name() == owner_ ? &nodes[earlier_at_++] : nullptr;
}

void NodeSigner::node(std::size_t index, SignedPiece& piece) {
  const ZoneNode& node = task_->zone->nodes()[index];
  owner_ = node.name();
  earlier_ = earlier_node();
  ++piece.counts.names;
  std::vector<Item> items;
  for (const ZoneSet& set : task_->zone->sets(node))
    items.push_back({set.type, set.ttl, set.rdata(), is_signed_set(node, set.type)});
  dns::RdataList nsec;
  if (task_->rules.denial == DenialKind::nsec && node.kind != NodeKind::occluded) {
    nsec.add(chain_->nsec_rdata(index));
    items.push_back({dns::type::nsec, chain_->ttl(), nsec, true});
    ++piece.counts.proofs;
  }
  emit(items, piece);
}

void NodeSigner::hashed(std::size_t k, SignedPiece& piece) {
  owner_ = chain_->nsec3_owner(k);
  earlier_ = earlier_node();
  dns::RdataList nsec3;
  nsec3.add(chain_->nsec3_rdata(k));
  ++piece.counts.proofs;
  emit({{dns::type::nsec3, chain_->ttl(), nsec3, true}}, piece);
}

void NodeSigner::emit(const std::vector<Item>& items, SignedPiece& piece) {
  if (!dry_) owner_text_ = owner_.to_text();
  signatures_.clear();
  for (const Item& item : items) emit_set(item, piece);
  if (task_->rules.zonemd && !dry_) digest(items, piece);
}

void NodeSigner::emit_set(const Item& item, SignedPiece& piece) {
  const bool is_zonemd = task_->rules.zonemd && item.type == dns::type::zonemd && owner_ == task_->zone->apex();
  if (is_zonemd) {  // it comes last, once the digest is known
    ++piece.counts.sets;
    return;
  }
  if (!dry_) {
    for (const OctetView rdata : item.rdata) write_record(piece, item.type, item.ttl, rdata);
  }
  const bool is_unchanged = unchanged(item);
  if (!is_unchanged) ++piece.counts.changed;
  if (item.is_signed) sign_set(item, is_unchanged, piece);
}

bool NodeSigner::unchanged(const Item& item) const {
  if (earlier_ == nullptr) return false;
  const ZoneSet* before = task_->earlier->find(*earlier_, item.type);
  return before != nullptr && before->ttl == item.ttl && same_octets(before->rdata(), item.rdata);
}

void NodeSigner::sign_set(const Item& item, bool is_unchanged, SignedPiece& piece) {
  ++piece.counts.sets;
  for (std::size_t k = 0; k < task_->keys.size(); ++k) {
    if (!signs(task_->keys[k], item.type)) continue;
    const SigningKey& key = task_->keys[k];
    std::optional<Octets> signature;
    bool is_kept = false;
    if (key.secret) {
      if (is_unchanged) signature = kept_signature(key, item);
      is_kept = signature.has_value();
    } else {
      signature = presigned_signature(key, item);
      is_kept = is_unchanged && signature && is_in_earlier(*signature);
    }
    ++(is_kept ? piece.counts.kept : piece.counts.made);
    if (dry_) continue;
    if (!signature && key.secret) signature = make_signature(k, item);
    if (!signature) {
      piece.failed = true;
      return;
    }
    write_record(piece, dns::type::rrsig, item.ttl, *signature);
    if (task_->rules.zonemd) signatures_.emplace_back(item.ttl, std::move(*signature));
  }
}

/// One of the earlier output over the same RRset that will be good for long enough.
std::optional<Octets> NodeSigner::kept_signature(const SigningKey& key, const Item& item) const {
  const ZoneSet* signatures = task_->earlier->find(*earlier_, dns::type::rrsig);
  if (signatures == nullptr) return std::nullopt;
  const auto now = static_cast<std::uint32_t>(task_->now);
  const auto refresh = static_cast<std::uint32_t>(task_->rules.refresh.count());
  for (const OctetView rdata : signatures->rdata()) {
    const auto rrsig = Rrsig::parse(rdata);
    if (!rrsig || rrsig->covered != item.type || rrsig->key_tag != key.tag) continue;
    const bool fits = rrsig->algorithm == static_cast<std::uint8_t>(key.algorithm) &&
                      rrsig->labels == rrsig_labels(owner_) && rrsig->original_ttl.seconds() == item.ttl &&
                      rrsig->signer == task_->zone->apex();
    const bool good = !is_before(now, rrsig->inception) && is_before(now + refresh, rrsig->expiration) &&
                      is_before(rrsig->inception, rrsig->expiration);
    if (fits && good) return Octets{rdata.begin(), rdata.end()};
  }
  return std::nullopt;
}

/// The one that holds longest of those that are valid now.
std::optional<Octets> NodeSigner::presigned_signature(const SigningKey& key, const Item& item) const {
  const auto now = static_cast<std::uint32_t>(task_->now);
  std::optional<Octets> best;
  std::uint32_t until = now;
  for (const PresignedSignature& one : key.presigned) {
    const auto rrsig = Rrsig::parse(one.rrsig);
    if (!rrsig || one.type != item.type || one.ttl != item.ttl) continue;
    if (!std::equal(item.rdata.begin(), item.rdata.end(), one.rdata.begin(), one.rdata.end(), std::ranges::equal))
      continue;
    if (is_before(now, rrsig->inception) || !is_before(until, rrsig->expiration)) continue;
    until = rrsig->expiration;
    best = one.rrsig;
  }
  return best;
}

bool NodeSigner::is_in_earlier(OctetView signature) const {
  const ZoneSet* signatures = task_->earlier->find(*earlier_, dns::type::rrsig);
  return signatures != nullptr &&
         std::ranges::any_of(signatures->rdata(), [&](OctetView one) { return std::ranges::equal(one, signature); });
}

std::uint32_t NodeSigner::expiration_for(dns::RrType type) const {
  std::uint64_t hash = seed_ + type.value;
  for (const std::uint8_t octet : owner_.wire()) hash = hash * 0x100000001b3U + octet;
  const auto spread = static_cast<std::uint64_t>(task_->rules.jitter.count()) + 1;
  return static_cast<std::uint32_t>(static_cast<std::uint64_t>(task_->now + task_->rules.lifetime.count()) -
                                    mixed(hash) % spread);
}

std::optional<Octets> NodeSigner::make_signature(std::size_t k, const Item& item) {
  const SigningKey& key = task_->keys[k];
  Octets rdata = rrsig_prefix({.covered = item.type,
                               .algorithm = static_cast<std::uint8_t>(key.algorithm),
                               .labels = rrsig_labels(owner_),
                               .original_ttl = dns::Ttl::from_wire(item.ttl),
                               .expiration = expiration_for(item.type),
                               .inception = static_cast<std::uint32_t>(task_->now - task_->rules.backdate.count()),
                               .key_tag = key.tag,
                               .signer = task_->zone->apex(),
                               .signature = {}});
  buffer_.clear();
  if (!append_signed_data(buffer_, rdata, {owner_, item.type, item.rdata}) || !signers_[k]->sign(buffer_, rdata))
    return std::nullopt;
  return rdata;
}

std::optional<std::string> NodeSigner::apex_signatures(dns::RrType type, std::uint32_t ttl,
                                                       const dns::RdataList& rdata) {
  owner_ = task_->zone->apex();
  owner_text_ = owner_.to_text();
  SignedPiece piece;
  const Item item{type, ttl, rdata, true};
  for (const OctetView one : item.rdata) write_record(piece, type, ttl, one);
  for (std::size_t k = 0; k < task_->keys.size(); ++k) {
    if (!signs(task_->keys[k], type)) continue;
    const auto signature = make_signature(k, item);
    if (!signature) return std::nullopt;
    write_record(piece, dns::type::rrsig, ttl, *signature);
  }
  return std::move(piece.text);
}

void NodeSigner::write_record(SignedPiece& piece, dns::RrType type, std::uint32_t ttl, OctetView rdata) const {
  std::string& text = piece.text;
  text += owner_text_;
  text += ' ';
  text += std::to_string(ttl);
  text += " IN ";
  text += dns::to_text(type);
  text += ' ';
  if (!dns::append_plain_rdata(text, type, rdata)) text += dns::rdata_to_text(type, dns::rr_class::in, rdata);
  text += '\n';
}

/// RFC 8976 §3.3: by type, and by RDATA in canonical form.
void NodeSigner::digest(const std::vector<Item>& items, SignedPiece& piece) {
  std::vector<dns::Record> records;
  const auto add = [&](dns::RrType type, std::uint32_t ttl, OctetView rdata) {
    records.push_back(
        {owner_.lowercased(), type, dns::rr_class::in, dns::Ttl::from_wire(ttl), {rdata.begin(), rdata.end()}});
    dns::canonicalise(type, records.back().rdata);
  };
  for (const Item& item : items) {
    if (item.type == dns::type::zonemd && owner_ == task_->zone->apex()) continue;
    for (const OctetView rdata : item.rdata) add(item.type, item.ttl, rdata);
  }
  for (const auto& [ttl, rdata] : signatures_) add(dns::type::rrsig, ttl, rdata);
  std::ranges::sort(records, [](const dns::Record& a, const dns::Record& b) {
    return a.type == b.type ? a.rdata < b.rdata : a.type < b.type;
  });
  for (const dns::Record& record : records) dns::append_record(piece.digested, record);
}

SigningCounts& SigningCounts::operator+=(const SigningCounts& other) {
  names += other.names;
  sets += other.sets;
  proofs += other.proofs;
  made += other.made;
  kept += other.kept;
  changed += other.changed;
  return *this;
}

}  // namespace redoubt::dnssec
