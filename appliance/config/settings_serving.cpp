// Settings of where clients are served, with which keys, and where state lies.
#include <array>
#include <utility>

#include "appliance/channel/keykeeper_clients.hpp"
#include "appliance/channel/monitor_child.hpp"
#include "appliance/config/settings_rows.hpp"

namespace redoubt::config::rows {

namespace {

constexpr std::array<std::string_view, 2> client_certificates{"optional", "required"};
constexpr std::array<std::string_view, 1> self_signed{"self-signed"};

void set_transports(Configuration& c, Value& v) {
  Listener& listener = c.listeners.back();
  for (const std::size_t choice : v.chosen) {
    (choice == 0 ? listener.udp : choice == 1 ? listener.tcp : choice == 2 ? listener.tls : listener.https) = true;
  }
}

constexpr std::array table{
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
                "it; monitor opens it, as root without the right to pass over a file's mode.",
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
            .help =
                "The folder of what outlives a restart. It is made when it is not there. A relative path is taken from "
                "the folder that resolverd was started in.",
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
                    "there, in one that is; one that is there must be empty, or keykeeper's with mode 0700. Empty: "
                    "none are kept.",
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
            .help = "The unix socket of the API, which resolverctl uses. Who may open it may do everything there. A "
                    "relative path is taken from the folder that resolverd was started in.",
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
};

}  // namespace

std::span<const Setting> serving() { return table; }

}  // namespace redoubt::config::rows
