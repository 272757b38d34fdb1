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
  HeldRRset(const dns::RRset& rrset, Instant expires, std::uint32_t tail_octets)
      : expires_{expires},
        ttl_{rrset.ttl},
        tail_octets_{tail_octets},
        type_{rrset.type},
        count_{static_cast<std::uint16_t>(rrset.rdata.count())},
        owner_octets_{static_cast<std::uint8_t>(rrset.owner.wire().size())} {}
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
