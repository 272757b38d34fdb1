#include "policy/special/designated.hpp"

namespace redoubt::policy {

namespace {

/// Short, for listeners come and go with a reload.
constexpr std::uint32_t ttl_seconds = 60;

const dns::Name& discovery_name() {
  static const dns::Name name = dns::Name::literal("_dns.resolver.arpa.");
  return name;
}

}  // namespace

std::optional<LocalAnswer> answer_designated(const dns::Question& question,
                                             std::span<const std::vector<std::uint8_t>> records) {
  if (records.empty() || !(question.name == discovery_name())) return std::nullopt;
  LocalAnswer answer;
  if (question.type != dns::type::svcb) {
    answer.soa = answer_locally(*find_special(question.name), question).soa;
    return answer;
  }
  answer.data = dns::RRset{question.name, dns::type::svcb, dns::rr_class::in, dns::Ttl::from_wire(ttl_seconds), {}};
  for (const auto& rdata : records) answer.data->rdata.add(rdata);
  return answer;
}

}  // namespace redoubt::policy
