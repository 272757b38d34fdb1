#pragma once
// The output of an earlier run, as the text that it is: what did not change is compared as it stands and taken over as
// it stands, so that signing again reads a large zone without building it a second time.
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dns/name.hpp"
#include "dns/rr_types.hpp"

namespace redoubt::dnssec {

class EarlierText {
 private:
  /// Where a block begins, one in each step_octets of text.
  struct Mark {
    std::size_t at;
    std::size_t key;  // into keys_
    std::size_t key_octets;
  };
  struct Run {
    std::size_t begin = 0;
    std::size_t end = 0;
    std::vector<Mark> marks;
  };

 public:
  /// One record.
  struct Line {
    dns::RrType type;
    dns::RrType covered{0};  ///< of an RRSIG
    std::string_view text;   ///< the whole line, without its end
    std::string_view rdata;
  };

  /// For files in the form that signers write: one line for each record, "OWNER TTL IN TYPE RDATA" with whole names and
  /// single blanks, the apex first and the names in canonical order. NSEC3 records may stand among them or behind them,
  /// in an order of their own, and the ZONEMD at the end.
  /// text     outlives this
  /// release  is told of parts that are not looked at any more for a while; null: nobody wants to know
  /// Nothing when the text has another form.
  static std::optional<EarlierText> index(std::string_view text, const dns::Name& apex,
                                          std::function<void(std::string_view)> release = nullptr);

  /// The ZONEMD with its signatures, if they stand at the end.
  std::vector<Line> tail() const;

  /// RRsets but for RRSIG.
  std::size_t set_count() const { return sets_; }
  /// Of all signatures; 0 when there is none.
  std::uint32_t earliest_expiration() const { return earliest_expiration_; }

  /// Finds names in it; those that are asked for in canonical order cost little. One thread at a time.
  class Reader {
   public:
    /// earlier outlives this
    explicit Reader(const EarlierText& earlier) : earlier_{&earlier} {}
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;
    ~Reader() { release_up_to(looked_at_); }
    /// The lines of that name, valid until the next call; none when it is not there.
    /// is_hash  it is the owner of an NSEC3
    /// owner_text  as Name::to_text() writes it
    std::span<const Line> at(const dns::Name& owner, std::string_view owner_text, bool is_hash);

   private:
    struct Place {
      std::size_t at = 0;     // names before this one are smaller than `after`, or are it
      std::size_t block = 0;  // where the lines of `after` begin, if they are there
      std::string after;      // the order key that was asked for last
      bool is_begun = false;
      bool is_found = false;
    };
    bool find(Place& place, const Run& run, std::string_view owner_text);
    std::size_t mark_before(const Run& run) const;
    std::size_t take_lines(std::size_t at);
    void release_up_to(std::size_t at);

    const EarlierText* earlier_;
    Place places_[2];
    std::string key_;
    std::string other_key_;
    std::vector<Line> lines_;
    std::size_t released_ = 0;
    std::size_t looked_at_ = 0;
  };

 private:
  friend class EarlierIndexing;
  std::string_view key_of(const Mark& mark) const { return std::string_view{keys_}.substr(mark.key, mark.key_octets); }

  std::string_view text_;
  std::function<void(std::string_view)> release_;
  std::vector<Run> runs_;  // one or two
  std::string keys_;
  std::optional<std::size_t> tail_;  // where it begins
  std::size_t sets_ = 0;
  std::uint32_t earliest_expiration_ = 0;
};

/// One record in that form, with its line end.
/// owner  as Name::to_text() writes it
void append_record_line(std::string& out, std::string_view owner, std::uint32_t ttl, dns::RrType type,
                        std::span<const std::uint8_t> rdata);

}  // namespace redoubt::dnssec
