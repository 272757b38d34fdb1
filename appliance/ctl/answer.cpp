#include "appliance/ctl/answer.hpp"

#include <fmt/format.h>

namespace redoubt::ctl {

using nlohmann::json;

namespace {

void tell_error(const Context& context, const ApiReply& reply, const json& body) {
  if (context.json) {
    context.out << (body.is_object() ? body : json{{"error", fmt::format("HTTP status {}", reply.status)}}).dump(2)
                << "\n";
    return;
  }
  const auto faults =
      body.is_object() && body.contains("faults") && body["faults"].is_array() ? body["faults"] : json::array();
  for (const json& fault : faults) context.err << (fault.is_string() ? fault.get<std::string>() : fault.dump()) << "\n";
  if (!faults.empty()) return;
  context.err << (body.is_object() && body.contains("error") && body["error"].is_string()
                      ? body["error"].get<std::string>()
                      : fmt::format("resolverd answered with HTTP status {}", reply.status))
              << "\n";
}

}  // namespace

Answer understand(const Context& context, const std::expected<ApiReply, std::string>& reply) {
  if (!reply) {
    context.err << reply.error() << "\n";
    return {std::nullopt, ExitCode::unreachable};
  }
  json body = json::parse(reply->body, nullptr, false);
  if (reply->status >= 400) {
    tell_error(context, *reply, body);
    constexpr unsigned bad_request = 400;  // what was asked for makes no sense, whoever is asked
    return {std::nullopt, reply->status == bad_request ? ExitCode::usage : ExitCode::failed};
  }
  if (!body.is_object()) {
    context.err << "resolverd's answer is no JSON object\n";
    return {std::nullopt, ExitCode::failed};
  }
  return {std::move(body), ExitCode::done};
}

std::string text_of(const json& object, const char* key) {
  const auto at = object.find(key);
  if (at == object.end() || at->is_null()) return "-";
  return at->is_string() ? at->get<std::string>() : at->dump();
}

std::string duration_of(std::int64_t seconds) {
  if (seconds >= 86'400) return fmt::format("{}d {}h", seconds / 86'400, seconds % 86'400 / 3600);
  if (seconds >= 3600) return fmt::format("{}h {}m", seconds / 3600, seconds % 3600 / 60);
  return seconds >= 60 ? fmt::format("{}m {}s", seconds / 60, seconds % 60) : fmt::format("{}s", seconds);
}

}  // namespace redoubt::ctl
