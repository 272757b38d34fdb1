#pragma once
// Answers as they were sent, in front of the record cache: a question that was answered from there a moment ago is
// answered again by one look-up and one copy. One per worker: nothing here is shared, locked or allocated per packet.
//
// What is kept is the part behind the question. Header, question and OPT are made afresh from each query, and every bit
// of the query that changes the kept part stands in the key: name, type, DO and CD (attacks: whole-packet
// pollution).
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "dns/name.hpp"
#include "resolver/clock.hpp"
#include "resolver/packet/kept_answer.hpp"
#include "resolver/packet/query_glance.hpp"

namespace redoubt::resolver {

/// A COOKIE option of ours: code, length, the client's part, the server's (RFC 9018).
inline constexpr std::size_t cookie_option_octets = 4 + 8 + 16;

class PacketCache {
 public:
  /// octets bounds all that it holds, its index included. Memory is taken from the system as it fills. Too few octets,
  /// or no memory: it keeps nothing.
  PacketCache(std::size_t octets, const dns::HashKey& key);
  ~PacketCache();
  PacketCache(const PacketCache&) = delete;
  PacketCache& operator=(const PacketCache&) = delete;

  struct Served {
    std::size_t octets = 0;  ///< 0: not here, or longer than the room
    dns::Rcode rcode = dns::Rcode::noerror;
    bool secure = false;
  };
  /// The whole answer to `query`, of which `glance` is a look, in `room`, which is the limit. Its OPT, if the query had
  /// one, stands at its end and has no options: a cookie is the caller's to add, within what he held back of the limit.
  /// TTLs are less by the time since keep(), rounded up, so never more than what is left.
  Served find(const QueryGlance& glance, std::span<const std::uint8_t> query, Instant now,
              std::span<std::uint8_t> room);

  /// `answer` was sent to the query of `glance`: a whole message, neither truncated, nor stale, nor with anything in
  /// its OPT. Served until `lead` before the first of its TTLs ends. What has no records, is long, or cannot be read is
  /// not kept.
  /// secure: AD is for whoever asks for it. admission: at_second_time only when the same question was handed in not
  /// long before. What is asked once or twice is answered well enough from records; it would take room twice, and push
  /// out what others ask for (attacks: random names that a proof denies, and so nobody has to be asked for).
  enum class Admission : std::uint8_t { at_once, at_second_time };
  void keep(const QueryGlance& glance, std::span<const std::uint8_t> answer, bool secure, Instant now,
            std::chrono::seconds lead, Admission admission = Admission::at_once);

  /// Nothing of what was kept is served any more.
  void clear();

  /// What is filled of the octets.
  std::size_t octets() const;

  /// Larger answers are rare and not worth their room.
  static constexpr std::size_t max_entry_octets = 2048;

 private:
  struct Bucket;
  struct Memory;
  bool has_come_before(std::uint64_t hash);

  std::uint64_t hash_of(const QueryGlance& glance) const;
  Bucket& bucket_of(std::uint64_t hash) const;
  static bool is_of(const KeptAnswer& kept, std::uint64_t hash, const QueryGlance& glance);
  KeptAnswer* look_up(const QueryGlance& glance, std::uint64_t hash);
  RingPlace make_room(std::size_t units, Instant now);
  void put_in_index(const QueryGlance& glance, std::uint64_t hash, RingPlace place);

  dns::HashKey key_;
  std::unique_ptr<Memory> memory_;  // null: it keeps nothing
  /// Questions that came once: a place each, by their hash; the last one of a place is known.
  std::vector<std::uint32_t> strangers_;
};

}  // namespace redoubt::resolver
