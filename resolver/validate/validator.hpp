#pragma once
// Whether what servers said is proven (RFC 4035 §5): builds the chain of trust from the anchors down as far as one
// answer needs it. Every fetch and every check is charged to the ledger of the question that it is for; nothing here
// ever gets a ledger of its own (attacks: quota reset).
#include <expected>

#include "dnssec/verify/denial.hpp"
#include "dnssec/verify/key_set.hpp"
#include "resolver/iterate/finding.hpp"
#include "resolver/task.hpp"
#include "resolver/validate/check_line.hpp"
#include "resolver/validate/trust.hpp"
#include "resolver/validate/turns.hpp"

namespace redoubt::resolver {

struct Shared;

/// Who gets DS and DNSKEY records: the iteration. What comes is as servers said it.
class Fetcher {
 public:
  virtual ~Fetcher() = default;
  enum class Source : std::uint8_t { cache_or_servers, servers };
  /// not_from: whom not to ask, if there is anybody else.
  virtual Task<Finding> fetch(const Errand& errand, dns::Question question, Source source,
                              std::optional<dns::IpAddress> not_from) = 0;
};

/// The ledger as checks see it. One for what one zone has said.
class BudgetEffort final : public dnssec::Effort {
 public:
  explicit BudgetEffort(Budget& budget)
      : budget_{&budget},
        failures_before_{budget.spent(Limit::failed_signature_checks)},
        blocks_before_{budget.spent(Limit::nsec3_blocks)} {}
  bool spend(dnssec::Work work, std::uint64_t amount) override;
  void skipped(dnssec::Candidates candidates) override;
  /// The limit that kept something from being looked at: what came to nothing then is not known to be bogus.
  std::optional<Limit> cut_by() const { return cut_by_; }
  /// Whether it was the zone's own doing that this limit was reached, and not that of others which the question had
  /// gone to before: whoever asks must not be able to spoil others' zones.
  bool is_of_the_zone(Limit limit) const;

 private:
  Budget* budget_;
  std::optional<Limit> cut_by_;
  std::uint64_t failures_before_;
  std::uint64_t blocks_before_;
};

/// Whether the limit is of how much of a kind is looked at, and not of what a question may spend in all.
bool is_of_candidates(Limit limit);

/// What a limit kept from being checked is not bogus: that says nothing of the data. The question ends with it.
Failure not_checked(Budget& budget, Limit limit, dnssec::Reason reason);

class Validator {
 public:
  /// All outlive the validator.
  Validator(Shared& shared, Clock& clock, Fetcher& fetcher, boost::asio::any_io_executor executor)
      : shared_{&shared}, clock_{&clock}, fetcher_{&fetcher}, checks_{clock, executor}, turns_{std::move(executor)} {}

  template <class T>
  using Result = std::expected<T, Failure>;
  using Bogus = dnssec::Reason;

  /// Whether what a zone proves of a name below it is the last word: no other anchor, negative anchor or zone of the
  /// site's own lies between.
  bool holds_below(const dns::Name& zone, const dns::Name& name, const Settings& settings) const;

  /// Fills in the standings of `found`, cuts TTLs down to what signatures allow (RFC 4035 §5.3.3), and leaves nothing
  /// in the proof that is not proven itself. question: what the end of the chain was asked for. Nothing: no part of it
  /// is bogus. Else why, and whether to ask elsewhere makes sense: not when the zone's keys are to blame. A Failure: it
  /// could not be found out.
  struct Fault {
    dnssec::Reason reason;
    bool may_be_the_servers = true;
    std::optional<Limit> cut_by{};  ///< it is not bogus for certain: this limit was in the way
  };
  Task<Result<std::optional<Fault>>> judge(const Errand& errand, Classified& found, const dns::Question& question);

 private:
  using Records = std::vector<dns::RRset>;
  struct Verdict {
    Security security = Security::bogus;
    dnssec::Reason reason{};
    bool may_be_the_servers = true;
    std::shared_ptr<const dnssec::ZoneKeys> keys{};  ///< who signed, when secure
    dns::Ttl ttl{};
    std::optional<Limit> cut_by{};                  ///< when bogus: it may be better
    std::optional<std::uint8_t> expanded_labels{};  ///< of the wildcard that it was made from
  };

  // judge.cpp: one RRset, one denial
  using Checked = std::expected<dnssec::Signed, dnssec::Reason>;
  /// As dnssec::check_signatures(); what else the loop has to do comes between the verifications. Who stands in the
  /// line until the question's time is over has no budget left.
  Task<Checked> check(const Errand& errand, const dns::RRset& set, const dns::RdataList& rrsigs,
                      const dnssec::ZoneKeys& keys, const dnssec::SignatureRules& rules, dnssec::Effort& effort);
  Task<Result<Verdict>> judge_set(const Errand& errand, const dns::RRset& set, const Records& signatures);
  Task<Result<Verdict>> judge_expansion(const Errand& errand, Classified& found, const dns::RRset& set);
  Task<Result<Verdict>> judge_denial(const Errand& errand, Classified& found, const dns::Question& question);
  Task<Verdict> prove_denial(const Errand& errand, Classified& found, const dns::Question& question,
                             const dnssec::ZoneKeys& keys);
  Task<Result<Verdict>> judge_chain(const Errand& errand, Classified& found);
  /// Of the NSEC and NSEC3 sets, those that these keys have signed; each is checked once, however many names it is
  /// about.
  Task<std::vector<dnssec::DenialRecord>> proven_records(const Errand& errand, Classified& found,
                                                         const dnssec::ZoneKeys& keys, BudgetEffort& effort);

  // chain.cpp: from the anchors down
  /// Never an unchecked one: that is a failure of the question.
  Task<Result<SharedTrust>> trust_of(const Errand& errand, const dns::Name& zone, unsigned depth);
  Task<Result<SharedTrust>> find_trust(const Errand& errand, const dns::Name& zone, unsigned depth);
  Task<Result<SharedTrust>> follow_ds(const Errand& errand, const dns::Name& zone, const Classified& found,
                                      unsigned depth);
  Task<Result<SharedTrust>> keys_of(const Errand& errand, const dns::Name& zone, const dnssec::Vouchers& vouchers,
                                    Instant most);
  /// Whether an unsigned RRset may be at this name: insecure when a zone at or above it is proven to be unsigned, else
  /// bogus.
  Task<Result<SharedTrust>> unsigned_at(const Errand& errand, const dns::Name& name, unsigned depth);
  SharedTrust keep(const Errand& errand, const dns::Name& name, ZoneTrust trust);
  /// A bogus zone, or an unchecked one when a limit was in the way; that is remembered only if it was its own doing.
  SharedTrust keep_fault(const Errand& errand, const dns::Name& name, dnssec::Reason reason, const BudgetEffort& effort,
                         bool is_certain = false);

  /// The deepest anchor at or above the name; null: there is none.
  static const TrustAnchor* anchor_above(const dns::Name& name, const Settings& settings);
  /// The negative anchor that holds at the name; null: none.
  const NegativeAnchor* exception_of(const dns::Name& name, const Settings& settings) const;
  bool is_excepted(const dns::Name& name, const Settings& settings) const {
    return exception_of(name, settings) != nullptr;
  }
  static dnssec::Reason reason_of(const NegativeAnchor& exception);
  dnssec::SignatureRules rules(const Settings& settings);
  /// Makes the text only when somebody listens.
  template <class Verdict>
  void tell(const Errand& errand, const dns::Question& question, const dns::Name& zone, Verdict verdict) const {
    if (errand.budget.trace() != nullptr) note(errand, question, zone, verdict());
  }
  void tell_remembered(const Errand& errand, const dns::Name& zone, const ZoneTrust& trust, Instant now) const;
  void note(const Errand& errand, const dns::Question& question, const dns::Name& zone, std::string verdict) const;

  Shared* shared_;
  Clock* clock_;
  Fetcher* fetcher_;
  CheckLine checks_;
  Turns turns_;  ///< zones whose trust is being found out; goes first, so that nobody who is dropped calls another
  dnssec::ReadyKeys ready_;
};

/// RRSIGs that may be over a set of that owner; empty when there are none.
const dns::RdataList& signatures_at(const std::vector<dns::RRset>& signatures, const dns::Name& owner);
/// The zones that claim to have signed a set: distinct, at or above `lowest` and at or below `highest`, two at most.
std::vector<dns::Name> signers_of(const dns::RdataList& rrsigs, dns::RrType type, const dns::Name& lowest,
                                  const dns::Name& highest);

}  // namespace redoubt::resolver
