"""What is measured."""
import statistics
import time

WORKING_SET = 10_000
CASES = {}
SIGNED = ("signed", "denied", "attacked", "beside")


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
        program, "--of", WORKING_SET, "--seconds", bench.options.seconds, "--rate", 30_000))
    cost_table(f"cached, UDP, {WORKING_SET} names, 30,000 queries a second", results, "echo")


@case
def misses(bench):
    results = interleaved(bench, bench.names(), lambda _: None, lambda program: bench.charged(
        program, "--queries", 50_000, "--names", "m#.bench.", "--window", 64))
    cost_table("each name once, below a known delegation", results, "redoubt")


@case
def cold(bench):
    results = interleaved(bench, bench.names(), lambda _: None, lambda program: bench.charged(
        program, "--queries", 10_000, "--names", "www.z#.cold.", "--window", 64))
    cost_table("each name once, each in a zone of its own", results, "redoubt")


@case
def flood(bench):
    """Of three queries two are for names that nobody asks twice."""
    def prepare(program):
        warm(bench)(program)
        bench.load("--queries", 1_000_000, "--of", WORKING_SET, "--flood", "f#.bench.", "--flood-share", 67, "--window", 128)

    results = interleaved(bench, bench.names(), prepare, lambda program: bench.charged(
        program, "--of", WORKING_SET, "--seconds", bench.options.seconds, "--rate", 5_000))
    cost_table("a working set, after a million names that nobody asks twice", results, "redoubt")


@case
def memory(bench):
    rows = []
    names = 1_000_000
    for name in bench.names():
        program = bench.start(name)
        before = program.memory()
        loads = [bench.load("--queries", names, "--names", "m#.bench.", "--window", 128) for _ in range(2)]
        rows.append((name, before >> 20, program.memory() >> 20, f"{(program.memory() - before) / names:.0f}", loads[1]["lost"],
                     f"{loads[1]['p50']:.0f}"))
        program.end()
    table(f"{names} short names, each asked twice", ("program", "MiB before", "MiB after", "octets/name", "lost", "p50 us"), rows)


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
    """Cached answers alone, and while 500 cold signed names a second are resolved."""
    bench.serve_signed(bench.options.zones)
    rows = []
    for name in bench.names():
        quiet, busy = [], []
        for _ in range(bench.options.repeats):
            program = bench.start(name)
            bench.load("--queries", 200, "--names", "host#.nsec.signed.", "--window", 8)
            cached_load = ("--of", 200, "--names", "host#.nsec.signed.", "--seconds", bench.options.seconds, "--rate", 5000)
            quiet.append(bench.load(*cached_load))
            other = bench.load_beside("--queries", int(500 * (bench.options.seconds + 1)), "--names", "www.z#.signed.", "--rate", 500, "--seconds", bench.options.seconds + 1)
            busy.append(bench.load(*cached_load))
            other.wait()
            program.end()
        rows.append((name, f"{median(quiet, 'p50'):.0f}", f"{median(quiet, 'p99'):.0f}", f"{median(busy, 'p50'):.0f}", f"{median(busy, 'p99'):.0f}",
                     f"{statistics.median(b['p99'] / max(q['p99'], 1e-9) for b, q in zip(busy, quiet)):.2f}"))
    table("5000 cached answers a second, alone and beside 500 cold signed names a second", ("program", "p50 us", "p99 us", "p50 beside", "p99 beside", "ratio"), rows)
