"""Servers of others that resolverd asks by TLS and HTTPS; BIND's scenarios are in encrypted_upstream.py.

NSD, an authority, stands in encrypted_certificates.py. Knot DNS speaks TLS from version 3.4 on, which
is younger than Debian 12's; Knot Resolver does.
"""
import socket

from kit import peers, plan
from kit.peers import NAME
from kit.runner import check, check_equal, needs_own_daemon, scenario
from kit.tools import ask
from scenarios.encrypted import metric

NO_ROOT = {"a.root.": ["10.53.99.99"]}  # nobody lives there
ADDRESS = plan.RESOLVER_ADDRESSES[0]
TLS_PORT = 8853
HTTPS_PORT = 8443


def settings(certificates, zone=".", transport="tls", **more):
    port = TLS_PORT if transport == "tls" else HTTPS_PORT
    forward = {"zone": zone, "to": [f"{ADDRESS}@{port}#{NAME}"], "transport": transport, **more}
    return {"resolution": {"root-hints": NO_ROOT, "forward": [forward]}, "tls": {"authorities": str(certificates.authority)},
            "validation": {"enabled": False}}


def listens(port):
    def accepts():
        try:
            socket.create_connection((ADDRESS, port), timeout=2).close()
            return True
        except OSError:
            return False
    return accepts


def check_answers(how):
    check_equal(ask("www.alpha.lab-tld").data("A"), ["192.0.2.80"], f"{how}: an address")
    check_equal(ask("missing.alpha.lab-tld").status, "NXDOMAIN", f"{how}: a name that does not exist")
    for i in range(20):
        check_equal(ask(f"n{i}.wild.alpha.lab-tld").data("A"), ["192.0.2.42"], f"{how}: answer {i}")
    opened = metric("redoubt_upstream_connections_total")
    check(1 <= opened <= 3, f"{how}: {opened} connections for 22 queries")
    check_equal(metric("redoubt_upstream_queries_total"), 0.0, f"{how}: datagrams to servers")


def check_stranger(context, certificates, transport="tls"):
    """The same server, under a name that its certificate does not have, is asked nothing."""
    wrong = settings(certificates, transport=transport)
    forward = wrong["resolution"]["forward"][0]
    forward["to"] = [forward["to"][0].replace(NAME, "other.example")]
    with context.daemon(settings=wrong):
        check_equal(ask("www.alpha.lab-tld").status, "SERVFAIL", f"by {transport}, with another name than the certificate's")


@scenario
@needs_own_daemon
def unbound_is_asked_by_tls_and_by_https(context):
    certificates = peers.Certificates(context.folder / "unbound-certificates")
    root = plan.ROOT_HINTS["a.root."][0]
    files = {"root.hints": f". 3600000 IN NS a.root.\na.root. 3600000 IN A {root}\n", "unbound.conf": f"""server:
  interface: {ADDRESS}@{TLS_PORT}
  interface: {ADDRESS}@{HTTPS_PORT}
  tls-port: {TLS_PORT}
  https-port: {HTTPS_PORT}
  tls-service-key: "{certificates.key}"
  tls-service-pem: "{certificates.certificate}"
  module-config: "iterator"
  root-hints: "@FOLDER@/root.hints"
  access-control: 127.0.0.0/8 allow
  use-syslog: no
  do-daemonize: no
  chroot: ""
  username: ""
  directory: "@FOLDER@"
  pidfile: "@FOLDER@/unbound.pid"
remote-control:
  control-enable: no
"""}
    with peers.running(context, "unbound", ["-d", "-p", "-c", "@FOLDER@/unbound.conf"], listens(HTTPS_PORT), files):
        for transport in ("tls", "https"):
            with context.daemon(settings=settings(certificates, transport=transport)):
                check_answers(f"unbound by {transport}")
                check(len(ask("large.beta.knot-tld", "TXT", tcp=True).data("TXT")) > 20, "a large answer")
            check_stranger(context, certificates, transport)


@scenario
@needs_own_daemon
def knot_resolver_is_asked_by_tls_and_by_https(context):
    certificates = peers.Certificates(context.folder / "kresd-certificates")
    root = plan.ROOT_HINTS["a.root."][0]
    files = {"root.hints": f". 3600000 IN NS a.root.\na.root. 3600000 IN A {root}\n", "kresd.conf": f"""
net.ipv6 = false
net.listen('{ADDRESS}', {TLS_PORT}, {{ kind = 'tls' }})
net.listen('{ADDRESS}', {HTTPS_PORT}, {{ kind = 'doh2' }})
net.tls('{certificates.certificate}', '{certificates.key}')
cache.open(20 * MB, 'lmdb://@FOLDER@/cache')
modules.load('hints')
hints.root_file('@FOLDER@/root.hints')
trust_anchors.remove('.')
modules.unload('ta_update')
modules.unload('priming')
modules.unload('detect_time_skew')
modules.unload('ta_signal_query')
modules.unload('ta_sentinel')
"""}
    with peers.running(context, "kresd", ["-n", "-c", "@FOLDER@/kresd.conf", "@FOLDER@"], listens(HTTPS_PORT), files):
        for transport in ("tls", "https"):
            with context.daemon(settings=settings(certificates, transport=transport)):
                check_answers(f"knot-resolver by {transport}")
            check_stranger(context, certificates, transport)
