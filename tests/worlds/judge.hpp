#pragma once
// Whether what the resolver says and keeps is what some state of the honest world says, at a time from which it may
// still be held.
#include <optional>
#include <string>

#include "dns/message.hpp"
#include "resolver/cache/cache.hpp"
#include "tests/worlds/forecast.hpp"

namespace redoubt::worlds {

/// How an answer was found to be.
struct Verdict {
  std::optional<std::string> complaint;  ///< what is wrong, in words
  bool failed = false;                   ///< SERVFAIL, with an excuse
  bool stale = false;
  bool tainted = false;  ///< a liar had a say, so that most of it was taken as it is
};

class Judge {
 public:
  explicit Judge(const Plan& plan);

  /// The world changed to its next state.
  void changed(resolver::Instant now) { begun_.push_back(now); }
  void begin(resolver::Instant now) { begun_ = {now}; }
  Verdict of_answer(const dns::Question& question, const dns::Message& message, resolver::Instant now) const;
  /// One entry of the cache, or a delegation.
  std::optional<std::string> of_entry(const resolver::ShownEntry& entry, resolver::Instant now) const;
  std::optional<std::string> of_delegation(const resolver::Delegation& cut, resolver::Instant now) const;
  bool is_tainted(const dns::Name& name) const;

 private:
  struct Rrset {
    dns::Name owner;
    dns::RrType type;
    std::uint32_t ttl;
    std::vector<std::vector<std::uint8_t>> rdata;
  };

  std::size_t current() const { return begun_.size() - 1; }
  resolver::Instant latest_fetch(std::size_t state, const dns::Name& name, resolver::Instant now) const;
  bool may_be_held(std::size_t state, const dns::Name& name, std::uint32_t ttl, resolver::Duration left,
                   resolver::Instant now, bool denial, bool stale) const;
  std::vector<Truth> truths(const dns::Name& name, dns::RrType type, bool data, std::uint32_t ttl,
                            resolver::Instant now, bool stale) const;
  bool is_synthesised(const Rrset& shown, resolver::Instant now, bool stale) const;
  std::optional<std::string> why_no_failure(const dns::Question& question, resolver::Instant now) const;
  std::optional<std::string> walk(const dns::Question& question, const dns::Message& message, resolver::Instant now,
                                  bool stale) const;

  const Plan* plan_;
  std::vector<Forecast> forecasts_;       // of each state
  std::vector<Reference> references_;     // likewise
  std::vector<resolver::Instant> begun_;  // of each state so far
};

}  // namespace redoubt::worlds
