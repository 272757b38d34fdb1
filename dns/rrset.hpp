#pragma once
// Records as this house holds them: RDATA is uncompressed wire form, checked against its type's row when it came in.
#include <cstdint>
#include <iterator>
#include <span>
#include <vector>

#include "dns/name.hpp"
#include "dns/rr_types.hpp"
#include "dns/ttl.hpp"

namespace redoubt::dns {

/// The RDATA of one RRset in one block: two length octets, then the octets, again and again. One allocation for all.
class RdataList {
 public:
  class Iterator {
   public:
    using value_type = std::span<const std::uint8_t>;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::forward_iterator_tag;
    using reference = value_type;
    using pointer = void;
    Iterator() = default;
    explicit Iterator(const std::uint8_t* at) : at_{at} {}
    value_type operator*() const { return {at_ + 2, length()}; }
    Iterator& operator++() {
      at_ += 2 + length();
      return *this;
    }
    Iterator operator++(int) {
      Iterator old = *this;
      ++*this;
      return old;
    }
    bool operator==(const Iterator&) const = default;

   private:
    std::size_t length() const { return static_cast<std::size_t>(at_[0] << 8 | at_[1]); }
    const std::uint8_t* at_ = nullptr;
  };

  /// rdata is at most 65,535 octets.
  void add(std::span<const std::uint8_t> rdata);
  /// Adds it unless an equal one is there (RFC 2181 §5: an RRset has no duplicates). Octets are compared as they are.
  /// Looks at every one that is there: for large sets from outside there is gather().
  bool add_unique(std::span<const std::uint8_t> rdata);
  bool contains(std::span<const std::uint8_t> rdata) const;
  std::size_t count() const { return count_; }
  bool empty() const { return count_ == 0; }
  /// Octets of the block, lengths included.
  std::size_t octets() const { return block_.size(); }
  /// The k-th; k is below count().
  std::span<const std::uint8_t> at(std::size_t k) const;
  Iterator begin() const { return Iterator{block_.data()}; }
  Iterator end() const { return Iterator{block_.data() + block_.size()}; }
  /// Equal as sets of octets: order does not count (RFC 2181 §5). Sorts, so n log n.
  bool same_set(const RdataList& other) const;
  bool operator==(const RdataList&) const = default;

 private:
  std::vector<std::uint8_t> block_;
  std::uint32_t count_ = 0;
};

struct RRset {
  Name owner;
  RrType type;
  RrClass rr_class = rr_class::in;
  Ttl ttl;
  RdataList rdata;
  bool operator==(const RRset&) const = default;
};

/// One record, as messages carry it.
struct Record {
  Name owner;
  RrType type;
  RrClass rr_class = rr_class::in;
  Ttl ttl;
  std::vector<std::uint8_t> rdata;
  bool operator==(const Record&) const = default;
};

/// Records of one owner, type and class gathered into RRsets, in order of first appearance; the lowest TTL wins (RFC
/// 2181 §5.2). Linear in the records (a keyed hash finds the set), whatever the owners are (attacks: thousands of
/// distinct owners).
std::vector<RRset> gather(std::span<const Record> records, const HashKey& key);

}  // namespace redoubt::dns
