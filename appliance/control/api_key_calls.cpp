#include "appliance/control/api_key_calls.hpp"

#include <fmt/format.h>
#include <sodium.h>

namespace redoubt::control {

namespace {

constexpr std::uint32_t default_bits = 2048;

std::optional<std::vector<std::uint8_t>> from_base64(const std::string& text) {
  std::vector<std::uint8_t> octets(text.size() + 1);  // an empty one has no place to write to
  std::size_t size = 0;
  if (::sodium_base642bin(octets.data(), octets.size(), text.data(), text.size(), nullptr, &size, nullptr,
                          sodium_base64_VARIANT_ORIGINAL) != 0)
    return std::nullopt;
  octets.resize(size);
  return octets;
}

/// What both of the calls with a body begin with.
struct ZoneAndAlgorithm {
  dns::Name zone;
  std::uint8_t algorithm;
};
Read<ZoneAndAlgorithm> zone_and_algorithm(Members& members) {
  const auto zone = members.text("zone");
  if (!zone) return std::unexpected{zone.error()};
  const auto algorithm = members.number("algorithm", 255);
  if (!algorithm) return std::unexpected{algorithm.error()};
  if (!*zone || !*algorithm) return refuse("zone and algorithm must be given");
  const auto name = name_of(**zone);
  if (!name) return std::unexpected{name.error()};
  return ZoneAndAlgorithm{*name, static_cast<std::uint8_t>(**algorithm)};
}

std::optional<channel::ZoneKeyRole> role_of(std::string_view text) {
  using channel::ZoneKeyRole;
  if (text == "ksk") return ZoneKeyRole::ksk;
  if (text == "zsk") return ZoneKeyRole::zsk;
  if (text == "csk") return ZoneKeyRole::csk;
  return std::nullopt;
}

}  // namespace

Read<ApiCall> list_keys_call(std::string_view parameters) {
  std::optional<dns::Name> zone;
  const auto wrong =
      each_parameter(parameters, [&](std::string_view key, const std::string& value) -> std::optional<RequestError> {
        if (key != "name") return unknown_parameter(key);
        const auto name = name_of(value);
        if (!name) return name.error();
        zone = *name;
        return std::nullopt;
      });
  if (wrong) return std::unexpected{*wrong};
  if (!zone) return refuse("name: it must be given");
  return ListKeysCall{.zone = *zone};
}

Read<ApiCall> make_key_call(std::string_view body) {
  auto members = Members::of(body);
  if (!members) return std::unexpected{members.error()};
  const auto key = zone_and_algorithm(*members);
  const auto role = members->text("role");
  const auto bits = members->number("bits", 65535);
  const auto taken = members->numbers("taken", channel::max_taken_tags, 65535);
  if (!key) return std::unexpected{key.error()};
  if (!role) return std::unexpected{role.error()};
  if (!bits) return std::unexpected{bits.error()};
  if (!taken) return std::unexpected{taken.error()};
  if (const auto left = members->left_over()) return std::unexpected{*left};
  const auto known = role_of(role->value_or(""));
  if (!known) return refuse("role: expected ksk, zsk or csk");
  MakeKeyCall call{.zone = key->zone,
                   .algorithm = key->algorithm,
                   .role = *known,
                   .bits = static_cast<std::uint16_t>(bits->value_or(default_bits)),
                   .taken = {}};
  for (const std::uint32_t tag : *taken) call.taken.push_back(static_cast<std::uint16_t>(tag));
  return call;
}

Read<ApiCall> delete_key_call(std::string_view body) {
  auto members = Members::of(body);
  if (!members) return std::unexpected{members.error()};
  const auto key = zone_and_algorithm(*members);
  const auto tag = members->number("tag", 65535);
  if (!key) return std::unexpected{key.error()};
  if (!tag) return std::unexpected{tag.error()};
  if (const auto left = members->left_over()) return std::unexpected{*left};
  if (!*tag) return refuse("tag must be given");
  return DeleteKeyCall{.zone = key->zone, .algorithm = key->algorithm, .tag = static_cast<std::uint16_t>(**tag)};
}

Read<ApiCall> sign_call(std::string_view body) {
  auto members = Members::of(body);
  if (!members) return std::unexpected{members.error()};
  const auto key = zone_and_algorithm(*members);
  const auto tag = members->number("tag", 65535);
  const auto sets = members->texts("sets", channel::max_sets_signed);
  if (!key) return std::unexpected{key.error()};
  if (!tag) return std::unexpected{tag.error()};
  if (!sets) return std::unexpected{sets.error()};
  if (const auto left = members->left_over()) return std::unexpected{*left};
  if (!*tag || sets->empty()) return refuse("tag and sets must be given");
  SignCall call{.zone = key->zone, .algorithm = key->algorithm, .tag = static_cast<std::uint16_t>(**tag), .sets = {}};
  std::size_t octets = 0;
  for (const std::string& text : *sets) {
    auto set = from_base64(text);
    if (!set) return refuse("sets: expected base64");
    octets += set->size();
    if (octets > channel::max_batch_octets)
      return refuse(fmt::format("sets: more than {} octets at once", channel::max_batch_octets));
    call.sets.push_back(*std::move(set));
  }
  return call;
}

}  // namespace redoubt::control
