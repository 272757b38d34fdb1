#pragma once
// Which flights of one desk have a client response timer running (RFC 8767 §5), in the order in which it runs out.
#include <cstdint>
#include <map>
#include <memory>

#include "dns/question.hpp"
#include "resolver/clock.hpp"

namespace redoubt::resolver {

class LateFlights {
 public:
  struct Row {
    Instant due;
    dns::Question question;
  };

  /// A row; it goes with its place, if it is still there then. May outlive the desk.
  class Place {
   public:
    Place() = default;
    Place(std::shared_ptr<LateFlights> late, Instant due, const dns::Question& question)
        : late_{std::move(late)}, number_{late_->next_++} {
      late_->rows_.emplace(number_, Row{due, question});
    }
    ~Place() {
      if (late_) late_->rows_.erase(number_);
    }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

   private:
    std::shared_ptr<LateFlights> late_;
    std::uint64_t number_ = 0;
  };

  bool is_empty() const { return rows_.empty(); }
  /// Of the earliest; not when empty. The delay is the same for all, so they come in the order they were made.
  Instant next_due() const { return rows_.begin()->second.due; }
  Row take_first() { return rows_.extract(rows_.begin()).mapped(); }

  /// Somebody sleeps until next_due().
  bool watched = false;

 private:
  std::uint64_t next_ = 0;
  std::map<std::uint64_t, Row> rows_;
};

}  // namespace redoubt::resolver
