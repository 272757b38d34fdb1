#include "appliance/config/trust_anchors.hpp"

#include <fmt/format.h>

#include <array>
#include <optional>

#include "dns/text.hpp"
#include "dnssec/base/records.hpp"

namespace redoubt::config {

namespace {

// https://data.iana.org/root-anchors/root-anchors.xml
constexpr std::array<std::string_view, 2> root_anchors{
    ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D",
    ". IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16",
};

/// What is wrong with it; nothing: it can be used.
std::optional<std::string> fault_of(const dns::Record& record) {
  if (record.type == dns::type::ds) {
    const auto ds = dnssec::Ds::parse(record.rdata);
    if (!ds) return "malformed DS";
    if (dnssec::find_algorithm(ds->algorithm) == nullptr) return fmt::format("algorithm {} is unknown", ds->algorithm);
    const auto digest = dnssec::find_ds_digest(ds->digest_type);
    if (!digest) return fmt::format("digest type {} is unknown", ds->digest_type);
    if (ds->digest.size() != dnssec::digest_octets(*digest)) return "the digest has the wrong length";
    return std::nullopt;
  }
  if (record.type != dns::type::dnskey) return "neither DS nor DNSKEY";
  const auto key = dnssec::Dnskey::parse(record.rdata);
  if (!key) return "malformed DNSKEY";
  if (dnssec::find_algorithm(key->algorithm) == nullptr) return fmt::format("algorithm {} is unknown", key->algorithm);
  if (!key->is_zone_key() || key->is_revoked()) return "no key of a zone, or a revoked one";
  return std::nullopt;
}

}  // namespace

std::vector<dns::Record> builtin_trust_anchors() {
  std::vector<dns::Record> anchors;
  for (const std::string_view text : root_anchors) {
    if (auto record = dns::record_from_text(text)) anchors.push_back(*std::move(record));
  }
  return anchors;
}

std::expected<dns::Record, std::string> trust_anchor_from_text(std::string_view text) {
  auto record = dns::record_from_text(text);
  if (!record) return std::unexpected{record.error().what};
  if (auto fault = fault_of(*record)) return std::unexpected{*std::move(fault)};
  return *std::move(record);
}

std::expected<std::vector<dns::Record>, std::string> trust_anchors_from_zone_text(std::string_view text) {
  auto records = dns::zone_from_text(text, dns::Name{}, max_trust_anchors);
  if (!records) return std::unexpected{fmt::format("line {}: {}", records.error().line, records.error().what)};
  if (records->empty()) return std::unexpected{std::string{"no DS or DNSKEY record"}};
  for (const dns::Record& record : *records) {
    if (auto fault = fault_of(record)) return std::unexpected{fmt::format("{}: {}", record.owner.to_text(), *fault)};
  }
  return *std::move(records);
}

}  // namespace redoubt::config
