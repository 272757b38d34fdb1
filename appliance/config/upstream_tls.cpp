#include "appliance/config/upstream_tls.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <algorithm>
#include <array>
#include <memory>

#include "appliance/config/routes.hpp"

namespace redoubt::config {

namespace {

constexpr std::size_t pin_text_octets = 44;  // 32 octets in base64, one padding letter

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

std::string without_final_dot(std::string name) {
  if (name.ends_with('.')) name.pop_back();
  return name;
}

}  // namespace

std::optional<KeyPin> pin_from_text(const std::string& text) {
  std::array<unsigned char, 33> octets{};
  if (text.size() != pin_text_octets || text.find('=') != pin_text_octets - 1 ||
      EVP_DecodeBlock(octets.data(), reinterpret_cast<const unsigned char*>(text.data()),  // NOLINT: the API's way
                      static_cast<int>(text.size())) != static_cast<int>(octets.size()))
    return std::nullopt;
  KeyPin pin{};
  std::copy_n(octets.begin(), pin.size(), pin.begin());
  return pin;
}

std::expected<std::vector<std::vector<std::uint8_t>>, std::string> certificates_from_pem(std::string_view text) {
  const Bio bio{BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), &BIO_free};
  std::vector<std::vector<std::uint8_t>> certificates;
  while (bio) {
    const Certificate certificate{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), &X509_free};
    if (!certificate) break;
    if (certificates.size() == max_authorities) return std::unexpected{std::string{"it has too many certificates"}};
    unsigned char* der = nullptr;
    const int count = i2d_X509(certificate.get(), &der);
    if (count > 0) certificates.emplace_back(der, der + count);
    OPENSSL_free(der);
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (!at_end) return std::unexpected{std::string{"a certificate in it cannot be read"}};
  if (certificates.empty()) return std::unexpected{std::string{"it has no certificate"}};
  return certificates;
}

bool needs_authorities(const Configuration& configuration) {
  const auto needs = [](const auto& zone) {
    return is_encrypted(zone.transport) && zone.authenticate && zone.pins.empty();
  };
  return std::ranges::any_of(configuration.resolution.forward, needs) ||
         std::ranges::any_of(configuration.resolution.stub, needs);
}

std::vector<PlannedTlsServer> plan_tls_servers(const Configuration& configuration, const Circumstances& circumstances) {
  std::vector<PlannedTlsServer> planned;
  std::vector<Forward> zones = configuration.resolution.forward;
  for (const Stub& stub : configuration.resolution.stub) zones.push_back(as_forward(stub));
  for (const Forward& forward : zones) {
    if (!is_encrypted(forward.transport)) continue;
    for (const dns::Endpoint& at : servers_of(forward, configuration, circumstances)) {
      const bool by_https = forward.transport == UpstreamTransport::https;
      PlannedTlsServer server{.at = at,
                              .name = {},
                              .pins = forward.pins,
                              .anybody = !forward.authenticate,
                              .path = by_https ? forward.path : std::string{}};
      const auto given = std::ranges::find_if(
          forward.to, [&](const Upstream& upstream) { return endpoint_of(upstream, forward.transport) == at; });
      if (given != forward.to.end()) server.name = without_final_dot(given->authentication_name);
      const auto before = std::ranges::find(planned, at, &PlannedTlsServer::at);
      if (before == planned.end())
        planned.push_back(std::move(server));
      else if (before->anybody)
        *before = std::move(server);
    }
  }
  return planned;
}

}  // namespace redoubt::config
