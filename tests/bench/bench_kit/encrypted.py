"""DNS over TLS and HTTPS: the programs with their listeners for it, and what is measured of them."""
import json
import pathlib
import resource
import statistics
import subprocess
import time

from kit import processes
from kit.namespaces import inside
from kit.processes import LabError

from . import programs
from .cases import WORKING_SET, case, interleaved, median, ratio, table
from .programs import PORT, Program

PORTS = {"tls": 8853, "https": 8443}
BEHIND = PORT + 1
TARGETS = ["bench_tls_loop", "bench_http_loop", "bench_encrypted_load"]
LOOPS = {"tls": "tls_loop", "https": "http_loop"}
IDLE_CONNECTIONS = 20_000
SPARE_DESCRIPTORS = 200
HOUR_MS = 3_600_000
REST = 5  # seconds that connections are idle before their memory is looked at


def certificate(bench):
    """One for all, P-256, made once a run."""
    chain, key = bench.folder / "bench.pem", bench.folder / "bench.key"
    if not chain.exists():
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", str(key),
                        "-out", str(chain), "-days", "30", "-subj", "/CN=dns.bench", "-addext", "subjectAltName=DNS:dns.bench"],
                       check=True, capture_output=True)
        key.chmod(0o644)  # worth nothing, and read by programs that gave up root's rights
    return chain, key


def unbound(folder, chain, key):
    command = programs.unbound(folder, 1, anchor=None)
    path = folder / "unbound.conf"
    path.write_text(path.read_text() + f"""
server:
  interface: 127.0.0.1@{PORTS['tls']}
  interface: 127.0.0.1@{PORTS['https']}
  tls-port: {PORTS['tls']}
  https-port: {PORTS['https']}
  tls-service-pem: "{chain}"
  tls-service-key: "{key}"
  incoming-num-tcp: 2000
  http-max-streams: 100
  tcp-idle-timeout: 120000
""")
    return [command]


def knot_resolver(folder, chain, key):
    commands = programs.knot_resolver(folder, 1, anchor=None)
    path = folder / "kresd.conf"
    path.write_text(path.read_text() + f"""
net.listen('127.0.0.1', {PORTS['tls']}, {{ kind = 'tls' }})
net.listen('127.0.0.1', {PORTS['https']}, {{ kind = 'doh2' }})
net.tls('{chain}', '{key}')
net.tcp_pipeline(1000)
""")
    return commands


def dnsdist(folder, chain, key):
    """Its packet cache in front of an unbound, which is asked once for each name and is not charged."""
    (folder / "dnsdist.conf").write_text(f"""
setSecurityPollSuffix('')
setLocal('127.0.0.1:{PORT}')
addTLSLocal('127.0.0.1:{PORTS['tls']}', '{chain}', '{key}', {{provider='openssl', maxInFlight=100, tcpListenQueueSize=1024}})
addDOHLocal('127.0.0.1:{PORTS['https']}', '{chain}', '{key}', '/dns-query', {{tcpListenQueueSize=1024}})
setMaxTCPClientThreads(1)
setMaxTCPConnectionsPerClient(0)
setTCPRecvTimeout(120)
newServer({{address='127.0.0.1:{BEHIND}', healthCheckMode='up'}})
getPool(''):setCache(newPacketCache(1000000, {{maxTTL=86400, numberOfShards=1}}))
""")
    return [["/usr/bin/dnsdist", "--supervised", "--disable-syslog", "-C", str(folder / "dnsdist.conf")]]


def behind(folder):
    command = programs.unbound(folder, 1, anchor=None)
    path = folder / "unbound.conf"
    path.write_text(path.read_text().replace(f"127.0.0.1@{PORT}", f"127.0.0.1@{BEHIND}"))
    return command


class Fronted(Program):
    """One with another behind it."""

    def __init__(self, name, started, others):
        super().__init__(name, started)
        self.others = others

    def end(self):
        super().end()
        Program(self.name, self.others).end()


def redoubt(folder, chain, key, limits):
    settings = programs.redoubt_settings(folder, 1, anchor=None)
    settings["listen"] += [{"address": f"127.0.0.1@{PORTS['tls']}", "transports": ["tls"]},
                           {"address": f"127.0.0.1@{PORTS['https']}", "transports": ["https"]}]
    settings["tls"] = {"certificate": str(chain), "key": str(key)}
    # All clients of the bench are one address, which in life would be a network of many.
    settings["limits"] = {"stream-connections-per-client": 1024, "stream-queries": 1_000_000_000, "stream-idle-time": HOUR_MS,
                          "tls-handshakes-per-second": 1_000_000, "tls-handshakes-per-client": 1_000_000} | limits
    path = folder / "redoubt.yaml"
    path.write_text("".join(f"{key}: {json.dumps(value)}\n" for key, value in settings.items()))
    return [[str(folder.parent / "resolverd"), "--config", str(path)]]


PEERS = {"unbound": (unbound, "/usr/sbin/unbound"), "knot-resolver": (knot_resolver, "/usr/sbin/kresd"),
         "dnsdist": (dnsdist, "/usr/bin/dnsdist")}


def peers(bench):
    wanted = [name for name in bench.options.encrypted_peers.split(",") if name]
    missing = [name for name in wanted if not pathlib.Path(PEERS[name][1]).exists()]
    if missing:
        raise LabError(f"not installed: {' '.join(missing)}; scripts/deps bench")
    return wanted


def start(bench, name, limits=None):
    """A program that answers by UDP, TLS and HTTPS; a bare loop by its one way alone."""
    folder = bench.folder / f"{name}-{time.monotonic_ns()}"
    folder.mkdir()
    (folder / "root.hints").write_text(f". 3600000 IN NS ns.\nns. 3600000 IN A {programs.ROOT_SERVER}\n")
    chain, key = certificate(bench)
    ways = list(PORTS)
    if name in LOOPS.values():
        ways = [way for way in ways if LOOPS[way] == name]
        commands = [[str(bench.options.programs / f"tests/bench/bench_{name}"), f"127.0.0.1@{PORTS[ways[0]]}", str(chain), str(key)]]
    elif name == "redoubt":
        commands = redoubt(folder, chain, key, limits or {})
    else:
        commands = PEERS[name][0](folder, chain, key)
    others = [bench._start(behind(folder), folder / "log-behind", bench.load_core)] if name == "dnsdist" else []
    program = Fronted(name, [bench._start(command, folder / "log", bench.server_cores) for command in commands], others)
    try:
        for way in ways:
            processes.wait_until(lambda: asks(bench, way, "--queries", 1, "--connections", 1, "--names", "ready.bench.", quiet=True)
                                 .get("answered") == 1, 20, f"{name}'s first answer by {way}")
    except LabError as trouble:
        program.end()
        raise LabError("\n".join([str(trouble), *processes.tail(folder / "log")])) from None
    return program


def asks(bench, way, *options, quiet=False):
    command = [str(bench.options.programs / "tests/bench/bench_encrypted_load"), f"127.0.0.1@{PORTS[way]}", "--way", way, *map(str, options)]
    done = subprocess.run(inside(bench.namespace, ["taskset", "-c", bench.load_core, *command]), capture_output=True, text=True)
    if done.returncode != 0:
        if quiet:
            return {}
        raise LabError(f"encrypted_load: {done.stderr.strip()}")
    return json.loads(done.stdout)


def charged(bench, program, way, *options):
    before = program.cpu()
    result = asks(bench, way, *options)
    result["cpu"] = (program.cpu() - before) / 1000 / max(result["answered"], 1)
    result["rate"] = result["answered"] / max(result["seconds"], 1e-9)
    result["failed"] = result["answered"] - result["rcodes"].get("0", 0) + result["broken"]
    return result


def warm(bench, way):
    """By the way that is measured: dnsdist's cache keeps what came by UDP apart."""
    def fill(program):
        for _ in range(1 if program.name in LOOPS.values() else 3):
            asks(bench, way, "--queries", WORKING_SET, "--connections", 4)
    return fill


def report(title, results, loop, unit="answer", base=None):
    """Ratios are medians of ratios taken within a repeat: to the loop, and to base, or to the peer with the least median."""
    best = base if base in results else min((name for name in results if name in PEERS), key=lambda name: median(results[name], "cpu"),
                                            default="redoubt")
    rows = [(name, f"{median(all_of, 'cpu'):.2f}", f"{ratio(all_of, results[loop], 'cpu'):.2f}", f"{ratio(all_of, results[best], 'cpu'):.2f}",
             f"{median(all_of, 'rate'):.0f}", f"{median(all_of, 'p50'):.0f}", f"{median(all_of, 'p99'):.0f}",
             sum(one["lost"] for one in all_of), sum(one["failed"] for one in all_of))
            for name, all_of in results.items()]
    table(title, ("program", f"CPU us/{unit}", "of the loop", f"of {best}", f"{unit}s/s", "p50 us", "p99 us", "lost", "failed"), rows)
    print(f"  redoubt of: {', '.join(spread(results['redoubt'], name, results[name]) for name in results if name != 'redoubt')}", flush=True)
    return results


def spread(ours, name, theirs):
    """Our CPU of another's: the median of what the repeats say, and the least and the most of it."""
    ratios = [one["cpu"] / other["cpu"] for one, other in zip(ours, theirs) if other["cpu"] > 0]
    return f"{name} {statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})" if ratios else f"{name} unknown"


def compared(bench, way, title, *load, prepare=None, unit="answer", base=None):
    results = interleaved(bench, [LOOPS[way], "redoubt", *peers(bench)], prepare or warm(bench, way),
                          lambda program: charged(bench, program, way, *load), start=lambda name: start(bench, name))
    return report(title, results, LOOPS[way], unit, base)


def long_connections(bench, way):
    """Many questions at once, which may share records and writes; few; and, at a steady rate, hardly ever two."""
    for title, load in (("16 long connections, 16 questions under way on each", ("--connections", 16, "--window", 16)),
                        ("32 long connections, 2 questions under way on each", ("--connections", 32, "--window", 2)),
                        ("16 long connections, 5000 questions a second", ("--connections", 16, "--rate", 5000))):
        compared(bench, way, f"cached, by {way}, {title}", "--of", WORKING_SET, "--seconds", bench.options.seconds, *load)


@case
def tls(bench):
    long_connections(bench, "tls")


@case
def https(bench):
    long_connections(bench, "https")


@case
def connections(bench):
    """A steady median of full handshakes takes some ten short repeats: --repeats 11 --seconds 0.6 --handshakes full."""
    for way in PORTS:
        for kind in bench.options.handshakes.split(","):
            results = compared(bench, way, f"new connections by {way}, {kind} handshakes, one question each, eight at a time", "--new", kind,
                               "--connections", 8, "--of", 100, "--seconds", bench.options.seconds, unit="connection", base="unbound",
                               prepare=lambda program: asks(bench, way, "--queries", 300, "--of", 100, "--connections", 1))
            share = {name: sum(one["resumed"] for one in all_of) / max(sum(one["handshakes"] for one in all_of), 1)
                     for name, all_of in results.items()}
            print("  resumed: " + ", ".join(f"{name} {part * 100:.0f} %" for name, part in share.items()), flush=True)


class Held:
    """Connections that stay open for so long."""

    def __init__(self, bench, way, count):
        command = [str(bench.options.programs / "tests/bench/bench_encrypted_load"), f"127.0.0.1@{PORTS[way]}", "--way", way, "--hold", "yes",
                   "--connections", str(count), "--window", "1", "--names", "n1.bench."]
        self.count = count
        self.process = subprocess.Popen(inside(bench.namespace, ["taskset", "-c", bench.load_core, *command]), stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def __enter__(self):
        line = self.process.stdout.readline()
        if line.split() != ["held", str(self.count), "answered", str(self.count)]:
            self.process.kill()
            raise LabError(f"of {self.count} connections: {line.strip()} {self.process.stderr.read().strip()}")
        return self

    def __exit__(self, *_):
        self.left = self.process.communicate()[0].strip()


def idle_connections():
    """As many as are wanted, or as descriptors allow; raises the limit, which all that is started inherits."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = IDLE_CONNECTIONS + SPARE_DESCRIPTORS
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(hard, wanted)))
    except ValueError:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        print(f"\nnot {IDLE_CONNECTIONS} connections but {hard - SPARE_DESCRIPTORS}: this machine lets nobody have more than {hard} descriptors")
        return hard - SPARE_DESCRIPTORS
    return IDLE_CONNECTIONS


@case
def idle(bench):
    """What idle connections take, and whether cached answers by UDP cost more meanwhile."""
    count = idle_connections()
    limits = {"stream-connections": 2 * IDLE_CONNECTIONS, "stream-connections-per-client": 2 * IDLE_CONNECTIONS,
              "stream-idle-time": HOUR_MS, "stream-idle-time-under-load": HOUR_MS}
    rows = []
    for way in PORTS:
        sizes, alone, beside = [], [], []
        for _ in range(bench.options.repeats):
            program = start(bench, "redoubt", limits)
            try:
                for _ in range(3):
                    bench.load("--queries", WORKING_SET, "--names", "n#.bench.", "--window", 64)
                load = ("--of", WORKING_SET, "--seconds", bench.options.seconds, "--window", 256)
                alone.append(bench.charged(program, *load))
                before = program.memory()
                with Held(bench, way, count):
                    time.sleep(REST)
                    sizes.append((program.memory() - before) / count)
                    beside.append(bench.charged(program, *load))
            finally:
                program.end()
        rows.append((way, f"{statistics.median(sizes):.0f}", f"{median(alone, 'cpu'):.2f}", f"{median(beside, 'cpu'):.2f}",
                     f"{ratio(beside, alone, 'cpu'):.3f}", f"{ratio(beside, alone, 'p50'):.3f}", f"{ratio(beside, alone, 'p99'):.3f}"))
    table(f"{count} idle connections, and cached answers by UDP meanwhile",
          ("way", "octets each", "CPU us alone", "CPU us beside", "ratio", "p50 ratio", "p99 ratio"), rows)
