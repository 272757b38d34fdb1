"""Forward and stub zones, with BIND as the resolver behind and NSD, Knot and BIND as the authorities."""
import contextlib
import re
import shutil
import string
import time

from kit import authorities, dns_client, plan, processes
from kit.runner import check, check_equal, needs_own_daemon, scenario
from kit.tools import ask, metrics

# Nobody lives there: what is answered all the same came another way.
NO_ROOT = {"a.root.": ["10.53.99.99"]}
MUTE = plan.SERVERS[-1].addresses[0]
RESOLVER = plan.RESOLVER_ADDRESSES[0] + "@5311"
OTHER = plan.RESOLVER_ADDRESSES[1]


def settings(hints=NO_ROOT, **more):
    return {"resolution": {"root-hints": hints, **more}}


@contextlib.contextmanager
def bind(context, at=RESOLVER, forward_to=None):
    """BIND at address@port, which resolves from the lab's root or hands all to another one."""
    address, port = at.split("@")
    folder = context.own_folder()
    folder.mkdir(parents=True)
    (folder / "hints").write_text(f". 3600 NS a.root.\na.root. 3600 A {plan.ROOT_HINTS['a.root.'][0]}\n")
    forwarding, root = "", f'zone "." {{ type hint; file "{folder}/hints"; }};'
    if forward_to:
        to_address, to_port = forward_to.split("@")
        forwarding, root = f"  forward only;\n  forwarders {{ {to_address} port {to_port}; }};", ""
    template = string.Template((authorities.LAB / "servers" / "recursive.conf").read_text())
    (folder / "named.conf").write_text(template.substitute(folder=folder, address=address, port=port,
                                                           forwarding=forwarding, root=root))
    program = folder / "named"  # a copy, for AppArmor profiles go by path
    shutil.copy(authorities.PROGRAMS["bind"], program)
    command = [str(program), "-g", "-n", "1", "-c", str(folder / "named.conf")]
    process = processes.start(command, folder / "log", cwd=folder)
    try:
        processes.wait_until(lambda: dns_client.exchange("localhost", "A", address, int(port), seconds=0.2) is not None,
                             authorities.START_SECONDS, f"BIND to answer at {at}")
        yield process
    finally:
        processes.end(process)


def timed(name, type_name="A", **options):
    began = time.monotonic()
    answer = ask(name, type_name, **options)
    return answer, time.monotonic() - began


@scenario
@needs_own_daemon
def a_forwarder_answers_for_everything(context):
    with bind(context), context.daemon(settings=settings(forward=[{"zone": ".", "to": [RESOLVER]}])):
        check_equal(ask("www.alpha.lab-tld").data("A"), ["192.0.2.80"], "an address of a zone at NSD")
        tour = ask("tour.alpha.lab-tld")
        check_equal([record.type for record in tour.answers], ["CNAME"] * 3 + ["A"], "a chain through all three")
        check_equal(ask("missing.beta.knot-tld").status, "NXDOMAIN", "a name that does not exist")
        check_equal(len(ask("large.beta.knot-tld", "TXT", tcp=True).data("TXT")) > 20, True, "an answer that needs TCP")


@scenario
@needs_own_daemon
def stub_zones_are_asked_of_nsd_knot_and_bind(context):
    stubs = [{"zone": "alpha.lab-tld.", "to": ["10.53.2.1"]}, {"zone": "beta.knot-tld.", "to": ["10.53.2.3"]},
             {"zone": "bind-tld.", "to": ["10.53.1.3"]}]
    # Without a root there is no chain of trust to these zones.
    with context.daemon(settings=settings(stub=stubs) | {"validation": {"enabled": False}}):
        check_equal(ask("www.alpha.lab-tld").data("A"), ["192.0.2.80"], "at NSD")
        check_equal(ask("to-knot.alpha.lab-tld").data("A"), ["192.0.2.81"], "an alias from NSD to Knot")
        check_equal(ask("www.gamma.bind-tld").data("A"), ["192.0.2.82"], "below a delegation of the stub zone")
        check_equal(ask("missing.beta.knot-tld").status, "NXDOMAIN", "a denial by Knot")


@scenario
@needs_own_daemon
def a_mute_forwarder_is_not_noticed(context):
    forward = [{"zone": ".", "to": [MUTE, RESOLVER], "order": "configured"}]
    with bind(context), context.daemon(settings=settings(forward=forward)):
        slowest = 0.0
        for i in range(30):
            answer, seconds = timed(f"n{i}.wild.alpha.lab-tld")
            check_equal(answer.data("A"), ["192.0.2.42"], f"answer {i}")
            slowest = max(slowest, seconds)
        check(slowest < 4.0, f"the slowest answer took {slowest:.3f} s")
        context.figure(f"slowest of 30 answers with the first of two forwarders mute: {slowest * 1000:.0f} ms")


@scenario
@needs_own_daemon
def iteration_comes_after_forwarders_when_it_is_told_so(context):
    forward = [{"zone": "lab-tld.", "to": [MUTE], "first": True}, {"zone": "knot-tld.", "to": [MUTE]}]
    with context.daemon(settings=settings(plan.ROOT_HINTS, forward=forward)):
        check_equal(ask("www.alpha.lab-tld").data("A"), ["192.0.2.80"], "by iteration after the forwarder")
        failed = ask("www.beta.knot-tld")
        check_equal(failed.status, "SERVFAIL", "with nobody else to ask")
        check("forward zone knot-tld." in failed.text, f"the explanation is missing in {failed.text}")


@scenario
@needs_own_daemon
def servers_of_a_file_follow_it(context):
    daemon = context.daemon(settings=settings(forward=[{"zone": ".", "to-file": "servers/resolv.conf"}]))
    folder = daemon.folder / "servers"
    folder.mkdir()

    def name_server(text):
        (folder / "new").write_text(text)
        (folder / "new").rename(folder / "resolv.conf")

    name_server(f"# written by another program\nsearch example\nnameserver {MUTE}\n")
    with bind(context, OTHER + "@53"), daemon:
        check_equal(ask("www.alpha.lab-tld").status, "SERVFAIL", "the file's first server is mute")
        mark = daemon.mark()
        name_server(f"nameserver {OTHER}\n")
        daemon.wait_for_line("names the servers " + re.escape(OTHER), 5, since=mark)
        processes.wait_until(lambda: ask("www.alpha.lab-tld").data("A") == ["192.0.2.80"], 8, "the new server to be used")
        mark = daemon.mark()
        name_server("# nothing\n")
        daemon.wait_for_line(r"names no server; its former servers stay in use", 5, since=mark)
        check_equal(ask("mail.alpha.lab-tld").data("A"), ["192.0.2.25"], "with the former server")
        check_equal(daemon.ctl("reload")[0], 0, "exit code of a reload")
        check_equal(ask("www.delta.lab-tld").status, "NOERROR", "with the former server after a reload")


@scenario
@needs_own_daemon
def a_ring_of_forwarders_is_broken(context):
    forward = [{"zone": ".", "to": [RESOLVER]}]
    with bind(context, forward_to="127.0.0.1@5300"), context.daemon(settings=settings(forward=forward)) as daemon:
        answer, seconds = timed("www.some-name.example")
        check_equal(answer.status, "SERVFAIL", "a question that goes round")
        check("forwarding loop" in answer.text, f"the explanation is missing in {answer.text}")
        check(seconds < 4, f"it took {seconds:.1f} s")
        sent = metrics()['redoubt_upstream_queries_total{transport="udp"}']
        check(sent <= 8, f"packets sent: {sent}")
