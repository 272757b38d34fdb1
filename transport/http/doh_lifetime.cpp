// How long HTTP may keep an answer.
#include <algorithm>
#include <array>

#include "dns/header.hpp"
#include "transport/http/doh_request.hpp"

namespace redoubt::transport {

namespace {

constexpr std::size_t record_head = 10;  // type, class, TTL, length (RFC 1035 §3.2.1)
constexpr std::uint32_t soa = 6;
constexpr std::uint32_t opt = 41;
constexpr std::uint32_t extended_error = 15;          // RFC 8914 §2
constexpr std::array<std::uint32_t, 2> stale{3, 19};  // Stale Answer, Stale NXDOMAIN Answer (RFC 8914 §4.4, §4.20)

/// Steps over records without looking into them.
class Records {
 public:
  explicit Records(std::span<const std::uint8_t> message) : message_{message}, at_{dns::header_octets} {}
  bool skip_name() {
    while (at_ < message_.size()) {
      const std::uint8_t length = message_[at_];
      if (length >= 0xc0) return move(2);
      if (length > 63) return false;
      if (!move(std::size_t{length} + 1)) return false;
      if (length == 0) return true;
    }
    return false;
  }
  bool move(std::size_t octets) {
    if (octets > message_.size() - at_) return false;
    at_ += octets;
    return true;
  }
  /// Octets ahead of where we are; 0 beyond the end, which move() notices.
  std::uint32_t number(std::size_t ahead, std::size_t octets) const {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < octets; ++i) {
      const std::size_t at = at_ + ahead + i;
      value = value << 8U | (at < message_.size() ? message_[at] : 0U);
    }
    return value;
  }

 private:
  std::span<const std::uint8_t> message_;
  std::size_t at_;
};

struct Record {
  std::uint32_t type;
  std::uint32_t ttl;
  std::uint32_t octets;  ///< of its data
};

/// The record that is next; `records` stands at its data then.
std::optional<Record> next_of(Records& records) {
  if (!records.skip_name()) return std::nullopt;
  const Record record{records.number(0, 2), records.number(4, 4), records.number(8, 2)};
  if (!records.move(record_head)) return std::nullopt;
  return record;
}

/// The options of an OPT record (RFC 6891 §6.1.2) name an extended error that says: out of date.
bool says_stale(const Records& records, std::uint32_t octets) {
  for (std::uint32_t at = 0; at + 4 <= octets;) {
    const std::uint32_t code = records.number(at, 2);
    const std::uint32_t length = records.number(at + 2, 2);
    if (code == extended_error && length >= 2 && std::ranges::find(stale, records.number(at + 4, 2)) != stale.end())
      return true;
    at += 4 + length;
  }
  return false;
}

}  // namespace

std::optional<std::uint32_t> lifetime_of(std::span<const std::uint8_t> answer) {
  if (answer.size() < dns::header_octets) return std::nullopt;
  const unsigned rcode = answer[3] & 0x0fU;
  if (rcode != 0 && rcode != 3) return std::nullopt;  // neither NOERROR nor NXDOMAIN
  const auto count = [&](std::size_t at) { return static_cast<unsigned>(answer[at]) << 8U | answer[at + 1]; };
  Records records{answer};
  for (unsigned i = 0; i < count(4); ++i) {
    if (!records.skip_name() || !records.move(4)) return std::nullopt;
  }
  const unsigned answers = count(6);
  const unsigned before_additional = answers + count(8);
  const unsigned all = before_additional + count(10);
  std::optional<std::uint32_t> least;
  for (unsigned i = 0; i < all; ++i) {
    const auto record = next_of(records);
    if (!record) return std::nullopt;
    if (i >= before_additional && record->type == opt && says_stale(records, record->octets)) return std::nullopt;
    std::uint32_t ttl = record->ttl;
    // A denial lasts as long as the SOA, or its last field says (RFC 2308 §5).
    const bool denies = answers == 0 && i < before_additional && record->type == soa && record->octets >= 4;
    if (denies) ttl = std::min(ttl, records.number(record->octets - 4, 4));
    if (!records.move(record->octets)) return std::nullopt;
    if (i < answers || denies) least = std::min(least.value_or(ttl), ttl);
  }
  return least;
}

}  // namespace redoubt::transport
