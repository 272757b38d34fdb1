#include "dnssec/base/digest.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <array>
#include <utility>

namespace redoubt::dnssec {

void prepare_cryptography() {
  OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr);
  find_digest("SHA256");
}

const evp_md_st* find_digest(std::string_view name) {
  static const std::array known{
      std::pair{std::string_view{"SHA1"}, EVP_MD_fetch(nullptr, "SHA1", nullptr)},
      std::pair{std::string_view{"SHA256"}, EVP_MD_fetch(nullptr, "SHA256", nullptr)},
      std::pair{std::string_view{"SHA384"}, EVP_MD_fetch(nullptr, "SHA384", nullptr)},
      std::pair{std::string_view{"SHA512"}, EVP_MD_fetch(nullptr, "SHA512", nullptr)},
  };
  for (const auto& [known_name, algorithm] : known) {
    if (known_name == name) return algorithm;
  }
  return nullptr;
}

std::vector<std::uint8_t> digest_of(std::string_view name, std::span<const std::uint8_t> octets) {
  Digest digest{find_digest(name)};
  std::vector<std::uint8_t> out(digest.octets());
  if (out.empty() || !digest.of(octets, out)) return {};
  return out;
}

Digest::Digest(const evp_md_st* algorithm)
    : algorithm_{algorithm},
      octets_{algorithm == nullptr ? 0 : static_cast<std::size_t>(EVP_MD_get_size(algorithm))},
      context_{EVP_MD_CTX_new()} {}

bool Digest::start() {
  return context_ && algorithm_ != nullptr && EVP_DigestInit_ex2(context_.get(), algorithm_, nullptr) == 1;
}

bool Digest::add(std::span<const std::uint8_t> octets) {
  return EVP_DigestUpdate(context_.get(), octets.data(), octets.size()) == 1;
}

bool Digest::finish(std::span<std::uint8_t> out) {
  return out.size() >= octets_ && EVP_DigestFinal_ex(context_.get(), out.data(), nullptr) == 1;
}

bool Digest::of(std::span<const std::uint8_t> octets, std::span<std::uint8_t> out) {
  return start() && add(octets) && finish(out);
}

void Digest::Free::operator()(evp_md_ctx_st* context) const { EVP_MD_CTX_free(context); }

}  // namespace redoubt::dnssec
