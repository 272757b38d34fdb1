"""Servers that are asked by TLS, what is said of them, and certificates on both sides."""
import contextlib
import hashlib
import pathlib
import re
import shutil
import subprocess

from kit import plan, processes
from kit.processes import LabError
from kit.runner import check, check_equal, needs_own_daemon, scenario
from kit.tools import ask, metrics
from scenarios.encrypted import DOT, NAME, make_files, settings
from scenarios.encrypted_upstream import NO_ROOT, fails, pin_of

UPSTREAM = plan.RESOLVER_ADDRESSES[0]


def program(name):
    path = shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin")
    if path is None:
        raise LabError(f"{name} is missing; scripts/deps lab installs it")
    return path


@contextlib.contextmanager
def running(context, command, ready, what):
    """A program in the foreground, from a folder of its own, until it is ready."""
    folder = context.own_folder()
    folder.mkdir(parents=True, exist_ok=True)
    process = processes.start(list(map(str, command)), folder / "log", cwd=folder)
    try:
        try:
            processes.wait_until(ready, 20, what)
        except LabError as trouble:
            raise LabError("\n".join([str(trouble), *processes.tail(folder / "log")])) from None
        yield process
    finally:
        processes.end(process)


@contextlib.contextmanager
def unbound_by_tls(context, certificates):
    folder = context.own_folder()
    folder.mkdir(parents=True)
    (folder / "hints").write_text(f". 3600 NS a.root.\na.root. 3600 A {plan.ROOT_HINTS['a.root.'][0]}\n")
    (folder / "unbound.conf").write_text(f"""
server:
  interface: {UPSTREAM}@8853
  tls-port: 8853
  tls-service-key: "{certificates}/server.key"
  tls-service-pem: "{certificates}/server.pem"
  module-config: "iterator"
  root-hints: "{folder}/hints"
  do-not-query-localhost: no
  access-control: 127.0.0.0/8 allow
  use-syslog: no
  do-daemonize: no
  chroot: ""
  username: ""
  directory: "{folder}"
  pidfile: "{folder}/unbound.pid"
remote-control:
  control-enable: no
""")
    # A copy, for AppArmor profiles go by path.
    copy = folder / "unbound"
    shutil.copy(program("unbound"), copy)
    with running(context, [copy, "-d", "-p", "-c", folder / "unbound.conf"],
                 lambda: ask("www.alpha.lab-tld", tool="kdig", server=UPSTREAM, port=8853, tcp=True, options=["+tls"]).status == "NOERROR",
                 "unbound to speak TLS") as process:
        yield process


@scenario
@needs_own_daemon
def unbound_is_asked_by_tls(context):
    certificates = context.own_folder()
    make_files(certificates)
    forward = {"zone": ".", "to": [f"{UPSTREAM}@8853#{NAME}"], "transport": "tls"}
    with unbound_by_tls(context, certificates), context.daemon(settings={
            "resolution": {"root-hints": NO_ROOT, "forward": [forward]}, "tls": {"authorities": str(certificates / "server.pem")}}) as daemon:
        check_equal(ask("www.alpha.lab-tld").data("A"), ["192.0.2.80"], "an address")
        check_equal(ask("missing.beta.knot-tld").status, "NXDOMAIN", "a name that does not exist")
        for i in range(20):
            check_equal(ask(f"u{i}.wild.alpha.lab-tld").data("A"), ["192.0.2.42"], f"answer {i}")
        seen = metrics()
        check_equal(seen['redoubt_upstream_queries_total{transport="udp"}'], 0.0, "datagrams to servers")
        check(seen['redoubt_upstream_queries_total{transport="tls"}'] >= 22, "queries by TLS are not counted as such")
        check_equal(seen['redoubt_upstream_queries_total{transport="tcp"}'], 0.0, "queries by TCP")
        rows = daemon.ctl_json("upstreams")["configured"]
        check_equal([row["trouble"] for row in rows], [None], "what is wrong with the upstream")
        # The authorities are in a folder that is not the configuration's: a reload must be able to read there.
        code, output, trouble = daemon.ctl("reload")
        check_equal(code, 0, f"exit code of reload ({output}{trouble})")
        check("warning" not in output + trouble, f"a reload of the same configuration warns: {output}{trouble}")
        check_equal(ask("after.wild.alpha.lab-tld").data("A"), ["192.0.2.42"], "an answer behind a reload")


def write_nsd_configuration(folder, listen, zone, file):
    """For an NSD that has all its files in that folder; listen: lines of its part `server`, each behind a line's end."""
    (folder / "nsd.conf").write_text(f"""
server:{listen}
  server-count: 1
  username: ""
  chroot: ""
  database: ""
  zonesdir: "{folder}"
  pidfile: "{folder}/nsd.pid"
  xfrdfile: "{folder}/xfrd.state"
  zonelistfile: "{folder}/zone.list"
  xfrdir: "{folder}"
remote-control:
  control-enable: no
zone:
  name: "{zone}"
  zonefile: "{file}"
""")


@scenario
@needs_own_daemon
def nsd_is_asked_by_tls_as_the_server_of_a_stub_zone(context):
    certificates = context.own_folder()
    make_files(certificates)
    folder = context.own_folder()
    folder.mkdir(parents=True)
    zones = pathlib.Path(__file__).resolve().parent.parent / "zones"
    shutil.copy(zones / "alpha.lab-tld.zone", folder)
    for name in ("server.pem", "server.key"):
        shutil.copy(certificates / name, folder / name)
    write_nsd_configuration(folder, f"""
  ip-address: {UPSTREAM}@8853
  tls-port: 8853
  tls-service-key: "{folder}/server.key"
  tls-service-pem: "{folder}/server.pem\"""", "alpha.lab-tld.", "alpha.lab-tld.zone")
    copy = folder / "nsd"
    shutil.copy(program("nsd"), copy)
    speaks = running(context, [copy, "-d", "-c", folder / "nsd.conf"],
                     lambda: ask("www.alpha.lab-tld", tool="kdig", server=UPSTREAM, port=8853, tcp=True, options=["+tls"]).status == "NOERROR",
                     "NSD to speak TLS")
    stub = {"zone": "alpha.lab-tld.", "to": [f"{UPSTREAM}@8853#{NAME}"], "transport": "tls"}
    # Without validation: proofs about the zone would have to come from its parents, whom nobody reaches here.
    ours = {"validation": {"enabled": False}, "resolution": {"root-hints": NO_ROOT, "stub": [stub]}, "tls": {"authorities": str(certificates / "server.pem")}}
    with speaks:
        with context.daemon(settings=ours):
            check_equal(ask("www.alpha.lab-tld").data("A"), ["192.0.2.80"], "an address")
            check_equal(ask("missing.alpha.lab-tld").status, "NXDOMAIN", "a name that does not exist")
            check_equal(metrics()['redoubt_upstream_queries_total{transport="udp"}'], 0.0, "datagrams to servers")
        wrong = {**ours, "resolution": {"root-hints": NO_ROOT, "stub": [{**stub, "to": [f"{UPSTREAM}@8853#other.example"]}]}}
        with context.daemon(settings=wrong):
            fails("www.alpha.lab-tld", "its certificate is for another name")


@contextlib.contextmanager
def root_of_our_own(context, certificates, by_tls):
    """NSD with a root zone of a few addresses, at the usual ports: in the clear, and by TLS too where that is said."""
    folder = context.own_folder()
    folder.mkdir(parents=True)
    names = "".join(f"n{i}. 3600 A 192.0.2.{i}\n" for i in range(1, 10))
    (folder / "root.zone").write_text(f". 3600 SOA ns. nobody. 1 3600 3600 3600 3600\n. 3600 NS ns.\nns. 3600 A {UPSTREAM}\n{names}")
    tls = f"""
  ip-address: {UPSTREAM}@853
  tls-port: 853
  tls-service-key: "{certificates}/server.key"
  tls-service-pem: "{certificates}/server.pem\"""" if by_tls else ""
    write_nsd_configuration(folder, f"\n  ip-address: {UPSTREAM}@53{tls}", ".", "root.zone")
    copy = folder / "nsd"
    shutil.copy(program("nsd"), copy)
    with running(context, [copy, "-d", "-c", folder / "nsd.conf"], lambda: ask("n1", server=UPSTREAM, port=53).status == "NOERROR", "NSD"):
        yield


@scenario
@needs_own_daemon
def an_authority_that_speaks_tls_is_asked_by_it(context):
    """RFC 9539: found out beside the first answer; when it speaks TLS no longer, it is asked in the clear at once."""
    certificates = context.own_folder()
    make_files(certificates)
    ours = {"validation": {"enabled": False},
            "resolution": {"root-hints": {"ns.": [UPSTREAM]}, "do-not-query": [], "opportunistic-tls": True}}

    def sent(transport):
        return metrics()[f'redoubt_upstream_queries_total{{transport="{transport}"}}']

    with context.daemon(settings=ours) as daemon:
        with root_of_our_own(context, certificates, by_tls=True):
            check_equal(ask("n1").data("A"), ["192.0.2.1"], "in the clear")
            processes.wait_until(lambda: metrics()["redoubt_upstream_tls_authorities"] == 1, 10, "it to be found to speak TLS")
            clear, encrypted = sent("udp"), sent("tls")
            for i in range(2, 6):
                check_equal(ask(f"n{i}").data("A"), [f"192.0.2.{i}"], "by TLS")
            check_equal(sent("udp"), clear, "datagrams once it is known that it speaks TLS")
            check(sent("tls") >= encrypted + 4, "questions by TLS")
            code, output, trouble = daemon.ctl("trace", "n6")
            check("TLS" in output or "tls" in output, f"the trace does not say how: {output}{trouble}")
        with root_of_our_own(context, certificates, by_tls=False):
            check_equal(ask("n7").data("A"), ["192.0.2.7"], "in the clear again")
            check(sent("udp") > clear, "no datagram, though nobody speaks TLS any more")


def make_old_files(folder):
    """A key, and a certificate of its own that has expired."""
    folder.mkdir()
    (folder / "index.txt").write_text("")
    (folder / "serial").write_text("01\n")
    (folder / "ca.conf").write_text("""[ca]
default_ca = own
[own]
database = index.txt
serial = serial
new_certs_dir = .
default_md = sha256
policy = any
copy_extensions = copy
[any]
commonName = supplied
""")
    subprocess.run(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "server.key",
                    "-out", "request", "-subj", "/CN=old", "-addext", f"subjectAltName=DNS:{NAME}"], check=True, capture_output=True, cwd=folder)
    subprocess.run(["openssl", "ca", "-config", "ca.conf", "-batch", "-selfsign", "-keyfile", "server.key", "-in", "request", "-out",
                    "server.pem", "-notext", "-startdate", "20200101000000Z", "-enddate", "20200201000000Z"],
                   check=True, capture_output=True, cwd=folder)


@scenario
@needs_own_daemon
def upstreams_say_why_a_server_is_of_no_use(context):
    good, old = context.own_folder(), context.own_folder()
    make_files(good)
    make_old_files(old)

    def trouble_with(**forward):
        row = {"zone": ".", "to": [f"{UPSTREAM}@8853#{NAME}"], "transport": "tls", **forward}
        with context.daemon(settings={"resolution": {"root-hints": NO_ROOT, "forward": [row]},
                                      "tls": {"authorities": str(old / "both.pem")}}) as daemon:
            check_equal(ask("www.alpha.lab-tld").status, "SERVFAIL", f"a question with {forward}")
            told = daemon.ctl_json("upstreams")["configured"][0]["trouble"]
            check(told in daemon.ctl("upstreams")[1], f"`upstreams` does not print {told}")
            return told

    (old / "both.pem").write_text((old / "server.pem").read_text() + (good / "server.pem").read_text())
    check_equal(trouble_with(), "port closed", "of nobody")
    with unbound_by_tls(context, good):
        check_equal(trouble_with(to=[f"{UPSTREAM}@8853#other.example"]), "its certificate is for another name", "of another name")
        check_equal(trouble_with(to=[f"{UPSTREAM}@8853"], pins=["A" * 43 + "="]), "its key is not the pinned one", "of another key")
    with unbound_by_tls(context, old):
        check_equal(trouble_with(), "its certificate has expired", "of an old certificate")


@scenario
@needs_own_daemon
def a_reload_with_a_certificate_that_does_not_fit_is_refused(context):
    good, other = context.own_folder(), context.own_folder()
    make_files(good)
    make_files(other)
    with context.daemon(settings=settings(certificate=str(good / "server.pem"), key=str(good / "server.key"))) as daemon:
        shown = ask("www.alpha.lab-tld", tool="kdig", port=DOT, tcp=True, options=["+tls", f"+tls-ca={good}/server.pem", f"+tls-hostname={NAME}"])
        check_equal(shown.status, "NOERROR", "before")
        daemon.settings["tls"] = {"names": [NAME], "certificate": str(good / "server.pem"), "key": str(other / "server.key")}
        daemon.configure()
        code, output, trouble = daemon.ctl("reload")
        check(code != 0 and "the key is not this certificate's" in output + trouble, f"reload said {code}: {output}{trouble}")
        code, output, trouble = daemon.ctl("config", "check", str(daemon.folder / "redoubt.yaml"))
        check(code != 0 and "the key is not this certificate's" in output + trouble, f"config check said {code}: {output}{trouble}")
        shown = ask("www.alpha.lab-tld", tool="kdig", port=DOT, tcp=True, options=["+tls", f"+tls-ca={good}/server.pem", f"+tls-hostname={NAME}"])
        check_equal(shown.status, "NOERROR", "the former certificate stays")
        (good / "server.key").chmod(0o644)
        daemon.settings["tls"] = {"names": [NAME], "certificate": str(good / "server.pem"), "key": str(good / "server.key")}
        daemon.configure()
        code, output, trouble = daemon.ctl("reload")
        check(code == 0 and "everybody on this machine may read the key" in output + trouble, f"reload said {code}: {output}{trouble}")


@scenario
@needs_own_daemon
def certificates_are_chosen_by_name_and_clients_known_by_theirs(context):
    one, two, client = context.own_folder(), context.own_folder(), context.own_folder()
    make_files(one)
    make_files(two)
    make_files(client)
    for folder, name in ((two, "two.example"), (client, "laptop.staff.example")):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                        str(folder / "server.key"), "-out", str(folder / "server.pem"), "-days", "30", "-subj", f"/CN={name}", "-addext",
                        f"subjectAltName=DNS:{name}"], check=True, capture_output=True)
    listen = [{"address": "127.0.0.1@5300", "transports": ["udp", "tcp"]},
              {"address": f"127.0.0.1@{DOT}", "transports": ["tls"], "client-authorities": str(client / "server.pem")}]
    tls = {"certificate": str(one / "server.pem"), "key": str(one / "server.key"),
           "more": [{"certificate": str(two / "server.pem"), "key": str(two / "server.key")}]}
    with context.daemon(settings={"listen": listen, "tls": tls, "access": {"allow": ["192.0.2.0/24"], "names": ["*.staff.example."]}}):
        def shown_to(name):
            done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{DOT}", "-servername", name], input=b"", capture_output=True, timeout=60)
            return hashlib.sha256(re.search(rb"-----BEGIN.*?-----END", done.stdout, re.S).group(0)).hexdigest()

        def digest(folder):
            return hashlib.sha256(re.search(rb"-----BEGIN.*?-----END", (folder / "server.pem").read_bytes(), re.S).group(0)).hexdigest()

        check_equal(shown_to("two.example"), digest(two), "the certificate for two.example")
        check_equal(shown_to(NAME), digest(one), f"the certificate for {NAME}")
        check_equal(shown_to("elsewhere.example"), digest(one), "the certificate for another name")
        without = ask("www.alpha.lab-tld", tool="kdig", port=DOT, tcp=True, options=["+tls"])
        check_equal(without.status, "REFUSED", "a client that the access list does not have")
        shows = [f"+tls-certfile={client}/server.pem", f"+tls-keyfile={client}/server.key"]
        known = ask("www.alpha.lab-tld", tool="kdig", port=DOT, tcp=True, options=["+tls", *shows])
        check_equal((known.status, known.data("A")), ("NOERROR", ["192.0.2.80"]), "the same client with its certificate")
        strange = ask("www.alpha.lab-tld", tool="kdig", port=DOT, tcp=True, options=["+tls", f"+tls-certfile={one}/server.pem", f"+tls-keyfile={one}/server.key"])
        # GnuTLS shows no certificate of an authority that the server does not name; one that is shown ends the handshake.
        check(strange.status in ("NONE", "REFUSED"), f"a client with a certificate of somebody else: {strange.status}")
