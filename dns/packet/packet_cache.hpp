#pragma once
// Answers as they were sent, in front of the record cache: a question that was answered from there a moment ago is
// answered again by one look-up and one copy. One per thread: nothing here is shared, locked or allocated per packet.
//
// What is kept is the part behind the question. Header, question and OPT are made afresh from each query, and every bit
// of the query that changes the kept part stands in the key: name, type, DO and CD (attacks: whole-packet
// pollution).
#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "dns/name.hpp"
#include "dns/packet/kept_answer.hpp"
#include "dns/packet/query_glance.hpp"

namespace redoubt::dns {

/// A COOKIE option of ours: code, length, the client's part, the server's (RFC 9018).
inline constexpr std::size_t cookie_option_octets = 4 + 8 + 16;

/// Makes the answer longer, in its OPT, to the next multiple of `block` octets or to the room's end (RFC 7830, RFC 8467
/// §4.1). The OPT stands at opt_at and is the answer's last record. Octets of the whole.
std::size_t pad_answer(std::span<std::uint8_t> room, std::size_t octets, std::size_t opt_at, std::size_t block);

class PacketCache {
 public:
  using Instant = std::chrono::steady_clock::time_point;

  /// octets bounds all that it holds, its index included. Memory is taken from the system as it fills. Too few octets,
  /// or no memory: it keeps nothing.
  PacketCache(std::size_t octets, const HashKey& key);
  ~PacketCache();
  PacketCache(const PacketCache&) = delete;
  PacketCache& operator=(const PacketCache&) = delete;

  struct Served {
    std::size_t octets = 0;  ///< 0: not here, or longer than the room
    Rcode rcode = Rcode::noerror;
    bool secure = false;
    std::chrono::seconds serve_for{};  ///< from here on
  };
  /// The whole answer to `query`, of which `glance` is a look, in `room`, which is the limit. Its OPT, if the query had
  /// one, stands at its end and has no options: a cookie is the caller's to add, within what he held back of the limit.
  /// TTLs are less by the time since keep(), rounded up, so never more than what is left.
  Served find(const QueryGlance& glance, std::span<const std::uint8_t> query, Instant now,
              std::span<std::uint8_t> room) {
    return find(glance, hash_of(glance), query, now, room);
  }
  /// The same in three steps, for who has several questions at once: what one of them needs is on its way from memory
  /// while the others are looked at. hash is hash_of(glance).
  Served find(const QueryGlance& glance, std::uint64_t hash, std::span<const std::uint8_t> query, Instant now,
              std::span<std::uint8_t> room);
  std::uint64_t hash_of(const QueryGlance& glance) const;
  /// First step: the place in the index comes near.
  void fetch_place(std::uint64_t hash) const;
  /// Second step: the answer does, if there seems to be one.
  void fetch_answer(std::uint64_t hash);

  /// at_second_time: only when the same question was handed in not long before. What is asked once or twice is answered
  /// well enough from records; it would take room twice, and push out what others ask for (attacks: random names that a
  /// proof denies, and so nobody has to be asked for).
  enum class Admission : std::uint8_t { at_once, at_second_time };
  struct Terms {
    bool secure = false;          ///< AD is for whoever asks for it
    std::chrono::seconds lead{};  ///< so long before the first of its TTLs ends it is served no more
    std::chrono::seconds most = std::chrono::seconds::max();  ///< nor longer than this
    Admission admission = Admission::at_once;
  };
  /// `answer` was sent to the query of `glance`: a whole message, neither truncated nor stale. What has no records, is
  /// long, cannot be read, or says more in its OPT than a cookie and padding is not kept.
  /// returns  how long it will be served; zero when it is not kept
  std::chrono::seconds keep(const QueryGlance& glance, std::span<const std::uint8_t> answer, const Terms& terms,
                            Instant now);

  /// Nothing of what was kept is served any more.
  void clear();

  /// What is filled of the octets.
  std::size_t octets() const;

  /// Larger answers are rare and not worth their room.
  static constexpr std::size_t max_entry_octets = 2048;

 private:
  struct Memory;
  bool has_come_before(std::uint64_t hash);

  static bool is_of(const KeptAnswer& kept, std::uint64_t hash, const QueryGlance& glance);
  bool find_place(const QueryGlance& glance, std::uint64_t hash, RingPlace& place) const;
  RingPlace make_room(std::size_t units, Instant now);

  HashKey key_;
  std::unique_ptr<Memory> memory_;  // null: it keeps nothing
  /// Questions that came once, by their hash: of each row the last eight are known, the newest in front. One place for
  /// each hash would lose a seventh of ten thousand names to others among them.
  using StrangerRow = std::array<std::uint32_t, 8>;
  std::vector<StrangerRow> strangers_;
};

}  // namespace redoubt::dns
