#pragma once
// A World whose zones are signed, with a resolver that validates: what scenarios about DNSSEC begin with.
#include <functional>
#include <map>
#include <optional>

#include "tests/signing/signed_records.hpp"
#include "tests/sim/world.hpp"

namespace redoubt::sim {

/// One zone of a signed world. Change it, then publish().
struct SignedSite {
  std::string address;                                     ///< of its server
  std::string text;                                        ///< without NS, DNSKEY and the like
  std::optional<signing::ZoneSigning> signing;             ///< nothing: unsigned
  bool has_ds = true;                                      ///< if it is signed
  std::vector<dns::Record> ds{};                           ///< instead of the one that would be right
  std::function<void(std::vector<dns::Record>&)> spoil{};  ///< after signing
  std::vector<Behaviour> behaviours{};
};

/// The root, com. and net. are signed; `shop.com.` and others come by site(). Signatures hold from a day before the
/// beginning of time to thirty days after it.
class SignedWorld {
 public:
  explicit SignedWorld(signing::DenialBy denial = signing::DenialBy::nsec);

  /// A signed zone with www A 192.0.2.80 and what `more` says.
  SignedSite& site(const std::string& apex, const std::string& address, const std::string& more = "");
  SignedSite& at(const std::string& apex) { return sites_.at(apex); }
  /// Puts all zones on their servers, with their delegations and DS records. Called by ask() the first time.
  void publish();
  Answer ask(std::string_view name, std::string_view type = "A", bool cd = false);
  World& world() { return world_; }
  static signing::ZoneSigning signing_of(const std::string& apex, signing::DenialBy denial);
  static signing::Times times();

 private:
  std::vector<dns::Record> records_of(const dns::Name& apex, const SignedSite& site) const;

  World world_;
  signing::DenialBy denial_;
  std::map<std::string, SignedSite> sites_;
  bool published_ = false;
};

/// The records of that owner and type.
std::vector<dns::Record*> find_records(std::vector<dns::Record>& records, std::string_view owner,
                                       std::string_view type);
/// Flips a bit in the last octet of every RRSIG over that set.
void spoil_signature(std::vector<dns::Record>& records, std::string_view owner, std::string_view type);
/// Takes every RRSIG over that set away.
void strip_signature(std::vector<dns::Record>& records, std::string_view owner, std::string_view type);

}  // namespace redoubt::sim
