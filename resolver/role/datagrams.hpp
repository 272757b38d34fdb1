#pragma once
// Datagrams in batches: one system call takes up to a batch of queries, one sends the answers to all of them.
// Everything is laid out once; nothing is allocated afterwards.
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "dns/address.hpp"

namespace redoubt::resolver {

inline constexpr std::size_t batch_size = 32;
/// Longer queries than this have no honest use by UDP; they are ignored (the kernel marks them as cut).
inline constexpr std::size_t max_datagram_query = 4096;
/// What we ever send by UDP (RFC 9715, DNS flag day 2020).
inline constexpr std::size_t max_datagram_answer = 1232;

/// Whether a client may ask from there. At ports below 1024 stand services, some of which answer whatever comes (echo,
/// chargen): an answer to one of them would begin a conversation without end. Old resolvers ask from port 53.
constexpr bool is_client_port(std::uint16_t port) { return port >= 1024 || port == 53; }

/// Whence a datagram came and to which of our addresses: an answer leaves from the address that was asked.
struct ReturnPath {
  sockaddr_in6 peer;  ///< room for either family
  socklen_t peer_octets = 0;
  alignas(
      cmsghdr) std::array<std::uint8_t, 64> control;  ///< a whole IP_PKTINFO or IPV6_PKTINFO message, ready for sendmsg
  std::uint8_t control_octets = 0;                    ///< 0: the socket is bound to one address

  dns::Endpoint endpoint() const;
};

struct Datagram {
  std::span<const std::uint8_t> octets;
  const ReturnPath* path;
};

/// Fixed room for one batch in each direction. Answers are built right in room(), then committed.
class DatagramBatch {
 public:
  DatagramBatch();
  ~DatagramBatch();
  DatagramBatch(const DatagramBatch&) = delete;
  DatagramBatch& operator=(const DatagramBatch&) = delete;

  /// Takes what waits on the socket, at most a batch. The number taken; 0 when nothing waits. Cut datagrams come with
  /// no octets.
  std::size_t receive(int socket);
  Datagram datagram(std::size_t index) const;

  /// Where the next answer of this batch may be written.
  std::span<std::uint8_t> room();
  /// The first `octets` of room() are the answer along that path.
  void commit(std::size_t octets, const ReturnPath& path);
  /// The same for a path that will not be there any more when all are sent.
  void commit_with_copy(std::size_t octets, const ReturnPath& path);
  bool is_full() const { return committed_ == batch_size; }
  /// Drops what was committed, after a failure in the midst of a batch.
  void forget() { committed_ = 0; }
  /// Sends all that was committed. How many could not be sent: a full socket buffer loses answers as a network does.
  std::size_t flush(int socket);

 private:
  struct ControlRoom;
  struct QueryRoom;
  struct Storage;
  std::unique_ptr<Storage> storage_;
  std::size_t committed_ = 0;
};

}  // namespace redoubt::resolver
