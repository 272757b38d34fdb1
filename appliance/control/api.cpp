#include "appliance/control/api.hpp"

#include <fmt/format.h>
#include <sodium.h>

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "appliance/control/anchors_json.hpp"
#include "appliance/control/api_json.hpp"
#include "dns/message.hpp"

namespace redoubt::control {

namespace {

using nlohmann::ordered_json;
using Respond = HttpServer::Respond;
using channel::Role;

constexpr std::chrono::milliseconds patience_with_statistics{1000};
constexpr std::chrono::milliseconds patience_with_the_cache{5000};
constexpr std::chrono::milliseconds patience_with_a_resolution{25'000};  // below http_answer_patience
/// For a client that reads its trace slower than it comes: some hundred steps.
constexpr std::size_t max_trace_octets_waiting = 128 * 1024;
constexpr std::string_view trace_broke_off =
    "the resolver did not come to the end of this trace: it was started again, or took too long; try again";
constexpr unsigned unavailable = 503;
constexpr unsigned conflict = 409;

HttpResponse as_json(const ordered_json& value, unsigned status = 200) {
  return {.status = status,
          .content_type = "application/json",
          .body = value.dump(2, ' ', true, ordered_json::error_handler_t::replace) + "\n"};
}
std::string as_line(const ordered_json& value) {
  return value.dump(-1, ' ', true, ordered_json::error_handler_t::replace) + "\n";
}
HttpResponse error(unsigned status, std::string_view what) { return as_json({{"error", what}}, status); }
HttpResponse no_resolver() { return error(unavailable, "the resolver does not answer"); }
HttpResponse plain(unsigned status, std::string_view text) {
  return {.status = status, .content_type = "text/plain; charset=utf-8", .body = std::string{text}};
}

ordered_json as_list(const std::vector<std::string>& lines) {
  auto list = ordered_json::array();
  for (const std::string& line : lines) list.push_back(line);
  return list;
}

/// Null: it could not be read.
HttpResponse as_response(const std::optional<Json>& told) {
  return told ? as_json(*told) : error(unavailable, "the resolver's answer cannot be read");
}

dns::Message message_with_id() {
  dns::Message message;
  message.header.id = static_cast<std::uint16_t>(randombytes_random() & 0xffffU);
  return message;
}

std::vector<std::uint8_t> query_message(const QueryCall& call) {
  dns::Message message = message_with_id();
  message.header.recursion_desired = call.recursion_desired;
  message.header.checking_disabled = call.checking_disabled;
  message.question = dns::Question{.name = call.name, .type = call.type, .rr_class = call.rr_class};
  message.edns.emplace().dnssec_ok = call.dnssec;
  return message.to_wire();
}

std::vector<std::uint8_t> query_message(const TraceCall& call) {
  dns::Message message = message_with_id();
  message.header.recursion_desired = true;
  message.question = dns::Question{.name = call.name, .type = call.type};
  message.edns.emplace();
  return message.to_wire();
}

}  // namespace

void Api::answer(const HttpRequest& request, Respond respond) {
  const auto parsed = parse_api_request(request.method, request.target, request.body);
  if (!parsed) return respond(error(parsed.error().status, parsed.error().what));
  std::visit([&](const auto& wanted) { call(wanted, std::move(respond)); }, *parsed);
}

void Api::answer_public(const HttpRequest& request, Respond respond) {
  const auto page = parse_public_request(request.method, request.target);
  if (!page) return respond(plain(page.error().status, page.error().what + "\n"));
  switch (*page) {
    case PublicPage::metrics:
      return metrics(std::move(respond));
    case PublicPage::health:
      return respond(plain(200, "alive\n"));
    case PublicPage::ready:
      return respond(appliance_.ready() ? plain(200, "ready\n") : plain(unavailable, "not ready\n"));
  }
}

namespace {

/// Null when no copy of the root zone is wanted.
ordered_json as_json(const RootCopy::State& copy) {
  if (!copy.wanted) return nullptr;
  ordered_json object{{"serial", nullptr}, {"until", nullptr}, {"trouble", copy.trouble}};
  if (copy.serial) {
    object["serial"] = *copy.serial;
    object["until"] = copy.until;
  }
  return object;
}

}  // namespace

void Api::call(const StatusCall&, Respond respond) {
  auto roles = ordered_json::array();
  for (const RoleState& state : appliance_.roles()) {
    roles.push_back(
        {{"role", channel::to_text(state.role)}, {"up", state.up}, {"pid", state.pid}, {"restarts", state.restarts}});
  }
  const auto& in_force = appliance_.in_force();
  const LastReload last = appliance_.last_reload();
  auto listeners = ordered_json::array();
  if (in_force) {
    for (const config::Listener& listener : in_force->configuration.listeners) {
      auto transports = ordered_json::array();
      if (listener.udp) transports.push_back("udp");
      if (listener.tcp) transports.push_back("tcp");
      if (listener.tls) transports.push_back("tls");
      if (listener.https) transports.push_back("https");
      listeners.push_back({{"address", listener.at.to_text()}, {"transports", transports}});
    }
  }
  const MetricsSources sources = appliance_.sources();
  respond(as_json({{"version", sources.version},
                   {"ready", appliance_.ready()},
                   {"started_at", sources.up_since},
                   {"configuration",
                    {{"file", appliance_.configuration_path},
                     {"generation", in_force ? in_force->generation : 0},
                     {"in_force_since", in_force ? in_force->since : 0},
                     {"last_read_at", last.at},
                     {"faults", as_list(last.faults)},
                     {"warnings", as_list(last.warnings)}}},
                   {"listeners", listeners},
                   {"local_root", as_json(appliance_.root_copy())},
                   {"roles", roles}}));
}

void Api::call(const ReloadCall&, Respond respond) {
  appliance_.reload([respond = std::move(respond)](const ReloadAnswer& answer) {
    const bool done = answer.result.faults.empty();
    respond(as_json({{"in_force", done},
                     {"generation", answer.result.generation},
                     {"faults", as_list(answer.result.faults)},
                     {"warnings", as_list(answer.warnings)}},
                    done ? 200 : conflict));
  });
}

void Api::call(const QueryCall& call, Respond respond) {
  appliance_.siblings->resolve(query_message(call), patience_with_a_resolution,
                               [respond = std::move(respond)](const std::optional<std::vector<std::uint8_t>>& answer) {
                                 respond(answer ? as_response(message_as_json(*answer)) : no_resolver());
                               });
}

void Api::call(const ShowCall& call, Respond respond) {
  appliance_.siblings->show_cache({.id = 0, .name = call.name, .below = call.below, .limit = call.limit},
                                  patience_with_the_cache,
                                  [respond = std::move(respond)](const std::optional<channel::CacheShown>& shown) {
                                    respond(shown ? as_json(cache_as_json(*shown)) : no_resolver());
                                  });
}

void Api::call(const FlushCall& call, Respond respond) {
  appliance_.siblings->flush_cache({.id = 0, .name = call.name, .below = call.below}, patience_with_the_cache,
                                   [respond = std::move(respond)](const std::optional<channel::CacheFlushed>& flushed) {
                                     respond(flushed ? as_json({{"flushed", flushed->entries}}) : no_resolver());
                                   });
}

void Api::call(const TraceCall& call, Respond respond) {
  if (call.stream) return stream_trace(call, std::move(respond));
  const auto steps = std::make_shared<std::vector<channel::TraceStep>>();
  appliance_.siblings->trace(
      {.id = 0, .query = query_message(call), .client = call.client, .fresh = call.fresh}, patience_with_a_resolution,
      [steps](const channel::TraceStep& step) { steps->push_back(step); },
      [steps, respond = std::move(respond)](const std::optional<channel::Traced>& traced) {
        respond(traced ? as_response(trace_as_json(*steps, *traced)) : no_resolver());
      });
}

/// A line for each step when it comes; the last one has the answer, or an error. A client that does not read is never
/// waited for: what finds no room is left out, and counted in the last line.
void Api::stream_trace(const TraceCall& call, Respond respond) {
  if (!appliance_.siblings->attached(Role::resolver)) return respond(no_resolver());
  const auto stream = std::make_shared<HttpStream>(max_trace_octets_waiting);
  respond({.status = 200, .content_type = "application/x-ndjson", .body = {}, .stream = stream});
  appliance_.siblings->trace(
      {.id = 0, .query = query_message(call), .client = call.client, .fresh = call.fresh}, patience_with_a_resolution,
      [stream](const channel::TraceStep& step) { stream->put(as_line(trace_step_as_json(step))); },
      [stream](const std::optional<channel::Traced>& traced) {
        auto result = traced ? trace_result_as_json(*traced) : std::nullopt;
        if (!result) return stream->end(as_line({{"error", trace_broke_off}}));
        (*result)["left_out"] = traced->left_out + stream->left_out();
        stream->end(as_line(*result));
      });
}

void Api::call(const UpstreamsCall& call, Respond respond) {
  appliance_.siblings->ask_upstreams({.id = 0, .limit = call.limit}, patience_with_the_cache,
                                     [respond = std::move(respond)](const std::optional<channel::Upstreams>& shown) {
                                       respond(shown ? as_json(upstreams_as_json(*shown)) : no_resolver());
                                     });
}

void Api::call(const StatisticsCall&, Respond respond) {
  gather(
      [respond = std::move(respond)](const MetricsSources& sources) { respond(as_json(statistics_as_json(sources))); });
}

void Api::call(const AnchorsCall&, Respond respond) {
  const auto& in_force = appliance_.in_force();
  respond(as_json(anchors_as_json(appliance_.anchors(), in_force ? &in_force->configuration.validation : nullptr)));
}

void Api::call(const NegativeAnchorsCall&, Respond respond) {
  const auto& in_force = appliance_.in_force();
  respond(as_json(negative_anchors_as_json(appliance_.negative_anchors->list(),
                                           in_force ? &in_force->configuration.validation : nullptr)));
}

void Api::call(const AddNegativeAnchorCall& call, Respond respond) {
  const auto done = appliance_.negative_anchors->add(call.name, call.time, call.why);
  respond(done ? as_json({{"added", call.name.to_text()}}) : error(conflict, done.error()));
}

void Api::call(const RemoveNegativeAnchorCall& call, Respond respond) {
  const auto done = appliance_.negative_anchors->remove(call.name);
  const auto& in_force = appliance_.in_force();
  const std::vector<TimedNegativeAnchor> timed = appliance_.negative_anchors->list();
  const bool is_left = std::ranges::find(timed, call.name, &TimedNegativeAnchor::zone) != timed.end();
  const auto above = in_force && !is_left
                         ? what_excepts(call.name, timed, in_force->configuration.validation.negative_trust_anchors)
                         : std::nullopt;
  if (!done && above) return respond(error(conflict, done.error() + "; " + *above));
  if (!done) return respond(error(conflict, done.error()));
  ordered_json removed{{"removed", call.name.to_text()}};
  if (above) removed["still_excepted"] = *above;
  respond(as_json(removed));
}

void Api::metrics(Respond respond) {
  gather([respond = std::move(respond)](const MetricsSources& sources) {
    respond({.status = 200, .content_type = "text/plain; version=0.0.4; charset=utf-8", .body = metrics_page(sources)});
  });
}

/// All is asked at once; `then` is called when the last has answered or run out of time.
void Api::gather(std::function<void(const MetricsSources&)> then) {
  struct Gathering {
    MetricsSources sources;
    unsigned waiting = 3;
    std::function<void(const MetricsSources&)> then;
    void one_came() {
      if (--waiting != 0) return;
      if (sources.resolver && sources.transport) channel::add_near_answers(*sources.resolver, *sources.transport);
      then(sources);
    }
  };
  const auto gathering =
      std::make_shared<Gathering>(Gathering{.sources = appliance_.sources(), .then = std::move(then)});
  const auto take = [gathering](Role role) {
    return [gathering, role](std::optional<std::vector<std::uint64_t>> values) {
      for (RoleState& state : gathering->sources.roles) {
        if (state.role == role) state.up = values.has_value();
      }
      (role == Role::resolver ? gathering->sources.resolver : gathering->sources.transport) = std::move(values);
      gathering->one_came();
    };
  };
  for (const Role role : {Role::resolver, Role::transport})
    appliance_.siblings->ask_statistics(role, patience_with_statistics, take(role));
  appliance_.siblings->ask_upstreams({.id = 0, .limit = 0}, patience_with_statistics,
                                     [gathering](std::optional<channel::Upstreams> upstreams) {
                                       gathering->sources.upstreams = std::move(upstreams);
                                       gathering->one_came();
                                     });
}

}  // namespace redoubt::control
