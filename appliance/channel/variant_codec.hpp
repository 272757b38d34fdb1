#pragma once
// How every channel's header becomes octets and back: the kind octet is the alternative's place in its variant, and
// Fields<T> lists the fields of one alternative, writing and reading side by side. For the .cpp files of this folder
// only.
#include <type_traits>
#include <utility>
#include <variant>

#include "appliance/channel/codec.hpp"

namespace redoubt::channel {

/// Specialised for every message: write(Encoder&, const T&), T read(Decoder&), and descriptors(const T&) where some
/// ride along.
template <class T>
struct Fields;

/// A message without fields.
template <class T>
struct NoFields {
  static void write(Encoder&, const T&) {}
  static T read(Decoder&) { return {}; }
};

/// A message that has an id and nothing else.
template <class T>
struct OnlyId {
  static void write(Encoder& to, const T& message) { to.u64(message.id); }
  static T read(Decoder& from) { return {.id = from.u64()}; }
};

inline std::vector<std::uint8_t> copy(std::span<const std::uint8_t> octets) { return {octets.begin(), octets.end()}; }

/// No DNS message is longer: its length has two octets on a stream (RFC 1035 §4.2.2).
inline constexpr std::size_t max_dns_message_octets = 65535;

template <class Variant>
std::vector<std::uint8_t> encode_variant(const Variant& message) {
  Encoder to{static_cast<std::uint8_t>(message.index())};
  std::visit([&to](const auto& alternative) { Fields<std::decay_t<decltype(alternative)>>::write(to, alternative); },
             message);
  return to.take();
}

template <class Variant>
std::expected<Variant, DecodeFault> decode_variant(std::span<const std::uint8_t> octets) {
  if (octets.size() > max_message_octets) return std::unexpected{DecodeFault::too_large};
  Decoder from{octets};
  const std::uint8_t kind = from.u8();
  if (!from.ok()) return std::unexpected{DecodeFault::short_message};
  std::expected<Variant, DecodeFault> result = std::unexpected{DecodeFault::unknown_kind};
  const auto attempt = [&]<std::size_t place>() {
    if (kind != place) return;
    using Alternative = std::variant_alternative_t<place, Variant>;
    result = from.finish(Variant{std::in_place_index<place>, Fields<Alternative>::read(from)});
  };
  [&]<std::size_t... places>(std::index_sequence<places...>) { (attempt.template operator()<places>(), ...); }
  (std::make_index_sequence<std::variant_size_v<Variant>>{});
  return result;
}

template <class Variant>
std::size_t descriptors_of_variant(const Variant& message) {
  return std::visit(
      [](const auto& alternative) -> std::size_t {
        using Alternative = std::decay_t<decltype(alternative)>;
        if constexpr (requires { Fields<Alternative>::descriptors(alternative); }) {
          return Fields<Alternative>::descriptors(alternative);
        } else {
          return 0;
        }
      },
      message);
}

}  // namespace redoubt::channel
