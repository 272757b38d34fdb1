#pragma once
// Questions that are out at upstreams at this moment, to notice when one comes back to us as a client's query: then
// forwarders stand in a ring. Shared by workers.
#include <cstdint>
#include <map>
#include <mutex>

#include "dns/address.hpp"
#include "dns/question.hpp"

namespace redoubt::resolver {

class Abroad {
 public:
  enum class Return : std::uint8_t {
    no,
    perhaps,  ///< it comes from the very address that is being asked; that machine may have clients of its own
    yes       ///< it has our own random letter case, which only those know who were sent it
  };

 private:
  struct Before {
    bool operator()(const dns::Question& a, const dns::Question& b) const {
      const auto names = a.name <=> b.name;
      return names < 0 || (names == 0 && a.type.value < b.type.value);
    }
  };
  struct Place {
    dns::IpAddress upstream;
    bool came_back = false;
  };
  using Questions = std::multimap<dns::Question, Place, Before>;  // its iterators stay good

 public:
  /// One question at one upstream, for as long as this lives.
  class Ticket {
   public:
    /// sent: its name in the case that is on the wire.
    Ticket(Abroad& abroad, dns::Question sent, const dns::IpAddress& upstream);
    ~Ticket();
    Ticket(Ticket&& other) noexcept : abroad_{other.abroad_}, place_{other.place_} { other.abroad_ = nullptr; }
    Ticket(const Ticket&) = delete;
    Ticket& operator=(const Ticket&) = delete;
    Ticket& operator=(Ticket&&) = delete;
    /// For the explanation of a failure alone: whoever can forge a source address can make this true.
    bool came_back() const;

   private:
    Abroad* abroad_;
    Questions::iterator place_;
  };

  /// Whether a client's query is one of our own. The flight itself is left alone, whatever is found: no forged query
  /// ends it or stops the use of an upstream.
  Return is_returning(const dns::Question& asked, const dns::IpAddress& client);

 private:
  mutable std::mutex lock_;  // guards the rest
  Questions questions_;
};

}  // namespace redoubt::resolver
