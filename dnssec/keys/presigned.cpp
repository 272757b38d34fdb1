#include "dnssec/keys/presigned.hpp"

#include <algorithm>
#include <charconv>

#include "dns/text.hpp"
#include "dnssec/base/canonical.hpp"

namespace redoubt::dnssec {

namespace {

constexpr std::string_view first_line = "redoubt-key-sets 1";

bool is_about_keys(dns::RrType type) {
  return type == dns::type::dnskey || type == dns::type::cds || type == dns::type::cdnskey;
}

dns::RdataList list_of(const std::vector<Octets>& rdata) {
  dns::RdataList list;
  for (const Octets& one : rdata) list.add(one);
  return list;
}

std::optional<std::int64_t> time_of(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  constexpr std::int64_t most = 0xffffffff;  // what an RRSIG can say
  if (error != std::errc{} || end != text.data() + text.size() || value < 0 || value > most) return std::nullopt;
  return value;
}

/// Line after line; what is wrong with one is told once.
class Reader {
 public:
  std::string_view take(std::string_view line) {
    if (line == "set") {
      if (sets_.sets.size() == max_presigned_sets) return "more sets than one file may have";
      sets_.sets.emplace_back();
      return {};
    }
    const auto blank = std::min(line.find(' '), line.size());
    const std::string_view fact = line.substr(0, blank);
    const std::string_view rest = line.substr(std::min(blank + 1, line.size()));
    if (fact == "zone") return take_zone(rest);
    if (fact == "from") return take_time(rest, from_known_, sets_.from);
    if (fact == "until") return take_time(rest, until_known_, sets_.until);
    return take_record(line);
  }

  std::string_view fault() const {
    if (!zone_known_ || !from_known_ || !until_known_) return "zone, from and until must all be there";
    if (sets_.from >= sets_.until) return "it ends before it begins";
    for (const KeyRRset& set : sets_.sets) {
      if (set.rdata.empty()) return "a set without records";
    }
    return {};
  }
  PresignedSets result() { return std::move(sets_); }

 private:
  std::string_view take_zone(std::string_view text) {
    const auto name = dns::Name::from_text(text);
    if (!name || zone_known_ || !sets_.sets.empty()) return "expected the zone's name, once, before all sets";
    zone_known_ = true;
    sets_.zone = name->lowercased();
    return {};
  }
  static std::string_view take_time(std::string_view text, bool& known, std::int64_t& time) {
    const auto value = time_of(text);
    if (!value || known) return "expected seconds since 1970, once";
    known = true;
    time = *value;
    return {};
  }

  std::string_view take_record(std::string_view line) {
    if (sets_.sets.empty()) return "a record before the first set";
    const auto record = dns::record_from_text(line);
    if (!record) return "it cannot be read as a record";
    if (!(record->owner == sets_.zone) || record->rr_class != dns::rr_class::in) return "a record of another name";
    KeyRRset& set = sets_.sets.back();
    if (set.rdata.size() + set.signatures.size() == max_records_of_presigned) return "more records than a set may have";
    if (record->type == dns::type::rrsig) {
      const auto rrsig = Rrsig::parse(record->rdata);
      if (!rrsig || set.rdata.empty() || rrsig->covered != set.type) return "a signature over something else";
      set.signatures.push_back(record->rdata);
      return {};
    }
    if (!is_about_keys(record->type)) return "a record that does not speak of keys";
    const bool fits = set.rdata.empty() || (set.type == record->type && set.ttl == record->ttl.seconds());
    if (!fits || !set.signatures.empty()) return "a set has records of one type and TTL, then its signatures";
    set.type = record->type;
    set.ttl = record->ttl.seconds();
    const auto at = std::ranges::lower_bound(set.rdata, record->rdata);
    if (at != set.rdata.end() && *at == record->rdata) return "a record that is there twice";
    set.rdata.insert(at, record->rdata);
    return {};
  }

  PresignedSets sets_;
  bool zone_known_ = false;
  bool from_known_ = false;
  bool until_known_ = false;
};

bool may_sign(const KeyRRset& set, const StoredKey& key) {
  if (!key.is_entry_point()) return false;
  return set.type != dns::type::dnskey || std::ranges::find(set.rdata, key.dnskey) != set.rdata.end();
}

}  // namespace

std::string to_text(const PresignedSets& sets) {
  std::string text{first_line};
  text += "\nzone " + sets.zone.to_text() + "\nfrom " + std::to_string(sets.from) + "\nuntil " +
          std::to_string(sets.until) + "\n";
  for (const KeyRRset& set : sets.sets) {
    text += "set\n";
    const auto line = [&](dns::RrType type, const Octets& rdata) {
      text += dns::record_to_text({sets.zone, type, dns::rr_class::in, dns::Ttl::from_wire(set.ttl), rdata}) + "\n";
    };
    for (const Octets& rdata : set.rdata) line(set.type, rdata);
    for (const Octets& rdata : set.signatures) line(dns::type::rrsig, rdata);
  }
  return text + "end\n";
}

std::expected<PresignedSets, std::string> presigned_from_text(std::string_view text) {
  const auto fault = [](std::size_t number, std::string_view what) {
    return std::unexpected{"line " + std::to_string(number) + ": " + std::string{what}};
  };
  if (text.size() > max_presigned_text) return fault(1, "more than such a file can be");
  Reader reader;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) return fault(number, "the line does not end");
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    if (number == 1) {
      if (line != first_line) return fault(1, "expected \"" + std::string{first_line} + "\"");
    } else if (line == "end") {
      if (!text.empty()) return fault(number + 1, "there is more behind the end");
      if (const auto what = reader.fault(); !what.empty()) return fault(number, what);
      return reader.result();
    } else if (const auto what = reader.take(line); !what.empty()) {
      return fault(number, what);
    }
  }
  return fault(1, "it is cut off: there is no end");
}

std::expected<PresignedSets, std::string> presign(const PresignedSets& request, std::span<const StoredKey> keys) {
  PresignedSets done = request;
  for (KeyRRset& set : done.sets) {
    set.signatures.clear();
    for (const StoredKey& key : keys) {
      if (!key.secret || !may_sign(set, key)) continue;
      Octets rdata = rrsig_prefix({.covered = set.type,
                                   .algorithm = static_cast<std::uint8_t>(key.algorithm),
                                   .labels = rrsig_labels(request.zone),
                                   .original_ttl = dns::Ttl::from_wire(set.ttl),
                                   .expiration = static_cast<std::uint32_t>(request.until),
                                   .inception = static_cast<std::uint32_t>(request.from),
                                   .key_tag = key.tag,
                                   .signer = request.zone,
                                   .signature = {}});
      Octets data;
      const dns::RdataList list = list_of(set.rdata);
      if (!append_signed_data(data, rdata, {request.zone, set.type, list}) || !Signer{*key.secret}.sign(data, rdata))
        return std::unexpected{
            key.stem + ": " +
            (key.secret->trouble().empty() ? "the cryptographic library failed" : key.secret->trouble())};
      set.signatures.push_back(std::move(rdata));
    }
    if (set.signatures.empty())
      return std::unexpected{"none of the keys here is a KSK that is in the set " + dns::to_text(set.type)};
  }
  return done;
}

std::expected<void, std::string> check_presigned(const PresignedSets& sets, std::span<const StoredKey> keys) {
  for (const KeyRRset& set : sets.sets) {
    const auto fault = [&](const std::string& what) {
      return std::unexpected{"a " + dns::to_text(set.type) + " set: " + what};
    };
    if (set.rdata.empty()) return fault("it has no records");
    if (set.signatures.empty()) return fault("it is not signed");
    const dns::RdataList list = list_of(set.rdata);
    for (const Octets& signature : set.signatures) {
      const auto rrsig = Rrsig::parse(signature);
      if (!rrsig || rrsig->covered != set.type || !(rrsig->signer == sets.zone) ||
          rrsig->labels != rrsig_labels(sets.zone) || rrsig->original_ttl.seconds() != set.ttl)
        return fault("a signature that is not over it");
      if (rrsig->inception != static_cast<std::uint32_t>(sets.from) ||
          rrsig->expiration != static_cast<std::uint32_t>(sets.until))
        return fault("a signature for another time than the file's");
      const auto key = std::ranges::find_if(keys, [&](const StoredKey& one) {
        return one.tag == rrsig->key_tag && static_cast<std::uint8_t>(one.algorithm) == rrsig->algorithm &&
               may_sign(set, one);
      });
      if (key == keys.end()) return fault("a signature by no KSK of the folder");
      const auto fields = Dnskey::parse(key->dnskey);
      const auto verifier = PublicKey::from_dnskey(rrsig->algorithm, fields->public_key);
      Octets data;
      if (!verifier || !append_signed_data(data, rrsig_prefix(*rrsig), {sets.zone, set.type, list}) ||
          !verifier->verifies(data, rrsig->signature))
        return fault("the signature by " + key->stem + " does not verify");
    }
  }
  return {};
}

}  // namespace redoubt::dnssec
