"""What is measured."""
import json
import signal
import statistics
import time

from kit.processes import LabError
from bench_kit import programs

WORKING_SET = 10_000
CASES = {}
SIGNED = ("signed", "denied", "attacked", "beside")
EXPERIMENTS = ("uring", "soak")


def case(function):
    CASES[function.__name__] = function
    return function


def table(title, columns, rows):
    print(f"\n{title}")
    widths = [max(len(str(row[i])) for row in [columns, *rows]) for i in range(len(columns))]
    for row in [columns, *rows]:
        print("  " + "  ".join(str(cell).ljust(widths[0]) if i == 0 else str(cell).rjust(widths[i]) for i, cell in enumerate(row)), flush=True)


def interleaved(bench, names, prepare, measure, start=None):
    """{name: its result in each repeat}. One program runs at a time."""
    start = start or bench.start
    results = {name: [] for name in names}
    for _ in range(bench.options.repeats):
        for name in names:
            program = start(name)
            try:
                prepare(program)
                results[name].append(measure(program))
            finally:
                program.end()
    return results


def median(results, key):
    return statistics.median(result[key] for result in results)


def ratio(results, base, key):
    return statistics.median(one[key] / max(other[key], 1e-9) for one, other in zip(results, base))


def warm(bench):
    def fill(program):
        for _ in range(3 if program.name != "echo" else 1):
            bench.load("--queries", WORKING_SET, "--names", "n#.bench.", "--window", 64)
    return fill


def cost_table(title, results, base):
    rows = [(name, f"{median(all_of, 'cpu'):.2f}", f"{ratio(all_of, results[base], 'cpu'):.2f}", f"{median(all_of, 'rate'):.0f}",
             f"{median(all_of, 'p50'):.0f}", f"{median(all_of, 'p99'):.0f}", sum(one["lost"] for one in all_of), sum(one["failed"] for one in all_of))
            for name, all_of in results.items()]
    table(title, ("program", "CPU us/answer", f"of {base}", "answers/s", "p50 us", "p99 us", "lost", "failed"), rows)


@case
def cached(bench):
    results = interleaved(bench, ["echo", *bench.names()], warm(bench), lambda program: bench.charged(
        program, "--of", WORKING_SET, "--seconds", bench.options.seconds, "--window", 256))
    cost_table(f"cached, UDP, {WORKING_SET} names, as fast as it goes", results, "echo")


@case
def paced(bench):
    results = interleaved(bench, ["echo", *bench.names()], warm(bench), lambda program: bench.charged(
        program, "--of", WORKING_SET, "--seconds", bench.options.seconds, "--rate", 30_000, "--pace", bench.options.pace))
    cost_table(f"cached, UDP, {WORKING_SET} names, 30,000 queries a second, {bench.options.pace}", results, "echo")


@case
def threads(bench):
    """Whether a second thread makes an answer dearer: what both write, both wait for. The load shares one of the cores with it."""
    rows = []
    for name in ["echo", *bench.names()]:
        costs = {1: [], 2: []}
        for _ in range(bench.options.repeats):
            for count in costs:
                program = bench.start(name, threads=count)
                for _ in range(4):
                    bench.load("--queries", WORKING_SET, "--names", "n#.bench.", "--window", 64, "--sockets", 64)
                costs[count].append(bench.charged(program, "--of", WORKING_SET, "--seconds", bench.options.seconds, "--window", 256, "--sockets", 64))
                program.end()
        rows.append((name, f"{median(costs[1], 'cpu'):.2f}", f"{median(costs[2], 'cpu'):.2f}", f"{ratio(costs[2], costs[1], 'cpu'):.2f}",
                     sum(one["lost"] for one in costs[1] + costs[2])))
    table(f"cached, UDP, {WORKING_SET} names, CPU us/answer with one thread and with two", ("program", "one", "two", "ratio", "lost"), rows)


@case
def uring(bench):
    """The bare loop by io_uring beside the one with batches, as fast as it goes and at a steady rate."""
    for what, options in (("as fast as it goes", ("--window", 256)), ("30,000 queries a second", ("--rate", 30_000))):
        results = interleaved(bench, ["echo", "uring"], lambda _: None, lambda program: bench.charged(
            program, "--of", WORKING_SET, "--seconds", bench.options.seconds, *options))
        cost_table(f"bare loops, {what}", results, "echo")


@case
def misses(bench):
    results = interleaved(bench, ["miss loop", "miss loop, kept", *bench.names()], lambda _: None, lambda program: bench.charged(
        program, "--queries", 50_000, "--names", "m#.bench.", "--window", 64))
    cost_table("each name once, below a known delegation", results, "redoubt")


@case
def cold(bench):
    results = interleaved(bench, ["miss loop, two", "miss loop, two, kept", *bench.names()], lambda _: None, lambda program: bench.charged(
        program, "--queries", 10_000, "--names", "www.z#.cold.", "--window", 64))
    cost_table("each name once, each in a zone of its own", results, "redoubt")


@case
def flood(bench):
    """Of three queries two are for names that nobody asks twice: how much of the rest is known, while the flood lasts and behind it."""
    def counted(*options):
        """What a load's own questions (not those of the flood) found in the cache, by what the servers were asked for."""
        before = bench.authority_queries()
        result = bench.load("--of", WORKING_SET, *options)
        upstream = (bench.authority_queries() - before) / 2 - result["answered"]  # a query to somebody, and its answer
        result["known"] = 1 - max(upstream - result["flooded"], 0) / max(result["answered"] - result["flooded"], 1)
        return result

    rows = []
    for name in bench.names():
        for _ in range(bench.options.repeats):
            program = bench.start(name)
            warm(bench)(program)
            during = counted("--queries", bench.options.flood * 3 // 2, "--flood", "f#.bench.", "--flood-share", 67, "--window", 128)
            behind = counted("--queries", 4 * WORKING_SET, "--window", 32)
            rows.append((name, during["flooded"], f"{during['known']:.2%}", f"{behind['known']:.2%}", f"{during['p50']:.0f}", f"{during['p99']:.0f}",
                         during["lost"], program.memory() >> 20))
            program.end()
    table(f"{WORKING_SET} names, asked evenly, under a flood; {bench.options.cache} MiB of cache",
          ("program", "flooded", "known during", "behind", "p50 us", "p99 us", "lost", "MiB"), rows)


@case
def memory(bench):
    """Asked three times, and then often enough within a short time, a name is in every cache that will ever have it."""
    rows = []
    names = bench.options.memory
    near = 20_000
    for name in bench.names():
        program = bench.start(name)
        steps = [program.memory()]
        for _ in range(2):
            last = bench.load("--queries", names, "--names", "m#.bench.", "--window", 128)
            steps.append(program.memory())
        # Near enough to each other, for a third time: the packet cache remembers 65,536 questions.
        for first in range(0, names, near):
            for _ in range(2):
                last = bench.load("--queries", near, "--names", "m#.bench.", "--first", first, "--window", 128)
        steps.append(program.memory())
        rows.append((name, steps[0] >> 20, *(f"{(step - steps[0]) / names:.0f}" for step in steps[1:]), last["lost"], f"{last['p50']:.0f}"))
        program.end()
    table(f"{names} short names, {bench.options.cache} MiB of cache: octets a name, once each is asked", ("program", "MiB before", "once", "twice", "again and again", "lost", "p50 us"), rows)


@case
def soak(bench):
    """A mixed attack for --minutes: floods of names that nobody asks twice, names in zones of their own, denials, all beside a working set."""
    program = bench.start("redoubt")
    began, before, most = time.monotonic(), program.memory(), 0
    asked = lost = turns = 0
    warm(bench)(program)
    while time.monotonic() - began < 60 * bench.options.minutes:
        first = turns * 20_000
        for options in (("--of", WORKING_SET, "--flood", f"f{turns}x#.bench.", "--flood-share", 90, "--seconds", 5, "--window", 256),
                        ("--names", "www.z#.cold.", "--first", first, "--queries", 2_000, "--window", 64),
                        ("--names", "m#.bench.", "--of", 400_000, "--seconds", 5, "--window", 256),
                        ("--names", f"{'l' * 60}.{'l' * 60}.{'l' * 60}.t{turns}x#.bench.", "--seconds", 3, "--window", 128)):
            result = bench.load(*options)
            asked, lost = asked + result["asked"], lost + result["lost"]
            most = max(most, program.memory())
        turns += 1
    minutes = (time.monotonic() - began) / 60
    program.end()
    table(f"a mixed attack of {minutes:.0f} minutes, {bench.options.cache} MiB of cache",
          ("program", "queries", "lost", "MiB before", "MiB at most", "above the cache"),
          [("redoubt", asked, lost, before >> 20, most >> 20, (most >> 20) - bench.options.cache)])


@case
def start(bench):
    rows = []
    for name in bench.names():
        times = []
        for _ in range(bench.options.repeats):
            begun = time.monotonic()
            program = bench.start(name)
            times.append((time.monotonic() - begun) * 1000)
            program.end()
        rows.append((name, f"{statistics.median(times):.0f}"))
    table("from exec to the first answer (as seen by a client that starts anew every few milliseconds)", ("program", "ms"), rows)


@case
def reload(bench):
    """Cached answers while the configuration is taken anew every quarter of a second: none may be lost."""
    rows = []
    for _ in range(bench.options.repeats):
        program = bench.start("redoubt")
        warm(bench)(program)
        load = bench.load_beside("--of", WORKING_SET, "--seconds", 6, "--rate", 10_000)
        reloads = 0
        while load.poll() is None:
            time.sleep(0.25)
            program.started[0].send_signal(signal.SIGHUP)
            reloads += 1
        result = json.loads(load.stdout.read())
        program.end()
        rows.append(("redoubt", reloads, result["asked"], result["lost"], result["answered"] - result["rcodes"].get("0", 0),
                     f"{result['p50']:.0f}", f"{result['p99']:.0f}"))
    table("10,000 cached answers a second beneath reloads", ("program", "reloads", "asked", "lost", "failed", "p50 us", "p99 us"), rows)


@case
def signed(bench):
    """Each name once, each in a signed zone of its own: DS, DNSKEY and the answer, three verifications with P-256."""
    bench.serve_signed(bench.options.zones)
    queries = bench.options.zones * 2 // 3

    def measure(program):
        before = bench.authority_queries()
        result = bench.charged(program, "--queries", queries, "--names", "www.z#.signed.", "--window", 32)
        # Each query of the load arrives once and its answer once; each upstream query and its reply likewise.
        result["upstream"] = (bench.authority_queries() - before - 2 * result["answered"]) / 2 / max(result["answered"], 1)
        return result

    results = interleaved(bench, bench.names(), lambda _: None, measure)
    cost_table(f"cold signed names, {queries} zones, P-256", results, "redoubt")
    table("upstream queries by UDP for each of them", ("program", "queries"), [(name, f"{median(all_of, 'upstream'):.2f}") for name, all_of in results.items()])


@case
def denied(bench):
    """Random names in a signed zone of a thousand, after the first two thousand."""
    bench.serve_signed(bench.options.zones)
    for zone in ("nsec", "nsec3"):
        def measure(program):
            before = bench.authority_queries()
            result = bench.charged(program, "--queries", 20_000, "--first", 1_000_000, "--names", f"r#.{zone}.signed.", "--window", 64)
            result["upstream"] = (bench.authority_queries() - before - 2 * result["answered"]) / 2 / max(result["answered"], 1)
            return result

        results = interleaved(bench, bench.names(), lambda _: bench.load("--queries", 8000, "--names", f"r#.{zone}.signed.", "--window", 32), measure)
        cost_table(f"random names in a zone signed with {zone.upper()}", results, "redoubt")
        table("upstream queries by UDP for each of them", ("program", "queries"), [(name, f"{median(all_of, 'upstream'):.4f}") for name, all_of in results.items()])


@case
def attacked(bench):
    """What one query costs at zones made to be costly; all of the program's CPU, TCP and parsing included."""
    bench.serve_signed(bench.options.zones)
    deep = "".join(f"{chr(97 + i % 26)}." for i in range(90))
    for title, names in (("KeyTrap: 340 wrong signatures by keys of one tag", "k#.jam.signed."), ("NSEC3 encloser: 91 labels, 50 iterations", f"d#.{deep}deep.signed.")):
        results = interleaved(bench, bench.names(), lambda _: None, lambda program: bench.charged(program, "--queries", 300, "--names", names, "--window", 4))
        cost_table(title, results, "redoubt")


@case
def beside(bench):
    """Cached answers alone, and while 500 cold signed names a second are resolved: ten short spells of each by turns, so that what else a machine
    does in one of them is not taken for the program's. Questions come by chance (Poisson), and each counts from when it was due. `late` is how late
    the load itself was, at its p99: in the times already, but for those on the way. Of what is measured, nobody is in a real-time class, but by
    --prompt; the load is, for it has to ask when a question is due, whatever the name servers on its core have to do."""
    bench.serve_signed(bench.options.zones)
    if bench.options.prompt:
        programs.be_prompt(bench.authority)
    spells, cold_share = 10, 100 * 500 / 5500
    spell = bench.options.seconds / 4
    cached_load = ("--of", 200, "--names", "host#.nsec.signed.", "--seconds", spell, "--pace", "chance")
    quiet, busy, cold = ({name: [] for name in bench.names()} for _ in range(3))
    for repeat in range(bench.options.repeats):
        for name in bench.names():
            program = bench.start(name)
            try:
                bench.load("--queries", 600, "--names", "host#.nsec.signed.", "--of", 200, "--window", 8)
                first = 1  # www.z0 told that it is there
                for turn in range(spells):
                    seed = repeat * spells + turn + 1
                    quiet[name].append(bench.load(*cached_load, "--seed", seed, "--rate", 5000, punctual=True))
                    result = bench.load(*cached_load, "--seed", seed, "--rate", 5500, "--flood", "www.z#.signed.", "--flood-first", first,
                                        "--flood-share", cold_share, punctual=True)
                    busy[name].append(result)
                    cold[name].append(result["flooded"])
                    first += result["flooded"]
            finally:
                program.end()
    if first > bench.options.zones:
        raise LabError(f"more cold names were asked than there are zones: --zones {first}")
    rows = []
    for name in bench.names():
        alone, beside_it = quiet[name], busy[name]
        unanswered = sum(one["asked"] - one["rcodes"].get("0", 0) for one in beside_it)
        rows.append((name, *(f"{median(alone, key):.0f}" for key in ("p50", "p99", "p999", "late", "way_p99")),
                     *(f"{median(beside_it, key):.0f}" for key in ("p50", "p99", "p999", "late", "way_p99")),
                     *(f"{ratio(beside_it, alone, key):.2f}" for key in ("p50", "p99", "p999", "way_p99")), sum(cold[name]), unanswered))
    table("5000 cached answers a second, alone and beside 500 cold signed names a second; microseconds, medians of the spells",
          ("program", "p50", "p99", "p99.9", "late", "p99 on the way", "beside: p50", "p99", "p99.9", "late", "p99 on the way",
           "ratio p50", "p99", "p99.9", "p99 on the way", "cold names", "not answered"), rows)
