#pragma once
// Writes one message into octets that the caller owns: compression, a size limit, and truncation at record boundaries.
#include <array>
#include <cstdint>
#include <span>

#include "dns/header.hpp"
#include "dns/name.hpp"
#include "dns/question.hpp"
#include "dns/rrset.hpp"

namespace redoubt::dns {

/// Labels that one message remembers as ends of pointers, and names that it searches for among them; later names are
/// written whole. One search looks at each remembered label once, so the work of a message is bounded by the product of
/// the two, whatever its names are (attacks: outbound compression).
inline constexpr std::size_t max_compression_targets = 128;
inline constexpr std::size_t max_name_searches = 120;

/// Nothing is ever written past `limit`; a record that does not fit is taken back whole and the call says false.
class WireWriter {
 public:
  /// limit is held to buffer.size() and 65,535. Reserves the header's twelve octets.
  explicit WireWriter(std::span<std::uint8_t> buffer, std::size_t limit = 65535);

  [[nodiscard]] bool question(const Question& question);
  /// Whole record, names in its rdata compressed where its type allows. `rdata` is uncompressed and valid for its type.
  [[nodiscard]] bool record(const Name& owner, RrType type, RrClass rr_class, Ttl ttl,
                            std::span<const std::uint8_t> rdata);
  /// All of its records, or none of them.
  [[nodiscard]] bool rrset(const RRset& rrset, Ttl ttl);
  /// A record that is on the wire already, its owner the root (OPT).
  [[nodiscard]] bool raw_record(std::span<const std::uint8_t> octets);
  /// Octets that later records must leave free (OPT, TSIG).
  void reserve(std::size_t octets);
  void release() { reserved_ = 0; }

  /// A place to come back to when what was begun does not fit.
  struct Mark {
    std::size_t at;
    std::size_t targets;
  };
  Mark mark() const { return {at_, target_count_}; }
  void back_to(Mark mark) {
    at_ = mark.at;
    target_count_ = mark.targets;
    if (last_owner_at_ >= at_) last_owner_at_ = 0;
  }

  std::size_t size() const { return at_; }
  std::size_t limit() const { return limit_; }
  /// Writes the header over the reserved octets and gives the finished message.
  std::span<const std::uint8_t> finish(const Header& header);

 private:
  /// A label of a name that was written to its end. Targets form a tree: a label's parent is the one to its right, so
  /// equal labels below equal parents are equal suffixes, and parents come before their children.
  struct Target {
    std::uint16_t offset;
    std::uint8_t parent;
  };

  bool put(std::span<const std::uint8_t> octets);
  bool put_u16(std::uint16_t value);
  bool put_u32(std::uint32_t value);
  bool put_name(const Name& name);
  bool put_owner(const Name& owner);
  bool put_rdata(RrType type, std::span<const std::uint8_t> rdata);
  bool same_label(const Target& target, std::span<const std::uint8_t> label) const;

  std::span<std::uint8_t> buffer_;
  std::size_t limit_;
  std::size_t at_ = header_octets;
  std::size_t reserved_ = 0;
  std::array<Target, max_compression_targets> targets_;
  std::size_t target_count_ = 0;
  std::size_t searches_left_ = max_name_searches;
  Name last_owner_;                // the next record's owner is mostly the same, and then costs no search
  std::size_t last_owner_at_ = 0;  // where it stands; 0 when there is none
};

}  // namespace redoubt::dns
