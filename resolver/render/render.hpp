#pragma once
// From an outcome to the octets that a client gets.
#include <cstdint>
#include <span>
#include <string_view>

#include "dns/message.hpp"
#include "resolver/outcome.hpp"

namespace redoubt::resolver {

/// What an OPT says beside.
struct Extras {
  std::string_view nsid = {};              ///< told to those who ask for it (RFC 5001); empty: to nobody
  std::optional<dns::Cookie> cookie = {};  ///< both parts (RFC 7873); nothing for those who sent none
  /// Answers to those who padded their query are padded to a multiple of so many octets (RFC 7830 §4, RFC 8467 §4.1);
  /// zero: to none, as in the clear.
  std::size_t padding_block = 0;
};

struct Rendered {
  std::size_t octets = 0;
  bool truncated = false;
};

/// The question is echoed as it was asked, case included; aliases stand first and in order; TTLs are what is left at
/// `now`. room is at least 512 octets and is the limit: what does not fit is left out RRset by RRset, with TC set (RFC
/// 2181 §9). EDNS is spoken to those who speak it, with the extended error if there is one (RFC 8914).
Rendered render(const dns::Query& query, const Outcome& outcome, Instant now, std::span<std::uint8_t> room,
                const Extras& extras = {});

/// For whom the answer would be too much to send unasked: the question alone. TC, so that he comes by TCP; to those who
/// speak cookies BADCOOKIE, so that they come again with the cookie (RFC 7873 §5.2.3). Never much longer than the
/// query.
std::size_t render_slip(const dns::Query& query, std::span<std::uint8_t> room, const Extras& extras);

/// Of answers that leave encrypted (RFC 8467 §4.1).
inline constexpr std::size_t padding_block = 468;

/// Header alone, but for BADVERS an OPT too (RFC 6891 §6.1.3). fault is not `ignore`. Never longer than the query was.
std::size_t render_fault(const dns::QueryError& error, std::span<std::uint8_t> room);

}  // namespace redoubt::resolver
