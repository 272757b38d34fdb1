#pragma once
// Everything that monitor and a child may say to each other. Descriptors ride along where a message says so: exactly
// that many, else the message is refused and they are closed.
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "appliance/channel/codec.hpp"
#include "appliance/channel/roles.hpp"
#include "dns/address.hpp"

namespace redoubt::channel {

enum class SocketKind : std::uint8_t { datagram, stream };

/// Numbers a listener of the configuration; the snapshot uses the same number.
using ListenerId = std::uint32_t;

inline constexpr std::uint32_t max_listeners = 256;
inline constexpr std::uint32_t max_workers = 64;

// --- to a child
/// One descriptor: a fresh channel to that peer; it replaces the former one.
struct Attach {
  Role peer;
};
/// One descriptor: a bound socket of that listener. worker counts from 0; for streams it is 0.
struct TakeSocket {
  ListenerId listener;
  SocketKind kind;
  std::uint32_t worker;
  dns::Endpoint bound;
};
/// Close what belongs to that listener.
struct DropListener {
  ListenerId listener;
};
/// End cleanly: finish what is nearly done, then exit with 0.
struct Stop {};
/// To control. One descriptor when opened is true: the configuration file, opened afresh. Otherwise `trouble` says why
/// there is none. `initial` marks the first one after a start of monitor, when the whole start fails with the
/// configuration. `since`: when monitor started, in seconds since 1970.
struct ReadConfiguration {
  bool opened;
  bool initial;
  std::string path;
  std::string trouble;
  std::uint64_t since;
};
/// To control: what came of its Bind. trouble is empty when all is bound.
struct BindResult {
  std::uint32_t id;
  std::string trouble;
};
/// To control: what it gave to keep, back after its restart. To keykeeper: its secret's file and what there is of zone
/// keys, at once and after each restart. One descriptor.
struct Kept {
  std::uint8_t slot;
};
/// To control: a child came or went.
struct ChildState {
  Role role;
  std::uint32_t pid;
  std::uint32_t restarts;
  std::uint32_t stuck;  ///< how often it was killed because it did not answer
  bool up;
};
/// To all: monitor knows that everyone is ready; sent once after start and after each restart that completes the set
/// again.
struct AllReady {};
/// How to log, as control read it (see LogAs of the other direction).
struct LogAs {
  std::uint8_t level;
  bool json;
};
/// To keykeeper: one of the files that control named in OpenTlsFiles, the certificates first, then their key. One
/// descriptor.
struct TlsFile {
  std::uint64_t id;
  bool key;
};
/// To control: its OpenTlsFiles has failed.
struct TlsFilesMissing {
  std::uint64_t id;
  bool key;  ///< it is the key's file that cannot be opened
  std::string trouble;
};
/// To resolver and transport, now and then: whether each of their threads still takes up work. Answered by StillHere.
struct AreYouThere {};
using MonitorToChild = std::variant<Attach, TakeSocket, DropListener, Stop, ReadConfiguration, BindResult, Kept,
                                    ChildState, AllReady, LogAs, TlsFile, TlsFilesMissing, AreYouThere>;

// --- from a child
/// The door is shut: first message of every child. trouble says what of the sandbox could not be set up; empty is the
/// rule. Monitor gives out no socket before all have entered, and with trouble only when control said AcceptBestEffort.
struct Entered {
  std::string trouble;
};
/// Serving: has its snapshot and its sockets.
struct Ready {};
/// From control, once its configuration is read: whether an incomplete sandbox is accepted (`sandbox: best-effort`).
struct AcceptBestEffort {
  bool accepted;
};
/// From control: bind this listener's sockets (workers > 0 for datagrams: one each) and hand them to resolver and
/// transport.
struct Bind {
  std::uint32_t id;
  ListenerId listener;
  dns::Endpoint at;
  bool datagrams;
  bool streams;
  std::uint32_t workers;
};
struct Unbind {
  ListenerId listener;
};
/// From control: asks for a ReadConfiguration, as SIGHUP does.
struct RequestReload {};
/// From control. One descriptor, kept for its next life, or for keykeeper.
struct Keep {
  std::uint8_t slot;
};
/// From control: open these two files and hand them to keykeeper, to nobody else.
struct OpenTlsFiles {
  std::uint64_t id;
  std::string certificate;
  std::string key;
};
struct StillHere {};
using ChildToMonitor =
    std::variant<Entered, Ready, AcceptBestEffort, Bind, Unbind, RequestReload, Keep, LogAs, OpenTlsFiles, StillHere>;

/// Slots of Keep and Kept.
inline constexpr std::uint8_t keep_state_folder = 0;
inline constexpr std::uint8_t keep_api_listener = 1;
inline constexpr std::uint8_t keep_http_listener = 2;
// For keykeeper alone. The secret comes last: keykeeper shuts its door then.
inline constexpr std::uint8_t keep_zone_keys = 3;         ///< the folder of zone keys, if there is one
inline constexpr std::uint8_t keep_shared_zone_keys = 4;  ///< instead of it, where zones have keys of others, too
inline constexpr std::uint8_t keep_zone_passphrase = 5;   ///< the file that they are sealed under, if not the secret
inline constexpr std::uint8_t keep_key_secret = 6;
inline constexpr std::uint8_t keep_slots = 7;
constexpr bool is_kept_for_keykeeper(std::uint8_t slot) { return slot >= keep_zone_keys; }

std::vector<std::uint8_t> encode(const MonitorToChild& message);
std::vector<std::uint8_t> encode(const ChildToMonitor& message);
std::expected<MonitorToChild, DecodeFault> decode_monitor_to_child(std::span<const std::uint8_t> octets);
std::expected<ChildToMonitor, DecodeFault> decode_child_to_monitor(std::span<const std::uint8_t> octets);
/// How many descriptors must ride along.
std::size_t descriptors_of(const MonitorToChild& message);
std::size_t descriptors_of(const ChildToMonitor& message);

}  // namespace redoubt::channel
