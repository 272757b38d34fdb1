#include "dnssec/keys/key_text.hpp"

#include <array>
#include <charconv>
#include <span>
#include <utility>

namespace redoubt::dnssec {

namespace {

constexpr std::string_view role_field = "Role";

struct Line {
  std::size_t number;
  std::string_view field;
  std::string_view value;
};

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

std::optional<Secret> from_base64(std::string_view text) {
  Secret octets(text.size() + 1);  // an empty one has no place to write to
  std::size_t size = 0;
  if (sodium_base642bin(octets.data(), octets.size(), text.data(), text.size(), " ", &size, nullptr,
                        sodium_base64_VARIANT_ORIGINAL) != 0)
    return std::nullopt;
  octets.resize(size);
  return octets;
}

void append_field(Secret& out, std::string_view field, OctetView octets) {
  Secret text(sodium_base64_ENCODED_LEN(octets.size(), sodium_base64_VARIANT_ORIGINAL));
  sodium_bin2base64(reinterpret_cast<char*>(text.data()), text.size(), octets.data(), octets.size(),
                    sodium_base64_VARIANT_ORIGINAL);
  text.pop_back();  // its terminating zero
  append_text(out, field);
  append_text(out, ": ");
  append_text(out, as_text(text));
  append_text(out, "\n");
}

std::unexpected<std::string> fault(std::size_t line, std::string_view what) {
  return std::unexpected{"line " + std::to_string(line) + ": " + std::string{what}};
}

struct Fields {
  std::optional<Algorithm> algorithm;
  std::size_t algorithm_line = 0;
  Secret secret;
  RsaParts rsa;
};

/// Where a field's octets go; null for fields that are no part of the key.
Secret* place_of(Fields& fields, std::string_view name) {
  const std::array places{
      std::pair{std::string_view{"PrivateKey"}, &fields.secret},
      std::pair{std::string_view{"PrivateExponent"}, &fields.rsa.private_exponent},
      std::pair{std::string_view{"Prime1"}, &fields.rsa.prime1},
      std::pair{std::string_view{"Prime2"}, &fields.rsa.prime2},
      std::pair{std::string_view{"Exponent1"}, &fields.rsa.exponent1},
      std::pair{std::string_view{"Exponent2"}, &fields.rsa.exponent2},
      std::pair{std::string_view{"Coefficient"}, &fields.rsa.coefficient},
  };
  for (const auto& [known, place] : places) {
    if (known == name) return place;
  }
  return nullptr;
}

std::expected<void, std::string> take(Fields& fields, const Line& line) {
  if (line.field == "Algorithm") {  // "13 (ECDSAP256SHA256)"
    const auto algorithm = algorithm_from_text(line.value.substr(0, line.value.find_first_of(" (")));
    if (!algorithm) return fault(line.number, "an algorithm that is not known here");
    fields.algorithm = algorithm;
    fields.algorithm_line = line.number;
    return {};
  }
  Octets* open = line.field == "Modulus"          ? &fields.rsa.modulus
                 : line.field == "PublicExponent" ? &fields.rsa.public_exponent
                                                  : nullptr;
  Secret* closed = place_of(fields, line.field);
  if (open == nullptr && closed == nullptr) return {};
  auto octets = from_base64(line.value);
  if (!octets || octets->empty()) return fault(line.number, std::string{line.field} + " is no base64");
  if (open != nullptr) {
    open->assign(octets->begin(), octets->end());
  } else {
    *closed = std::move(*octets);
  }
  return {};
}

/// errors   of the text's form, and of `take`
template <class Take>
std::expected<void, std::string> each_line(OctetView text, Take take) {
  if (text.size() > max_key_text) return fault(1, "more than a private key's file can hold");
  std::string_view left = as_text(text);
  for (std::size_t number = 1; !left.empty(); ++number) {
    const auto end = std::min(left.find('\n'), left.size());
    const std::string_view whole = trimmed(left.substr(0, end));
    left.remove_prefix(std::min(end + 1, left.size()));
    if (whole.empty() || whole[0] == ';' || whole[0] == '#') continue;
    const auto colon = whole.find(':');
    if (colon == std::string_view::npos) return fault(number, "expected \"Field: value\"");
    const Line line{number, trimmed(whole.substr(0, colon)), trimmed(whole.substr(colon + 1))};
    if (number == 1 && (line.field != "Private-key-format" || !line.value.starts_with("v1.")))
      return fault(number, "expected \"Private-key-format: v1.x\"");
    if (auto taken = take(line); !taken) return taken;
  }
  return {};
}

/// Other tools write ECDSA's number without its leading zeros: one key of 256 is shorter.
Secret as_wide_as_curve(const AlgorithmInfo& info, const Secret& number) {
  const std::size_t width = info.signature_octets / 2U;  // r and s are as wide
  if (info.kind != KeyKind::ecdsa || number.empty() || number.size() >= width) return number;
  Secret wide(width - number.size());
  wide.insert(wide.end(), number.begin(), number.end());
  return wide;
}

std::expected<PrivateKey, std::string> build(const Fields& fields) {
  if (!fields.algorithm) return fault(1, "no field Algorithm");
  auto key =
      info_of(*fields.algorithm).kind == KeyKind::rsa
          ? PrivateKey::from_rsa(*fields.algorithm, fields.rsa)
          : PrivateKey::from_secret(*fields.algorithm, as_wide_as_curve(info_of(*fields.algorithm), fields.secret));
  if (!key) return fault(fields.algorithm_line, describe(key.error()));
  return std::move(*key);
}

}  // namespace

std::expected<PrivateKey, std::string> private_key_from_text(OctetView text) {
  Fields fields;
  if (auto read = each_line(text, [&](const Line& line) { return take(fields, line); }); !read)
    return std::unexpected{read.error()};
  return build(fields);
}

std::expected<std::optional<KeyRole>, std::string> role_in_key_text(OctetView text) {
  std::optional<KeyRole> role;
  const auto read = each_line(text, [&](const Line& line) -> std::expected<void, std::string> {
    if (line.field != role_field) return {};
    if (role) return fault(line.number, "a second role");
    role = own_role_from_text(line.value);
    if (!role) return fault(line.number, "a role that no key of ours has");
    return {};
  });
  if (!read) return std::unexpected{read.error()};
  return role;
}

Secret private_key_to_text(const PrivateKey& key) {
  const auto number = static_cast<std::uint8_t>(key.algorithm());
  Secret out;
  append_text(
      out, "Private-key-format: v1.3\nAlgorithm: " + std::to_string(number) + " (" + algorithm_to_text(number) + ")\n");
  if (const auto rsa = key.rsa_parts()) {
    append_field(out, "Modulus", rsa->modulus);
    append_field(out, "PublicExponent", rsa->public_exponent);
    append_field(out, "PrivateExponent", rsa->private_exponent);
    append_field(out, "Prime1", rsa->prime1);
    append_field(out, "Prime2", rsa->prime2);
    append_field(out, "Exponent1", rsa->exponent1);
    append_field(out, "Exponent2", rsa->exponent2);
    append_field(out, "Coefficient", rsa->coefficient);
    return out;
  }
  const Secret secret = key.secret();
  if (secret.empty()) return {};
  append_field(out, "PrivateKey", secret);
  return out;
}

Secret sealed_text_of(const PrivateKey& key, KeyRole role) {
  Secret text = private_key_to_text(key);
  if (text.empty()) return text;
  append_text(text, role_field);
  append_text(text, ": ");
  append_text(text, to_text(role));
  append_text(text, "\n");
  return text;
}

}  // namespace redoubt::dnssec
