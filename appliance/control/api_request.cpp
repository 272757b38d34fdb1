#include "appliance/control/api_request.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "appliance/config/units.hpp"
#include "appliance/control/api_key_calls.hpp"
#include "appliance/control/api_members.hpp"
#include "appliance/control/negative_anchor_limits.hpp"
#include "appliance/log/log.hpp"

namespace redoubt::control {

namespace {

constexpr unsigned not_found = 404;
constexpr unsigned wrong_method = 405;

Read<dns::RrType> type_of(const std::optional<std::string>& text) {
  const auto type = dns::rr_type_from_text(text.value_or("A"));
  if (!type) return refuse(fmt::format("type: '{}' is no record type", log::printable(text->substr(0, 60))));
  return *type;
}

Read<ApiCall> query_call(std::string_view body) {
  auto members = Members::of(body);
  if (!members) return std::unexpected{members.error()};
  QueryCall call;
  const auto name = members->text("name");
  const auto type = members->text("type");
  const auto rr_class = members->text("class");
  const auto dnssec = members->flag("dnssec", false);
  const auto checking_disabled = members->flag("checking_disabled", false);
  const auto recursion = members->flag("recursion", true);
  for (const auto* text : {&name, &type, &rr_class}) {
    if (!*text) return std::unexpected{text->error()};
  }
  for (const auto* flag : {&dnssec, &checking_disabled, &recursion}) {
    if (!*flag) return std::unexpected{flag->error()};
  }
  if (const auto left = members->left_over()) return std::unexpected{*left};
  if (!*name) return refuse("name: it must be given");
  const auto owner = name_of(**name);
  if (!owner) return std::unexpected{owner.error()};
  const auto wanted = type_of(*type);
  if (!wanted) return std::unexpected{wanted.error()};
  const auto in_class = dns::rr_class_from_text(rr_class->value_or("IN"));
  if (!in_class) return refuse(fmt::format("class: '{}' is no class", log::printable((*rr_class)->substr(0, 60))));
  return QueryCall{.name = *owner,
                   .type = *wanted,
                   .rr_class = *in_class,
                   .dnssec = *dnssec,
                   .checking_disabled = *checking_disabled,
                   .recursion_desired = *recursion};
}

Read<ApiCall> flush_call(std::string_view body) {
  auto members = Members::of(body);
  if (!members) return std::unexpected{members.error()};
  const auto name = members->text("name");
  const auto below = members->flag("below", false);
  const auto all = members->flag("all", false);
  if (!name) return std::unexpected{name.error()};
  if (!below) return std::unexpected{below.error()};
  if (!all) return std::unexpected{all.error()};
  if (const auto left = members->left_over()) return std::unexpected{*left};
  if (*all == name->has_value()) return refuse("either a name or all: true must be given");
  if (*all) return FlushCall{.name = dns::Name{}, .below = true};
  const auto owner = name_of(**name);
  if (!owner) return std::unexpected{owner.error()};
  return FlushCall{.name = *owner, .below = *below};
}

Read<ApiCall> trace_call(std::string_view body) {
  auto members = Members::of(body);
  if (!members) return std::unexpected{members.error()};
  const auto name = members->text("name");
  const auto type = members->text("type");
  const auto client = members->text("client");
  const auto fresh = members->flag("fresh", false);
  const auto stream = members->flag("stream", false);
  for (const auto* text : {&name, &type, &client}) {
    if (!*text) return std::unexpected{text->error()};
  }
  if (!fresh) return std::unexpected{fresh.error()};
  if (!stream) return std::unexpected{stream.error()};
  if (const auto left = members->left_over()) return std::unexpected{*left};
  if (!*name) return refuse("name: it must be given");
  const auto owner = name_of(**name);
  if (!owner) return std::unexpected{owner.error()};
  const auto wanted = type_of(*type);
  if (!wanted) return std::unexpected{wanted.error()};
  TraceCall call{.name = *owner, .type = *wanted, .client = std::nullopt, .fresh = *fresh, .stream = *stream};
  if (*client) {
    call.client = dns::IpAddress::from_text(**client);
    if (!call.client)
      return refuse(fmt::format("client: '{}' is no address", log::printable((*client)->substr(0, 60))));
  }
  return call;
}

Read<ApiCall> add_negative_anchor_call(std::string_view body) {
  auto members = Members::of(body);
  if (!members) return std::unexpected{members.error()};
  const auto name = members->text("name");
  const auto time = members->text("for");
  const auto why = members->text("why");
  for (const auto* text : {&name, &time, &why}) {
    if (!*text) return std::unexpected{text->error()};
    if (!**text) return refuse("name, for and why must be given");
  }
  if (const auto left = members->left_over()) return std::unexpected{*left};
  const auto owner = name_of(**name);
  if (!owner) return std::unexpected{owner.error()};
  const auto milliseconds = config::duration_from_text(**time);
  if (!milliseconds || *milliseconds < least_negative_anchor || *milliseconds > most_negative_anchor)
    return refuse("for: expected a time such as 30m, 12h or 7d: a minute at least, a week at most");
  return AddNegativeAnchorCall{
      .name = *owner, .time = std::chrono::floor<std::chrono::seconds>(*milliseconds), .why = **why};
}

Read<ApiCall> remove_negative_anchor_call(std::string_view body) {
  auto members = Members::of(body);
  if (!members) return std::unexpected{members.error()};
  const auto name = members->text("name");
  if (!name) return std::unexpected{name.error()};
  if (const auto left = members->left_over()) return std::unexpected{*left};
  if (!*name) return refuse("name: it must be given");
  const auto owner = name_of(**name);
  if (!owner) return std::unexpected{owner.error()};
  return RemoveNegativeAnchorCall{.name = *owner};
}

std::optional<RequestError> take_limit(std::string_view value, std::uint32_t most, std::uint32_t* limit) {
  const auto number = config::number_from_text(value);
  if (!number || *number == 0 || *number > most)
    return RequestError{bad_request, fmt::format("limit: expected a number from 1 to {}", most)};
  *limit = static_cast<std::uint32_t>(*number);
  return std::nullopt;
}

Read<ApiCall> show_call(std::string_view parameters) {
  ShowCall call;
  bool named = false;
  const auto wrong =
      each_parameter(parameters, [&](std::string_view key, const std::string& value) -> std::optional<RequestError> {
        if (key == "name") {
          const auto name = name_of(value);
          if (!name) return name.error();
          call.name = *name;
          named = true;
        } else if (key == "below") {
          if (value != "true" && value != "false") return RequestError{bad_request, "below: expected true or false"};
          call.below = value == "true";
        } else if (key == "limit") {
          return take_limit(value, channel::max_cache_entries_shown, &call.limit);
        } else {
          return unknown_parameter(key);
        }
        return std::nullopt;
      });
  if (wrong) return std::unexpected{*wrong};
  if (!named) return refuse("name: it must be given");
  return call;
}

Read<ApiCall> upstreams_call(std::string_view parameters) {
  UpstreamsCall call;
  const auto wrong =
      each_parameter(parameters, [&](std::string_view key, const std::string& value) -> std::optional<RequestError> {
        return key == "limit" ? take_limit(value, channel::max_upstreams_shown, &call.limit) : unknown_parameter(key);
      });
  if (wrong) return std::unexpected{*wrong};
  return call;
}

struct Endpoint {
  std::string_view path;
  std::string_view method;
  Read<ApiCall> (*read)(std::string_view parameters, std::string_view body);
};

constexpr std::array endpoints{
    Endpoint{"/v1/status", "GET", [](std::string_view, std::string_view) -> Read<ApiCall> { return StatusCall{}; }},
    Endpoint{"/v1/reload", "POST", [](std::string_view, std::string_view) -> Read<ApiCall> { return ReloadCall{}; }},
    Endpoint{"/v1/query", "POST", [](std::string_view, std::string_view body) { return query_call(body); }},
    Endpoint{"/v1/cache", "GET", [](std::string_view parameters, std::string_view) { return show_call(parameters); }},
    Endpoint{"/v1/cache/flush", "POST", [](std::string_view, std::string_view body) { return flush_call(body); }},
    Endpoint{"/v1/trace", "POST", [](std::string_view, std::string_view body) { return trace_call(body); }},
    Endpoint{"/v1/upstreams", "GET",
             [](std::string_view parameters, std::string_view) { return upstreams_call(parameters); }},
    Endpoint{"/v1/statistics", "GET",
             [](std::string_view, std::string_view) -> Read<ApiCall> { return StatisticsCall{}; }},
    Endpoint{"/v1/anchors", "GET", [](std::string_view, std::string_view) -> Read<ApiCall> { return AnchorsCall{}; }},
    Endpoint{"/v1/keys", "GET",
             [](std::string_view parameters, std::string_view) { return list_keys_call(parameters); }},
    Endpoint{"/v1/keys", "POST", [](std::string_view, std::string_view body) { return make_key_call(body); }},
    Endpoint{"/v1/keys/sign", "POST", [](std::string_view, std::string_view body) { return sign_call(body); }},
    Endpoint{"/v1/keys/delete", "POST", [](std::string_view, std::string_view body) { return delete_key_call(body); }},
    Endpoint{"/v1/nta", "GET",
             [](std::string_view, std::string_view) -> Read<ApiCall> { return NegativeAnchorsCall{}; }},
    Endpoint{"/v1/nta", "POST", [](std::string_view, std::string_view body) { return add_negative_anchor_call(body); }},
    Endpoint{"/v1/nta/remove", "POST",
             [](std::string_view, std::string_view body) { return remove_negative_anchor_call(body); }},
};

}  // namespace

std::expected<ApiCall, RequestError> parse_api_request(std::string_view method, std::string_view target,
                                                       std::string_view body) {
  const std::size_t question = std::min(target.find('?'), target.size());
  const std::string_view path = target.substr(0, question);
  const auto endpoint = std::ranges::find(endpoints, path, &Endpoint::path);
  if (endpoint == endpoints.end()) return std::unexpected{RequestError{not_found, "there is no such page"}};
  const auto fitting =
      std::ranges::find_if(endpoints, [&](const Endpoint& one) { return one.path == path && one.method == method; });
  if (fitting == endpoints.end())
    return std::unexpected{RequestError{wrong_method, fmt::format("{} takes {}", endpoint->path, endpoint->method)}};
  return fitting->read(target.substr(std::min(question + 1, target.size())), body);
}

std::expected<PublicPage, RequestError> parse_public_request(std::string_view method, std::string_view target) {
  static constexpr std::array<std::string_view, 3> paths{"/metrics", "/health", "/ready"};
  const auto path = std::ranges::find(paths, target.substr(0, target.find('?')));
  if (path == paths.end()) return std::unexpected{RequestError{not_found, "there is no such page"}};
  if (method != "GET" && method != "HEAD") return std::unexpected{RequestError{wrong_method, "GET only"}};
  return static_cast<PublicPage>(path - paths.begin());
}

}  // namespace redoubt::control
