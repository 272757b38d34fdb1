// Which rule of eviction keeps what is asked for: SIEVE (what the caches do), LRU and S3-FIFO, each as a model with a
// bound in entries, on the same traces. Deterministic; prints hit ratios in per cent.
//
//   eviction
//
// Traces, over 100,000 names and a cache of 10,000 entries, a million questions after as many to warm up:
//   zipf    names drawn by Zipf's law, exponent 0.9
//   flood   the same, and between two of its questions two for names that nobody asks again, which are not counted
//   scan    the same, and after each 200,000 of its questions one pass over 20,000 names in order, which are not
//   counted set     9000 names asked evenly, beside two for each question that nobody asks again
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <list>
#include <random>
#include <unordered_map>
#include <vector>

namespace {

using Name = std::uint64_t;

class Sieve {
 public:
  explicit Sieve(std::size_t room) : room_{room} {}
  bool ask(Name name) {
    if (const auto at = places_.find(name); at != places_.end()) {
      at->second->visited = true;
      return true;
    }
    if (places_.size() == room_) evict();
    order_.push_front({name, false});
    places_.emplace(name, order_.begin());
    return false;
  }

 private:
  struct Entry {
    Name name;
    bool visited;
  };
  using Order = std::list<Entry>;
  void evict() {
    if (!has_hand_) hand_ = std::prev(order_.end());
    while (hand_->visited) {
      hand_->visited = false;
      hand_ = hand_ == order_.begin() ? std::prev(order_.end()) : std::prev(hand_);
    }
    has_hand_ = hand_ != order_.begin();
    const auto next = has_hand_ ? std::prev(hand_) : hand_;
    places_.erase(hand_->name);
    order_.erase(hand_);
    hand_ = next;
  }
  std::size_t room_;
  Order order_;  // the newest first
  std::unordered_map<Name, Order::iterator> places_;
  Order::iterator hand_{};
  bool has_hand_ = false;
};

class Lru {
 public:
  explicit Lru(std::size_t room) : room_{room} {}
  bool ask(Name name) {
    if (const auto at = places_.find(name); at != places_.end()) {
      order_.splice(order_.begin(), order_, at->second);
      return true;
    }
    if (places_.size() == room_) {
      places_.erase(order_.back());
      order_.pop_back();
    }
    order_.push_front(name);
    places_.emplace(name, order_.begin());
    return false;
  }

 private:
  std::size_t room_;
  std::list<Name> order_;
  std::unordered_map<Name, std::list<Name>::iterator> places_;
};

/// A tenth of the room for newcomers; who was asked for again there moves to the rest, who was not is remembered as a
/// ghost, and comes to the rest at once when it is asked for again.
class S3Fifo {
 public:
  explicit S3Fifo(std::size_t room) : small_room_{room / 10}, main_room_{room - room / 10} {}
  bool ask(Name name) {
    if (const auto at = visits_.find(name); at != visits_.end()) {
      at->second = std::min(at->second + 1, 3);
      return true;
    }
    if (const auto ghost = ghosts_.find(name); ghost != ghosts_.end()) {
      ghosts_.erase(ghost);
      to_main(name);
    } else {
      if (small_.size() >= small_room_) leave_small();
      small_.push_back(name);
    }
    visits_.emplace(name, 0);
    return false;
  }

 private:
  void leave_small() {
    const Name name = small_.front();
    small_.pop_front();
    int& visits = visits_[name];
    if (visits > 0) {
      visits = 0;
      return to_main(name);
    }
    visits_.erase(name);
    ghosts_.emplace(name, ++ghosts_made_);
    ghost_order_.push_back({name, ghosts_made_});
    while (ghost_order_.size() > main_room_) {
      const auto [old, made] = ghost_order_.front();
      ghost_order_.pop_front();
      if (const auto at = ghosts_.find(old); at != ghosts_.end() && at->second == made) ghosts_.erase(at);
    }
  }
  void to_main(Name name) {
    while (main_.size() >= main_room_) {
      const Name oldest = main_.front();
      main_.pop_front();
      int& visits = visits_[oldest];
      if (visits > 0) {
        --visits;
        main_.push_back(oldest);
      } else {
        visits_.erase(oldest);
      }
    }
    main_.push_back(name);
  }
  struct Ghost {
    Name name;
    std::uint64_t made;
  };
  std::size_t small_room_;
  std::size_t main_room_;
  std::deque<Name> small_;
  std::deque<Name> main_;
  std::unordered_map<Name, int> visits_;
  std::unordered_map<Name, std::uint64_t> ghosts_;
  std::deque<Ghost> ghost_order_;
  std::uint64_t ghosts_made_ = 0;
};

constexpr std::size_t names = 100'000;
constexpr std::size_t room = 10'000;
constexpr std::size_t questions = 1'000'000;
constexpr Name once = Name{1} << 40U;

/// Draws names by their rank: the n-th with a chance in proportion to n to the power of minus 0.9.
class Zipf {
 public:
  Zipf() {
    double sum = 0;
    for (std::size_t i = 0; i < names; ++i) sums_.push_back(sum += std::pow(static_cast<double>(i + 1), -0.9));
  }
  Name draw() {
    const double at = static_cast<double>(random_() >> 11U) * 0x1p-53 * sums_.back();
    return static_cast<Name>(std::ranges::upper_bound(sums_, at) - sums_.begin());
  }

 private:
  std::vector<double> sums_;
  std::mt19937_64 random_{7};
};

enum class Trace { zipf, flood, scan, set };

template <class Rule>
double hits(Trace trace) {
  Rule rule{room};
  Zipf zipf;
  std::mt19937_64 random{11};
  Name fresh = once;
  std::size_t hits = 0;
  for (std::size_t i = 0; i < 2 * questions; ++i) {
    const bool counts = i >= questions;
    const Name name = trace == Trace::set ? random() % (room * 9 / 10) : zipf.draw();
    hits += rule.ask(name) && counts ? 1U : 0U;
    if (trace == Trace::flood || trace == Trace::set) {
      for (int k = 0; k < 2; ++k) (void)rule.ask(fresh++);
    } else if (trace == Trace::scan && i % 200'000 == 0) {
      for (Name k = 0; k < 20'000; ++k) (void)rule.ask(2 * once + k);
    }
  }
  return 100.0 * static_cast<double>(hits) / static_cast<double>(questions);
}

void line(const char* name, Trace trace) {
  std::printf("%-8s %8.1f %8.1f %8.1f\n", name, hits<Sieve>(trace), hits<Lru>(trace), hits<S3Fifo>(trace));
  std::fflush(stdout);
}

}  // namespace

int main() {
  std::printf("%-8s %8s %8s %8s\n", "trace", "SIEVE", "LRU", "S3-FIFO");
  line("zipf", Trace::zipf);
  line("flood", Trace::flood);
  line("scan", Trace::scan);
  line("set", Trace::set);
}
