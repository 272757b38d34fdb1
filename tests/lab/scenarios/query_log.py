"""The query log on standard output, and what the metrics tell of limits and upstreams."""
import json
import time

from kit import plan
from kit.runner import check, check_equal, needs_own_daemon, scenario
from kit.tools import ask, metrics


def lines_of(daemon, name, count, seconds=30.0):
    """The log's lines with the name, as soon as there are so many."""
    end = time.monotonic() + seconds
    while True:
        found = [line for line in daemon.lines() if f" {name} " in line or f'"{name}"' in line]
        if len(found) >= count or time.monotonic() > end:
            return found
        time.sleep(0.02)


def use(daemon, settings):
    daemon.settings |= settings
    daemon.configure()
    check_equal(daemon.ctl("reload")[0], 0, "exit code of the reload")


def logging(**queries):
    return {"log": {"queries": {"sample": 1, **queries}}}


@scenario
@needs_own_daemon
def nothing_is_logged_of_queries_unless_configured(context):
    with context.daemon() as daemon:
        ask("www.alpha.lab-tld")
        check_equal(lines_of(daemon, "www.alpha.lab-tld.", 1, seconds=0.3), [], "lines")


@scenario
@needs_own_daemon
def each_answer_has_a_line_by_udp_and_by_tcp(context):
    with context.daemon(settings=logging()) as daemon:
        ask("www.alpha.lab-tld")
        ask("www.alpha.lab-tld")
        ask("www.alpha.lab-tld", tcp=True)
        lines = lines_of(daemon, "www.alpha.lab-tld.", 3)
        check_equal(len(lines), 3, "lines")
        # By their time: each worker writes its own.
        check_equal([line.split()[2:7] for line in sorted(lines)],
                    [["udp", "www.alpha.lab-tld.", "A", "NOERROR", "resolved"],
                     ["udp", "www.alpha.lab-tld.", "A", "NOERROR", "known"],
                     ["stream", "www.alpha.lab-tld.", "A", "NOERROR", "known"]], "what they tell")


@scenario
@needs_own_daemon
def failed_answers_alone_and_as_json(context):
    wanted = logging(answers="failed")
    wanted["log"]["format"] = "json"
    wanted["resolution"] = {"root-hints": {"a.root.": ["10.53.99.99"]}}
    with context.daemon(settings=wanted) as daemon:
        ask("localhost")
        ask("www.alpha.lab-tld")
        row = json.loads(lines_of(daemon, "www.alpha.lab-tld.", 1)[0])
        check_equal((row["rcode"], row["transport"]), ("SERVFAIL", "udp"), "the failure")
        check("ede" in row, "the line tells the reason's code")
        check_equal(lines_of(daemon, "localhost.", 1, seconds=0.2), [], "lines of what did not fail")


@scenario
@needs_own_daemon
def a_reload_turns_it_on_and_off(context):
    with context.daemon() as daemon:
        ask("one.alpha.lab-tld")
        use(daemon, logging())
        ask("two.alpha.lab-tld")
        check_equal(len(lines_of(daemon, "two.alpha.lab-tld.", 1)), 1, "lines while it is on")
        use(daemon, {"log": {"level": "info"}})
        ask("three.alpha.lab-tld")
        check_equal(lines_of(daemon, "three.alpha.lab-tld.", 1, seconds=0.3), [], "lines after it is off")
        check_equal(lines_of(daemon, "one.alpha.lab-tld.", 1, seconds=0.1), [], "lines before it was on")


@scenario
@needs_own_daemon
def metrics_name_configured_upstreams_and_no_names_of_clients(context):
    to = plan.ROOT_HINTS["a.root."][0]
    route = {"zone": "nowhere.example", "to": [f"{to}@53"]}
    with context.daemon(settings={"resolution": {"stub": [route]}}) as daemon:
        before = metrics()
        for number in range(40):
            ask(f"n{number}.alpha.lab-tld")
        ask("www.nowhere.example")
        after = metrics()
        check_equal(sorted(set(after) - set(before)), [], "series that came with what was asked")
        check_equal(after[f'redoubt_forward_zone_questions_total{{zone="nowhere.example."}}'], 1, "its question")
        check(after[f'redoubt_forward_queries_total{{upstream="{to}@53"}}'] >= 1, "its upstream was asked")
        check(after["redoubt_resolution_seconds_count"] >= 41, "resolutions are timed")
