#pragma once
// What is known of servers: how fast an address answers, and which to leave alone for a while. Trouble is known by
// address and zone: who delegates his own zone to somebody else's server must not be able to turn that server off for
// the zones that it does serve. Bounded; shared by workers.
#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "dns/address.hpp"
#include "dns/name.hpp"
#include "dns/rr_types.hpp"
#include "resolver/clock.hpp"
#include "resolver/network.hpp"
#include "resolver/upstream/recent_table.hpp"

namespace redoubt::resolver {

class Servers {
 public:
  static constexpr std::size_t max_measured = 20'000;
  static constexpr std::size_t max_troubled = 10'000;

  /// key: secret, for the hashes of addresses and names that others choose.
  explicit Servers(const dns::HashKey& key)
      : key_{key}, round_trips_{max_measured, AddressHash{key}}, troubles_{max_troubled, PairHash{key}} {}

  /// Smoothed; zero when the address was never heard of.
  Duration round_trip(const dns::IpAddress& address) const;
  bool is_aside(const dns::IpAddress& address, const dns::Name& zone, Instant now) const;

  /// What was wrong: a text that lives for ever, or what the server said.
  using Why = std::variant<std::string_view, dns::Rcode>;
  static std::string to_text(const Why& why);
  /// For an operator's look at one that is put aside.
  struct Aside {
    Duration left{};
    std::uint32_t failures = 0;  ///< in a row; 0: it was put aside at once
    Why why{};                   ///< the last time
  };
  /// Nothing when it is not.
  std::optional<Aside> aside(const dns::IpAddress& address, const dns::Name& zone, Instant now) const;

  /// It answered, whatever it said.
  void answered(const dns::IpAddress& address, Duration round_trip);
  /// And that was of use for the zone: what went wrong before is forgotten.
  void succeeded(const dns::IpAddress& address, const dns::Name& zone);
  /// No answer, or none of use. After three in a row the server is put aside for the zone, longer each time up to a
  /// minute.
  void failed(const dns::IpAddress& address, const dns::Name& zone, Instant now, Why why = {});
  /// It does not serve the zone, or lies about it: aside at once.
  void put_aside(const dns::IpAddress& address, const dns::Name& zone, Instant until, Why why = {});

  /// Index of one candidate: mostly at random among those that nobody knows yet and those within a band above the
  /// fastest, now and then any other, so that who got faster is found; those aside only when there are no others.
  /// candidates is not empty.
  std::size_t choose(std::span<const dns::IpAddress> candidates, const dns::Name& zone, Instant now,
                     Random& random) const;

  /// How long to wait for an answer on the n-th try (from 0) of a server with this smoothed round trip.
  static Duration patience(Duration round_trip, unsigned tries);

  /// For an operator's look.
  struct Row {
    dns::IpAddress address;
    Duration round_trip{};
    std::uint32_t failures = 0;  ///< in a row, for the zone with most of them
    Duration aside_for{};        ///< zero: for no zone
  };
  /// Those that were heard of or failed most lately, at most so many.
  std::vector<Row> recent(std::size_t limit, Instant now) const;

  std::size_t measured() const;
  std::size_t troubled() const;

 private:
  struct Trouble {
    std::uint32_t failures = 0;  ///< in a row
    Instant aside_until{};
    Why why{};
  };
  struct Pair {
    dns::IpAddress address;
    std::uint64_t zone;  ///< keyed hash: two zones that share it by chance share their troubles, and no more
    bool operator==(const Pair&) const = default;
  };
  struct AddressHash {
    dns::HashKey key;
    std::size_t operator()(const dns::IpAddress& address) const;
  };
  struct PairHash {
    dns::HashKey key;
    std::size_t operator()(const Pair& pair) const { return AddressHash{key}(pair.address) ^ pair.zone; }
  };

  bool is_aside_locked(const Pair& pair, Instant now) const;

  dns::HashKey key_;
  mutable std::mutex lock_;  // guards both tables
  RecentTable<dns::IpAddress, Duration, AddressHash> round_trips_;
  RecentTable<Pair, Trouble, PairHash> troubles_;
  std::atomic<std::size_t> troubled_ = 0;  // as many as there are: spares the lock to all who ask in good times
};

}  // namespace redoubt::resolver
