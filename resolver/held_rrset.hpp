#pragma once
// An RRset as caches and answers share it.
#include <cstdint>
#include <memory>
#include <span>

#include "dns/rrset.hpp"
#include "resolver/clock.hpp"

namespace redoubt::resolver {

class HeldRRset;
using SharedRRset = std::shared_ptr<const HeldRRset>;

/// One block of memory for header, owner and RDATA, reference count included; never changed after it is made. Class is
/// IN.
class HeldRRset {
 public:
  /// rrset's TTL is the one it is taken in with; expires is when it ends.
  static SharedRRset make(const dns::RRset& rrset, Instant expires);

  /// All but the octets of names and RDATA; for who keeps RRsets in a form of his own.
  struct Head {
    Instant expires;
    dns::Ttl ttl;
    dns::RrType type;
    std::uint16_t count;        ///< of RDATA
    std::uint8_t owner_octets;  ///< of packed()
  };
  Head head() const { return {expires_, ttl_, type_, count_, owner_octets_}; }
  /// The owner in wire form, then each RDATA behind its length in two octets.
  std::span<const std::uint8_t> packed() const { return {tail(), tail_octets_}; }
  /// packed: as packed() of an RRset with that head.
  static SharedRRset make(const Head& head, std::span<const std::uint8_t> packed);

  /// The RDATA in place.
  class RdataView {
   public:
    using Iterator = dns::RdataList::Iterator;
    Iterator begin() const { return Iterator{first_}; }
    Iterator end() const { return Iterator{last_}; }
    std::size_t count() const { return count_; }
    /// Not empty.
    std::span<const std::uint8_t> front() const { return *begin(); }

   private:
    friend class HeldRRset;
    RdataView(const std::uint8_t* first, const std::uint8_t* last, std::size_t count)
        : first_{first}, last_{last}, count_{count} {}
    const std::uint8_t* first_;
    const std::uint8_t* last_;
    std::size_t count_;
  };

  dns::Name owner() const;
  dns::RrType type() const { return type_; }
  dns::Ttl ttl() const { return ttl_; }
  Instant expires() const { return expires_; }
  RdataView rdata() const { return {tail() + owner_octets_, tail() + tail_octets_, count_}; }
  /// What the whole block takes of the heap, near enough.
  std::size_t octets() const;

 private:
  HeldRRset(const Head& head, std::uint32_t tail_octets)
      : expires_{head.expires},
        ttl_{head.ttl},
        tail_octets_{tail_octets},
        type_{head.type},
        count_{head.count},
        owner_octets_{head.owner_octets} {}
  const std::uint8_t* tail() const {
    return reinterpret_cast<const std::uint8_t*>(this + 1);
  }  // the block goes on behind the object

  Instant expires_;
  dns::Ttl ttl_;
  std::uint32_t tail_octets_;  // owner and RDATA
  dns::RrType type_;
  std::uint16_t count_;
  std::uint8_t owner_octets_;
};

}  // namespace redoubt::resolver
