#pragma once
// The sockets of exchanges by UDP: connected to the one server, on a port of our own drawing that nobody else has. What
// that costs the kernel, and why there are two ways to it: docs/decisions/0085 and 0102.
#include <array>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "dns/address.hpp"
#include "resolver/guards.hpp"
#include "resolver/network.hpp"
#include "resolver/role/kernel_ports.hpp"
#include "resolver/upstream/held_ports.hpp"

namespace redoubt::resolver {

struct OutgoingSettings {
  std::vector<dns::IpAddress> addresses;  ///< drawn from, by family; none of a family: the kernel chooses
  std::uint16_t first_port = 1024;
  std::uint16_t last_port = 65535;
  std::uint32_t max_open = 2048;  ///< exchanges of one worker under way at once; more find no_resources
  Guards guards;
};

/// What the sockets API says with errno, for an exchange.
NetworkFault network_fault_of(int error);

/// A socket is fresh, and closed behind its exchange; or kept, and then it gives its port back behind each exchange and
/// takes another for the next, and says of each datagram to which port that came: what came to another than the one
/// that was drawn for this exchange is never read (docs/decisions/0095). Keeping them needs Linux 6.3; an exchange
/// whose port the kernel would not give a kept one (net.ipv4.ip_local_port_range) has a fresh one for it.
///
/// All are watched for reading in one epoll set, whose events carry what heed() reads.
class UpstreamSockets {
 public:
  /// Whose exchange it is: the caller's number, of 63 bits. No ticket is 0.
  using Ticket = std::uint64_t;
  struct Taken {
    int descriptor = -1;
    std::optional<std::uint32_t> kept;  ///< its place among the kept ones
    std::uint16_t port = 0;             ///< that was drawn for the exchange and is to be let go; of a kept one always
  };
  struct Counts {
    std::uint64_t fresh = 0;  ///< exchanges with a socket of their own
    std::uint64_t kept = 0;   ///< exchanges with a kept one
    std::uint64_t made = 0;   ///< sockets of both kinds
  };

  /// random and held outlive it; so does epoll_set, which is not owned.
  UpstreamSockets(Random& random, HeldPorts& held, int epoll_set)
      : random_{&random}, held_{&held}, epoll_set_{epoll_set} {}
  ~UpstreamSockets() { retire_kept(); }
  UpstreamSockets(const UpstreamSockets&) = delete;
  UpstreamSockets& operator=(const UpstreamSockets&) = delete;

  void use(OutgoingSettings settings);
  const OutgoingSettings& settings() const { return settings_; }
  const Counts& counts() const { return counts_; }
  /// `no_resources` where there is no descriptor or no port left.
  std::expected<Taken, NetworkFault> take(const dns::Endpoint& server, Ticket ticket);
  /// As take(), and nobody else had it or ever will.
  std::expected<Taken, NetworkFault> make_fresh(const dns::Endpoint& server, Ticket ticket);
  void give_back(const Taken& taken) noexcept;
  /// 0, or errno.
  int send(const Taken& taken, const dns::Endpoint& server, std::span<const std::uint8_t> query) const;
  /// Where a datagram was sent to, as the kernel says.
  enum class ToPort : std::uint8_t {
    drawn,    ///< the port of this exchange
    another,  ///< of an exchange before, or of the kernel's choosing
    untold,   ///< the kernel took IP_RECVORIGDSTADDR and does not do it
  };
  struct Received {
    std::size_t octets;  ///< may be more than the room has
    bool is_from_server;
    ToPort to = ToPort::drawn;
  };
  /// Whether what came to that port shows that this socket is of no use: the kernel has chosen another port than the
  /// one that was drawn, and so its range is another than we knew; or it does not tell, and then none is kept any more.
  bool is_of_no_use(const Taken& taken, ToPort to);
  /// errno where nothing is there.
  std::expected<Received, int> receive(const Taken& taken, const dns::Endpoint& server,
                                       std::span<std::uint8_t> room) const;
  /// Around the calls of heed() for what epoll tells. A socket that was given back is used again once all was heeded
  /// that had come by then: what a server sent more than its reply would take up the room for the next one's.
  void begin_to_heed() noexcept;
  void heeded_all() noexcept;
  /// Whose socket an event of the set is about; 0 where nobody has it: what came is gone then.
  Ticket heed(std::uint64_t event_data);

 private:
  struct Kept {
    int descriptor = -1;
    Ticket ticket = 0;
    bool v6 = false;
    std::uint32_t epoch = 0;
  };
  static constexpr std::uint64_t kept_mark = std::uint64_t{1} << 63;
  /// Ports for one exchange, each with the same chance, that nobody of ours has, or at another address maybe. The last
  /// one is let go unless it is kept.
  class Draws {
   public:
    explicit Draws(UpstreamSockets& house) : house_{&house} {}
    Draws(const Draws&) = delete;
    Draws& operator=(const Draws&) = delete;
    ~Draws() { house_->let_go(keep()); }
    /// In the place of the one before. False when we say that the machine has no port left: with nine tenths of all
    /// taken, so many draws miss once in a thousand times; a held port is never shared instead (attacks: port
    /// exhaustion).
    bool next();
    std::uint16_t port() const { return port_; }
    /// Nobody of ours has it, at any address.
    bool is_claimed() const { return is_claimed_; }
    /// For whoever gives the socket back: 0 where there is nothing to let go.
    std::uint16_t keep() {
      const std::uint16_t port = std::exchange(port_, std::uint16_t{0});
      return std::exchange(is_claimed_, false) ? port : std::uint16_t{0};
    }

   private:
    UpstreamSockets* house_;
    std::uint16_t port_ = 0;  // 0 also where the kernel is to draw
    bool is_claimed_ = false;
    int left_ = 64;
  };
  static constexpr std::size_t most_kept = 512;  // of both families; what is needed at once beyond them is fresh

  /// Nothing where it has to be a fresh one, on the same port.
  std::optional<std::expected<Taken, NetworkFault>> take_kept(const dns::Endpoint& server, Ticket ticket, Draws& draws,
                                                              KernelPorts::Expected expected);
  std::expected<Taken, NetworkFault> make_fresh(const dns::Endpoint& server, Ticket ticket, Draws& draws);
  std::optional<std::uint32_t> idle_kept(bool v6);
  /// 0, or errno of what failed; EADDRINUSE when the port is not to be had, ERANGE when the kernel was seen to take
  /// another, ENOPROTOOPT when it cannot be told which.
  int connect_kept(const Kept& kept, const dns::Endpoint& server, std::uint16_t port, KernelPorts::Expected expected);
  void disconnect_kept(std::uint32_t place) noexcept;
  void let_go(std::uint16_t port) noexcept;
  /// The kernel took another port than the one that was drawn: say so once, and keep none where it never heeds us.
  void heed_range();
  /// None is kept until the settings come anew.
  enum class Because : std::uint8_t { ports_are_not_given, ports_are_not_told };
  void keep_no_more(Because why);
  static ToPort told_port(const Taken& taken, std::uint16_t port);
  /// What came when nobody had the socket. False where that is so much that it is rather closed.
  static bool drain(int descriptor) noexcept;
  /// Of those in use, none is kept behind its exchange.
  void retire_kept() noexcept;
  void vacate(std::uint32_t place) noexcept;
  int make(bool v6);
  bool watch(int descriptor, std::uint64_t data) const;
  std::optional<dns::IpAddress> draw_source(bool v6);

  Random* random_;
  HeldPorts* held_;
  int epoll_set_;
  OutgoingSettings settings_;
  Counts counts_;
  bool may_keep_ = true;
  KernelPorts kernel_ports_;
  std::uint32_t epoch_ = 0;  // which kept ones may be used again
  std::vector<Kept> kept_;
  // Places in kept_, by family: connected to nobody; given back since it was last seen what has come; and given back
  // before, while that is being seen. Then those without a socket. Each list has room for all of them.
  std::array<std::vector<std::uint32_t>, 2> idle_;
  std::array<std::vector<std::uint32_t>, 2> resting_;
  std::array<std::vector<std::uint32_t>, 2> looked_at_;
  std::vector<std::uint32_t> vacant_;
};

}  // namespace redoubt::resolver
