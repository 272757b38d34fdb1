#pragma once
// Questions whose point is to be asked: which keys are trusted here (RFC 8145), and what went wrong with a zone (RFC
// 9567). Both only where a setting wants them. Nobody waits for what comes of them.
#include <deque>
#include <mutex>
#include <optional>

#include "dns/edns.hpp"
#include "dns/question.hpp"
#include "resolver/clock.hpp"
#include "resolver/upstream/recent_table.hpp"
#include "resolver/validate/settings.hpp"

namespace redoubt::resolver {

/// "_ta-4a5c-9728" below the anchor's zone: the tags of its keys, ascending (RFC 8145 §5.1). Nothing where no name has
/// room for all of them.
std::optional<dns::Name> key_tag_query(const TrustAnchor& anchor);

/// What a query for the zone's DNSKEY tells in its option 14: the tags of the keys that are trusted here, where a
/// setting wants that and the zone has an anchor (RFC 8145 §4.2.1). Empty: nothing.
std::vector<std::uint16_t> tags_to_tell(const dns::Name& zone, const ValidationSettings& settings);

/// "_er.1.www.example.7._er." in front of the agent's domain (RFC 9567 §6.1.1). Nothing when that is longer than a name
/// may be.
std::optional<dns::Name> report_name(const dns::Question& failed, dns::EdeCode code, const dns::Name& agent);

/// When to tell which keys are trusted. Shared by workers.
class KeyTagSignals {
 public:
  /// As often as a resolver that looks for new keys would look at the root's.
  static constexpr std::chrono::hours period{24};
  /// Whether the caller is to send them now; nobody else is told so until the period is over.
  bool is_due(Instant now);

 private:
  std::mutex lock_;
  Instant next_{Instant::min()};
};

/// What is to be reported to whom. Shared by workers; bounded in all that strangers can make more of (attacks:
/// error-report abuse).
class ErrorReports {
 public:
  static constexpr std::size_t max_agents = 2000;        ///< zones whose agent is known; the longest unused go
  static constexpr std::size_t max_remembered = 10'000;  ///< reports that are not to be sent twice
  static constexpr std::chrono::hours same_again{1};     ///< until the same failure is reported again
  static constexpr std::size_t max_waiting = 16;
  static constexpr std::uint32_t most_a_minute = 60;

  explicit ErrorReports(const dns::HashKey& key) : agents_{max_agents, Hash{key}}, sent_{max_remembered, Hash{key}} {}
  /// What a server of the zone said in its option 18: a name in wire form. The root and what is no name is nobody.
  void learn_agent(const dns::Name& zone, std::span<const std::uint8_t> option);
  /// A question below that zone came to nothing. No report of a report's own name, nor to an agent within the zone that
  /// fails.
  void note(const dns::Question& failed, dns::EdeCode code, const dns::Name& zone, Instant now);
  /// The next report to be sent.
  std::optional<dns::Name> take();

 private:
  struct Hash {
    dns::HashKey key;
    std::size_t operator()(const dns::Name& name) const { return name.hash(key); }
  };
  bool may_send(Instant now);

  std::mutex lock_;
  RecentTable<dns::Name, dns::Name, Hash> agents_;
  RecentTable<dns::Name, Instant, Hash> sent_;
  std::deque<dns::Name> waiting_;
  Instant minute_{Instant::min()};
  std::uint32_t in_minute_ = 0;
};

}  // namespace redoubt::resolver
