#include "dnssec/keys/sealed.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace redoubt::dnssec {

namespace {

constexpr std::string_view mark = "redoubt-sealed-1 ";
// Behind the mark, in base64: operations (4 octets), memory in KiB (4), salt, nonce, box.
constexpr std::size_t costs_octets = 8;
constexpr std::size_t head_octets = costs_octets + crypto_pwhash_SALTBYTES + crypto_secretbox_NONCEBYTES;
constexpr std::size_t max_sealed = 96 * 1024 * 1024;  // a folder of keys in one text

struct Costs {
  std::uint32_t operations;
  std::uint32_t kibibytes;
};
constexpr Costs sensible{crypto_pwhash_OPSLIMIT_MODERATE, crypto_pwhash_MEMLIMIT_MODERATE / 1024};
constexpr Costs interactive{crypto_pwhash_OPSLIMIT_MIN, crypto_pwhash_MEMLIMIT_MIN / 1024};

std::uint32_t number_at(OctetView octets) {
  return std::uint32_t{octets[0]} << 24 | std::uint32_t{octets[1]} << 16 | std::uint32_t{octets[2]} << 8 | octets[3];
}

/// Empty when there is no memory for it.
Secret box_key(OctetView passphrase, OctetView salt, Costs costs) {
  Secret key(crypto_secretbox_KEYBYTES);
  const auto text = as_text(passphrase);
  if (crypto_pwhash(key.data(), key.size(), text.data(), text.size(), salt.data(), costs.operations,
                    std::size_t{costs.kibibytes} * 1024, crypto_pwhash_ALG_ARGON2ID13) != 0)
    return {};
  return key;
}

}  // namespace

std::string_view describe(SealFault fault) {
  switch (fault) {
    case SealFault::not_sealed:
      return "it is no sealed key, or a damaged one";
    case SealFault::wrong_passphrase:
      return "the passphrase is another one, or the file was altered";
    case SealFault::too_costly:
      return "it asks for more work than any key that was sealed here";
    case SealFault::no_resources:
      return "there was no memory to derive its key";
  }
  return "it cannot be opened";
}

bool is_sealed(std::string_view text) { return text.starts_with(mark); }

std::expected<std::string, SealFault> seal(OctetView plain, OctetView passphrase, SealCost cost) {
  if (sodium_init() < 0) return std::unexpected{SealFault::no_resources};
  const Costs costs = cost == SealCost::sensible ? sensible : interactive;
  Octets octets;
  append_u32(octets, costs.operations);
  append_u32(octets, costs.kibibytes);
  octets.resize(head_octets + crypto_secretbox_MACBYTES + plain.size());
  const auto salt = std::span{octets}.subspan(costs_octets, crypto_pwhash_SALTBYTES);
  const auto nonce = std::span{octets}.subspan(costs_octets + salt.size(), crypto_secretbox_NONCEBYTES);
  randombytes_buf(salt.data(), salt.size() + nonce.size());
  const Secret key = box_key(passphrase, salt, costs);
  if (key.empty()) return std::unexpected{SealFault::no_resources};
  crypto_secretbox_easy(octets.data() + head_octets, plain.data(), plain.size(), nonce.data(), key.data());
  std::string text(sodium_base64_ENCODED_LEN(octets.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(text.data(), text.size(), octets.data(), octets.size(), sodium_base64_VARIANT_ORIGINAL);
  text.pop_back();
  return std::string{mark} + text + "\n";
}

std::expected<Secret, SealFault> open_sealed(std::string_view sealed, OctetView passphrase) {
  if (sodium_init() < 0) return std::unexpected{SealFault::no_resources};
  if (!is_sealed(sealed) || sealed.size() > max_sealed) return std::unexpected{SealFault::not_sealed};
  sealed.remove_prefix(mark.size());
  Octets octets(sealed.size() + 1);  // an empty one has no place to write to
  std::size_t size = 0;
  if (sodium_base642bin(octets.data(), octets.size(), sealed.data(), sealed.size(), "\r\n", &size, nullptr,
                        sodium_base64_VARIANT_ORIGINAL) != 0 ||
      size < head_octets + crypto_secretbox_MACBYTES)
    return std::unexpected{SealFault::not_sealed};
  octets.resize(size);
  const OctetView view{octets};
  const Costs costs{number_at(view), number_at(view.subspan(4))};
  if (costs.operations > sensible.operations || costs.kibibytes > sensible.kibibytes)
    return std::unexpected{SealFault::too_costly};
  if (costs.operations < interactive.operations || costs.kibibytes < interactive.kibibytes)
    return std::unexpected{SealFault::not_sealed};
  const auto salt = view.subspan(costs_octets, crypto_pwhash_SALTBYTES);
  const auto nonce = view.subspan(costs_octets + salt.size(), crypto_secretbox_NONCEBYTES);
  const auto box = view.subspan(head_octets);
  const Secret key = box_key(passphrase, salt, costs);
  if (key.empty()) return std::unexpected{SealFault::no_resources};
  Secret plain(box.size() - crypto_secretbox_MACBYTES);
  if (crypto_secretbox_open_easy(plain.data(), box.data(), box.size(), nonce.data(), key.data()) != 0)
    return std::unexpected{SealFault::wrong_passphrase};
  return plain;
}

}  // namespace redoubt::dnssec
