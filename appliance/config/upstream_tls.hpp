#pragma once
// Servers that are asked by TLS: who they have to be, and who certifies them.
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "appliance/config/compile.hpp"
#include "appliance/config/configuration.hpp"

namespace redoubt::config {

/// Base64 with its padding.
std::optional<KeyPin> pin_from_text(const std::string& text);

inline constexpr std::size_t max_authorities = 512;

/// Certificates one behind the other, each between its lines, whatever stands around them. returns  DER  errors   one
/// phrase
std::expected<std::vector<std::vector<std::uint8_t>>, std::string> certificates_from_pem(std::string_view text);

/// Some server has to show a certificate that somebody known has signed.
bool needs_authorities(const Configuration& configuration);

struct PlannedTlsServer {
  dns::Endpoint at;
  std::string name;  ///< without a final dot; empty where none was given
  std::vector<KeyPin> pins;
  bool anybody = false;
  std::string path{};  ///< of DNS over HTTPS; empty: DNS over TLS
  bool operator==(const PlannedTlsServer&) const = default;
};

/// Each server once. The checker saw to it that zones agree about those that they name; where only a file names one,
/// whoever wants to know it counts above whoever does not.
std::vector<PlannedTlsServer> plan_tls_servers(const Configuration& configuration, const Circumstances& circumstances);

}  // namespace redoubt::config
