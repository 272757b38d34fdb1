#include "dnssec/sign/node_signer.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <iterator>

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

constexpr std::size_t time_octets = 14;  // YYYYMMDDHHmmSS

/// As RRSIG records write it: until 2106 such texts are in the order of the times.
std::string time_text(std::uint32_t time) {
  std::string text;
  Octets rrsig = rrsig_prefix({.covered = dns::type::soa,
                               .algorithm = 0,
                               .labels = 0,
                               .original_ttl = dns::Ttl::from_wire(0),
                               .expiration = time,
                               .inception = 0,
                               .key_tag = 0,
                               .signer = dns::Name{},
                               .signature = {}});
  rrsig.push_back(0);                                      // a signature, for there is no text without one
  dns::append_plain_rdata(text, dns::type::rrsig, rrsig);  // "SOA 0 0 0 TIME ..."
  return text.substr(std::string_view{"SOA 0 0 0 "}.size(), time_octets);
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
  if (task.earlier == nullptr) return;
  earlier_.emplace(*task.earlier);
  signer_text_ = task.zone->apex().lowercased().to_text();  // as rrsig_prefix() writes it
  now_text_ = time_text(static_cast<std::uint32_t>(task.now));
  refresh_text_ = time_text(static_cast<std::uint32_t>(task.now + task.rules.refresh.count()));
}

void NodeSigner::note() {
  for (const auto& signer : signers_) {
    if (signer) signer->note();
  }
}

bool NodeSigner::has_noted() const {
  return std::ranges::any_of(signers_, [](const auto& signer) { return signer && signer->noted() != 0; });
}

bool NodeSigner::sign_noted() {
  return std::ranges::all_of(signers_, [](const auto& signer) { return !signer || signer->sign_noted(); });
}

void NodeSigner::node(std::size_t index, SignedPiece& piece) {
  const ZoneNode& node = task_->zone->nodes()[index];
  owner_ = node.name();
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
  emit(items, false, piece);
}

void NodeSigner::hashed(std::size_t k, SignedPiece& piece) {
  owner_ = chain_->nsec3_owner(k);
  dns::RdataList nsec3;
  nsec3.add(chain_->nsec3_rdata(k));
  ++piece.counts.proofs;
  emit({{dns::type::nsec3, chain_->ttl(), nsec3, true}}, true, piece);
}

void NodeSigner::emit(const std::vector<Item>& items, bool is_hash, SignedPiece& piece) {
  owner_text_ = owner_.to_text();
  if (earlier_) lines_ = earlier_->at(owner_, owner_text_, is_hash);
  if (earlier_ && is_made_last(dns::type::zonemd)) {
    apex_lines_.assign(lines_.begin(), lines_.end());
    std::ranges::copy(task_->earlier->tail(), std::back_inserter(apex_lines_));
    lines_ = apex_lines_;
  }
  signatures_.clear();
  const std::uint64_t kept_before = piece.counts.kept;
  for (const Item& item : items) {
    emit_set(item, piece);
    if (dry_) piece.text.clear();  // it was for comparing
  }
  if (dry_) {
    const auto there = static_cast<std::uint64_t>(
        std::ranges::count(lines_, dns::type::rrsig, [](const EarlierText::Line& line) { return line.type; }));
    const std::uint64_t kept = piece.counts.kept - kept_before;
    piece.counts.gone += there > kept ? there - kept : 0;
  }
  if (task_->rules.zonemd && !dry_) digest(items, piece);
}

void NodeSigner::emit_set(const Item& item, SignedPiece& piece) {
  if (is_made_last(item.type)) {
    ++piece.counts.sets;
    if (dry_) plan_zonemd(item, piece);
    return;
  }
  const std::size_t begin = piece.text.size();
  for (const OctetView rdata : item.rdata) append_record_line(piece.text, owner_text_, item.ttl, item.type, rdata);
  const bool is_unchanged = unchanged(item.type, std::string_view{piece.text}.substr(begin));
  if (!is_unchanged) ++piece.counts.changed;
  if (item.is_signed) sign_set(item, is_unchanged, piece);
}

/// The ZONEMD comes last, once the digest is known.
bool NodeSigner::is_made_last(dns::RrType type) const {
  return task_->rules.zonemd && type == dns::type::zonemd && owner_ == task_->zone->apex();
}

/// Its signatures end like others; what they are over is as it was where nothing else changes.
void NodeSigner::plan_zonemd(const Item& item, SignedPiece& piece) const {
  for (const SigningKey& key : task_->keys) {
    if (!signs(key, item.type)) continue;
    ++(kept_signature(key, item).empty() ? piece.counts.made : piece.counts.kept);
  }
}

/// Whether the earlier output has these lines, and no others of that type.
/// text  lines with their ends
bool NodeSigner::unchanged(dns::RrType type, std::string_view text) const {
  for (const EarlierText::Line& line : lines_) {
    if (line.type != type) continue;
    if (text.size() <= line.text.size() || text[line.text.size()] != '\n' || !text.starts_with(line.text)) return false;
    text.remove_prefix(line.text.size() + 1);
  }
  return text.empty();
}

void NodeSigner::sign_set(const Item& item, bool is_unchanged, SignedPiece& piece) {
  ++piece.counts.sets;
  for (std::size_t k = 0; k < task_->keys.size(); ++k) {
    if (!signs(task_->keys[k], item.type)) continue;
    const SigningKey& key = task_->keys[k];
    if (const auto line = key.secret && is_unchanged ? kept_signature(key, item) : std::string_view{}; !line.empty()) {
      ++piece.counts.kept;
      if (!dry_) keep_signature(item, line, piece);
      continue;
    }
    std::optional<Octets> signature = key.secret ? std::nullopt : presigned_signature(key, item);
    if (signature) {
      const std::size_t begin = piece.text.size();
      append_record_line(piece.text, owner_text_, item.ttl, dns::type::rrsig, *signature);
      const bool is_kept = is_in_earlier(std::string_view{piece.text}.substr(begin, piece.text.size() - begin - 1));
      ++(is_kept ? piece.counts.kept : piece.counts.made);
    } else {
      ++piece.counts.made;
      if (dry_) continue;
      if (key.secret) signature = make_signature(k, item);
      if (!signature) {
        piece.failed = true;
        return;
      }
      append_record_line(piece.text, owner_text_, item.ttl, dns::type::rrsig, *signature);
    }
    if (task_->rules.zonemd && !dry_) signatures_.emplace_back(item.ttl, std::move(*signature));
  }
}

/// The line of one in the earlier output over the same RRset that will be good for long enough; empty: there is none.
std::string_view NodeSigner::kept_signature(const SigningKey& key, const Item& item) const {
  for (const EarlierText::Line& line : lines_) {
    if (line.type != dns::type::rrsig || line.covered != item.type) continue;
    std::string_view rest = line.text;
    const auto word = [&] {
      const auto end = std::min(rest.find(' '), rest.size());
      const std::string_view text = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      return text;
    };
    const auto number = [&] {
      std::uint32_t value = 0;
      const std::string_view text = word();
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
      return error == std::errc{} && end == text.data() + text.size() ? std::optional{value} : std::nullopt;
    };
    const bool same_owner = word() == owner_text_;
    const auto ttl = number();
    word();  // class
    word();  // type
    word();  // covered
    const bool fits = same_owner && ttl == item.ttl && number() == static_cast<std::uint8_t>(key.algorithm) &&
                      number() == rrsig_labels(owner_) && number() == item.ttl;
    const std::string_view expiration = word();
    const std::string_view inception = word();
    const bool good = expiration.size() == time_octets && inception.size() == time_octets && inception <= now_text_ &&
                      refresh_text_ < expiration;
    if (fits && good && number() == key.tag && word() == signer_text_) return line.text;
  }
  return {};
}

void NodeSigner::keep_signature(const Item& item, std::string_view line, SignedPiece& piece) {
  piece.text += line;
  piece.text += '\n';
  if (!task_->rules.zonemd) return;
  auto record = dns::read_plain_line(line, {dns::Name{}, dns::Ttl::from_wire(0), std::nullopt});
  if (record) signatures_.emplace_back(item.ttl, std::move(record->rdata));
  piece.failed = piece.failed || !record;
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

bool NodeSigner::is_in_earlier(std::string_view line) const {
  return std::ranges::any_of(lines_, [&](const EarlierText::Line& one) { return one.text == line; });
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
  for (const OctetView one : item.rdata) append_record_line(piece.text, owner_text_, ttl, type, one);
  for (std::size_t k = 0; k < task_->keys.size(); ++k) {
    if (!signs(task_->keys[k], type)) continue;
    const auto signature = make_signature(k, item);
    if (!signature) return std::nullopt;
    append_record_line(piece.text, owner_text_, ttl, dns::type::rrsig, *signature);
  }
  return std::move(piece.text);
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
    if (is_made_last(item.type)) continue;
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
  gone += other.gone;
  return *this;
}

}  // namespace redoubt::dnssec
