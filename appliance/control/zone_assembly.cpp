#include "appliance/control/zone_assembly.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "dns/rdata.hpp"

namespace redoubt::control {

namespace {

std::optional<std::string> fault_of_reply(const dns::Message& message, std::uint16_t query_id, const dns::Name& apex) {
  if (!message.header.response || message.header.id != query_id) return "it is no answer to what was asked";
  if (message.rcode() != dns::Rcode::noerror) return fmt::format("the server says {}", dns::to_text(message.rcode()));
  if (message.header.truncated) return "it is truncated";
  if (message.question && !(message.question->name == apex)) return "it answers another question";
  return std::nullopt;
}

}  // namespace

std::optional<std::string> ZoneAssembly::fault_of(const dns::Message& message) const {
  if (auto fault = fault_of_reply(message, query_id_, apex_)) return fault;
  if (message.question && message.question->type != dns::type::axfr) return "it answers another question";
  if (records_.empty() && !message.question) return "the first message repeats no question";
  if (message.answer.empty()) return "a message brings no record";
  if (!message.authority.empty()) return "a message has records where there are to be none";
  return std::nullopt;
}

std::expected<ZoneAssembly::Progress, std::string> ZoneAssembly::take(std::span<const std::uint8_t> message) {
  if (whole_) return std::unexpected{std::string{"there is more behind its end"}};
  octets_ += message.size();
  if (octets_ > bounds_.octets) return std::unexpected{fmt::format("it has more than {} octets", bounds_.octets)};
  const auto parsed = dns::Message::parse(message);
  if (!parsed) return std::unexpected{fmt::format("a message is malformed: {}", dns::describe(parsed.error().fault))};
  if (auto fault = fault_of(*parsed)) return std::unexpected{*std::move(fault)};
  for (const dns::Record& record : parsed->answer) {
    if (whole_) return std::unexpected{std::string{"there is more behind its end"}};
    const auto progress = take_record(record);
    if (!progress) return progress;
    whole_ = *progress == Progress::whole;
  }
  return whole_ ? Progress::whole : Progress::more;
}

/// SOA, all others, SOA again (RFC 5936 §2.2).
std::expected<ZoneAssembly::Progress, std::string> ZoneAssembly::take_record(const dns::Record& record) {
  const bool is_soa = record.type == dns::type::soa;
  if (record.rr_class != dns::rr_class::in || !record.owner.is_at_or_below(apex_) ||
      (is_soa && !(record.owner == apex_)))
    return std::unexpected{fmt::format("{} is not of this zone", record.owner.to_text())};
  if (records_.empty() && !is_soa) return std::unexpected{std::string{"it does not begin with an SOA"}};
  if (is_soa && !records_.empty()) {
    if (record.rdata != records_.front().rdata) return std::unexpected{std::string{"it changed under way"}};
    return Progress::whole;
  }
  if (records_.size() == bounds_.records)
    return std::unexpected{fmt::format("it has more than {} records", bounds_.records)};
  records_.push_back(record);
  return Progress::more;
}

std::expected<std::uint32_t, std::string> serial_from(std::span<const std::uint8_t> message, const dns::Name& apex,
                                                      std::uint16_t query_id) {
  const auto parsed = dns::Message::parse(message);
  if (!parsed) return std::unexpected{fmt::format("a message is malformed: {}", dns::describe(parsed.error().fault))};
  if (auto fault = fault_of_reply(*parsed, query_id, apex)) return std::unexpected{*std::move(fault)};
  const auto found = std::ranges::find_if(parsed->answer, [&](const dns::Record& record) {
    return record.type == dns::type::soa && record.owner == apex && record.rr_class == dns::rr_class::in;
  });
  if (found == parsed->answer.end()) return std::unexpected{std::string{"it has no SOA"}};
  const auto soa = dns::parse_soa(found->rdata);
  if (!soa) return std::unexpected{std::string{"its SOA is malformed"}};
  return soa->serial;
}

}  // namespace redoubt::control
