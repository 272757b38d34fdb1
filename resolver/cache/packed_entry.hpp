#pragma once
// One entry of the record cache, in one piece of memory: what it is looked up by, its place in the queue, and the
// octets of its RRset. A short name with an address takes 64 octets of the heap. What few entries have (signatures,
// proofs, a cut's servers, a failure's text) stands apart and is shared with the answers that it goes into.
#include <cstdint>
#include <memory>
#include <span>

#include "resolver/cache/cache.hpp"
#include "resolver/cache/entry_link.hpp"

namespace redoubt::resolver {

/// What is to be kept, before it is packed.
struct CacheDraft {
  EntryKind kind = EntryKind::data;
  Rank rank = Rank::additional;
  Instant expires = {};
  dns::Name name = {};
  dns::RrType type = {};    ///< zero of a name that does not exist, and of delegations
  SharedRRset data = {};    ///< null for all but data
  SharedRRset beside = {};  ///< of a denial its SOA; of a CNAME the DNAME that made it
  std::shared_ptr<const dns::ExtendedError> error = {};
  SharedDelegation delegation = {};
  Standing standing = {};

  bool is_delegation() const { return delegation != nullptr; }
  bool is_alias() const { return kind == EntryKind::data && !is_delegation() && type == dns::type::cname; }
  /// All that it will take, index and allocator included.
  std::size_t octets() const;
};

class PackedEntry {
 public:
  struct Free {
    void operator()(PackedEntry* entry) const;
  };
  using Owned = std::unique_ptr<PackedEntry, Free>;

  /// Of drafts of more octets none can be made.
  static constexpr std::size_t max_octets = UINT16_MAX;
  static Owned make(const CacheDraft& draft, std::uint32_t hash);

  std::uint32_t hash() const { return hash_; }
  Instant expires() const { return expires_.instant(); }
  EntryKind kind() const { return static_cast<EntryKind>(kind_); }
  Rank rank() const { return static_cast<Rank>(rank_); }
  Security security() const { return static_cast<Security>(security_); }
  dns::RrType type() const { return type_; }
  bool is_delegation() const { return is_delegation_ != 0; }
  bool is_alias() const { return kind() == EntryKind::data && !is_delegation() && type_ == dns::type::cname; }
  /// Whatever the case.
  bool is_of(const dns::Name& name) const;
  dns::Name name() const;
  /// As draft.octets() was.
  std::size_t octets() const;

  /// Made anew: who gets it keeps nothing of the cache alive.
  Found found() const;
  SharedDelegation delegation() const;
  /// What make() would make the same of.
  CacheDraft draft() const;

  bool is_visited() const { return (visited_ | hits_) != 0; }
  void visit(Instant now) {
    if (expires() > now)
      visited_ = 1;
    else
      visited_expired_ = 1;
  }
  bool is_spared(Instant now) const { return (expires() > now ? visited_ : visited_expired_) != 0; }
  void forget_visits() { visited_ = visited_expired_ = 0; }
  void forget_verdict();
  /// Counts a client's hit. True once, when the entry is popular and in the last tenth of its time. Of short times the
  /// last second counts, or half: a server far away, asked again once, must be done before the entry ends.
  bool renewal_falls_due(Instant now);

  bool outlives(Instant now, Duration kept) const;
  /// Whether `other`, of the same name and newer, takes this entry's place: the same type, or a whole name that is now
  /// denied, or no longer. A failure tells nothing new. An alias has no other types beside it, so one of the two is
  /// outdated.
  bool superseded_by(const CacheDraft& other, Instant now) const;
  /// A question with CD, or one of our own on the way, must not undo what checking has found.
  bool is_checked_and_other_is_not(const CacheDraft& other) const;
  /// For when a name has too many: what has expired goes before denials, denials before data.
  int worth(Instant now) const { return (expires() > now ? 2 : 0) + (kind() == EntryKind::data ? 1 : 0); }

  /// The next in the queue that it stands in, on the way to the oldest.
  PackedEntry* older() const { return older_; }

 private:
  struct Companions;
  struct SoaHead;

  friend class SieveQueue;

  PackedEntry(const CacheDraft& draft, std::uint32_t hash);
  const std::uint8_t* tail() const {
    return reinterpret_cast<const std::uint8_t*>(this + 1);  // the piece goes on behind the object
  }
  Companions* companions() const;
  std::uint16_t count() const;
  std::uint8_t owner_octets() const;
  /// What stands before owner and RDATA: where there are companions a pointer to them, where there are many RDATA their
  /// count, and the owner's length.
  std::size_t lead_octets() const;
  /// Owner and RDATA.
  std::span<const std::uint8_t> set() const;
  SharedRRset data() const;
  SharedRRset soa() const;

  std::uint32_t hash_;
  dns::Ttl ttl_;
  std::uint16_t set_octets_;
  std::uint16_t kind_ : 2;
  std::uint16_t rank_ : 2;
  std::uint16_t security_ : 2;
  std::uint16_t is_delegation_ : 1;
  std::uint16_t has_companions_ : 1;
  std::uint16_t has_soa_ : 1;
  std::uint16_t visited_ : 1;          // while fresh
  std::uint16_t visited_expired_ : 1;  // later
  std::uint16_t renewal_told_ : 1;
  std::uint16_t hits_ : 2;   // of clients; at most `popular`
  std::uint16_t count_ : 2;  // of RDATA; `many`: it stands in the tail
  dns::RrType type_;
  PackedInstant expires_;
  EntryLink newer_ = nullptr;
  EntryLink older_ = nullptr;
};

}  // namespace redoubt::resolver
