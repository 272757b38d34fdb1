#pragma once
// What is known of servers by address: how fast they answer, and which of them to leave alone for a while. Bounded;
// shared by workers.
#include <cstdint>
#include <list>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "dns/address.hpp"
#include "resolver/clock.hpp"
#include "resolver/network.hpp"

namespace redoubt::resolver {

class Servers {
 public:
  static constexpr std::size_t max_known = 20'000;

  struct Knowledge {
    Duration round_trip = std::chrono::milliseconds{0};  ///< smoothed; zero: never measured
    std::uint32_t failures = 0;                          ///< in a row
    Instant aside_until{};
    bool no_edns = false;  ///< said FORMERR to a query with EDNS, over TCP or with our id
  };

  Knowledge know(const dns::IpAddress& address) const;
  void answered(const dns::IpAddress& address, Duration round_trip);
  /// No answer, or none of use. After three in a row the server is put aside, longer each time up to a minute.
  void failed(const dns::IpAddress& address, Instant now);
  /// Lame or lying for what it was asked: aside at once.
  void put_aside(const dns::IpAddress& address, Instant until);

  /// One of the candidates: at random among those that nobody knows yet and those within a band above the fastest;
  /// those aside only when there are no others. candidates is not empty.
  std::size_t choose(const std::vector<dns::IpAddress>& candidates, Instant now, Random& random) const;

  /// How long to wait for this server's answer on its n-th try (from 0).
  static Duration patience(const Knowledge& knowledge, unsigned tries);

 private:
  struct Hash {
    std::size_t operator()(const dns::IpAddress& address) const;
  };
  using Queue = std::list<std::pair<dns::IpAddress, Knowledge>>;  // most recently touched first
  Knowledge& touch(const dns::IpAddress& address);

  mutable std::mutex lock_;
  Queue queue_;
  std::unordered_map<dns::IpAddress, Queue::iterator, Hash> index_;
};

}  // namespace redoubt::resolver
