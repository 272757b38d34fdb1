#pragma once
// Client queries that wait for a resolution, counted in all and for each client's network, so that one client who asks
// for what never comes cannot take the places of all others (attacks: water torture, phantom domains, one source). A
// network that has many waiting is answered at a steady pace, and not at all when it took long: answers that a slow
// server held back must not leave in one pulse (attacks: DNSBomb). Bounded; shared by workers.
#include <cstdint>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

#include "resolver/clock.hpp"
#include "resolver/fairness/holder.hpp"
#include "resolver/guards.hpp"

namespace redoubt::resolver {

class WaitingRoom {
 public:
  struct Bounds {
    std::uint64_t in_all;
    std::uint64_t of_one;
  };
  /// From this many places on a network is crowded, until none of its queries waits any more.
  static constexpr std::uint32_t crowd = 100;
  /// Between two answers to a crowded network: 100 in 10 ms.
  static constexpr std::chrono::microseconds pace{100};
  /// What took longer is not sent to a crowded network any more: whoever really asked has asked again.
  static constexpr std::chrono::milliseconds too_late{1900};

  /// Given back when it goes; lives at most as long as its room.
  class Place {
   public:
    Place(Place&& other) noexcept
        : room_{std::exchange(other.room_, nullptr)}, network_{other.network_}, came_{other.came_} {}
    ~Place() {
      if (room_ != nullptr) room_->leave(network_);
    }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    Place& operator=(Place&&) = delete;

    Holder client() const { return network_; }
    Instant came() const { return came_; }
    /// When the answer, which is there now, may be sent by UDP; nothing: not at all. Unless it has to wait, the place
    /// is given back with it: this is asked once.
    std::optional<Instant> leave_at(Instant now) {
      const auto turn = room_->leave_at(network_, came_, now);
      if (!turn || *turn == now) room_ = nullptr;
      return turn;
    }

   private:
    friend class WaitingRoom;
    Place(WaitingRoom& room, Holder network, Instant came) : room_{&room}, network_{network}, came_{came} {}
    WaitingRoom* room_;
    Holder network_;
    Instant came_;
  };

  enum class Turned : std::uint8_t {
    away,        ///< the house is full
    away_alone,  ///< the client has its share
    silently,    ///< the same, and it has been told often enough just now
  };
  /// place, or why there is none.
  struct Entry {
    std::optional<Place> place;
    Turned turned = Turned::away;
  };

  explicit WaitingRoom(const dns::HashKey& key, const Guards& guards = {}) : key_{key}, guards_{guards} {}
  /// Proven and unproven queries of one network are two networks here.
  Entry enter(const dns::IpAddress& client, AddressProof proof, Bounds bounds, Instant now);
  std::size_t count() const;
  /// Networks that have somebody waiting; for tests.
  std::size_t networks() const;

 private:
  struct Network {
    std::uint32_t waiting = 0;
    bool crowded = false;
    Instant next_answer{};
  };

  using Networks = std::unordered_map<Holder, Network, HolderHash>;

  void leave(Holder network);
  void leave(Networks::iterator network);
  std::optional<Instant> leave_at(Holder network, Instant came, Instant now);

  dns::HashKey key_;
  Guards guards_;
  mutable std::mutex lock_;  // guards the rest
  Networks networks_;
  std::size_t count_ = 0;
};

}  // namespace redoubt::resolver
