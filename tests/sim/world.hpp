#pragma once
// A resolver on a simulated Internet: what most scenarios begin with.
#include <array>
#include <boost/asio/io_context.hpp>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "resolver/desk.hpp"
#include "tests/sim/behaviours.hpp"
#include "tests/sim/internet.hpp"
#include "tests/sim/virtual_clock.hpp"

namespace redoubt::sim {

using namespace std::chrono_literals;

class SeededRandom final : public resolver::Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : generator_{seed} {}
  std::uint32_t below(std::uint32_t bound) override { return static_cast<std::uint32_t>(generator_() % bound); }
  void fill(std::span<std::uint8_t> octets) override {
    for (std::uint8_t& octet : octets) octet = static_cast<std::uint8_t>(generator_());
  }

 private:
  std::mt19937_64 generator_;
};

/// What a client gets, as it reads it off the wire.
struct Answer {
  dns::Message message;
  std::size_t octets = 0;
  Duration took{};          ///< virtual
  std::size_t packets = 0;  ///< that any server heard meanwhile

  dns::Rcode rcode() const { return message.rcode(); }
  std::vector<std::string> answer() const;
  std::vector<std::string> authority() const;
  /// Of the first answer record.
  std::uint32_t ttl() const { return message.answer.empty() ? 0 : message.answer.front().ttl.seconds(); }
  /// Code and text of the extended error, "" without one: "22 at delegation example.: ...".
  std::string error() const;
};

struct WorldOptions {
  std::uint64_t seed = 1;
  std::uint64_t cache_octets = 8U << 20;
  bool case_randomisation = true;
  resolver::Guards guards{};
};

/// The root at 198.51.100.1 delegates com., net. and org. (198.51.100.2 to .4); nothing else is there yet.
class World {
 public:
  explicit World(WorldOptions options = {});
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  ~World() { clock_.drop_sleepers(); }

  /// A zone that scenarios may serve from several servers.
  std::shared_ptr<const Zone> zone(std::string_view apex, std::string_view text);
  /// A zone at a server of this address.
  Server& serve(std::string_view address, std::string_view apex, std::string_view text);
  /// An honest zone "NAME." at `address`, with its delegation and glue in com. (or net., org.), and www A 192.0.2.80.
  Server& site(std::string_view name, std::string_view address, std::string_view more = "");
  /// Puts more into a top-level zone; takes effect at once.
  void delegate(std::string_view top, std::string_view text);
  /// Settings are read at the first question, and again after use().
  resolver::Settings& settings() { return settings_; }
  void limit(std::string_view name, std::uint64_t value);
  void use();

  /// Asks as a client with EDNS and waits.
  Answer ask(std::string_view name, std::string_view type = "A");
  Answer ask(const dns::Query& query, std::size_t room = 1232);
  /// Asks all at the same instant and waits for all.
  std::vector<Answer> ask_at_once(const std::vector<dns::Query>& queries);
  /// Sends a client's datagram, as a worker would take it; done is called with the answer, or with nothing when there
  /// is none, as time goes by in run_for().
  using Done = std::function<void(std::optional<Answer>)>;
  void send(const dns::Query& query, const dns::IpAddress& client, Done done);
  /// The outcome of a resolution of its own, with somebody who listens.
  resolver::SharedOutcome trace(const dns::Query& query, resolver::Trace& listener, bool fresh = false);
  /// What the last resolution that was listened to has spent of that limit.
  std::uint64_t spent(resolver::Limit limit) const { return last_spent_[static_cast<std::size_t>(limit)]; }
  /// One after the other, whether those before were answered or not, and waits for all. Answers count packets of all.
  std::vector<Answer> ask_in_turn(const std::vector<dns::Query>& queries, Duration gap);
  static dns::Query query(std::string_view name, std::string_view type = "A");

  VirtualClock& clock() { return clock_; }
  Internet& internet() { return internet_; }
  SeededRandom& random() { return random_; }
  resolver::Shared& shared() { return shared_; }
  resolver::Desk& desk();
  void pass(Duration time) { clock_.pass(time); }
  /// As much time goes by, and whatever is under way goes on.
  void run_for(Duration time);
  /// That the loop has made so far, while somebody waited for something.
  std::size_t turns() const { return turns_; }
  /// Called before each turn of the loop, with the number of those before it, while somebody waits for something.
  using BeforeTurn = std::function<void(std::size_t turn)>;
  void before_each_turn(BeforeTurn before) { before_turn_ = std::move(before); }
  bool cached(std::string_view name, std::string_view type);
  /// For the report of a failing test.
  std::string trace() const { return internet_.trace(); }

 private:
  Answer rendered(const dns::Query& query, const resolver::Outcome& outcome, Instant begun);
  void run_until(const std::function<bool()>& done);
  std::size_t make_turns();
  void serve_top(std::string_view top);

  boost::asio::io_context context_{1};
  std::size_t turns_ = 0;
  BeforeTurn before_turn_;
  VirtualClock clock_;
  SeededRandom random_;
  Internet internet_;
  resolver::Settings settings_;
  resolver::Shared shared_;
  std::map<std::string, std::string, std::less<>> tops_;
  std::unique_ptr<resolver::Desk> desk_;
  std::array<std::uint64_t, static_cast<std::size_t>(resolver::Limit::count)> last_spent_{};
};

}  // namespace redoubt::sim
