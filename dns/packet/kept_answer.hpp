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

/// The head of an entry. Behind it, in this order: the offset of each TTL within the body (two octets each; none where
/// there is one record, which is found at once), the name in lower case, the body: all that stands behind the question
/// and before the OPT.
struct KeptAnswer {
  std::uint16_t units;        ///< of the whole entry, head included
  std::uint16_t body_octets;  ///< 0: no entry, only the rest of the ring's end
  std::uint8_t name_octets;
  std::uint8_t answers;  ///< as many TTLs as answers and authorities together
  std::uint8_t authorities;
  std::uint8_t variant : 2;  ///< DO and CD of the question
  std::uint8_t rcode : 4;
  std::uint8_t secure : 1;  ///< AD for whoever asks
  std::uint8_t visited : 1;
  std::uint32_t hash;       ///< its lower half; the index has the other
  KeptTime kept_at;         ///< of the clock's epoch
  std::uint16_t serve_for;  ///< seconds, at most; afterwards the record cache is asked again
  std::uint16_t type;

  std::uint8_t* tail() { return reinterpret_cast<std::uint8_t*>(this + 1); }  // the entry goes on behind its head
  const std::uint8_t* tail() const { return reinterpret_cast<const std::uint8_t*>(this + 1); }
  std::size_t ttls() const { return std::size_t{answers} + authorities; }
  /// For so many TTLs.
  static constexpr std::size_t offset_octets(std::size_t ttls) { return ttls == 1 ? 0 : ttls * sizeof(std::uint16_t); }
  /// There are two TTLs or more.
  std::uint16_t ttl_offset(std::size_t which) const {
    std::uint16_t offset = 0;
    std::memcpy(&offset, tail() + which * sizeof offset, sizeof offset);
    return offset;
  }
  std::span<const std::uint8_t> name() const { return {tail() + offset_octets(ttls()), name_octets}; }
  std::span<const std::uint8_t> body() const { return {name().data() + name_octets, body_octets}; }

  static std::size_t units_for(std::size_t ttls, std::size_t name_octets, std::size_t body_octets) {
    const std::size_t octets = sizeof(KeptAnswer) + offset_octets(ttls) + name_octets + body_octets;
    return (octets + ring_unit - 1) / ring_unit;
  }
};
static_assert(sizeof(KeptAnswer) == 20 && alignof(KeptAnswer) == ring_unit);

/// Entries one behind the other, in order of arrival, in a fixed piece of memory. The oldest makes room for the newest,
/// unless whoever owns the ring wants it kept: then it becomes the newest itself (a second chance).
class AnswerRing {
 public:
  AnswerRing(std::uint32_t* memory, RingPlace units) : memory_{memory}, units_{units} {}

  KeptAnswer& at(RingPlace place) { return *reinterpret_cast<KeptAnswer*>(memory_ + place); }  // aligned by its unit

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
      const std::uint16_t size = entry.units;
      const bool stays = entry.body_octets != 0 && oldest(from, entry, spared < most_spared);
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

  void clear() { head_ = tail_ = used_ = 0; }
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
    if (tail_ == units_) tail_ = 0;
    if (used_ == 0) head_ = tail_;
  }
  /// What is left behind the head is too short: it becomes an entry without a body.
  void skip_to_start() {
    if (used_ == 0) return clear();
    KeptAnswer& rest = at(head_);
    const std::size_t left = units_ - head_;
    rest.units = static_cast<std::uint16_t>(left);
    rest.body_octets = 0;
    take(left);
  }

  std::uint32_t* memory_;
  RingPlace units_;
  RingPlace head_ = 0;
  RingPlace tail_ = 0;
  RingPlace used_ = 0;
};

}  // namespace redoubt::dns
