#pragma once
// Answers that the resolver left to us: what clients of streams ask for again and again is answered here, without a
// word to another process. Who may be given them is decided there: an answer to a client says that he may, and what has
// been said holds until forget().
#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>

#include "dns/packet/packet_cache.hpp"
#include "transport/net/loop.hpp"
#include "transport/server/query_taker.hpp"

namespace redoubt::transport {

/// What the resolver says of an answer beside the answer. keep_for: so long it may be kept; zero: not at all. secure:
/// AD is for whoever asks for it (RFC 6840 §5.7).
struct Leave {
  std::chrono::seconds keep_for{};
  bool secure = false;
};

class NearAnswers {
 public:
  /// The times between two forget(). Nobody is in the first.
  using Era = std::uint64_t;

  /// octets bounds all that is kept; another number forgets it.
  void resize(std::size_t octets);
  /// Nothing that was said holds any more.
  void forget();
  Era era() const { return era_; }

  void keep(std::span<const std::uint8_t> query, std::span<const std::uint8_t> answer, const Leave& leave,
            Clock::time_point now);

  /// find() is about to be asked for these: what it reads for them begins to come from memory, of the first 16.
  void expect(std::span<const std::span<const std::uint8_t>> queries);

  struct Found {
    std::span<const std::uint8_t> answer;  ///< until the next find(); empty: nothing is known
    dns::Rcode rcode = dns::Rcode::noerror;
    bool secure = false;
  };
  /// Who padded his query gets a padded answer, where it is encrypted. Queries with a cookie are the resolver's: it has
  /// the secret.
  Found find(std::span<const std::uint8_t> query, Protocol protocol, Clock::time_point now);

 private:
  std::size_t octets_ = 0;
  Era era_ = 1;
  std::unique_ptr<dns::PacketCache> kept_;
  std::array<std::uint8_t, dns::PacketCache::max_entry_octets + 1024> room_;
};

}  // namespace redoubt::transport
