"""resolverctl, metrics and health checks."""
import re
import subprocess

from kit.runner import check, check_equal, needs_own_daemon, scenario
from kit.tools import ask, http, metrics


def good(daemon, *arguments):
    code, output, trouble = daemon.ctl(*arguments)
    check_equal(code, 0, f"exit code of resolverctl {' '.join(arguments)} ({output}{trouble})")
    return output


@scenario
def resolverctl_status_names_every_role(context):
    daemon = context.shared()
    output = good(daemon, "status")
    for role in ("control", "keykeeper", "transport", "resolver"):
        check(role in output, f"{role} is missing in: {output}")
    status = str(daemon.ctl_json("status"))
    for role, pid in daemon.roles().items():
        check(role in status and str(pid) in status, f"{role} or its process {pid} is missing in: {status}")


@scenario
def resolverctl_query_resolves(context):
    daemon = context.shared()
    check("192.0.2.81" in good(daemon, "query", "www.beta.knot-tld", "A"), "the address is missing")
    check("2001:db8::82" in str(daemon.ctl_json("query", "www.gamma.bind-tld", "AAAA")), "the address is missing in JSON")
    check("NXDOMAIN" in good(daemon, "query", "missing.alpha.lab-tld", "A"), "NXDOMAIN is missing")


@scenario
def resolverctl_cache_shows_and_forgets(context):
    daemon = context.shared()
    ask("mail.alpha.lab-tld")
    check("192.0.2.25" in good(daemon, "cache", "show", "mail.alpha.lab-tld"), "the cached address is not shown")
    check("192.0.2.25" in str(daemon.ctl_json("cache", "show", "mail.alpha.lab-tld")), "the cached address is not shown in JSON")
    good(daemon, "cache", "flush", "mail.alpha.lab-tld")
    check("192.0.2.25" not in good(daemon, "cache", "show", "mail.alpha.lab-tld"), "the address is still there")
    check_equal(ask("mail.alpha.lab-tld").answers[0].ttl, 3600, "TTL of a record that was forgotten and fetched again")


@scenario
def resolverctl_cache_flush_forgets_everything(context):
    daemon = context.shared()
    ask("www.delta.lab-tld")
    good(daemon, "--json", "cache", "flush", "--all")
    check("192.0.2.84" not in good(daemon, "cache", "show", "www.delta.lab-tld"), "the address is still there")
    check(daemon.answers(), "no answer after the cache was emptied")


@scenario
def resolverctl_checks_a_configuration(context):
    daemon = context.shared()
    good(daemon, "config", "check", str(daemon.configuration))
    faulty = daemon.folder / "faulty.yaml"
    faulty.write_text("listen:\n  - {address: \"127.0.0.1@5300\", transports: [udp, tpc]}\ncache: {size: lots}\n")
    code, output, trouble = daemon.ctl("config", "check", str(faulty))
    said = output + trouble
    check(code != 0, "a faulty configuration is taken for good")
    check("faulty.yaml:2:" in said and "tpc" in said and "tcp" in said, f"place, finding or suggestion of line 2 is missing: {said}")
    check("faulty.yaml:3:" in said and "lots" in said, f"place or finding of line 3 is missing: {said}")
    code, output, trouble = daemon.ctl("--json", "config", "check", str(faulty))
    check(code != 0 and output.lstrip().startswith(("{", "[")), f"no JSON for a faulty configuration: {output}{trouble}")


@scenario
def the_default_configuration_is_a_good_one(context):
    daemon = context.shared()
    default = daemon.folder / "default.yaml"
    default.write_text(good(daemon, "config", "default"))
    good(daemon, "config", "check", str(default))
    text = default.read_text()
    for key in ("listen:", "workers:", "state:", "control:", "cache:", "resolution:", "validation:", "access:", "limits:", "sandbox:", "log:"):
        check(re.search(rf"^{key}", text, re.M), f"{key} is missing in the default configuration")


@scenario
def resolverctl_says_what_is_wrong(context):
    daemon = context.shared()
    code, output, trouble = daemon.ctl("stauts")
    check(code != 0 and "status" in output + trouble, f"no suggestion for a misspelt command: {output}{trouble}")
    code, output, trouble = daemon.ctl("query", "www.alpha.lab-tld", "AAAAA")
    check(code != 0 and "AAAAA" in output + trouble, f"an unknown type is not named: {output}{trouble}")
    result = subprocess.run([str(daemon.programs / "resolverctl"), "--socket", "/nonexistent/control.sock", "status"],
                            capture_output=True, text=True, timeout=10)
    said = (result.stdout + result.stderr).strip()
    check(result.returncode != 0 and "/nonexistent/control.sock" in said and len(said.splitlines()) == 1,
          f"no clear line for a socket that is not there: {said}")


@scenario
def metrics_are_prometheus_text_and_count_queries(context):
    context.shared()

    check(http("/metrics")[1].startswith("text/plain"), f"content type {http('/metrics')[1]}")
    before = metrics()
    check(all(name.startswith(("redoubt_", "process_")) for name in before), f"metrics of no known family: {sorted(before)[:5]}")
    for _ in range(20):
        ask("www.alpha.lab-tld")
    after = metrics()
    grown = [name for name in after if "quer" in name and after[name] - before.get(name, 0) >= 20]
    check(grown, f"no counter of queries grew by 20: {sorted(name for name in after if 'quer' in name)}")


@scenario
def health_and_readiness_over_http(context):
    context.shared()
    check_equal(http("/health")[0], 200, "status of /health")
    check_equal(http("/ready")[0], 200, "status of /ready")
    check_equal(http("/nothing-here")[0], 404, "status of a path that is not there")


@scenario
@needs_own_daemon
def resolverctl_of_another_user_is_turned_away(context):
    """Who may open the socket may do everything: so an ordinary user may not."""
    with context.daemon() as daemon:
        code, output, trouble = daemon.ctl("cache", "flush", as_user=65534)
        check(code != 0, f"nobody may empty the cache of a daemon that root started: {output}{trouble}")


@scenario
def resolverctl_trace_shows_the_way(context):
    daemon = context.shared()
    output = good(daemon, "trace", "www.alpha.lab-tld", "A", "--fresh")
    steps = [line for line in output.splitlines() if " exchange " in line]
    check(steps and "udp, zone " in steps[-1] and "answer of " in steps[-1], f"the last exchange is missing in: {output}")
    check("budget: upstream-queries " in output, f"what was spent is missing in: {output}")
    check("192.0.2.80" in output, f"the answer is missing in: {output}")
    known = good(daemon, "trace", "www.alpha.lab-tld", "A")
    check(" exchange " not in known and "known" in known, f"a server was asked for what is known: {known}")
    told = daemon.trace_json("www.alpha.lab-tld", "A", "--fresh")
    servers = [step["server"] for step in told["steps"] if step["kind"] == "exchange"]
    check(servers, f"no exchange in {told}")
    listed = {row["address"]: row for row in daemon.ctl_json("upstreams", "--limit", "512")["upstreams"]}
    check(servers[-1] in listed and listed[servers[-1]]["round_trip"] > 0, f"{servers[-1]} is not among {listed}")


@scenario
def resolverctl_trace_tells_whether_a_client_may_ask(context):
    daemon = context.shared()
    code, output, trouble = daemon.ctl("trace", "www.alpha.lab-tld", "--client", "203.0.113.5")
    check_equal(code, 1, f"exit code for a client that is not allowed ({output}{trouble})")
    check("203.0.113.5 may not ask" in output, output)
    code, output, trouble = daemon.ctl("trace", "www.alpha.lab-tld", "--client", "nonsense")
    check("client: 'nonsense' is no address" in output + trouble, output + trouble)


@scenario
def resolverctl_stats_counts(context):
    daemon = context.shared()
    def asked():
        rows = daemon.ctl_json("stats")["statistics"]
        return next(row["value"] for row in rows if row["name"] == "redoubt_queries_total" and "udp" in row["labels"])
    before = asked()
    ask("www.alpha.lab-tld")
    check(asked() > before, "a query was not counted")
    output = good(daemon, "stats", "--watch", "1", "--rounds", "1", "--all")
    check("/s  redoubt_" in output, output)
