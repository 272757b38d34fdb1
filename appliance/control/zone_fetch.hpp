#pragma once
// Fetches a zone that is younger than ours: the serial first, then, if it is worth it, the zone (RFC 5936), from one
// server after the other until one has it. The connections are transport's. One fetch at a time.
#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "appliance/control/siblings.hpp"
#include "appliance/control/zone_assembly.hpp"
#include "dns/address.hpp"

namespace redoubt::control {

class ZoneFetch {
 public:
  /// Nothing: a server said that ours is the newest.
  using Result = std::expected<std::optional<std::vector<dns::Record>>, std::string>;
  using OnDone = std::function<void(Result)>;

  /// siblings outlives the fetch, which takes its events of transfers.
  explicit ZoneFetch(Siblings& siblings);

  bool running() const { return step_ != Step::idle; }
  /// servers: tried in that order. serial: of the zone that is here already. done: once, later or now.
  void start(dns::Name apex, std::vector<dns::Endpoint> servers, std::optional<std::uint32_t> serial, OnDone done);
  /// No done any more.
  void cancel();
  /// transport is gone, and what it did for us with it.
  void lost();

 private:
  enum class Step : std::uint8_t { idle, asking_serial, transferring };

  void try_next_server();
  bool open(dns::RrType type);
  void hear(const channel::TransferMessage& message);
  void hear_serial(std::span<const std::uint8_t> message);
  void hear_zone(std::span<const std::uint8_t> message);
  void give_up_server(const std::string& why);
  void close();
  void finish(Result result);

  Siblings& siblings_;
  Step step_ = Step::idle;
  dns::Name apex_;
  std::vector<dns::Endpoint> servers_;
  std::size_t next_server_ = 0;
  std::optional<std::uint32_t> serial_;
  std::string trouble_;
  std::optional<channel::RequestId> transfer_;
  std::uint16_t query_id_ = 0;
  std::optional<ZoneAssembly> assembly_;
  OnDone done_;
};

}  // namespace redoubt::control
