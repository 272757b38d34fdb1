#pragma once
// What a question carries with it, down into the questions that it needs answered itself.
#include <cstdint>
#include <optional>
#include <string>

#include "dns/address.hpp"
#include "dns/edns.hpp"
#include "dns/question.hpp"
#include "resolver/budget.hpp"
#include "resolver/settings.hpp"

namespace redoubt::resolver {

struct Errand {
  const Settings& settings;
  Budget& budget;  ///< one for the client's question and all below it
  dns::Question question;
  const Errand* above = nullptr;  ///< the errand that waits for this one
  unsigned depth = 0;
  bool renews = false;   ///< what the cache has for the question itself does not count
  bool for_cut = false;  ///< asked to find the next cut alone: nobody needs what else comes
  bool is_new = false;   ///< the cache had nothing of the question's name just before
  bool checks = false;   ///< what comes of it is to be validated before anybody gets it
  /// Gave an answer that was bogus; somebody else is asked, if there is anybody.
  std::optional<dns::IpAddress> not_from{};

  /// Whether this errand or one above it asks that already: to ask it again would be to wait for oneself (attacks:
  /// cyclic delegations).
  bool waits_for(const dns::Question& other) const {
    for (const Errand* errand = this; errand != nullptr; errand = errand->above) {
      if (errand->question == other) return true;
    }
    return false;
  }
};

/// How widely a failure holds, and so where it may be remembered (RFC 9520).
enum class FailureScope : std::uint8_t {
  question,  ///< whoever asks it would fail: kept for the question, wherever it came up
  asker,     ///< a limit of the client's question, or what it waits for itself, was in the way: kept for the client's
             ///< question alone
  house,     ///< we had no means left (ports, descriptors): never kept
};

struct Failure {
  dns::ExtendedError told;
  FailureScope scope = FailureScope::question;
  std::optional<Limit> limit = std::nullopt;  ///< one that many questions share, when that was the cause
  bool heard = false;                         ///< a server spoke, though to no purpose: it may like another question
  bool is_bogus = false;                      ///< there were answers, and none that could be proven
  bool is_unchecked = false;                  ///< there were answers, and a limit kept them from being checked
};

}  // namespace redoubt::resolver
