#pragma once
// Digests through OpenSSL. Looking an algorithm up by name costs more than digesting a name, so it is done once.
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

struct evp_md_st;
struct evp_md_ctx_st;

namespace redoubt::dnssec {

/// Readies OpenSSL without its configuration file, which would be looked for at the first use, behind shut doors. Call
/// it before them; what a machine's file says never changes what verifies.
void prepare_cryptography();

/// OpenSSL's SHA1, SHA256, SHA384 or SHA512 by that name; null for other names. Lives as long as the program.
const evp_md_st* find_digest(std::string_view name);

/// Of all those octets. Empty for an unknown digest, or when the library had no memory.
std::vector<std::uint8_t> digest_of(std::string_view name, std::span<const std::uint8_t> octets);

/// One digest after another with one context: for loops. One thread at a time.
class Digest {
 public:
  explicit Digest(const evp_md_st* algorithm);
  /// In pieces: start(), add() as often as needed, finish(). False when the library had no memory.
  [[nodiscard]] bool start();
  [[nodiscard]] bool add(std::span<const std::uint8_t> octets);
  [[nodiscard]] bool finish(std::span<std::uint8_t> out);
  /// At once. out has at least the digest's size.
  [[nodiscard]] bool of(std::span<const std::uint8_t> octets, std::span<std::uint8_t> out);
  std::size_t octets() const { return octets_; }

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  const evp_md_st* algorithm_;
  std::size_t octets_ = 0;
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

}  // namespace redoubt::dnssec
