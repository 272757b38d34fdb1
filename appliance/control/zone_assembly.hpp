#pragma once
// A zone from the messages of its transfer (RFC 5936). What does not look exactly as it should ends it: a zone is taken
// whole or not at all (attacks: zone import poisoning, endless transfers). Pure.
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "dns/message.hpp"

namespace redoubt::control {

/// Of one zone; the root has some 2 MiB and 25,000 records.
struct ZoneBounds {
  std::size_t octets = 16U << 20U;  ///< of the messages as they come
  std::size_t records = 200'000;
};

class ZoneAssembly {
 public:
  enum class Progress : std::uint8_t { more, whole };

  ZoneAssembly(dns::Name apex, std::uint16_t query_id, ZoneBounds bounds = {})
      : apex_{std::move(apex)}, query_id_{query_id}, bounds_{bounds} {}

  /// The next message. An error, one phrase, ends the transfer; so does whole.
  std::expected<Progress, std::string> take(std::span<const std::uint8_t> message);
  /// Of a whole zone, its SOA once.
  std::vector<dns::Record> records() && { return std::move(records_); }

 private:
  std::optional<std::string> fault_of(const dns::Message& message) const;
  std::expected<Progress, std::string> take_record(const dns::Record& record);

  dns::Name apex_;
  std::uint16_t query_id_;
  ZoneBounds bounds_;
  std::size_t octets_ = 0;
  bool whole_ = false;
  std::vector<dns::Record> records_;
};

/// The serial of the apex's SOA, from the answer to a question for it. An error is one phrase.
std::expected<std::uint32_t, std::string> serial_from(std::span<const std::uint8_t> message, const dns::Name& apex,
                                                      std::uint16_t query_id);

/// Whether `serial` is younger than `than` (RFC 1982 §3.2; half the circle apart counts as not).
constexpr bool is_younger(std::uint32_t serial, std::uint32_t than) {
  return serial != than && static_cast<std::uint32_t>(serial - than) < 0x80000000U;
}

}  // namespace redoubt::control
