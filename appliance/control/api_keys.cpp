// What the API answers about zone keys. Public halves and signatures: nothing here is secret.
#include <sodium.h>

#include <nlohmann/json.hpp>

#include "appliance/control/api.hpp"
#include "appliance/control/api_json.hpp"

namespace redoubt::control {

namespace {

using nlohmann::ordered_json;
using Respond = HttpServer::Respond;

constexpr unsigned unavailable = 503;
constexpr unsigned conflict = 409;

std::string to_base64(const std::vector<std::uint8_t>& octets) {
  std::string text(sodium_base64_ENCODED_LEN(octets.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  ::sodium_bin2base64(text.data(), text.size(), octets.data(), octets.size(), sodium_base64_VARIANT_ORIGINAL);
  text.pop_back();
  return text;
}

ordered_json to_list(const std::vector<std::vector<std::uint8_t>>& strings) {
  auto list = ordered_json::array();
  for (const auto& one : strings) list.push_back(to_base64(one));
  return list;
}

HttpResponse respond_with(const ordered_json& value, unsigned status = 200) {
  return {.status = status,
          .content_type = "application/json",
          .body = value.dump(-1, ' ', true, ordered_json::error_handler_t::replace) + "\n"};
}

/// to_json: what an answer of the kind that was asked for says.
template <class Answer, class ToJson>
ZoneKeyDesk::Then answering(Respond respond, ToJson to_json) {
  return
      [respond = std::move(respond), to_json](const std::expected<channel::KeykeeperToControl, std::string>& answer) {
        if (!answer) return respond(respond_with({{"error", answer.error()}}, unavailable));
        const auto* found = std::get_if<Answer>(&*answer);
        if (found == nullptr)
          return respond(respond_with({{"error", "keykeeper's answer makes no sense"}}, unavailable));
        const bool passes = found->trouble == channel::keykeeper_is_busy;
        if (!found->trouble.empty())
          return respond(respond_with({{"error", found->trouble}}, passes ? unavailable : conflict));
        respond(respond_with(to_json(*found)));
      };
}

}  // namespace

void Api::call(const ListKeysCall& call, Respond respond) {
  appliance_.zone_keys->ask(
      channel::ListZoneKeys{.id = 0, .zone = call.zone},
      answering<channel::ZoneKeysListed>(std::move(respond), [](const channel::ZoneKeysListed& listed) {
        return ordered_json{{"dnskeys", to_list(listed.keys)}};
      }));
}

void Api::call(const MakeKeyCall& call, Respond respond) {
  appliance_.zone_keys->ask(channel::MakeZoneKey{.id = 0,
                                                 .zone = call.zone,
                                                 .algorithm = call.algorithm,
                                                 .role = call.role,
                                                 .rsa_bits = call.bits,
                                                 .taken = call.taken},
                            answering<channel::ZoneKeyMade>(std::move(respond), [](const channel::ZoneKeyMade& made) {
                              return ordered_json{{"dnskey", to_base64(made.dnskey)}};
                            }));
}

void Api::call(const SignCall& call, Respond respond) {
  appliance_.zone_keys->ask(
      channel::SignSets{.id = 0, .zone = call.zone, .algorithm = call.algorithm, .tag = call.tag, .sets = call.sets},
      answering<channel::SetsSigned>(std::move(respond), [](const channel::SetsSigned& made) {
        return ordered_json{{"signatures", to_list(made.signatures)}};
      }));
}

void Api::call(const DeleteKeyCall& call, Respond respond) {
  appliance_.zone_keys->ask(
      channel::DeleteZoneKey{.id = 0, .zone = call.zone, .algorithm = call.algorithm, .tag = call.tag},
      answering<channel::ZoneKeyDeleted>(std::move(respond), [](const channel::ZoneKeyDeleted&) {
        return ordered_json{{"deleted", true}};
      }));
}

}  // namespace redoubt::control
