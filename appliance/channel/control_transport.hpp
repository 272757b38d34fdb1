#pragma once
// Everything that control and transport may say to each other.
#include "appliance/channel/control_resolver.hpp"
#include "appliance/channel/keykeeper_clients.hpp"
#include "appliance/channel/resolver_transport.hpp"

namespace redoubt::channel {

// --- to transport
/// Connect to that server, send it this query and give its first message; give up after `patience` milliseconds in all.
struct OpenTransfer {
  RequestId id;
  dns::Endpoint server;
  std::uint32_t patience;
  std::vector<std::uint8_t> query;
};
/// The next message, please.
struct ContinueTransfer {
  RequestId id;
};
struct CloseTransfer {
  RequestId id;
};
/// One of the certificates to show to clients from now on; keykeeper has its key. That at place 0 is for all who name
/// no other one's name (SNI). There are `count` places; what stood at later ones is gone.
struct UseCertificate {
  std::uint32_t place = 0;
  std::uint32_t count = 1;
  CertificateChain chain;
};
using ControlToTransport =
    std::variant<UseSnapshot, AskStatistics, OpenTransfer, ContinueTransfer, CloseTransfer, UseCertificate>;

// --- from transport
/// A message as the server sent it: nobody has looked at it.
struct TransferMessage {
  RequestId id;
  std::vector<std::uint8_t> message;
};
/// Nothing more comes. Not sent after CloseTransfer.
struct TransferEnded {
  RequestId id;
  FetchFault fault;
};
/// What came of UseCertificate: trouble is empty when it is in force, else the former one stays.
struct CertificateTaken {
  std::uint32_t place = 0;
  std::string trouble;
};
using TransportToControl = std::variant<SnapshotTaken, Statistics, TransferMessage, TransferEnded, CertificateTaken>;

std::vector<std::uint8_t> encode(const ControlToTransport& message);
std::vector<std::uint8_t> encode(const TransportToControl& message);
std::expected<ControlToTransport, DecodeFault> decode_control_to_transport(std::span<const std::uint8_t> octets);
std::expected<TransportToControl, DecodeFault> decode_transport_to_control(std::span<const std::uint8_t> octets);
std::size_t descriptors_of(const ControlToTransport& message);
std::size_t descriptors_of(const TransportToControl& message);

}  // namespace redoubt::channel
