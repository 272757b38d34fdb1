#pragma once
// Every message of every channel, with values at the edges: for the tests of all decoders.
#include <string>
#include <vector>

#include "appliance/channel/control_resolver.hpp"
#include "appliance/channel/control_transport.hpp"
#include "appliance/channel/keykeeper_clients.hpp"
#include "appliance/channel/monitor_child.hpp"
#include "appliance/channel/resolver_transport.hpp"
#include "appliance/channel/statistics.hpp"

namespace redoubt::channel::samples {

inline const dns::Endpoint v4 = *dns::Endpoint::from_text("192.0.2.1@53", 0);
inline const dns::Endpoint v6 = *dns::Endpoint::from_text("2001:db8::53@65535", 0);
inline const dns::Name name = dns::Name::literal("a.B.example.");
inline const std::vector<std::uint8_t> query{1, 2, 3, 4, 5};
inline const std::vector<std::uint8_t> longest(65535, 0xab);

inline constexpr CacheKey cache_key{1, 2, 3};

inline std::vector<MonitorToChild> monitor_to_child() {
  return {
      Attach{.peer = Role::resolver},
      TakeSocket{.listener = 255, .kind = SocketKind::stream, .worker = max_workers - 1, .bound = v6},
      TakeSocket{.listener = 0, .kind = SocketKind::datagram, .worker = 0, .bound = v4},
      DropListener{.listener = 7},
      Stop{},
      ReadConfiguration{
          .opened = true, .initial = true, .path = "/etc/redoubt/redoubt.yaml", .trouble = {}, .since = 1'795'000'000},
      ReadConfiguration{
          .opened = false, .initial = false, .path = {}, .trouble = std::string(max_text_octets, 't'), .since = 0},
      BindResult{.id = 0xffffffff, .trouble = "address already in use"},
      Kept{.slot = keep_slots - 1},
      ChildState{.role = Role::keykeeper, .pid = 4194304, .restarts = 3, .stuck = 1, .up = true},
      AllReady{},
      LogAs{.level = 4, .json = true},
      TlsFile{.id = 4, .key = true},
      TlsFile{.id = 5, .key = false},
      TlsFilesMissing{.id = 6, .key = true, .trouble = "no such file"},
      AreYouThere{}};
}

inline std::vector<ChildToMonitor> child_to_monitor() {
  return {Entered{.trouble = {}},
          Entered{.trouble = "Landlock: not in this kernel"},
          Ready{},
          AcceptBestEffort{.accepted = true},
          Bind{.id = 1, .listener = 2, .at = v6, .datagrams = true, .streams = false, .workers = max_workers},
          Unbind{.listener = 9},
          RequestReload{},
          Keep{.slot = keep_api_listener},
          LogAs{.level = 0, .json = false},
          OpenTlsFiles{.id = 3, .certificate = "/etc/redoubt/chain.pem", .key = "key.pem"},
          StillHere{}};
}

inline std::vector<ControlToResolver> control_to_resolver() {
  return {UseSnapshot{.generation = 1},
          AskStatistics{.id = 2},
          ShowCache{.id = 3, .name = name, .below = true, .limit = max_cache_entries_shown},
          FlushCache{.id = 4, .name = dns::Name{}, .below = false},
          ResolveFor{.id = 5, .query = query},
          UseLocalRoot{.seconds = 544'320},
          DropLocalRoot{},
          TraceFor{.id = 6, .query = query, .client = v6.address, .fresh = true},
          TraceFor{.id = 6, .query = {}, .client = std::nullopt, .fresh = false},
          AskUpstreams{.id = 7, .limit = max_upstreams_shown},
          UseKeptCache{.key = cache_key},
          WriteKeptCache{.number = 8, .octets = 32U << 20U, .at_end = true, .key = cache_key}};
}

inline std::vector<ResolverToControl> resolver_to_control() {
  const CacheEntry entry{.owner = name,
                         .type = dns::type::aaaa,
                         .kind = CacheEntryKind::failure,
                         .rank = 7,
                         .ttl_left = 86400,
                         .rdata = {{1, 2}, {}, {3}}};
  return {
      SnapshotTaken{.generation = ~std::uint64_t{0}, .trouble = "snapshot: not sealed"},
      Statistics{.id = 1, .values = {}},
      Statistics{.id = 1, .values = std::vector<std::uint64_t>(max_statistics, 9)},
      CacheShown{.id = 2, .more = false, .entries = {}},
      CacheShown{.id = 2, .more = true, .entries = {entry, entry}},
      CacheFlushed{.id = 3, .entries = 4},
      ResolvedFor{.id = 5, .answer = longest},
      TraceStep{.id = 6,
                .kind = TraceStepKind::exchange,
                .at = 1,
                .took = 20'000,
                .depth = 3,
                .name = name,
                .type = dns::type::a,
                .zone = dns::Name{},
                .server_name = name,
                .server = v4.address,
                .transport = TraceTransport::https,
                .verdict = "referral"},
      TraceStep{.id = 6,
                .kind = TraceStepKind::end,
                .at = ~std::uint64_t{0},
                .took = 0,
                .depth = 0,
                .name = name,
                .type = dns::type::a,
                .zone = name,
                .server_name = dns::Name{},
                .server = std::nullopt,
                .transport = TraceTransport::udp,
                .verdict = {}},
      Traced{.id = 6,
             .allowed = true,
             .answer = query,
             .spent = {{.name = "upstream-queries", .spent = 3, .limit = 60}},
             .left_out = 2},
      Upstreams{.id = 7,
                .known = 9,
                .rows = {{.address = v6.address, .round_trip = 12'000, .failures = 2, .aside_for = 5, .cookie = true}},
                .configured = {{.at = v6,
                                .queries = 1,
                                .answers = 2,
                                .timeouts = 3,
                                .failures = 4,
                                .overtaken = 5,
                                .refused = 6,
                                .waiting = 7,
                                .round_trip = 8,
                                .aside_for = 9,
                                .trouble = UpstreamTrouble::rcode,
                                .rcode = dns::Rcode::refused}},
                .zones = {{.zone = name, .questions = 10, .failures = 11}}},
      KeptCacheWritten{.number = 8, .octets = 12'345}};
}

inline std::vector<ControlToTransport> control_to_transport() {
  return {
      UseSnapshot{.generation = 3},
      AskStatistics{.id = 4},
      OpenTransfer{.id = 5, .server = v6, .patience = 60'000, .query = query},
      ContinueTransfer{.id = 5},
      CloseTransfer{.id = 5},
      UseCertificate{.place = 0, .count = 1, .chain = {}},
      UseCertificate{.place = max_certificates - 1,
                     .count = max_certificates,
                     .chain = CertificateChain(max_chain, std::vector<std::uint8_t>(max_certificate_octets, 0x30))}};
}
inline std::vector<TransportToControl> transport_to_control() {
  return {SnapshotTaken{.generation = 3, .trouble = {}}, Statistics{.id = 4, .values = {1, 2, 3}},
          TransferMessage{.id = 5, .message = longest}, TransferEnded{.id = 5, .fault = FetchFault::too_many},
          CertificateTaken{.place = 3, .trouble = "its key is too weak"}};
}
inline std::vector<ControlToKeykeeper> control_to_keykeeper() {
  return {Ping{.id = 11},
          MakeCertificate{.id = 12, .names = {}, .addresses = {}, .former = {}},
          MakeCertificate{.id = 12, .names = {"dns.example"}, .addresses = {v4.address, v6.address}, .former = query},
          ListZoneKeys{.id = 15, .zone = name},
          MakeZoneKey{
              .id = 16, .zone = name, .algorithm = 13, .role = ZoneKeyRole::csk, .rsa_bits = 2048, .taken = {0, 65535}},
          MakeZoneKey{.id = 16,
                      .zone = name,
                      .algorithm = 255,
                      .role = ZoneKeyRole::ksk,
                      .rsa_bits = 0,
                      .taken = std::vector<std::uint16_t>(max_taken_tags, 7)},
          SignSets{.id = 17, .zone = name, .algorithm = 8, .tag = 65535, .sets = {query, {}}},
          SignSets{.id = 17,
                   .zone = name,
                   .algorithm = 8,
                   .tag = 0,
                   .sets = {std::vector<std::uint8_t>(max_batch_octets, 0xcd)}},
          SignSets{.id = 17,
                   .zone = name,
                   .algorithm = 13,
                   .tag = 1,
                   .sets = std::vector<std::vector<std::uint8_t>>(max_sets_signed, query)},
          DeleteZoneKey{.id = 18, .zone = name, .algorithm = 13, .tag = 65535}};
}
inline std::vector<KeykeeperToControl> keykeeper_to_control() {
  return {Pong{.id = 11},
          CertificateMade{.id = 12, .certificate = query, .trouble = {}},
          CertificateMade{.id = 12, .certificate = {}, .trouble = "no secret"},
          TlsFilesRead{.id = 13, .chain = {query, query}, .trouble = {}, .key_exposed = true},
          TlsFilesRead{.id = 13, .chain = {}, .trouble = "the key is another certificate's"},
          ZoneKeysListed{.id = 15, .keys = {query, query}, .trouble = {}},
          ZoneKeysListed{.id = 15, .keys = {}, .trouble = "there is no folder of zone keys"},
          ZoneKeyMade{.id = 16, .dnskey = std::vector<std::uint8_t>(max_dnskey_octets, 1), .trouble = {}},
          SetsSigned{.id = 17, .signatures = {}, .trouble = "no such key"},
          SetsSigned{.id = 17,
                     .signatures = std::vector<std::vector<std::uint8_t>>(
                         max_sets_signed, std::vector<std::uint8_t>(max_zone_signature_octets, 2)),
                     .trouble = {}},
          ZoneKeyDeleted{.id = 18, .trouble = {}},
          ZoneKeyDeleted{.id = 18, .trouble = "no such key"}};
}
inline std::vector<TransportToKeykeeper> transport_to_keykeeper() {
  return {Ping{.id = 11}, SignHandshake{.id = 14,
                                        .key = {1, 2, 3},
                                        .scheme = 0x0403,
                                        .message = std::vector<std::uint8_t>(max_handshake_message, 0x20)}};
}
inline std::vector<KeykeeperToTransport> keykeeper_to_transport() {
  return {Pong{.id = 11}, HandshakeSigned{.id = 14, .signature = {}},
          HandshakeSigned{.id = 14, .signature = std::vector<std::uint8_t>(max_signature_octets, 1)}};
}

inline std::vector<TransportToResolver> transport_to_resolver() {
  return {Ask{.id = 1, .listener = 2, .protocol = StreamProtocol::https, .client = v6, .query = longest},
          Withdraw{.id = 1},
          Fetched{.id = 3, .answer = query},
          FetchFailed{.id = 3, .fault = FetchFault::bad_request},
          FetchFailed{.id = 4, .fault = FetchFault::http_strange},
          Asks{.asks = {}},
          Asks{.asks = {Ask{.id = 5, .listener = 1, .protocol = StreamProtocol::tls, .client = v4, .query = query},
                        Ask{.id = 6,
                            .listener = 1,
                            .protocol = StreamProtocol::tls,
                            .client = v6,
                            .query = query,
                            .client_name = name}}}};
}
inline std::vector<ResolverToTransport> resolver_to_transport() {
  return {
      Give{.id = 1, .answer = {}},
      Fetch{.id = 3, .protocol = StreamProtocol::tcp, .server = v4, .patience = 1500, .query = query},
      Fetch{
          .id = 4, .protocol = StreamProtocol::tls, .server = v6, .patience = 1500, .query = query, .to_anybody = true},
      Abandon{.id = 3},
      Gives{.gives = {}},
      Gives{.gives = {Give{.id = 5, .answer = query}, Give{.id = 6, .answer = {}}}},
      Give{.id = 7, .answer = query, .leave = Leave{.basis = {.settings = 3, .flushes = 4}}},
      Gives{.gives = {Give{.id = 8,
                           .answer = query,
                           .leave = Leave{.basis = {.settings = 3, .flushes = 4}, .keep_for = 300, .secure = true}},
                      Give{.id = 9, .answer = query}}},
      UseBasis{{.settings = 5, .flushes = 6}}};
}

}  // namespace redoubt::channel::samples
