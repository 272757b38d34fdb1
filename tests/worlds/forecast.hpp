#pragma once
// Which zones a liar can speak for, and which questions must have an answer: whoever fails them all the same has no
// excuse.
#include <set>

#include "tests/worlds/reference.hpp"

namespace redoubt::worlds {

/// What it takes at most to get something, from an empty cache and with the worst luck in the choice of servers.
struct Cost {
  bool sure = true;  ///< false: nobody has to succeed here
  std::uint64_t packets = 0;
  std::chrono::milliseconds time{};
  std::uint64_t nested = 0;  ///< questions inside the question

  Cost& operator+=(const Cost& other);
};

class Forecast {
 public:
  Forecast(const Plan& plan, std::size_t state);

  /// To ask one question of the zone that has the say about the name, all the way from the root.
  Cost of_question(const dns::Name& name, dns::RrType type) const { return of_question(name, type, 0); }
  /// Whether a liar may have a say about the name: one serves its zone or one above it, or the name of a server of
  /// these lies where a liar has a say.
  bool is_tainted(const dns::Name& name) const;

 private:
  Cost of_question(const dns::Name& name, dns::RrType type, unsigned depth) const;
  Cost of_cut(std::size_t zone, std::size_t parent, unsigned depth) const;
  Cost of_asking_all(const std::vector<const Host*>& hosts) const;
  Cost of_lookup(const Host& host, unsigned depth) const;
  bool is_good(const Host& host) const;
  bool is_found(const Host& host) const;
  Cost of_asking(const Host& host, const dns::IpAddress& address) const;
  bool may_ask(const dns::IpAddress& address) const;
  void find_tainted();

  const Plan* plan_;
  const State* state_;
  Reference reference_;
  std::set<std::size_t> tainted_;  // zones
};

}  // namespace redoubt::worlds
