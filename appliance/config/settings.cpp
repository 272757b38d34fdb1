#include "appliance/config/settings.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <utility>

#include "appliance/channel/keykeeper_clients.hpp"
#include "appliance/channel/monitor_child.hpp"
#include "appliance/config/units.hpp"

namespace redoubt::config {

namespace {

using Milliseconds = std::chrono::milliseconds;

constexpr std::uint64_t kib = 1024;
constexpr std::uint64_t day = 86'400'000;
constexpr std::uint64_t max_upstreams_of_a_zone = 16;
constexpr std::uint64_t max_pins_of_a_zone = 16;

constexpr std::array<std::string_view, 4> transports{"udp", "tcp", "tls", "https"};
constexpr std::array<std::string_view, 2> client_certificates{"optional", "required"};
constexpr std::array<std::string_view, 2> upstream_orders{"fastest", "configured"};
constexpr std::array<std::string_view, 1> self_signed{"self-signed"};
constexpr std::array<std::string_view, 2> local_root{"off", "transfer"};
constexpr std::array<std::string_view, 3> minimisation{"off", "relaxed", "strict"};
constexpr std::array<std::string_view, 3> nxdomain_cut{"off", "root", "always"};
constexpr std::array<std::string_view, 2> sandbox{"required", "best-effort"};
constexpr std::array<std::string_view, 5> levels{"trace", "debug", "info", "warning", "error"};
constexpr std::array<std::string_view, 2> formats{"text", "json"};
constexpr std::array<std::string_view, 2> logged_answers{"all", "failed"};

/// A fixed setting's keep_running, from the member it lives in.
template <auto member>
bool keep(const Configuration& running, Configuration& fresh) {
  return std::exchange(fresh.*member, running.*member) != running.*member;
}
template <auto outer, auto inner>
bool keep(const Configuration& running, Configuration& fresh) {
  return std::exchange((fresh.*outer).*inner, (running.*outer).*inner) != (running.*outer).*inner;
}

Milliseconds duration_of(const Value& value) { return Milliseconds{static_cast<std::int64_t>(value.number)}; }

void set_transports(Configuration& c, Value& v) {
  Listener& listener = c.listeners.back();
  for (const std::size_t choice : v.chosen) {
    (choice == 0 ? listener.udp : choice == 1 ? listener.tcp : choice == 2 ? listener.tls : listener.https) = true;
  }
}

void grow(auto& list, const Value& v) {
  if (v.flag)
    list.clear();
  else
    list.emplace_back();
}

// What is not in this version yet has the value "off" here, whatever later versions will start with.
const std::array rows{
    Setting{.key = "listen",
            .kind = Kind::entries,
            .initial = R"([{address: "127.0.0.1@5300", transports: [udp, tcp]}, )"
                       R"({address: "127.0.0.1@8853", transports: [tls]}, )"
                       R"({address: "127.0.0.1@8443", transports: [https]}])",
            .help = "Where clients are served.",
            .store = [](Configuration& c, Value& v) { grow(c.listeners, v); },
            .range = {1, channel::max_listeners}},
    Setting{.key = "listen[].address",
            .kind = Kind::endpoint,
            .initial = "",
            .help = "Address and port; without a port 53. 0.0.0.0 and :: mean every address of the machine, and "
                    "answers leave from the one that was asked.",
            .store = [](Configuration& c, Value& v) { c.listeners.back().at = *v.endpoint; },
            .default_port = 53},
    Setting{.key = "listen[].transports",
            .kind = Kind::choices,
            .initial = "[udp, tcp]",
            .help = "tcp, tls and https need an address of their own each.",
            .store = set_transports,
            .choices = transports},
    Setting{.key = "listen[].path",
            .kind = Kind::http_path,
            .initial = "/dns-query",
            .help = "The path of DNS over HTTPS (RFC 8484).",
            .store = [](Configuration& c, Value& v) { c.listeners.back().path = std::move(v.text); }},
    Setting{.key = "listen[].client-authorities",
            .kind = Kind::file,
            .initial = R"("")",
            .help = "For tls and https: a file with the certificates, in PEM, of those who certify clients. Clients "
                    "are asked for a certificate then; access.names says which of them may ask from anywhere.",
            .store = [](Configuration& c, Value& v) { c.listeners.back().client_authorities = std::move(v.text); },
            .may_be_empty = true},
    Setting{.key = "listen[].client-certificate",
            .kind = Kind::choice,
            .initial = "optional",
            .help = "With client-authorities: whether a client without a certificate is served like any other "
                    "(optional) or not at all (required). One with a bad certificate never is.",
            .store = [](Configuration& c, Value& v) { c.listeners.back().client_certificate_required = v.number == 1; },
            .choices = client_certificates},

    Setting{.key = "tls",
            .kind = Kind::section,
            .initial = "",
            .help = "How the server shows who it is to clients that come by tls or https."},
    Setting{.key = "tls.certificate",
            .kind = Kind::file_or_word,
            .initial = "self-signed",
            .help =
                "A file with the certificate chain in PEM, which is looked at every ten seconds and used anew when it "
                "changes; or self-signed for one that is made at the first start, with the listeners' addresses in "
                "it. It is then found in the state folder as certificate.pem.",
            .store = [](Configuration& c, Value& v) { c.tls.certificate = std::move(v.text); },
            .choices = self_signed},
    Setting{.key = "tls.key",
            .kind = Kind::file,
            .initial = R"("")",
            .help =
                "A file with its private key in PEM: P-256, P-384, or RSA of at least 2048 bits. Only keykeeper reads "
                "it; monitor must be able to open it.",
            .store = [](Configuration& c, Value& v) { c.tls.key = std::move(v.text); },
            .may_be_empty = true},
    Setting{.key = "tls.more",
            .kind = Kind::entries,
            .initial = "[]",
            .help = "Further certificates, each for clients that ask for one of the names in it (SNI); all others get "
                    "tls.certificate.",
            .store = [](Configuration& c, Value& v) { grow(c.tls.more, v); },
            .range = {0, channel::max_certificates - 1}},
    Setting{.key = "tls.more[].certificate",
            .kind = Kind::file,
            .initial = "",
            .help = "As tls.certificate.",
            .store = [](Configuration& c, Value& v) { c.tls.more.back().certificate = std::move(v.text); }},
    Setting{.key = "tls.more[].key",
            .kind = Kind::file,
            .initial = "",
            .help = "As tls.key.",
            .store = [](Configuration& c, Value& v) { c.tls.more.back().key = std::move(v.text); }},
    Setting{.key = "tls.names",
            .kind = Kind::names,
            .initial = "[]",
            .help =
                "Names by which clients know this server: they stand in a self-signed certificate, and the first one "
                "is told to clients that look for encrypted listeners (_dns.resolver.arpa, RFC 9462).",
            .store = [](Configuration& c, Value& v) { c.tls.names = std::move(v.names); }},
    Setting{.key = "tls.authorities",
            .kind = Kind::file,
            .initial = "/etc/ssl/certs/ca-certificates.crt",
            .help = "A file with the certificates, in PEM, of those who certify servers that are asked by tls. It is "
                    "read when a forward zone needs it.",
            .store = [](Configuration& c, Value& v) { c.tls.authorities = std::move(v.text); }},

    Setting{.key = "workers",
            .kind = Kind::workers,
            .initial = "auto",
            .help = "Threads that serve datagrams; auto is one for each processor.",
            .store = [](Configuration& c, Value& v) { c.workers = static_cast<std::uint32_t>(v.number); },
            .range = {1, channel::max_workers},
            .keep_running = keep<&Configuration::workers>},
    Setting{.key = "state",
            .kind = Kind::file,
            .initial = "/var/lib/redoubt",
            .help = "The folder of what outlives a restart. It is made when it is not there.",
            .store = [](Configuration& c, Value& v) { c.state = std::move(v.text); },
            .keep_running = keep<&Configuration::state>},

    Setting{.key = "zone-keys",
            .kind = Kind::section,
            .initial = "",
            .help =
                "Private keys of zones, kept by the daemon: `resolverctl zone sign --keykeeper` signs with them and "
                "never sees them."},
    Setting{.key = "zone-keys.folder",
            .kind = Kind::file,
            .initial = R"("")",
            .help = "The folder of the sealed keys, for keykeeper alone, outside of state. It is made when it is not "
                    "there; one that is there must be empty, or keykeeper's with mode 0700. Empty: none are kept.",
            .store = [](Configuration& c, Value& v) { c.zone_keys.folder = std::move(v.text); },
            .may_be_empty = true,
            .keep_running = keep<&Configuration::zone_keys, &ZoneKeys::folder>},
    Setting{.key = "zone-keys.passphrase-file",
            .kind = Kind::file,
            .initial = R"("")",
            .help = "A file with the passphrase that they are sealed under, readable by its owner alone, such as a "
                    "credential of systemd. Empty: keykeeper's own secret, in state.",
            .store = [](Configuration& c, Value& v) { c.zone_keys.passphrase_file = std::move(v.text); },
            .may_be_empty = true,
            .keep_running = keep<&Configuration::zone_keys, &ZoneKeys::passphrase_file>},
    Setting{
        .key = "zone-keys.only-own",
        .kind = Kind::boolean,
        .initial = "true",
        .help =
            "DNSKEY, CDS and CDNSKEY records are signed only when each names a key in the folder. false is "
            "for zones with keys of others too (several signers of RFC 8901, keys in files or tokens) and for going "
            "unsigned (the CDS that deletes).",
        .store = [](Configuration& c, Value& v) { c.zone_keys.only_own = v.flag; },
        .keep_running = keep<&Configuration::zone_keys, &ZoneKeys::only_own>},

    Setting{
        .key = "control", .kind = Kind::section, .initial = "", .help = "Where the appliance itself is looked after."},
    Setting{.key = "control.socket",
            .kind = Kind::file,
            .initial = "/run/redoubt/control.sock",
            .help = "The unix socket of the API, which resolverctl uses. Who may open it may do everything there.",
            .store = [](Configuration& c, Value& v) { c.control.socket = std::move(v.text); },
            .keep_running = keep<&Configuration::control, &Control::socket>},
    Setting{.key = "control.http",
            .kind = Kind::endpoint_or_off,
            .initial = R"("127.0.0.1@8053")",
            .help = "Address and port of metrics and health checks over HTTP: /metrics, /health, /ready. No secrets "
                    "are told there; without a port 8053.",
            .store = [](Configuration& c, Value& v) { c.control.http = v.endpoint; },
            .default_port = 8053,
            .keep_running = keep<&Configuration::control, &Control::http>},

    Setting{.key = "cache",
            .kind = Kind::section,
            .initial = "",
            .help = "What is remembered of answers, and for how long."},
    Setting{.key = "cache.size",
            .kind = Kind::size,
            .initial = "256MiB",
            .help = "Memory that the cache's entries may take.",
            .store = [](Configuration& c, Value& v) { c.cache.size = v.number; },
            .range = {64 * kib, kib* kib* kib* kib}},
    Setting{.key = "cache.min-ttl",
            .kind = Kind::duration,
            .initial = "0s",
            .help = "Records are kept at least this long, whatever their TTL says.",
            .store = [](Configuration& c, Value& v) { c.cache.min_ttl = duration_of(v); },
            .range = {0, 3'600'000}},
    Setting{.key = "cache.max-ttl",
            .kind = Kind::duration,
            .initial = "1d",
            .help = "Records are kept at most this long.",
            .store = [](Configuration& c, Value& v) { c.cache.max_ttl = duration_of(v); },
            .range = {1000, 7 * day}},
    Setting{.key = "cache.negative-max-ttl",
            .kind = Kind::duration,
            .initial = "1h",
            .help = "That a name or type does not exist is remembered at most this long.",
            .store = [](Configuration& c, Value& v) { c.cache.negative_max_ttl = duration_of(v); },
            .range = {0, day}},
    Setting{.key = "cache.stale",
            .kind = Kind::duration,
            .initial = "1d",
            .help = "How long expired records may be served while their servers do not answer (RFC 8767); 0s: never.",
            .store = [](Configuration& c, Value& v) { c.cache.stale = duration_of(v); },
            .range = {0, 7 * day}},
    Setting{.key = "cache.stale-answer-after",
            .kind = Kind::duration,
            .initial = "1800ms",
            .help = "How long a client waits for fresh records before it is given expired ones.",
            .store = [](Configuration& c, Value& v) { c.cache.stale_answer_after = duration_of(v); },
            .range = {0, 1800}},
    Setting{.key = "cache.prefetch",
            .kind = Kind::boolean,
            .initial = "true",
            .help = "Whether records that are asked for are fetched again shortly before they expire.",
            .store = [](Configuration& c, Value& v) { c.cache.prefetch = v.flag; }},
    Setting{.key = "cache.keep-size",
            .kind = Kind::size,
            .initial = "32MiB",
            .help = "Of what is in the cache, so much is written down every quarter of a minute for a resolver that "
                    "has to be started again, what is asked for often first. Beside cache.size; 0: it starts empty.",
            .store = [](Configuration& c, Value& v) { c.cache.keep_size = v.number; },
            .range = {0, kib* kib* kib}},
    Setting{.key = "cache.keep",
            .kind = Kind::boolean,
            .initial = "false",
            .help = "Whether that outlives a restart of the daemon, too: in the file cache.image below state, every "
                    "five minutes and at the end.",
            .store = [](Configuration& c, Value& v) { c.cache.keep = v.flag; }},
    Setting{.key = "cache.zones",
            .kind = Kind::entries,
            .initial = "[]",
            .help = "Zones whose records are kept for other times than cache.min-ttl and cache.max-ttl say. The "
                    "longest name that fits counts.",
            .store = [](Configuration& c, Value& v) { grow(c.cache.zones, v); },
            .range = {0, 1000}},
    Setting{.key = "cache.zones[].zone",
            .kind = Kind::name,
            .initial = "",
            .help = "That name and all below it.",
            .store = [](Configuration& c, Value& v) { c.cache.zones.back().zone = v.names.front(); }},
    Setting{.key = "cache.zones[].min-ttl",
            .kind = Kind::duration,
            .initial = "",
            .help = "Records are kept at least this long.",
            .store = [](Configuration& c, Value& v) { c.cache.zones.back().min_ttl = duration_of(v); },
            .range = {0, 3'600'000}},
    Setting{.key = "cache.zones[].max-ttl",
            .kind = Kind::duration,
            .initial = "",
            .help = "Records, and that there are none, are kept at most this long.",
            .store = [](Configuration& c, Value& v) { c.cache.zones.back().max_ttl = duration_of(v); },
            .range = {1000, 7 * day}},

    Setting{.key = "resolution", .kind = Kind::section, .initial = "", .help = "How answers are found."},
    Setting{.key = "resolution.root-hints",
            .kind = Kind::root_hints,
            .initial = "builtin",
            .help = "Where resolution starts: builtin for the Internet's root servers, a zone file with other ones, or "
                    "a map such as {a.root.: [198.51.100.1, \"2001:db8::1\"]}.",
            .store = [](Configuration& c, Value& v) { c.resolution.root_servers = std::move(v.root_servers); }},
    Setting{
        .key = "resolution.local-root",
        .kind = Kind::file_or_word,
        .initial = "off",
        .help = "A copy of the root zone in place of its servers (RFC 8806): off, transfer to fetch and renew it, or "
                "a zone file that something else renews. It must carry a ZONEMD digest that fits (RFC 8976).",
        .store =
            [](Configuration& c, Value& v) {
              c.resolution.local_root.reset();
              if (v.text == local_root[0]) return;
              c.resolution.local_root = LocalRoot{.file = v.text == local_root[1] ? "" : std::move(v.text)};
            },
        .choices = local_root},
    Setting{.key = "resolution.local-root-from",
            .kind = Kind::addresses,
            .initial = "[]",
            .help = "Servers to transfer the root zone from, in that order; none: those that offer it to everybody.",
            .store = [](Configuration& c, Value& v) { c.resolution.local_root_from = std::move(v.addresses); }},
    Setting{.key = "resolution.outgoing",
            .kind = Kind::section,
            .initial = "",
            .help = "How queries to servers leave the machine."},
    Setting{.key = "resolution.outgoing.addresses",
            .kind = Kind::addresses,
            .initial = "[]",
            .help = "Source addresses, one of them at random for each query; none: as the system routes.",
            .store = [](Configuration& c, Value& v) { c.resolution.outgoing.addresses = std::move(v.addresses); }},
    Setting{.key = "resolution.outgoing.ports",
            .kind = Kind::ports,
            .initial = "1024-65535",
            .help = "Source ports, one of them at random for each query. A narrow range makes forging answers easier.",
            .store =
                [](Configuration& c, Value& v) {
                  std::tie(c.resolution.outgoing.first_port, c.resolution.outgoing.last_port) = v.ports;
                }},
    Setting{.key = "resolution.outgoing.ipv4",
            .kind = Kind::boolean,
            .initial = "true",
            .help = "Whether servers are asked over IPv4.",
            .store = [](Configuration& c, Value& v) { c.resolution.outgoing.ipv4 = v.flag; }},
    Setting{.key = "resolution.outgoing.ipv6",
            .kind = Kind::boolean,
            .initial = "true",
            .help = "Whether servers are asked over IPv6.",
            .store = [](Configuration& c, Value& v) { c.resolution.outgoing.ipv6 = v.flag; }},
    Setting{.key = "resolution.port",
            .kind = Kind::number,
            .initial = "53",
            .help = "The port on which all servers are asked. Another one than 53 is for labs.",
            .store = [](Configuration& c, Value& v) { c.resolution.port = static_cast<std::uint16_t>(v.number); },
            .range = {1, 65535}},
    Setting{.key = "resolution.qname-minimisation",
            .kind = Kind::choice,
            .initial = "relaxed",
            .help = "Whether servers are shown no more of a name than they need to know (RFC 9156). Whoever denies or "
                    "fails to answer a part of it is asked for the whole when relaxed, and believed when strict.",
            .store = [](Configuration& c,
                        Value& v) { c.resolution.qname_minimisation = static_cast<Minimisation>(v.number); },
            .choices = minimisation},
    Setting{.key = "resolution.nxdomain-cut",
            .kind = Kind::choice,
            .initial = "always",
            .help = "Whether a name that does not exist denies all names below it (RFC 8020): always, only where the "
                    "root says so, or off for the sake of servers that deny names with others below them.",
            .store = [](Configuration& c, Value& v) { c.resolution.nxdomain_cut = static_cast<NxdomainCut>(v.number); },
            .choices = nxdomain_cut},
    Setting{
        .key = "resolution.opportunistic-tls",
        .kind = Kind::boolean,
        .initial = "false",
        .help = "Whether it is found out which authorities speak TLS, and these are asked by it, whoever they are "
                "(RFC 9539): against those who listen, not against those who pretend. What fails goes in the clear.",
        .store = [](Configuration& c, Value& v) { c.resolution.opportunistic_tls = v.flag; }},
    Setting{.key = "resolution.case-randomisation",
            .kind = Kind::boolean,
            .initial = "true",
            .help = "Whether names are asked for in random upper and lower case, which forged answers fail to repeat.",
            .store = [](Configuration& c, Value& v) { c.resolution.case_randomisation = v.flag; }},
    Setting{.key = "resolution.cookies",
            .kind = Kind::boolean,
            .initial = "true",
            .help = "Whether DNS cookies are sent to servers (RFC 7873). Not with several outgoing addresses of a "
                    "family, for a server's cookie holds for one.",
            .store = [](Configuration& c, Value& v) { c.resolution.cookies = v.flag; }},
    Setting{.key = "resolution.do-not-query",
            .kind = Kind::prefixes_or_builtin,
            .initial = "builtin",
            .help = "Addresses that are never asked, whatever a delegation says. builtin: loopback, unspecified, "
                    "link-local, multicast and reserved ones, and the machine's own.",
            .store =
                [](Configuration& c, Value& v) {
                  c.resolution.do_not_query_builtin = v.flag;
                  c.resolution.do_not_query = std::move(v.prefixes);
                }},
    Setting{.key = "resolution.resolve-special",
            .kind = Kind::names,
            .initial = "[]",
            .help = "Names that are nobody's on the Internet (localhost, test, home.arpa, reverse names of private "
                    "addresses and so on) are answered here. Those at and below these names are resolved nevertheless.",
            .store = [](Configuration& c, Value& v) { c.resolution.resolve_special = std::move(v.names); }},
    Setting{.key = "resolution.forward",
            .kind = Kind::entries,
            .initial = "[]",
            .help = "Zones whose questions are handed to other resolvers; the longest zone counts.",
            .store = [](Configuration& c, Value& v) { grow(c.resolution.forward, v); },
            .range = {0, 10'000}},
    Setting{.key = "resolution.forward[].zone",
            .kind = Kind::name,
            .initial = "",
            .help = "That name and all below it.",
            .store = [](Configuration& c, Value& v) { c.resolution.forward.back().zone = v.names.front(); }},
    Setting{.key = "resolution.forward[].to",
            .kind = Kind::upstreams,
            .initial = "[]",
            .help = "The resolvers, as 192.0.2.2@53: address and port. They may be where do-not-query forbids to ask. "
                    "What stands behind a # is the name that their certificate has to have where they are asked by "
                    "tls or https. Without a port it is 53, by tls 853, by https 443.",
            .store = [](Configuration& c, Value& v) { c.resolution.forward.back().to = std::move(v.upstreams); },
            .range = {0, max_upstreams_of_a_zone}},
    Setting{.key = "resolution.forward[].to-file",
            .kind = Kind::file,
            .initial = R"("")",
            .help = "In the place of to: a file like /etc/resolv.conf, whose nameserver lines name the resolvers. It "
                    "is looked at every two seconds, and what changed is used without a reload.",
            .store = [](Configuration& c, Value& v) { c.resolution.forward.back().to_file = std::move(v.text); },
            .may_be_empty = true},
    Setting{.key = "resolution.forward[].transport",
            .kind = Kind::choice,
            .initial = "udp",
            .help = "How they are asked; udp moves on to TCP where an answer needs it. With tls and https nothing "
                    "is ever asked in the clear: where no server can be reached and known, the zone's questions fail.",
            .store = [](Configuration& c,
                        Value& v) { c.resolution.forward.back().transport = static_cast<UpstreamTransport>(v.number); },
            .choices = transports},
    Setting{.key = "resolution.forward[].path",
            .kind = Kind::http_path,
            .initial = "/dns-query",
            .help = "With https: where they serve DNS (RFC 8484).",
            .store = [](Configuration& c, Value& v) { c.resolution.forward.back().path = std::move(v.text); }},
    Setting{.key = "resolution.forward[].pins",
            .kind = Kind::pins,
            .initial = "[]",
            .help = "With tls and https: one of these keys has to be theirs, whoever signed their certificate (RFC "
                    "7858 section "
                    "4.2); SHA-256 of the public key in base64, as kdig +tls-pin takes it.",
            .store = [](Configuration& c, Value& v) { c.resolution.forward.back().pins = std::move(v.pins); },
            .range = {0, max_pins_of_a_zone}},
    Setting{.key = "resolution.forward[].authenticate",
            .kind = Kind::boolean,
            .initial = "true",
            .help = "With tls and https: whether they have to show who they are, by name or pin. false encrypts "
                    "towards whoever "
                    "is there, and is open to those who sit on the way.",
            .store = [](Configuration& c, Value& v) { c.resolution.forward.back().authenticate = v.flag; }},
    Setting{.key = "resolution.forward[].order",
            .kind = Kind::choice,
            .initial = "fastest",
            .help = "Which of several is asked first: the fastest, or the first one of the list that answers. The next "
                    "one is asked as well when an answer is late.",
            .store = [](Configuration& c,
                        Value& v) { c.resolution.forward.back().order = static_cast<UpstreamOrder>(v.number); },
            .choices = upstream_orders},
    Setting{.key = "resolution.forward[].first",
            .kind = Kind::boolean,
            .initial = "false",
            .help = "Whether the answer is looked for from the root when they give none.",
            .store = [](Configuration& c, Value& v) { c.resolution.forward.back().first = v.flag; }},
    Setting{.key = "resolution.forward[].max-rate",
            .kind = Kind::number,
            .initial = "0",
            .help = "Packets a second towards each of them, all workers together; more wait in line. 0: no bound. "
                    "1000 suits a cloud's endpoint that drops what is past 1024 a second.",
            .store = [](Configuration& c,
                        Value& v) { c.resolution.forward.back().max_rate = static_cast<std::uint32_t>(v.number); },
            .range = {0, 1'000'000}},
    Setting{.key = "resolution.stub",
            .kind = Kind::entries,
            .initial = "[]",
            .help = "Zones whose authoritative servers are given rather than looked up.",
            .store = [](Configuration& c, Value& v) { grow(c.resolution.stub, v); },
            .range = {0, 10'000}},
    Setting{.key = "resolution.stub[].zone",
            .kind = Kind::name,
            .initial = "",
            .help = "That name and all below it, down to delegations.",
            .store = [](Configuration& c, Value& v) { c.resolution.stub.back().zone = v.names.front(); }},
    Setting{.key = "resolution.stub[].to",
            .kind = Kind::upstreams,
            .initial = "",
            .help = "The authoritative servers, as 192.0.2.9@53; with tls as 192.0.2.9@853#ns.example.org.",
            .store = [](Configuration& c, Value& v) { c.resolution.stub.back().to = std::move(v.upstreams); },
            .range = {1, max_upstreams_of_a_zone}},
    Setting{.key = "resolution.stub[].transport",
            .kind = Kind::choice,
            .initial = "udp",
            .help = "As of a forward zone.",
            .store = [](Configuration& c,
                        Value& v) { c.resolution.stub.back().transport = static_cast<UpstreamTransport>(v.number); },
            .choices = std::span{transports}.first<3>()},
    Setting{.key = "resolution.stub[].pins",
            .kind = Kind::pins,
            .initial = "[]",
            .help = "With tls: as of a forward zone.",
            .store = [](Configuration& c, Value& v) { c.resolution.stub.back().pins = std::move(v.pins); },
            .range = {0, max_pins_of_a_zone}},
    Setting{.key = "resolution.stub[].authenticate",
            .kind = Kind::boolean,
            .initial = "true",
            .help = "With tls: as of a forward zone.",
            .store = [](Configuration& c, Value& v) { c.resolution.stub.back().authenticate = v.flag; }},

    Setting{.key = "validation",
            .kind = Kind::section,
            .initial = "",
            .help = "Whether and how answers are validated with DNSSEC."},
    Setting{
        .key = "validation.trust-anchors",
        .kind = Kind::trust_anchors,
        .initial = "builtin",
        .help = "Where trust starts: builtin for the root's keys, a file, or a list of DS or DNSKEY records as text.",
        .store = [](Configuration& c, Value& v) { c.validation.trust_anchors = std::move(v.records); }},
    Setting{
        .key = "validation.tracked-anchors",
        .kind = Kind::names,
        .initial = "[\".\"]",
        .help = "Of the zones that have trust anchors, those whose key rolls are followed by themselves (RFC 5011). "
                "The others stay as they are configured. resolverctl anchors shows their states.",
        .store = [](Configuration& c, Value& v) { c.validation.tracked_anchors = std::move(v.names); }},
    Setting{.key = "validation.negative-trust-anchors",
            .kind = Kind::names,
            .initial = "[]",
            .help = "Names below which nothing is validated (RFC 7646). For a while, and without a change to this "
                    "file: resolverctl nta add.",
            .store = [](Configuration& c, Value& v) { c.validation.negative_trust_anchors = std::move(v.names); }},
    Setting{
        .key = "validation.time",
        .kind = Kind::instant,
        .initial = "system",
        .help = "The time that signatures are checked against; an instant such as 2026-01-31T12:00:00Z is for tests.",
        .store = [](Configuration& c, Value& v) { c.validation.time = v.instant; }},
    Setting{.key = "validation.sha1",
            .kind = Kind::boolean,
            .initial = "false",
            .help = "Whether signatures by RSA with SHA-1 count (RFC 9905); else zones that have no others are taken "
                    "as unsigned.",
            .store = [](Configuration& c, Value& v) { c.validation.sha1 = v.flag; }},
    Setting{.key = "validation.aggressive",
            .kind = Kind::boolean,
            .initial = "true",
            .help = "Whether proofs that names do not exist answer for all the names they speak of, without asking "
                    "again (RFC 8198).",
            .store = [](Configuration& c, Value& v) { c.validation.aggressive = v.flag; }},
    Setting{.key = "validation.sentinel",
            .kind = Kind::boolean,
            .initial = "true",
            .help = "Whether names that begin with root-key-sentinel-is-ta- or -not-ta- tell clients which keys of the "
                    "root are trusted here (RFC 8509).",
            .store = [](Configuration& c, Value& v) { c.validation.sentinel = v.flag; }},
    Setting{
        .key = "validation.signal-anchors",
        .kind = Kind::boolean,
        .initial = "false",
        .help =
            "Whether the servers of zones with trust anchors are told which keys are trusted here (RFC 8145): by an "
            "option in queries for their keys, and once a day by a query for a name such as _ta-4f66-9728.",
        .store = [](Configuration& c, Value& v) { c.validation.signal = v.flag; }},
    Setting{.key = "validation.error-reports",
            .kind = Kind::boolean,
            .initial = "false",
            .help = "Whether agents that a zone's servers name are told, by a query, of names in it that fail to "
                    "validate, or that its servers have no usable answer for (RFC 9567): each failure once an hour, 60 "
                    "a minute at most.",
            .store = [](Configuration& c, Value& v) { c.validation.report = v.flag; }},
    Setting{.key = "validation.enabled",
            .kind = Kind::boolean,
            .initial = "true",
            .help = "Whether answers are validated.",
            .store = [](Configuration& c, Value& v) { c.validation.enabled = v.flag; }},

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

std::string range_text(const Setting& setting, std::string (*print)(std::uint64_t)) {
  return fmt::format("from {} to {}", print(setting.range.least), print(setting.range.most));
}
std::string number_to_text(std::uint64_t value) { return fmt::format("{}", value); }
std::string milliseconds_to_text(std::uint64_t value) {
  return duration_to_text(Milliseconds{static_cast<std::int64_t>(value)});
}

}  // namespace

std::span<const Setting> settings() { return rows; }

std::string_view last_part(std::string_view key) { return key.substr(key.rfind('.') + 1); }

std::vector<const Setting*> settings_below(std::string_view section) {
  std::vector<const Setting*> below;
  for (const Setting& row : rows) {
    const std::size_t dot = row.key.rfind('.');
    const std::string_view parent = dot == std::string_view::npos ? std::string_view{} : row.key.substr(0, dot);
    if (parent == section) below.push_back(&row);
  }
  return below;
}

std::string expectation(const Setting& setting) {
  switch (setting.kind) {
    case Kind::section:
      return "a map of settings";
    case Kind::entries:
      return "a list of maps";
    case Kind::boolean:
      return "true or false";
    case Kind::number:
      return "a number " + range_text(setting, number_to_text);
    case Kind::workers:
      return "auto or a number " + range_text(setting, number_to_text);
    case Kind::size:
      return "a size such as 256MiB (KiB, MiB, GiB or octets), " + range_text(setting, size_to_text);
    case Kind::duration:
      return "a duration such as 30s (ms, s, m, h, d), " + range_text(setting, milliseconds_to_text);
    case Kind::choice:
      return fmt::format("one of {}", fmt::join(setting.choices, ", "));
    case Kind::choices:
      return fmt::format("a list of {}", fmt::join(setting.choices, ", "));
    case Kind::file:
      return "a path";
    case Kind::file_or_word:
      return fmt::format("{} or a path", fmt::join(setting.choices, ", "));
    case Kind::short_text:
      return fmt::format("a text of at most {} printable characters", setting.range.most);
    case Kind::http_path:
      return "a path such as /dns-query";
    case Kind::endpoint:
      return "an address and port such as 192.0.2.1@53";
    case Kind::endpoint_or_off:
      return "an address and port such as 127.0.0.1@8053, or off";
    case Kind::addresses:
      return "a list of addresses such as 192.0.2.1";
    case Kind::prefixes:
      return "a list of address ranges such as 192.0.2.0/24";
    case Kind::prefixes_or_builtin:
      return "builtin or a list of address ranges such as 192.0.2.0/24";
    case Kind::ports:
      return "a range of ports such as 1024-65535";
    case Kind::root_hints:
      return "builtin, a zone file, or a map of names to lists of addresses";
    case Kind::name:
      return "a domain name such as corp.example.";
    case Kind::names:
      return "a list of domain names";
    case Kind::upstreams:
      return "a list of servers such as 192.0.2.2@853#dns.corp.example";
    case Kind::pins:
      return "a list of SHA-256 digests of keys, in base64";
    case Kind::trust_anchors:
      return "builtin, a file, or a list of DS or DNSKEY records";
    case Kind::instant:
      return "system or an instant such as 2026-01-31T12:00:00Z";
    case Kind::limits:
      return "a map of limits to numbers";
  }
  return {};
}

}  // namespace redoubt::config
