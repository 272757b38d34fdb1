#pragma once
// One question at one cut: who may be asked, who was how often, whose address is still to be found. Pure bookkeeping.
#include <boost/container/small_vector.hpp>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "resolver/cache/cache.hpp"
#include "resolver/iterate/errand.hpp"
#include "resolver/network.hpp"

namespace redoubt::resolver {

/// Packets that one address gets for one question at one cut, all causes (attacks: resend loops, self-pointed glue).
inline constexpr unsigned tries_per_server = 3;

/// Whether queries may go there at all: a family in use, not on the do-not-query list, and no IPv4 address in IPv6's
/// clothes.
bool may_ask(const dns::IpAddress& address, const Settings& settings);

class Asking {
 public:
  /// More of them need memory of their own.
  static constexpr std::size_t usual_addresses = 4;
  using Addresses = boost::container::small_vector<dns::IpAddress, usual_addresses>;

  /// tries: packets that one address may still get.
  Asking(const Errand& errand, SharedDelegation cut, unsigned tries = tries_per_server);

  const Errand& errand() const { return *errand_; }
  const Delegation& cut() const { return *cut_; }

  /// Unless it may not be asked or is known here already. At most limit addresses-kept of one server name are to be
  /// added.
  void add(const dns::IpAddress& address);
  /// Those that were asked least often and may be asked again.
  Addresses willing() const;
  /// Whether each known address was asked at least once.
  bool all_asked() const;
  unsigned tries(const dns::IpAddress& address) const;
  void count_try(const dns::IpAddress& address) { ++at(address).tries; }
  /// It is not asked again for this question.
  void give_up(const dns::IpAddress& address) { at(address).tries = most_tries_; }
  bool is_given_up(const dns::IpAddress& address) const { return tries(address) >= most_tries_; }

  bool has_names_to_look_up() const { return !without_address_.empty(); }
  /// The next server name without address, drawn at random; nothing when there is none left or enough were looked up
  /// for this cut (attacks: NXNSAttack).
  std::optional<dns::Name> next_name_to_look_up(Random& random);

  /// The server of that address, as far as the cut says; else the root.
  dns::Name server_name(const dns::IpAddress& address) const;

  /// The last one noted is told.
  void note(std::string trouble, FailureScope scope = FailureScope::question);
  /// A server's, with its code: network_error when it is broken, no_reachable_authority when it was not reached or does
  /// not want to answer. One that is broken decides what is told (RFC 8914 §4.23, §4.24).
  void note_server(Failure trouble);
  /// What stopped the way to a server's address, told as it is.
  void note(Failure nested);
  /// A server spoke, though to no purpose.
  void heard() { heard_ = true; }
  /// Those that are such and have not been given out here before.
  Addresses show_once(const std::function<bool(const dns::IpAddress&)>& is_such);
  /// How many of the addresses that may be asked are such.
  std::size_t count_addresses(const std::function<bool(const dns::IpAddress&)>& is_such) const;
  /// What to tell when nobody helped. aside: so many addresses were put aside before, and asked last if at all. The
  /// last trouble alone would blame those that are left.
  Failure failure(std::size_t aside) const;

 private:
  struct Known {
    dns::IpAddress address;
    unsigned tries = 0;
    bool is_shown = false;
  };
  const Known* find(const dns::IpAddress& address) const;
  Known& at(const dns::IpAddress& address);

  const Errand* errand_;
  SharedDelegation cut_;
  unsigned most_tries_;
  boost::container::small_vector<Known, usual_addresses> known_;  // by address
  std::vector<dns::Name> without_address_;                        // server names not looked up yet
  std::uint64_t lookups_ = 0;
  bool heard_ = false;
  bool broken_ = false;
  std::string trouble_;
  std::optional<dns::ExtendedError> nested_;  // set when the last trouble was noted so
  FailureScope scope_ = FailureScope::question;
};

}  // namespace redoubt::resolver
