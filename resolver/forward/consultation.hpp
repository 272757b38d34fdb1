#pragma once
// One question along one route: whom to ask next, when, and what an arrival is worth.
#include <optional>
#include <string>
#include <vector>

#include "resolver/forward/contest.hpp"
#include "resolver/forward/forwarder.hpp"

namespace redoubt::resolver {

class Consultation {
 public:
  /// All outlive the consultation.
  Consultation(const Errand& errand, const Route& route, Shared& shared, Clock& clock, Random& random,
               std::shared_ptr<Contest> contest);
  /// Those still under way go on by themselves, for what they tell of their upstreams.
  ~Consultation() { contest_->finish(); }
  Consultation(const Consultation&) = delete;
  Consultation& operator=(const Consultation&) = delete;

  Task<Finding> run();

 private:
  struct Candidate {
    std::shared_ptr<Upstream> upstream;
    Upstream::Standing standing;
    unsigned asked = 0;
    bool given_up = false;
  };
  /// in_turn: it may wait for the packet budget; else it goes now or not at all.
  enum class Urgency : std::uint8_t { in_turn, now_or_never };
  /// What is told when nobody else helps: unreached, whoever refuses included, or broken (RFC 8914 §4.23, §4.24).
  enum class Trouble : std::uint8_t { unreached, broken };

  void line_up();
  void put_fastest_first();
  /// Which of them are put aside, to whoever listens.
  void tell_aside() const;
  bool ask_next(Urgency urgency);
  std::vector<std::size_t> next_in_line() const;
  UpstreamTransport transport_to(std::size_t candidate) const;
  bool reserve_and_ask(std::size_t candidate, UpstreamTransport transport, bool edns, Instant latest);
  void ask(std::size_t candidate, UpstreamTransport transport, bool edns, Instant departs);
  Duration time_alone(std::size_t candidate) const;

  std::optional<Finding> hear(Arrival arrival);
  std::optional<Finding> judge(Arrival arrival);
  void judge_fault(std::size_t candidate, const Attempt& attempt, NetworkFault fault);
  void ask_by_stream(std::size_t candidate, const Attempt& attempt, std::string_view why);
  void give_up(std::size_t candidate, std::string_view why, Trouble kind = Trouble::unreached);
  Failure failure() const;

  const Errand* errand_;
  const Route* route_;
  Shared* shared_;
  Clock* clock_;
  Random* random_;
  std::shared_ptr<Contest> contest_;
  std::vector<Candidate> candidates_;       // in the order of asking
  std::vector<std::size_t> candidate_of_;   // by attempt
  Instant next_due_{};                      // when one more is asked
  std::string trouble_;                     // the last one is told
  std::optional<dns::EdeCode> their_code_;  // what an upstream itself said of its failure
  FailureScope scope_ = FailureScope::question;
  std::optional<Limit> limit_;  // that kept every server from being asked
  bool broken_ = false;
};

}  // namespace redoubt::resolver
