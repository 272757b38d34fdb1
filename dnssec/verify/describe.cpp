#include "dnssec/verify/describe.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>

namespace redoubt::dnssec {

std::string set_name(const SetView& set) { return fmt::format("{} {}", set.owner.to_text(), dns::to_text(set.type)); }

std::string signature_text(const Signed& signature) {
  return fmt::format("signed by key {}, from {} to {}", signature.key_tag, time_text(signature.inception),
                     time_text(signature.expiration));
}

std::string ds_text(RdataRange ds) {
  std::string text;
  for (const OctetView rdata : ds) {
    const auto one = Ds::parse(rdata);
    if (!one) continue;
    if (!text.empty()) text += ", ";
    text += fmt::format("key {} ({}, digest {})", one->key_tag, algorithm_to_text(one->algorithm),
                        static_cast<unsigned>(one->digest_type));
  }
  return text;
}

std::string time_text(std::uint32_t seconds) {
  return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", std::chrono::sys_seconds{std::chrono::seconds{std::int64_t{seconds}}});
}

}  // namespace redoubt::dnssec
