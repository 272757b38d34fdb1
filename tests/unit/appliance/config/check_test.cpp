#include "appliance/config/check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace redoubt::config {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

constexpr dns::LimitRow test_limits[] = {{"upstream-queries", 60, 10, 1000, "packets"},
                                         {"connections", 500, 1, 10'000, "streams"}};

Surroundings surroundings() {
  return {.limits = {std::begin(test_limits), std::end(test_limits)},
          .read_file = [](const std::string& path) -> std::expected<std::string, std::string> {
            if (path == "good.zone")
              return ". 3600 IN NS a.root.\na.root. 3600 IN A 198.51.100.1\na.root. 3600 IN AAAA 2001:db8::1\n";
            if (path == "bad.zone") return "this is no zone\n";
            if (path == "empty.zone") return "; nothing\n";
            return std::unexpected{"No such file or directory"};
          }};
}

std::vector<std::string> faults_of(std::string_view text) {
  std::vector<std::string> lines;
  const Checked checked = check(text, surroundings());
  EXPECT_EQ(checked.configuration.has_value(), checked.remarks.faults.empty());
  for (const Remark& fault : checked.remarks.faults) lines.push_back(fault.to_text("f"));
  return lines;
}

std::vector<std::string> warnings_of(std::string_view text) {
  std::vector<std::string> lines;
  for (const Remark& warning : check(text, surroundings()).remarks.warnings) lines.push_back(warning.to_text("f"));
  return lines;
}

Configuration accepted(std::string_view text) {
  EXPECT_THAT(faults_of(text), IsEmpty());
  return check(text, surroundings()).configuration.value_or(Configuration{});
}

// --- what is accepted

TEST(Check, an_empty_file_is_the_built_in_default) {
  const Configuration c = accepted("");
  EXPECT_EQ(c, accepted("# nothing\n"));
  EXPECT_EQ(c, accepted("{}"));
  EXPECT_EQ(c, accepted("cache:\nresolution: {outgoing: {}}\n"));
  ASSERT_EQ(c.listeners.size(), 3U);
  EXPECT_EQ(c.listeners[0].at.to_text(), "127.0.0.1@5300");
  EXPECT_TRUE(c.listeners[0].udp && c.listeners[0].tcp);
  EXPECT_FALSE(c.listeners[0].tls || c.listeners[0].https);
  EXPECT_EQ(c.listeners[1].at.to_text(), "127.0.0.1@8853");
  EXPECT_TRUE(c.listeners[1].tls);
  EXPECT_EQ(c.listeners[2].at.to_text(), "127.0.0.1@8443");
  EXPECT_TRUE(c.listeners[2].https);
  EXPECT_EQ(c.resolution.root_servers.size(), 13U);
  EXPECT_TRUE(c.resolution.do_not_query_builtin);
  EXPECT_TRUE(c.sandbox_required);
  EXPECT_EQ(c.cache.size, 256U * 1024 * 1024);
  EXPECT_EQ(c.limits, (std::vector<Limit>{{"upstream-queries", 60}, {"connections", 500}}));
}

TEST(Check, the_documented_sample_loads) {
  const char* sample = R"(
listen:
  - {address: "127.0.0.1@5300", transports: [udp, tcp]}
  - {address: "127.0.0.1@8853", transports: [tls]}
  - {address: "127.0.0.1@8443", transports: [https], path: /dns-query}
tls: {certificate: self-signed}            # or {certificate: FILE, key: FILE}
workers: 2                                 # or auto
state: /var/lib/redoubt
control: {socket: /run/redoubt/control.sock, http: "127.0.0.1@8053"}   # API, metrics, web page
cache: {size: 256MiB, min-ttl: 0s, max-ttl: 1d, negative-max-ttl: 1h, stale: 1d, prefetch: true}
resolution:
  root-hints: builtin                      # or a zone file, or {a.root.: [198.51.100.1, "2001:db8::1"]}
  outgoing: {addresses: [], ports: 1024-65535, ipv4: true, ipv6: true}
  qname-minimisation: relaxed              # strict | relaxed | off
  case-randomisation: true
  cookies: true
  do-not-query: builtin                    # loopback, unspecified, link-local, multicast, own addresses; or a list
  forward:
    - {zone: "corp.example.", to: ["192.0.2.1", "192.0.2.2@853#dns.corp.example"], transport: tls, first: false}
  stub:
    - {zone: "lan.", to: ["192.0.2.9"]}
validation:
  trust-anchors: builtin                   # or a file, or a list of DS / DNSKEY records as text
  negative-trust-anchors: []
  time: system                             # or a fixed instant, for tests
  enabled: true
access: {allow: ["127.0.0.0/8", "::1"]}    # others are refused
limits: {}                                 # overrides of the work budget and of client limits, by name
sandbox: required                          # or best-effort
log: {level: info, format: text}           # or json
)";
  const Configuration c = accepted(sample);
  EXPECT_EQ(c.workers, 2U);
  EXPECT_EQ(c.access_allow.size(), 2U);
  ASSERT_EQ(c.listeners.size(), 3U);
  EXPECT_TRUE(c.listeners[2].https);
  ASSERT_EQ(c.resolution.forward.size(), 1U);
  EXPECT_EQ(c.resolution.forward[0].to[1].authentication_name, "dns.corp.example");
  EXPECT_EQ(c.resolution.forward[0].to[1].at.port, 853);
  // What is not built yet is said, each with its place.
  EXPECT_THAT(warnings_of(sample),
              ElementsAre("f:19:7: resolution.forward[].to: 192.0.2.1@853 is not asked: neither #name nor pins say who "
                          "it has to be, and authenticate is true",
                          StartsWith("f: tls.authorities: '/etc/ssl/certs/ca-certificates.crt' has no certificates: no "
                                     "server can be known by its name: ")));
}

TEST(Check, a_server_may_be_that_of_a_forward_zone_and_of_a_stub_zone) {
  accepted(
      "resolution: {forward: [{zone: a., to: ['192.0.2.1#a'], transport: tls}], stub: [{zone: b., to: ['192.0.2.1#a'], "
      "transport: tls}]}\n");
}

TEST(Check, a_file_that_sets_nothing_is_known_by_that) {
  for (const char* text : {"", "# nothing\n", "---\n"}) EXPECT_TRUE(check(text, surroundings()).sets_nothing) << text;
  for (const char* text : {"{}", "cache:\n", "workers: 2\n", "listen: [\n"})
    EXPECT_FALSE(check(text, surroundings()).sets_nothing) << text;
}

TEST(Check, the_places_of_values_are_kept) {
  const Checked checked = check(
      "tls:\n  certificate: a.pem\n  key: a.key\n  more:\n    - {certificate: b.pem, key: b.key}\n"
      "    - {certificate: c.pem, key: c.key}\n",
      surroundings());
  EXPECT_EQ(place_in(checked.places, "tls.key").line, 3U);
  EXPECT_EQ(place_in(checked.places, "tls.more[].key", 0).line, 5U);
  EXPECT_EQ(place_in(checked.places, "tls.more[].key", 1).line, 6U);
  EXPECT_EQ(place_in(checked.places, "tls.more[].key", 1).column, 33U);
  EXPECT_EQ(place_in(checked.places, "tls.names").line, 0U) << "not in the file";
}

TEST(Check, the_default_asks_for_nothing_that_is_not_built) { EXPECT_THAT(warnings_of(""), IsEmpty()); }

TEST(Check, values_arrive) {
  const Configuration c = accepted(
      "workers: auto\ncontrol: {http: off}\ncache: {size: 64KiB, min-ttl: 5s}\naccess: {allow: []}\n"
      "resolution:\n  outgoing: {addresses: [192.0.2.7, '2001:db8::7'], ports: 2000-3000, ipv6: false}\n  port: 5301\n"
      "  do-not-query: []\n  case-randomisation: false\nlog: {level: debug, format: json}\nsandbox: "
      "best-effort\nlimits: {connections: 9}\n");
  EXPECT_EQ(c.workers, 0U);
  EXPECT_FALSE(c.control.http);
  EXPECT_EQ(c.cache.size, 65536U);
  EXPECT_EQ(c.cache.min_ttl, 5s);
  EXPECT_THAT(c.access_allow, IsEmpty());
  EXPECT_EQ(c.resolution.outgoing.addresses.size(), 2U);
  EXPECT_EQ(c.resolution.outgoing.last_port, 3000);
  EXPECT_FALSE(c.resolution.outgoing.ipv6);
  EXPECT_EQ(c.resolution.port, 5301);
  EXPECT_FALSE(c.resolution.do_not_query_builtin);
  EXPECT_THAT(c.resolution.do_not_query, IsEmpty());
  EXPECT_FALSE(c.resolution.case_randomisation);
  EXPECT_EQ(c.log.level, log::Level::debug);
  EXPECT_TRUE(c.log.json);
  EXPECT_FALSE(c.sandbox_required);
  EXPECT_EQ(c.limits[1].value, 9U);
}

TEST(Check, root_hints_come_in_three_forms) {
  const auto two = [](const Configuration& c) {
    ASSERT_EQ(c.resolution.root_servers.size(), 1U);
    EXPECT_EQ(c.resolution.root_servers[0].name, dns::Name::literal("a.root."));
    EXPECT_EQ(c.resolution.root_servers[0].addresses.size(), 2U);
  };
  two(accepted("resolution: {root-hints: {a.root.: [198.51.100.1, \"2001:db8::1\"]}}"));
  two(accepted("resolution: {root-hints: good.zone}"));
  EXPECT_EQ(accepted("resolution: {root-hints: builtin}").resolution.root_servers.size(), 13U);
}

TEST(Check, addresses_of_both_families_listen) {
  const Configuration c =
      accepted("listen: [{address: \"::1@5300\"}, {address: 0.0.0.0}, {address: '::@53', transports: [udp, tls]}]");
  EXPECT_EQ(c.listeners[0].at.to_text(), "::1@5300");
  EXPECT_EQ(c.listeners[1].at.port, 53);
  EXPECT_TRUE(c.listeners[2].udp);
}

// --- what is not

struct Fault {
  const char* text;
  const char* line;
};
class Faults : public testing::TestWithParam<Fault> {};

TEST_P(Faults, are_told_with_place_what_was_found_and_what_was_expected) {
  EXPECT_THAT(faults_of(GetParam().text), ElementsAre(GetParam().line)) << GetParam().text;
}

INSTANTIATE_TEST_SUITE_P(
    Check, Faults,
    testing::Values(
        Fault{"cahce: {}\n", "f:1:1: found the unknown key 'cahce', expected a setting; did you mean 'cache'?"},
        Fault{"cache:\n  sise: 1MiB\n",
              "f:2:3: cache: found the unknown key 'sise', expected a setting of cache; did you mean 'size'?"},
        Fault{"cache: {max_ttl: 1d}\n",
              "f:1:9: cache: found the unknown key 'max_ttl', expected a setting of cache; did you mean 'max-ttl'?"},
        Fault{"qname-minimisation: off\n",
              "f:1:1: found the unknown key 'qname-minimisation', expected a setting; did you mean "
              "'resolution.qname-minimisation'?"},
        Fault{"zzzzzz: 1\n", "f:1:1: found the unknown key 'zzzzzz', expected a setting"},
        // Several settings have that name, or only one of a list's entries: none of them is meant.
        Fault{"zones: []\n", "f:1:1: found the unknown key 'zones', expected a setting"},
        Fault{"zone: a.\n", "f:1:1: found the unknown key 'zone', expected a setting"},
        Fault{"workers: 2\nworkers: 3\n",
              "f:2:1: found the key 'workers' again, expected it once (it stands in line 1 already)"},
        Fault{"- 1\n", "f:1:1: found a list, expected a map of settings"},
        Fault{"hello\n", "f:1:1: found 'hello', expected a map of settings"},
        Fault{"cache: big\n", "f:1:8: cache: found 'big', expected a map of settings"},
        Fault{"workers: many\n", "f:1:10: workers: found 'many', expected auto or a number from 1 to 64"},
        Fault{"workers: 65\n", "f:1:10: workers: found '65', expected auto or a number from 1 to 64"},
        Fault{"workers:\n", "f:1:1: workers: found nothing, expected auto or a number from 1 to 64"},
        Fault{"workers: [2]\n", "f:1:10: workers: found a list, expected auto or a number from 1 to 64"},
        Fault{"cache: {size: 256MB}\n",
              "f:1:15: cache.size: found '256MB', expected a size such as 256MiB (KiB, MiB, GiB or octets), from 64KiB "
              "to 1024GiB"},
        Fault{"cache: {max-ttl: 86400}\n",
              "f:1:18: cache.max-ttl: found '86400', expected a duration such as 30s (ms, s, m, h, d), from 1s to 7d"},
        Fault{"cache: {max-ttl: 8d}\n",
              "f:1:18: cache.max-ttl: found '8d', expected a duration such as 30s (ms, s, m, h, d), from 1s to 7d"},
        Fault{"cache: {min-ttl: 1h, max-ttl: 1m}\n",
              "f:1:18: cache.min-ttl: found more than cache.max-ttl, expected at most as much"},
        Fault{"cache: {zones: [{zone: a., min-ttl: 5s}]}\n",
              "f:1:17: cache.zones[].max-ttl: found nothing, expected a duration such as 30s (ms, s, m, h, d), from 1s "
              "to 7d"},
        Fault{"cache: {zones: [{zone: a., min-ttl: 5s, max-ttl: 4s}]}\n",
              "f:1:17: cache.zones[].min-ttl: found more than max-ttl, expected at most as much"},
        Fault{"cache:\n  zones:\n    - {zone: a., min-ttl: 5s, max-ttl: 9s}\n    - {zone: A., min-ttl: 5s, max-ttl: "
              "9s}\n",
              "f:4:7: cache.zones[].zone: found a. again, expected each zone once (it stands in line 3 already)"},
        Fault{"cache: {prefetch: yes}\n", "f:1:19: cache.prefetch: found 'yes', expected true or false"},
        Fault{"sandbox: requird\n",
              "f:1:10: sandbox: found 'requird', expected one of required, best-effort; did you mean 'required'?"},
        Fault{"log: {level: warn}\n",
              "f:1:14: log.level: found 'warn', expected one of trace, debug, info, warning, error"},
        Fault{"listen: []\n", "f:1:9: listen: found 0 entries, expected from 1 to 256"},
        Fault{"listen: {address: 127.0.0.1}\n", "f:1:9: listen: found a map, expected a list of maps"},
        Fault{"listen: [127.0.0.1]\n", "f:1:10: listen: found '127.0.0.1', expected a map of settings"},
        Fault{"listen: [{transports: [udp]}]\n",
              "f:1:10: listen[].address: found nothing, expected an address and port such as 192.0.2.1@53"},
        Fault{"listen:\n  - address: localhost@53\n",
              "f:2:14: listen[].address: found 'localhost@53', expected an address and port such as 192.0.2.1@53"},
        Fault{"listen: [{address: []}]\n",  // found by fuzzing
              "f:1:20: listen[].address: found a list, expected an address and port such as 192.0.2.1@53"},
        Fault{"listen: [{address: 127.0.0.1@70000}]\n",
              "f:1:20: listen[].address: found '127.0.0.1@70000', expected an address and port such as 192.0.2.1@53"},
        Fault{"listen: [{address: 127.0.0.1@0}]\n",
              "f:1:20: listen[].address: found '127.0.0.1@0', expected an address and port such as 192.0.2.1@53"},
        Fault{"listen: [{address: 127.0.0.1, transports: [upd]}]\n",
              "f:1:44: listen[].transports: found 'upd', expected one of udp, tcp, tls, https; did you mean 'udp'?"},
        Fault{"listen: [{address: 127.0.0.1, transports: []}]\n",
              "f:1:43: listen[].transports: found a list, expected a list of udp, tcp, tls, https"},
        Fault{"listen: [{address: 127.0.0.1, transports: [udp, udp]}]\n",
              "f:1:49: listen[].transports: found 'udp', expected each transport once"},
        Fault{"listen: [{address: 127.0.0.1, transports: [tcp, tls]}]\n",
              "f:1:10: listen[].transports: found more than one of tcp, tls and https at one address, expected an "
              "address and port for each"},
        Fault{"listen:\n  - {address: 127.0.0.1}\n  - {address: 127.0.0.1@53}\n",
              "f:3:5: listen[].address: found 127.0.0.1@53 again, expected each address and port once (it stands in "
              "line 2 already)"},
        Fault{"listen: [{address: 127.0.0.1, path: dns-query}]\n",
              "f:1:37: listen[].path: found 'dns-query', expected a path such as /dns-query"},
        Fault{"access: {allow: [10.0.0.1/8]}\n",
              "f:1:18: access.allow: found '10.0.0.1/8', expected an address range such as 192.0.2.0/24, with zeros "
              "behind its length"},
        Fault{"access: {allow: 10.0.0.0/8}\n",
              "f:1:17: access.allow: found '10.0.0.0/8', expected a list of address ranges such as 192.0.2.0/24"},
        Fault{"resolution: {do-not-query: none}\n",
              "f:1:28: resolution.do-not-query: found 'none', expected builtin or a list of address ranges such as "
              "192.0.2.0/24"},
        Fault{"resolution: {outgoing: {ports: 9-1}}\n",
              "f:1:32: resolution.outgoing.ports: found '9-1', expected a range of ports such as 1024-65535"},
        Fault{"resolution: {outgoing: {addresses: [here]}}\n",
              "f:1:37: resolution.outgoing.addresses: found 'here', expected an address such as 192.0.2.1"},
        Fault{"resolution: {outgoing: {ipv4: false, ipv6: false}}\n",
              "f:1:44: resolution.outgoing: found neither ipv4 nor ipv6, expected at least one"},
        Fault{"resolution: {port: 0}\n", "f:1:20: resolution.port: found '0', expected a number from 1 to 65535"},
        Fault{"resolution: {qname-minimisation: on}\n",
              "f:1:34: resolution.qname-minimisation: found 'on', expected one of off, relaxed, strict"},
        Fault{"resolution: {root-hints: {}}\n",
              "f:1:26: resolution.root-hints: found a map, expected from 1 to 64 root servers"},
        Fault{"resolution: {root-hints: {a.root.: []}}\n",
              "f:1:36: resolution.root-hints: found a list, expected from 1 to 16 addresses"},
        Fault{"resolution: {root-hints: {a..root.: [192.0.2.1]}}\n",
              "f:1:27: resolution.root-hints: found 'a..root.', expected the domain name of a root server"},
        Fault{"resolution: {root-hints: none.zone}\n",
              "f:1:26: resolution.root-hints: found 'none.zone', expected a zone file with root servers: No such file "
              "or directory"},
        Fault{"resolution: {root-hints: empty.zone}\n",
              "f:1:26: resolution.root-hints: found 'empty.zone', expected a zone file with root servers: no NS record "
              "of the root whose server has an address"},
        Fault{"resolution: {forward: [{zone: corp.example}]}\n",
              "f:1:24: resolution.forward[].to: found neither to nor to-file, expected one of them"},
        Fault{"resolution: {forward: [{zone: corp.example, to: [192.0.2.1], to-file: resolv.conf}]}\n",
              "f:1:24: resolution.forward[].to: found both to and to-file, expected one of them"},
        Fault{"resolution: {forward: [{zone: corp.example, to: ['127.0.0.1@5300']}]}\n",
              "f:1:24: resolution.forward[].to: found 127.0.0.1@5300, which is a listener of our own, expected another "
              "server"},
        Fault{"resolution: {forward: [{zone: a.example, to: [192.0.2.1]}, {zone: A.example, to: [192.0.2.1]}]}\n",
              "f:1:60: resolution.forward[].zone: found 'A.example.' again, expected each zone once (it stands in line "
              "1 already)"},
        Fault{
            "resolution: {forward: [{zone: a.example, to: [192.0.2.1]}], stub: [{zone: a.example, to: [192.0.2.1]}]}\n",
            "f:1:68: resolution.stub[].zone: found 'a.example.', which is a forward zone already, expected each zone "
            "once"},
        Fault{"resolution: {stub: [{zone: lan., to: []}]}\n",
              "f:1:38: resolution.stub[].to: found 0 servers, expected from 1 to 16"},
        Fault{"resolution: {stub: [{zone: lan., to: [server]}]}\n",
              "f:1:39: resolution.stub[].to: found 'server', expected a server such as 192.0.2.2@853#dns.corp.example"},
        Fault{"validation: {trust-anchors: [nonsense]}\n",
              "f:1:30: validation.trust-anchors: found 'nonsense', expected a DS or DNSKEY record such as '. IN DS "
              "20326 8 2 E06D...'"},
        Fault{"validation: {trust-anchors: ['. DS 1 200 2 00']}\n",
              "f:1:30: validation.trust-anchors: found '. DS 1 200 2 00', expected a DS or DNSKEY record such as '. IN "
              "DS 20326 8 2 E06D...'"},
        Fault{"validation: {trust-anchors: none.ds}\n",
              "f:1:29: validation.trust-anchors: found 'none.ds', expected a file with DS or DNSKEY records: No such "
              "file "
              "or directory"},
        Fault{"validation: {time: 2026-02-30T12:00:00Z}\n",
              "f:1:20: validation.time: found '2026-02-30T12:00:00Z', expected system or an instant such as "
              "2026-01-31T12:00:00Z"},
        Fault{"validation: {time: tomorrow}\n",
              "f:1:20: validation.time: found 'tomorrow', expected system or an instant such as 2026-01-31T12:00:00Z"},
        Fault{"tls: {more: [{certificate: /c.pem, key: /k.pem}]}\n",
              "f:1:13: tls.more: found further certificates beside a self-signed one, expected tls.certificate to be a "
              "file too"},
        Fault{
            "listen: [{address: 127.0.0.1, client-authorities: /ca.pem}]\n",
            "f:1:51: listen[].client-authorities: found it at 127.0.0.1@53, expected it at a listener of tls or https"},
        Fault{"resolution: {stub: [{zone: lan., to: [192.0.2.1], transport: https}]}\n",
              "f:1:62: resolution.stub[].transport: found 'https', expected one of udp, tcp, tls"},
        Fault{"resolution: {forward: [{zone: a., to: ['192.0.2.1#a'], transport: tls}], stub: [{zone: b., to: "
              "['192.0.2.1#b'], transport: tls}]}\n",
              "f:1:81: resolution.stub[].to: found 192.0.2.1@853 with another name than in the zone of line 1, "
              "expected the same"},
        Fault{"resolution:\n  forward:\n    - {zone: a., to: ['192.0.2.1#a'], transport: tls}\n    - {zone: b., to: "
              "['192.0.2.1'], transport: tls, pins: [AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=]}\n",
              "f:4:7: resolution.forward[].to: found 192.0.2.1@853 with another name, other pins than in the zone of "
              "line 3, expected the same"},
        Fault{"resolution: {forward: [{zone: a., to: [192.0.2.1], transport: tls}]}\n",
              "f:1:24: resolution.forward[].to: found 192.0.2.1@853 without #name and without pins, expected one of "
              "them, or authenticate: false: who it is could never be known, and it would never be asked"},
        Fault{"resolution: {stub: [{zone: a., to: [192.0.2.1], transport: tls}]}\n",
              "f:1:21: resolution.stub[].to: found 192.0.2.1@853 without #name and without pins, expected one of "
              "them, or authenticate: false: who it is could never be known, and it would never be asked"},
        Fault{"listen:\n  - {address: 127.0.0.1@53}\n  - {address: 127.0.0.1@853, transports: [tls], "
              "client-authorities: /ca.pem}\n",
              "f:3:69: listen[].client-authorities: found '/ca.pem', expected a file with certificates: No such file "
              "or directory"},
        Fault{"tls: {certificate: /etc/cert.pem}\n",
              "f:1:20: tls: found a certificate or a key alone, expected both as files, or self-signed"},
        Fault{
            "limits: {upstream-querys: 5}\n",
            "f:1:10: limits: found 'upstream-querys', expected the name of a limit; did you mean 'upstream-queries'?"},
        Fault{"limits: {upstream-queries: 5}\n",
              "f:1:28: limits.upstream-queries: found '5', expected a number from 10 to 1000"},
        Fault{"limits: {connections: 5, connections: 6}\n",
              "f:1:26: limits: found 'connections', expected each limit once"},
        Fault{"listen: [{address: 127.0.0.1@853, transports: [tls], client-certificate: required}]\n",
              "f:1:10: listen[].client-certificate: found required at 127.0.0.1@853 without client-authorities, "
              "expected the file of those who certify clients: without it none is asked for a certificate"},
        Fault{"control: {socket: "
              "/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789/"
              "a-socket}\n",
              "f:1:19: control.socket: found a path of 108 octets, expected 107 at most"},
        Fault{"state: \"\"\n", "f:1:8: state: found '', expected a path"},
        Fault{"control: {http: maybe}\n",
              "f:1:17: control.http: found 'maybe', expected an address and port such as 127.0.0.1@8053, or off"},
        Fault{"log: {level: \"a\\x1b[31m\"}\n",
              "f:1:14: log.level: found 'a\\x1b[31m', expected one of trace, debug, info, warning, error"}));

TEST(Check, a_bad_zone_file_says_where) {
  EXPECT_THAT(
      faults_of("resolution: {root-hints: bad.zone}\n"),
      ElementsAre(StartsWith(
          "f:1:26: resolution.root-hints: found 'bad.zone', expected a zone file with root servers: line 1: ")));
}

TEST(Check, all_faults_are_told_not_only_the_first) {
  EXPECT_THAT(
      faults_of("workers: x\ncache: {size: y}\nlog: {level: z}\n"),
      ElementsAre(HasSubstr("f:1:10: workers"), HasSubstr("f:2:15: cache.size"), HasSubstr("f:3:14: log.level")));
}

TEST(Check, faults_are_told_in_the_order_of_the_file) {
  EXPECT_THAT(
      faults_of("log: {level: z}\ncache: {size: y}\nworkers: x\n"),
      ElementsAre(HasSubstr("f:1:14: log.level"), HasSubstr("f:2:15: cache.size"), HasSubstr("f:3:10: workers")));
}

TEST(Check, a_wildcard_has_its_port_for_itself) {
  const std::string streams = "listen: [{address: 0.0.0.0@53, transports: [tls]}, {address: 127.0.0.1@53";
  EXPECT_THAT(faults_of(streams + "}]"),
              ElementsAre(HasSubstr("found 0.0.0.0@53, which has the port of 127.0.0.1@53")));
  EXPECT_THAT(faults_of(streams + ", transports: [udp]}]"), IsEmpty());
  EXPECT_EQ(faults_of("listen: [{address: 0.0.0.0@53, transports: [udp]}, {address: 127.0.0.1@53}]").size(), 1U);
  EXPECT_THAT(faults_of("listen: [{address: 0.0.0.0@53}, {address: '::1@53'}, {address: 127.0.0.1@54}]"), IsEmpty());
}

TEST(Check, the_list_of_faults_is_bounded) {
  std::string many = "access: {allow: [";
  for (int i = 0; i < 5000; ++i) many += "x, ";
  EXPECT_EQ(faults_of(many + "]}").size(), max_faults);
  std::string keys;
  for (int i = 0; i < 5000; ++i) keys += "k" + std::to_string(i) + ": 1\n";
  EXPECT_EQ(faults_of(keys).size(), max_faults);
}

TEST(Check, long_text_of_the_file_is_cut_in_remarks) {
  const auto faults = faults_of("log: {level: " + std::string(10'000, 'x') + "}\n");
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_LT(faults[0].size(), 200U);
}

// --- fixed at start

TEST(Check, what_is_fixed_at_start_keeps_its_running_value) {
  const Configuration running = accepted("workers: 1\ncache: {size: 1MiB}\n");
  Configuration fresh = accepted(
      "workers: 2\nstate: /elsewhere\ncontrol: {socket: /other.sock, http: off}\nsandbox: best-effort\ncache: {size: "
      "2MiB}\n");
  EXPECT_THAT(keep_what_is_fixed(running, fresh),
              ElementsAre("workers", "state", "control.socket", "control.http", "sandbox"));
  EXPECT_EQ(fresh.workers, 1U);
  EXPECT_EQ(fresh.state, running.state);
  EXPECT_EQ(fresh.control, running.control);
  EXPECT_TRUE(fresh.sandbox_required);
  EXPECT_EQ(fresh.cache.size, 2U * 1024 * 1024);
  EXPECT_THAT(keep_what_is_fixed(running, fresh), IsEmpty());
}

}  // namespace
}  // namespace redoubt::config
