#include "resolver/validate/sentinel.hpp"

#include <algorithm>
#include <string>

namespace redoubt::resolver {

namespace {

constexpr std::string_view prefix = "root-key-sentinel-";
constexpr std::string_view asks_is = "is-ta-";
constexpr std::string_view asks_not = "not-ta-";
constexpr std::size_t tag_digits = 5;  // decimal, with zeros in front

bool is_trusted(std::uint16_t tag, const ValidationSettings& settings) {
  const auto root =
      std::ranges::find_if(settings.anchors, [](const TrustAnchor& anchor) { return anchor.zone.is_root(); });
  if (root == settings.anchors.end()) return false;
  const auto is_of_tag = [&](const dnssec::Octets& rdata) {
    const auto ds = dnssec::Ds::parse(rdata);
    return ds && ds->key_tag == tag;
  };
  return std::ranges::any_of(root->vouchers.ds, is_of_tag) ||
         std::ranges::any_of(root->vouchers.dnskey,
                             [&](const dnssec::Octets& rdata) { return dnssec::key_tag(rdata) == tag; });
}

std::optional<std::uint16_t> tag_in(std::string_view digits) {
  if (digits.size() != tag_digits) return std::nullopt;
  unsigned tag = 0;
  for (const char digit : digits) {
    if (digit < '0' || digit > '9') return std::nullopt;
    tag = tag * 10 + static_cast<unsigned>(digit - '0');
  }
  if (tag > 0xffff) return std::nullopt;
  return static_cast<std::uint16_t>(tag);
}

}  // namespace

bool sentinel_withholds(const dns::Question& question, const ValidationSettings& settings) {
  if (!settings.sentinel || (question.type != dns::type::a && question.type != dns::type::aaaa)) return false;
  const auto first = question.name.first_label();
  if (first.size() < prefix.size() + asks_is.size() + tag_digits) return false;
  const dns::Name lower = question.name.lowercased();
  const auto octets = lower.first_label();
  std::string_view label{reinterpret_cast<const char*>(octets.data()), octets.size()};
  if (!label.starts_with(prefix)) return false;
  label.remove_prefix(prefix.size());
  for (const auto& [word, withheld_when] : {std::pair{asks_is, false}, std::pair{asks_not, true}}) {
    if (!label.starts_with(word)) continue;
    const auto tag = tag_in(label.substr(word.size()));
    return tag && is_trusted(*tag, settings) == withheld_when;
  }
  return false;
}

}  // namespace redoubt::resolver
