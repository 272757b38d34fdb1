#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>

#include "appliance/ctl/answer.hpp"
#include "appliance/ctl/commands.hpp"
#include "dns/text.hpp"

namespace redoubt::ctl {

namespace {

using nlohmann::json;

std::string joined(const json& list) {
  std::string text;
  for (const json& item : list)
    text += (text.empty() ? "" : ", ") + (item.is_string() ? item.get<std::string>() : item.dump());
  return text;
}

void print_local_root(const json& copy, std::int64_t now, std::ostream& out) {
  const std::string trouble = text_of(copy, "trouble");
  if (const auto serial = copy.find("serial"); serial != copy.end() && !serial->is_null()) {
    out << fmt::format("root zone: a local copy, serial {}, good for {}\n", serial->dump(),
                       duration_of(std::max<std::int64_t>(copy.value("until", now) - now, 0)));
  } else {
    out << "root zone: from its servers, for there is no good local copy\n";
  }
  if (!trouble.empty() && trouble != "-") out << "  not renewed: " << trouble << "\n";
}

void print_status(const json& body, std::ostream& out) {
  const bool ready = body.value("ready", false);
  const auto now =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  out << fmt::format("resolverd {}: {}, up {}\n", text_of(body, "version"), ready ? "ready" : "not ready",
                     duration_of(std::max<std::int64_t>(now - body.value("started_at", std::int64_t{now}), 0)));
  const json configuration = body.value("configuration", json::object());
  const std::string file = text_of(configuration, "file");
  out << fmt::format("configuration: {}, generation {}\n", file.empty() ? "built-in" : file,
                     text_of(configuration, "generation"));
  const json faults = configuration.value("faults", json::array());
  if (!faults.empty()) out << "the last reload failed; the configuration before it is in force:\n";
  for (const json& fault : faults) out << "  " << (fault.is_string() ? fault.get<std::string>() : fault.dump()) << "\n";
  for (const json& listener : body.value("listeners", json::array())) {
    out << fmt::format("listening: {} ({})\n", text_of(listener, "address"),
                       joined(listener.value("transports", json::array())));
  }
  if (const auto copy = body.find("local_root"); copy != body.end() && copy->is_object())
    print_local_root(*copy, now, out);
  out << fmt::format("{:<12}{:<10}{:<6}{}\n", "role", "process", "up", "restarts");
  for (const json& role : body.value("roles", json::array())) {
    out << fmt::format("{:<12}{:<10}{:<6}{}\n", text_of(role, "role"), text_of(role, "pid"),
                       role.value("up", false) ? "yes" : "no", text_of(role, "restarts"));
  }
}

std::optional<std::vector<std::uint8_t>> from_hexadecimal(const std::string& text) {
  if (text.size() % 2 != 0) return std::nullopt;
  const auto digit = [](char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
  };
  std::vector<std::uint8_t> octets;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    if (digit(text[i]) < 0 || digit(text[i + 1]) < 0) return std::nullopt;
    octets.push_back(static_cast<std::uint8_t>(digit(text[i]) << 4 | digit(text[i + 1])));
  }
  return octets;
}

}  // namespace

ExitCode status(const Context& context) {
  const Answer answer = understand(context, context.api.get("/v1/status"));
  if (!answer.body) return answer.code;
  if (context.json) {
    context.out << answer.body->dump(2) << "\n";
  } else {
    print_status(*answer.body, context.out);
  }
  return answer.body->value("ready", false) ? ExitCode::done : ExitCode::failed;
}

ExitCode reload(const Context& context) {
  const Answer answer = understand(context, context.api.post("/v1/reload", "{}"));
  if (!answer.body) return answer.code;
  if (context.json) {
    context.out << answer.body->dump(2) << "\n";
    return ExitCode::done;
  }
  for (const json& warning : answer.body->value("warnings", json::array())) {
    context.err << "warning: " << (warning.is_string() ? warning.get<std::string>() : warning.dump()) << "\n";
  }
  context.out << "generation " << text_of(*answer.body, "generation") << " is in force\n";
  return ExitCode::done;
}

ExitCode query(const Context& context, const QueryOptions& options) {
  const auto started = std::chrono::steady_clock::now();
  const json request{{"name", options.name},
                     {"type", options.type},
                     {"dnssec", options.dnssec},
                     {"checking_disabled", options.checking_disabled}};
  const Answer answer = understand(context, context.api.post("/v1/query", request.dump()));
  if (!answer.body) return answer.code;
  const auto octets = from_hexadecimal(text_of(*answer.body, "wire"));
  const auto message =
      octets ? dns::Message::parse(*octets) : std::unexpected{dns::WireError{dns::Fault::short_read, 0}};
  if (!message) {
    context.err << "resolverd's answer is no DNS message\n";
    return ExitCode::failed;
  }
  if (context.json) {
    context.out << answer.body->dump(2) << "\n";
  } else {
    const auto taken =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - started);
    context.out << dns::message_to_text(*message)
                << fmt::format("\n;; answered in {} ms, {} octets\n", taken.count(), octets->size());
  }
  const bool answered = message->rcode() == dns::Rcode::noerror || message->rcode() == dns::Rcode::nxdomain;
  return answered ? ExitCode::done : ExitCode::failed;
}

ExitCode cache_show(const Context& context, const CacheOptions& options) {
  const Answer answer =
      understand(context, context.api.get(fmt::format("/v1/cache?name={}&below={}&limit={}",
                                                      percent_encoded(options.name), options.below, options.limit)));
  if (!answer.body) return answer.code;
  if (context.json) {
    context.out << answer.body->dump(2) << "\n";
    return ExitCode::done;
  }
  const json entries = answer.body->value("entries", json::array());
  for (const json& entry : entries) {
    const bool whole_name = text_of(entry, "kind") == "no such name";
    const std::string head = fmt::format("{} {} {}", text_of(entry, "name"), text_of(entry, "ttl"),
                                         whole_name ? "*" : text_of(entry, "type"));
    if (text_of(entry, "kind") != "data") context.out << head << " ; " << text_of(entry, "kind") << "\n";
    for (const json& rdata : entry.value("data", json::array())) {
      context.out << head << " " << (rdata.is_string() ? rdata.get<std::string>() : rdata.dump()) << "\n";
    }
  }
  if (entries.empty()) context.err << "nothing of that name is in the cache\n";
  if (answer.body->value("more", false)) context.err << "there is more; --limit shows up to 256 entries\n";
  return ExitCode::done;
}

ExitCode cache_flush(const Context& context, const CacheOptions& options) {
  if (options.all == !options.name.empty()) {
    context.err << "cache flush takes a NAME or --all\n";
    return ExitCode::usage;
  }
  const json request{{"name", options.all ? "." : options.name}, {"below", options.all || options.below}};
  const Answer answer = understand(context, context.api.post("/v1/cache/flush", request.dump()));
  if (!answer.body) return answer.code;
  if (context.json) {
    context.out << answer.body->dump(2) << "\n";
  } else {
    const std::string count = text_of(*answer.body, "flushed");
    context.out << count << (count == "1" ? " entry flushed\n" : " entries flushed\n");
  }
  return ExitCode::done;
}

}  // namespace redoubt::ctl
