#pragma once
// Client queries that wait for a resolution, counted in all and for each client's network, so that one client who asks
// for what never comes cannot take the places of all others (attacks: water torture, phantom domains, one source).
#include <cstdint>
#include <map>

#include "dns/address.hpp"

namespace redoubt::resolver {

class WaitingRoom {
 public:
  struct Bounds {
    std::uint64_t in_all;
    std::uint64_t of_one;
  };

  /// A place; given back when it goes. Lives at most as long as its room.
  class Place {
   public:
    Place(WaitingRoom& room, const dns::IpAddress& client)
        : room_{&room}, place_{room.waiting_.try_emplace(network_of(client)).first} {
      ++place_->second;
      ++room_->count_;
    }
    ~Place() {
      --room_->count_;
      if (--place_->second == 0) room_->waiting_.erase(place_);
    }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

   private:
    WaitingRoom* room_;
    std::map<dns::IpAddress, std::uint32_t>::iterator place_;
  };

  bool is_full_for(const dns::IpAddress& client, Bounds bounds) const {
    if (count_ >= bounds.in_all) return true;
    const auto at = waiting_.find(network_of(client));
    return at != waiting_.end() && at->second >= bounds.of_one;
  }
  std::uint32_t count() const { return count_; }
  /// Networks that have somebody waiting; for tests.
  std::size_t networks() const { return waiting_.size(); }

  /// One IPv4 address, or the /56 that a site is given in IPv6.
  static dns::IpAddress network_of(const dns::IpAddress& client);

 private:
  std::map<dns::IpAddress, std::uint32_t> waiting_;
  std::uint32_t count_ = 0;
};

}  // namespace redoubt::resolver
