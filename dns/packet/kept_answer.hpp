#pragma once
// How the packet cache lays out one answer in its ring, and the ring.
#include <chrono>
#include <cstdint>
#include <cstring>
#include <ratio>
#include <span>

namespace redoubt::dns {

/// Where an entry begins, in units of the ring.
using RingPlace = std::uint32_t;
inline constexpr std::size_t ring_unit = 4;
/// What kept_at counts. Rounded down, so that a copy never seems younger than it is.
using KeptTime = std::chrono::duration<std::uint32_t, std::ratio<1, 8>>;

/// The head of an entry. Behind it, in this order: how many answers and authorities there are (an octet each), the
/// offset of each TTL within the body (two octets each; none where there is one record, which is found at once), the
/// name in lower case, the body: all that stands behind the question and before the OPT. Most answers are one record of
/// the name and type that were asked for. Such a one is terse: behind the name its TTL and RDATA are kept, and no more.
struct KeptAnswer {
  std::uint16_t body_octets : 15;  ///< as kept
  std::uint16_t is_terse : 1;
  std::uint8_t name_octets;
  std::uint8_t variant : 2;  ///< DO and CD of the question
  std::uint8_t rcode : 4;
  std::uint8_t secure : 1;  ///< AD for whoever asks
  std::uint8_t visited : 1;
  std::uint16_t serve_for;  ///< seconds, at most; afterwards the record cache is asked again
  std::uint16_t type;
  std::uint32_t hash;  ///< its lower half
  KeptTime kept_at;    ///< of the clock's epoch

  /// What a terse body lacks: a pointer to the name, type and class in front of the TTL, the length behind it.
  static constexpr std::size_t terse_gap = 2 + 2 + 2 + 2;
  struct Counts {
    std::uint8_t answers;
    std::uint8_t authorities;
    /// As many TTLs.
    std::size_t records() const { return std::size_t{answers} + authorities; }
  };

  std::uint8_t* tail() { return reinterpret_cast<std::uint8_t*>(this + 1); }  // the entry goes on behind its head
  const std::uint8_t* tail() const { return reinterpret_cast<const std::uint8_t*>(this + 1); }
  Counts counts() const { return is_terse != 0 ? Counts{1, 0} : Counts{tail()[0], tail()[1]}; }
  /// Between head and name.
  static constexpr std::size_t table_octets(bool is_terse, std::size_t records) {
    if (is_terse) return 0;
    return sizeof(Counts) + (records == 1 ? 0 : records * sizeof(std::uint16_t));
  }
  std::size_t table_octets() const { return table_octets(is_terse != 0, counts().records()); }
  /// There are two TTLs or more.
  std::uint16_t ttl_offset(std::size_t which) const {
    std::uint16_t offset = 0;
    std::memcpy(&offset, tail() + sizeof(Counts) + which * sizeof offset, sizeof offset);
    return offset;
  }
  std::span<const std::uint8_t> name() const { return {tail() + table_octets(), name_octets}; }
  std::span<const std::uint8_t> body() const { return {name().data() + name_octets, body_octets}; }
  /// Of the body as it is sent.
  std::size_t sent_octets() const { return body_octets + (is_terse != 0 ? terse_gap : 0); }

  static std::size_t units_for(std::size_t table_octets, std::size_t name_octets, std::size_t body_octets) {
    return (sizeof(KeptAnswer) + table_octets + name_octets + body_octets + ring_unit - 1) / ring_unit;
  }
  /// Of the whole entry, head included.
  std::size_t units() const { return units_for(table_octets(), name_octets, body_octets); }
};
static_assert(sizeof(KeptAnswer) == 16 && alignof(KeptAnswer) == ring_unit);

/// Entries one behind the other, in order of arrival, in a fixed piece of memory. The oldest makes room for the newest,
/// unless whoever owns the ring wants it kept: then it becomes the newest itself (a second chance).
class AnswerRing {
 public:
  AnswerRing(std::uint32_t* memory, RingPlace units) : memory_{memory}, units_{units}, end_{units} {}

  KeptAnswer& at(RingPlace place) { return *reinterpret_cast<KeptAnswer*>(memory_ + place); }  // aligned by its unit
  const KeptAnswer& at(RingPlace place) const { return *reinterpret_cast<const KeptAnswer*>(memory_ + place); }

  /// As the index wants to know it.
  std::uint32_t hash_of(RingPlace place) const { return at(place).hash; }
  bool is_visited(RingPlace place) const { return at(place).visited != 0; }

  /// Room for an entry of so many units, at most the ring's. oldest(place, entry, may_stay): true when the entry
  /// is to stay, which it may not always, so that the work has an end; moved(from, to): it stayed and stands elsewhere
  /// now.
  template <class Oldest, class Moved>
  RingPlace make(std::size_t units, const Oldest& oldest, const Moved& moved) {
    int spared = 0;
    while (room_at_head() < units) {
      if (head_ > tail_ || used_ == 0) {
        skip_to_start();
        continue;
      }
      const RingPlace from = tail_;
      KeptAnswer& entry = at(from);
      const std::size_t size = entry.units();
      const bool stays = oldest(from, entry, spared < most_spared);
      release(size);
      if (!stays) continue;
      ++spared;
      const RingPlace to = head_;  // what was released is enough for it
      std::memmove(memory_ + to, memory_ + from, size * ring_unit);
      take(size);
      moved(from, to);
    }
    const RingPlace place = head_;
    take(units);
    return place;
  }

  void clear() {
    head_ = tail_ = used_ = 0;
    end_ = units_;
  }
  RingPlace used() const { return used_; }
  RingPlace size() const { return units_; }

 private:
  static constexpr int most_spared = 16;

  std::size_t room_at_head() const {
    if (used_ == 0) return units_ - head_;
    return head_ > tail_ ? units_ - head_ : tail_ - head_;
  }
  void take(std::size_t units) {
    used_ += static_cast<RingPlace>(units);
    head_ += static_cast<RingPlace>(units);
    if (head_ == units_) head_ = 0;
  }
  void release(std::size_t units) {
    used_ -= static_cast<RingPlace>(units);
    tail_ += static_cast<RingPlace>(units);
    if (tail_ == end_) {
      used_ -= units_ - end_;
      tail_ = 0;
      end_ = units_;
    }
    if (used_ == 0) head_ = tail_;
  }
  /// What is left behind the head is too short: nothing stands there until the tail has come by.
  void skip_to_start() {
    if (used_ == 0) return clear();
    end_ = head_;
    used_ += units_ - head_;
    head_ = 0;
  }

  std::uint32_t* memory_;
  RingPlace units_;
  RingPlace end_;  // of the entries before the ring begins anew
  RingPlace head_ = 0;
  RingPlace tail_ = 0;
  RingPlace used_ = 0;
};

}  // namespace redoubt::dns
