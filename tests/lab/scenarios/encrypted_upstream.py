"""Forward zones asked by TLS: BIND and another resolverd as the servers, good certificates and bad ones."""
import contextlib
import shutil
import string
import subprocess

from kit import authorities, plan, processes
from kit.runner import check, check_equal, needs_own_daemon, scenario
from kit.tools import ask
from scenarios.encrypted import NAME, make_files, metric

# Nobody lives there: what is answered all the same came by the forwarder.
NO_ROOT = {"a.root.": ["10.53.99.99"]}
ADDRESS = plan.RESOLVER_ADDRESSES[0]
SERVER = f"{ADDRESS}@8853"


def pin_of(certificate):
    """As kdig +tls-pin takes it."""
    pipe = (f"openssl x509 -in '{certificate}' -pubkey -noout | openssl pkey -pubin -outform der | "
            "openssl dgst -sha256 -binary | base64")
    return subprocess.run(["sh", "-c", pipe], capture_output=True, text=True, check=True).stdout.strip()


@contextlib.contextmanager
def bind_by_tls(context, certificates):
    """BIND, which resolves from the lab's root, by TLS and in no other way."""
    folder = context.own_folder()
    folder.mkdir(parents=True)
    (folder / "hints").write_text(f". 3600 NS a.root.\na.root. 3600 A {plan.ROOT_HINTS['a.root.'][0]}\n")
    template = string.Template((authorities.LAB / "servers" / "recursive.conf").read_text())
    text = template.substitute(folder=folder, address=ADDRESS, port="8853 tls lab", forwarding="",
                               root=f'zone "." {{ type hint; file "{folder}/hints"; }};')
    keys = f'tls lab {{ cert-file "{certificates}/server.pem"; key-file "{certificates}/server.key"; }};\n'
    (folder / "named.conf").write_text(keys + text)
    program = folder / "named"  # a copy, for AppArmor profiles go by path
    shutil.copy(authorities.PROGRAMS["bind"], program)
    process = processes.start([str(program), "-g", "-n", "1", "-c", str(folder / "named.conf")], folder / "log", cwd=folder)
    try:
        processes.wait_until(lambda: ask("localhost", tool="kdig", server=ADDRESS, port=8853, tcp=True,
                                         options=["+tls"]).status != "NONE", authorities.START_SECONDS, "BIND to speak TLS")
        yield process
    finally:
        processes.end(process)


def settings(certificates, to=f"{SERVER}#{NAME}", **forward):
    return {"resolution": {"root-hints": NO_ROOT, "forward": [{"zone": ".", "to": [to], "transport": "tls", **forward}]},
            "tls": {"authorities": str(certificates / "server.pem")}}


def fails(name, why):
    answer = ask(name)
    check_equal(answer.status, "SERVFAIL", f"a question for {name}")
    check(why in answer.text, f"the explanation {why!r} is missing in {answer.text}")


@scenario
@needs_own_daemon
def a_forwarder_is_asked_by_tls_over_one_connection(context):
    certificates = context.folder / "upstream-good"
    make_files(certificates)
    with bind_by_tls(context, certificates), context.daemon(settings=settings(certificates)):
        check_equal(ask("www.alpha.lab-tld").data("A"), ["192.0.2.80"], "an address")
        check_equal(ask("missing.beta.knot-tld").status, "NXDOMAIN", "a name that does not exist")
        check_equal(len(ask("large.beta.knot-tld", "TXT", tcp=True).data("TXT")) > 20, True, "a large answer")
        for i in range(20):
            check_equal(ask(f"n{i}.wild.alpha.lab-tld").data("A"), ["192.0.2.42"], f"answer {i}")
        check(metric("redoubt_upstream_connections_total") <= 2, "connections are not used again")
        check_equal(metric("redoubt_upstream_queries_total"), 0.0, "datagrams to servers")


@scenario
@needs_own_daemon
def a_forwarder_that_is_somebody_else_is_asked_nothing(context):
    certificates = context.folder / "upstream-bad"
    make_files(certificates)
    others = context.folder / "upstream-other"
    make_files(others)
    with bind_by_tls(context, certificates):
        for wrong, why in ((settings(certificates, to=f"{SERVER}#other.example"), "its certificate is for another name"),
                           (settings(others), "its certificate is not to be trusted"),
                           (settings(certificates, to=SERVER, pins=[pin_of(others / "server.pem")]), "its key is not the pinned one")):
            with context.daemon(settings=wrong):
                fails("www.alpha.lab-tld", why)
                check_equal(metric("redoubt_tls_handshakes_total"), 0.0, "handshakes that came to their end")
        for right in (settings(others, to=SERVER, pins=[pin_of(certificates / "server.pem")]),
                      settings(others, to=SERVER, authenticate=False)):
            with context.daemon(settings=right):
                check_equal(ask("www.alpha.lab-tld").data("A"), ["192.0.2.80"], f"with {right['resolution']['forward']}")


@scenario
@needs_own_daemon
def a_forwarder_that_was_away_is_asked_again_and_never_in_the_clear(context):
    certificates = context.folder / "upstream-away"
    make_files(certificates)
    with context.daemon(settings=settings(certificates)):
        with bind_by_tls(context, certificates):
            check_equal(ask("www.alpha.lab-tld").data("A"), ["192.0.2.80"], "before")
        check_equal(ask("www.gamma.bind-tld").status, "SERVFAIL", "while it is away")
        with bind_by_tls(context, certificates):
            processes.wait_until(lambda: ask("www.delta.lab-tld").status == "NOERROR", 30, "an answer after it came back")
        check_equal(metric("redoubt_upstream_queries_total"), 0.0, "datagrams to servers")


@scenario
@needs_own_daemon
def one_resolverd_asks_another_by_its_pin(context):
    listen = [{"address": f"{ADDRESS}@5300", "transports": ["udp", "tcp"]}, {"address": SERVER, "transports": ["tls"]},
              {"address": f"{ADDRESS}@8443", "transports": ["https"], "path": "/q"}]
    with context.daemon(settings={"listen": listen, "tls": {"names": [NAME]},
                                  "control": {"socket": str(context.folder / "far.sock"), "http": "off"}}) as far:
        pin = pin_of(far.folder / "state" / "certificate.pem")
        by_tls = {"zone": ".", "to": [SERVER], "transport": "tls"}
        by_https = {"zone": ".", "to": [f"{ADDRESS}@8443"], "transport": "https", "path": "/q"}
        for forward in (by_tls, by_https):
            near = {"resolution": {"root-hints": NO_ROOT, "forward": [{**forward, "pins": [pin]}]}}
            with context.daemon(settings=near):
                answer = ask("tour.alpha.lab-tld")
                check(answer.data("A") != [], f"no answer by {forward}: {answer.text}")
                check_equal(len(ask("large.beta.knot-tld", "TXT", tcp=True).data("TXT")) > 20, True, "a large answer")
                check(metric("redoubt_tls_handshakes_total") >= 1, "no handshake")
                check(metric("redoubt_upstream_connections_total") <= 2, "connections are not used again")
            wrong = {"resolution": {"root-hints": NO_ROOT, "forward": [{**forward, "pins": ["A" * 43 + "="]}]}}
            with context.daemon(settings=wrong):
                fails("www.alpha.lab-tld", "its key is not the pinned one")
