"""The resolution core's ways with NSD, Knot and BIND: what they are shown, what is kept, what needs nobody."""
import re
import time

from kit import authorities, plan
from kit.runner import check, check_equal, needs_own_daemon, scenario
from kit.tools import ask, metrics


def traced(daemon, name, type_name="A", *options):
    """(zone, question) of each exchange with an answer that the trace tells, and all steps.

    On a busy machine a server may be late; it is asked again then, and that is no question more.
    """
    told = daemon.trace_json(name, type_name, *options)
    exchanges = [step for step in told["steps"] if step["kind"] == "exchange" and "no answer in time" not in step["verdict"]]
    return [(step["zone"], f"{step['name'].lower()} {step['type']}") for step in exchanges], told["steps"]


def counted(name, label=""):
    found = [value for series, value in metrics().items() if series.split("{")[0] == name and label in series]
    check(found, f"{name} is missing among the metrics")
    return found[0]


# Where scenarios count what servers are asked: without questions for keys.
UNVALIDATED = {"validation": {"enabled": False}}


@scenario
@needs_own_daemon
def servers_see_no_more_of_a_name_than_they_need(context):
    with context.daemon(settings=UNVALIDATED) as daemon:
        shown, _ = traced(daemon, "leaf.between.alpha.lab-tld", "TXT")
        check_equal(shown, [(".", "lab-tld. A"), ("lab-tld.", "alpha.lab-tld. A"), ("alpha.lab-tld.", "between.alpha.lab-tld. A"),
                            ("alpha.lab-tld.", "leaf.between.alpha.lab-tld. TXT")], "what servers were asked")


@scenario
@needs_own_daemon
def servers_see_everything_where_the_setting_is_off(context):
    resolution = {"root-hints": plan.ROOT_HINTS, "qname-minimisation": "off"}
    with context.daemon(settings={"resolution": resolution} | UNVALIDATED) as daemon:
        shown, _ = traced(daemon, "leaf.between.alpha.lab-tld", "TXT")
        check_equal([question for _, question in shown], ["leaf.between.alpha.lab-tld. TXT"] * 3, "what servers were asked")


@scenario
@needs_own_daemon
def cookies_are_spoken_with_nsd_knot_and_bind(context):
    with context.daemon() as daemon:
        for name in ("www.alpha.lab-tld", "www.beta.knot-tld", "www.gamma.bind-tld"):
            check_equal(ask(name).status, "NOERROR", f"status of {name}")
        speakers = {row["address"] for row in daemon.ctl_json("upstreams")["upstreams"] if row["cookie"]}
        for server in plan.SERVERS:
            if server.name in ("root", "tld-nsd", "tld-knot", "tld-bind"):
                check(speakers & set(server.addresses), f"{server.name} is not among those that speak cookies: {speakers}")


@scenario
@needs_own_daemon
def nothing_is_below_a_name_that_does_not_exist(context):
    with context.daemon() as daemon:
        check_equal(ask("missing.gamma.bind-tld").status, "NXDOMAIN", "status of the name")
        shown, steps = traced(daemon, "a.b.missing.gamma.bind-tld")
        check_equal(shown, [], f"exchanges for a name below it ({steps})")
        check_equal(ask("c.missing.gamma.bind-tld").status, "NXDOMAIN", "status of another name below it")


@scenario
@needs_own_daemon
def a_known_dname_is_asked_for_once(context):
    with context.daemon() as daemon:
        for name in ("www.moved.alpha.lab-tld", "missing.moved.alpha.lab-tld", "www.moved.alpha.lab-tld"):
            answer = ask(name)
            types = [record.type for record in answer.answers]
            check_equal(types[:2], ["DNAME", "CNAME"], f"the links of {name}, in order")
        shown, steps = traced(daemon, "another.moved.alpha.lab-tld")
        zones = {zone for zone, _ in shown}
        check_equal(zones, {"gamma.bind-tld."}, f"zones asked for another name below the DNAME ({steps})")


@scenario
@needs_own_daemon
def expired_records_are_served_while_the_server_is_silent(context):
    with context.daemon() as daemon:
        check_equal(ask("brief.alpha.lab-tld").data("A"), ["192.0.2.1"], "the record while it is fresh")
        with authorities.stopped("zones-nsd"):
            time.sleep(1.2)
            began = time.monotonic()
            answer = ask("brief.alpha.lab-tld", options=("+noall", "+answer", "+comments"))
            seconds = time.monotonic() - began
            check_equal(answer.data("A"), ["192.0.2.1"], f"the expired record ({answer.text})")
            check("EDE: 3" in answer.text, f"the extended error for a stale answer is missing in: {answer.text}")
            check(seconds < 4, f"a stale answer took {seconds:.2f} s")
            check_equal([record.ttl for record in answer.answers], [30], "TTL of a stale record (RFC 8767)")
            context.figure(f"stale answer while the only server is silent: {seconds * 1000:.0f} ms")
            check_equal(ask("never-asked-before.alpha.lab-tld").status, "SERVFAIL", "status of what was never known")
        check_equal(ask("mail.alpha.lab-tld").data("A"), ["192.0.2.25"], "another record once the server speaks again")
        check(counted("redoubt_answers_stale_total") >= 1, "no stale answer was counted")


@scenario
@needs_own_daemon
def connections_to_servers_are_used_again(context):
    with context.daemon() as daemon:
        for _ in range(6):
            check_equal(len(ask("many.alpha.lab-tld").data("A")), 90, "addresses that come over TCP")
            check_equal(daemon.ctl("cache", "flush", "many.alpha.lab-tld")[0], 0, "exit code of a flush")
        check(counted("redoubt_upstream_stream_reused_total") >= 1, "each exchange had a connection of its own")


@scenario
@needs_own_daemon
def special_names_leave_the_house_never(context):
    # Without validation, for the root's keys are looked at now and then.
    with context.daemon(settings=UNVALIDATED):
        check_special_names()


def check_special_names():
    before = counted("redoubt_upstream_queries_total", "udp")
    for name, type_name, status, data in (
            ("localhost", "A", "NOERROR", ["127.0.0.1"]), ("a.localhost", "AAAA", "NOERROR", ["::1"]),
            ("1.0.0.10.in-addr.arpa", "PTR", "NXDOMAIN", []), ("printer.local", "A", "NXDOMAIN", []),
            ("facebookcorewwwi.onion", "A", "NXDOMAIN", []), ("x.invalid", "A", "NXDOMAIN", []),
            ("router.home.arpa", "A", "NXDOMAIN", []), ("thing.alt", "A", "NXDOMAIN", [])):
        answer = ask(name, type_name)
        check_equal((answer.status, answer.data(type_name)), (status, data), f"{name} {type_name}")
    check_equal(counted("redoubt_upstream_queries_total", "udp"), before, "packets to servers")


@scenario
@needs_own_daemon
def it_says_who_it_is_only_when_told_to(context):
    chaos = ("-c", "CH")
    with context.daemon():
        for name in ("version.bind", "id.server"):
            check_equal(ask(name, "TXT", options=chaos).status, "REFUSED", f"status of {name}")
        check("NSID" not in ask("www.alpha.lab-tld", options=("+nsid",)).text, "an NSID that was not configured")
    with context.daemon(settings={"identity": {"version": "none of your business", "id": "lab-1", "nsid": "lab-1"}}):
        check_equal(ask("version.bind", "TXT", options=chaos).data("TXT"), ['"none of your business"'], "version.bind")
        check_equal(ask("id.server", "TXT", options=chaos).data("TXT"), ['"lab-1"'], "id.server")
        text = ask("www.alpha.lab-tld", options=("+nsid",)).text
        check("lab-1" in text, f"NSID is missing in: {text}")


@scenario
def any_is_answered_with_little_and_no_recursion_with_nothing(context):
    context.shared()
    answer = ask("alpha.lab-tld", "ANY")
    check_equal([record.type for record in answer.answers], ["HINFO"], "records of an answer to ANY")
    ask("www.alpha.lab-tld")
    check_equal(ask("www.alpha.lab-tld", options=("+norecurse",)).status, "REFUSED", "status without RD")
