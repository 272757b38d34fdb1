#pragma once
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "snapshot_generated.h"
#include "tests/unit/transport/harness.hpp"
#include "transport/server/query_taker.hpp"

namespace redoubt::transport::test {

/// What of a snapshot concerns transport; the rest is empty.
struct SnapshotParts {
  std::vector<std::pair<std::string, std::uint64_t>> limits = {};
  std::vector<std::string> outgoing = {};
  std::vector<std::pair<ListenerId, bool>> listeners = {};  ///< with TCP or without
};

inline Octets compiled(const SnapshotParts& parts) {
  namespace flat = snapshot::flat;
  flatbuffers::FlatBufferBuilder builder;
  std::vector<flatbuffers::Offset<flat::Listener>> listeners;
  for (const auto& [id, tcp] : parts.listeners) {
    const flat::Address address;
    const auto at = flat::CreateEndpoint(builder, &address, 53);
    listeners.push_back(flat::CreateListenerDirect(builder, id, at, true, tcp, false, false, ""));
  }
  std::vector<flatbuffers::Offset<flat::Limit>> limits;
  for (const auto& [name, value] : parts.limits) {
    limits.push_back(flat::CreateLimitDirect(builder, name.c_str(), value));
  }
  std::vector<flat::Address> outgoing;
  for (const std::string& text : parts.outgoing) {
    const auto address = dns::IpAddress::from_text(text).value();
    std::array<std::uint8_t, 16> octets{};
    std::ranges::copy(address.octets(), octets.begin());
    outgoing.emplace_back(octets, address.is_v6());
  }
  const std::vector<flatbuffers::Offset<flat::Prefix>> no_prefixes;
  const std::vector<flatbuffers::Offset<flat::RootServer>> no_servers;
  const auto access = flat::CreateAccess(builder, builder.CreateVector(no_prefixes));
  const auto cache = flat::CreateCache(builder, 1 << 20, 0, 86400, 3600, 86400, true);
  const auto resolution = flat::CreateResolution(
      builder, builder.CreateVector(no_servers), builder.CreateVectorOfStructs(outgoing), 1024, 65535, true, true,
      flat::QnameMinimisation::relaxed, true, true, builder.CreateVector(no_prefixes), 53,
      builder.CreateVector(std::vector<flatbuffers::Offset<flat::ZoneName>>{}), flat::NxdomainCut::root,
      builder.CreateVector(std::vector<flatbuffers::Offset<flat::Route>>{}));
  const auto nothing = builder.CreateString("");
  const auto identity = flat::CreateIdentity(builder, nothing, nothing, nothing);
  const auto query_log = flat::CreateQueryLog(builder, 0, builder.CreateVector(no_prefixes),
                                              builder.CreateVector(std::vector<flatbuffers::Offset<flat::ZoneName>>{}),
                                              false, 0, true, false);
  const auto validation = flat::CreateValidation(
      builder, true, false, builder.CreateVector(std::vector<flatbuffers::Offset<flat::TrustAnchor>>{}),
      builder.CreateVector(std::vector<flatbuffers::Offset<flat::NegativeAnchor>>{}));
  flat::FinishSnapshotBuffer(
      builder, flat::CreateSnapshot(builder, 9, builder.CreateVector(listeners), 1, access, cache, resolution,
                                    builder.CreateVector(limits), identity, query_log, 0, 0, 0, validation));
  return {builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize()};
}

}  // namespace redoubt::transport::test
