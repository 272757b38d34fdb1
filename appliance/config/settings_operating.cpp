// Settings of who may ask, what the server says of itself, its limits and its logs.
#include <array>
#include <utility>

#include "appliance/config/settings_rows.hpp"

namespace redoubt::config::rows {

namespace {

constexpr std::array<std::string_view, 2> sandbox{"required", "best-effort"};
constexpr std::array<std::string_view, 5> levels{"trace", "debug", "info", "warning", "error"};
constexpr std::array<std::string_view, 2> formats{"text", "json"};
constexpr std::array<std::string_view, 2> logged_answers{"all", "failed"};

constexpr std::array table{
    Setting{.key = "access", .kind = Kind::section, .initial = "", .help = "Who may ask."},
    Setting{
        .key = "access.allow",
        .kind = Kind::prefixes,
        .initial =
            R"(["127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "::1", "fc00::/7", "fe80::/10"])",
        .help = "Clients that are served; all others are refused. To begin with, those that cannot come from the "
                "Internet: loopback, private (RFC 1918, RFC 4193), shared (RFC 6598) and link-local addresses.",
        .store = [](Configuration& c, Value& v) { c.access_allow = std::move(v.prefixes); }},
    Setting{.key = "access.names",
            .kind = Kind::names,
            .initial = "[]",
            .help = "Clients that are served wherever they come from: they show a certificate with one of these names "
                    "at a listener with client-authorities. *.staff.example. stands for one label.",
            .store = [](Configuration& c, Value& v) { c.access_names = std::move(v.names); }},

    Setting{.key = "identity",
            .kind = Kind::section,
            .initial = "",
            .help = "What is told about this server to whoever asks; nothing where the text is empty."},
    Setting{.key = "identity.version",
            .kind = Kind::short_text,
            .initial = R"("")",
            .help = "The answer to version.bind and version.server.",
            .store = [](Configuration& c, Value& v) { c.identity.version = std::move(v.text); },
            .range = {0, 255}},
    Setting{.key = "identity.id",
            .kind = Kind::short_text,
            .initial = R"("")",
            .help = "The answer to id.server and hostname.bind (RFC 4892).",
            .store = [](Configuration& c, Value& v) { c.identity.id = std::move(v.text); },
            .range = {0, 255}},
    Setting{.key = "identity.nsid",
            .kind = Kind::short_text,
            .initial = R"("")",
            .help = "The name server identifier that clients may ask for beside any question (RFC 5001).",
            .store = [](Configuration& c, Value& v) { c.identity.nsid = std::move(v.text); },
            .range = {0, 60}},  // beside the longest name and error it fits into 512 octets

    Setting{.key = "limits",
            .kind = Kind::limits,
            .initial = "{}",
            .help = "Other values for the limits of work and of clients, by their names.",
            .store = [](Configuration& c, Value& v) { c.limits = std::move(v.limits); }},

    Setting{.key = "sandbox",
            .kind = Kind::choice,
            .initial = "required",
            .help = "best-effort starts although the kernel lacks a part of the sandbox, and says so in the log.",
            .store = [](Configuration& c, Value& v) { c.sandbox_required = v.number == 0; },
            .choices = sandbox,
            .keep_running = keep<&Configuration::sandbox_required>},

    Setting{.key = "log", .kind = Kind::section, .initial = "", .help = "What is said on standard error."},
    Setting{.key = "log.level",
            .kind = Kind::choice,
            .initial = "info",
            .help = "Lines of this weight and above.",
            .store = [](Configuration& c, Value& v) { c.log.level = static_cast<log::Level>(v.number); },
            .choices = levels},
    Setting{.key = "log.format",
            .kind = Kind::choice,
            .initial = "text",
            .help = "json writes one object a line.",
            .store = [](Configuration& c, Value& v) { c.log.json = v.number == 1; },
            .choices = formats},
    Setting{.key = "log.queries",
            .kind = Kind::section,
            .initial = "",
            .help = "The query log: a line on standard output for each answer that meets all of these. Lines that "
                    "cannot be written at once are lost and counted; no answer waits for its line."},
    Setting{.key = "log.queries.sample",
            .kind = Kind::number,
            .initial = "0",
            .help = "One of so many answers, by chance; 1 takes all, 0 none.",
            .store = [](Configuration& c, Value& v) { c.log.queries.sample = static_cast<std::uint32_t>(v.number); },
            .range = {0, 1'000'000}},
    Setting{.key = "log.queries.clients",
            .kind = Kind::prefixes,
            .initial = "[]",
            .help = "Answers to these clients alone; an empty list: to all.",
            .store = [](Configuration& c, Value& v) { c.log.queries.clients = std::move(v.prefixes); }},
    Setting{.key = "log.queries.zones",
            .kind = Kind::names,
            .initial = "[]",
            .help = "Questions at and below these names alone; an empty list: all.",
            .store = [](Configuration& c, Value& v) { c.log.queries.zones = std::move(v.names); }},
    Setting{.key = "log.queries.answers",
            .kind = Kind::choice,
            .initial = "all",
            .help = "failed means SERVFAIL and REFUSED.",
            .store = [](Configuration& c, Value& v) { c.log.queries.failed_only = v.number == 1; },
            .choices = logged_answers},
    Setting{.key = "log.queries.slower-than",
            .kind = Kind::duration,
            .initial = "0s",
            .help = "Answers that took longer; what the cache answers takes no time.",
            .store = [](Configuration& c,
                        Value& v) { c.log.queries.slower_than = Milliseconds{static_cast<std::int64_t>(v.number)}; },
            .range = {0, 60'000}},
    Setting{.key = "log.queries.whole-addresses",
            .kind = Kind::boolean,
            .initial = "true",
            .help = "Otherwise clients are written as their network, a /24 or a /56.",
            .store = [](Configuration& c, Value& v) { c.log.queries.whole_addresses = v.flag; }},
};

}  // namespace

std::span<const Setting> operating() { return table; }

}  // namespace redoubt::config::rows
