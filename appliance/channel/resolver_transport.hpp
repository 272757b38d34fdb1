#pragma once
// Everything that resolver and transport may say to each other: whole DNS messages, both ways. Ids are never used again
// while they live; an id that the receiver does not know is old news and ignored.
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "appliance/channel/codec.hpp"
#include "appliance/channel/monitor_child.hpp"
#include "dns/address.hpp"
#include "dns/name.hpp"

namespace redoubt::channel {

using ExchangeId = std::uint64_t;

/// Queries or answers in one message, whose octets together have their own bound.
inline constexpr std::uint32_t max_together = 256;
inline constexpr std::size_t max_octets_together = 60 * 1024;

enum class StreamProtocol : std::uint8_t { tcp, tls, https };

// --- to resolver
/// A client's query that came by a stream. client_name: of the certificate that it has shown; the root: it has shown
/// none.
struct Ask {
  ExchangeId id;
  ListenerId listener;
  StreamProtocol protocol;
  dns::Endpoint client;
  std::vector<std::uint8_t> query;
  dns::Name client_name{};
};
/// That client is gone.
struct Withdraw {
  ExchangeId id;
};
/// What a server answered.
struct Fetched {
  ExchangeId id;
  std::vector<std::uint8_t> answer;
};
enum class FetchFault : std::uint8_t {
  refused,
  unreachable,
  timed_out,
  closed_early,
  malformed,
  too_many,
  bad_request,
  untrusted,
  stalled,
  expired,
  wrong_name,
  wrong_key,
  http_refused,
  http_failed,
  http_strange
};
inline constexpr std::uint32_t fetch_faults = 15;
struct FetchFailed {
  ExchangeId id;
  FetchFault fault;
};
/// Queries that came together, in their order.
struct Asks {
  std::vector<Ask> asks;
};
using TransportToResolver = std::variant<Ask, Withdraw, Fetched, FetchFailed, Asks>;

// --- from resolver
/// What an answer rests on: the settings that it was made by, and how often the caches were flushed before it was.
/// Numbers of one resolver's life.
struct Basis {
  std::uint64_t settings = 0;
  std::uint64_t flushes = 0;
  bool operator==(const Basis&) const = default;
};
/// From now on: answers that rest on anything else are forgotten, and so is who may be given them.
struct UseBasis {
  Basis basis;
};
/// Said of an answer to a client whom the access list lets in: while its basis holds, transport may answer him by
/// itself, with what it has kept of earlier answers.
/// keep_for: seconds; for so long this answer may be kept, by the TTLs in it; 0: not at all. secure: AD is for whoever
/// asks for it.
struct Leave {
  Basis basis;
  std::uint32_t keep_for = 0;
  bool secure = false;
};
/// The answer to Ask. An empty one means that the client gets none and its connection is closed.
struct Give {
  ExchangeId id;
  std::vector<std::uint8_t> answer;
  std::optional<Leave> leave{};
};
/// Exchange this query with that server over a stream; give up after `patience` milliseconds. to_anybody: by TLS,
/// where the configuration lets strangers be asked, whoever it is.
struct Fetch {
  ExchangeId id;
  StreamProtocol protocol;
  dns::Endpoint server;
  std::uint32_t patience;
  std::vector<std::uint8_t> query;
  bool to_anybody = false;
};
/// Nobody waits for that Fetch any more.
struct Abandon {
  ExchangeId id;
};
/// Answers that are there together.
struct Gives {
  std::vector<Give> gives;
};
using ResolverToTransport = std::variant<Give, Fetch, Abandon, Gives, UseBasis>;

std::vector<std::uint8_t> encode(const TransportToResolver& message);
std::vector<std::uint8_t> encode(const ResolverToTransport& message);
std::expected<TransportToResolver, DecodeFault> decode_transport_to_resolver(std::span<const std::uint8_t> octets);
std::expected<ResolverToTransport, DecodeFault> decode_resolver_to_transport(std::span<const std::uint8_t> octets);
std::size_t descriptors_of(const TransportToResolver& message);
std::size_t descriptors_of(const ResolverToTransport& message);

}  // namespace redoubt::channel
