"""The programs that are measured: how each is configured, started and charged."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time

from kit import processes
from kit.namespaces import inside
from kit.processes import LabError

ROOT_SERVER, TLD_SERVER, LEAF_SERVER = SERVERS = ("10.53.0.1", "10.53.0.2", "10.53.0.3")
PORT = 5300
CACHE_MIB = 512
# The bare system calls of a resolution, one query to each of these after the other.
MISS_LOOPS = {"miss loop": (TLD_SERVER,), "miss loop, kept": (TLD_SERVER,), "miss loop, two": (TLD_SERVER, LEAF_SERVER),
              "miss loop, two, kept": (TLD_SERVER, LEAF_SERVER)}


def unbound(folder, threads, anchor):
    modules = "validator iterator" if anchor else "iterator"
    trust = f'trust-anchor: "{anchor}"\n  aggressive-nsec: yes' if anchor else ""
    (folder / "unbound.conf").write_text(f"""
server:
  interface: 127.0.0.1@{PORT}
  num-threads: {threads}
  so-reuseport: yes
  module-config: "{modules}"
  {trust}
  msg-cache-size: {CACHE_MIB // 3}m
  rrset-cache-size: {CACHE_MIB * 2 // 3}m
  msg-cache-slabs: 4
  rrset-cache-slabs: 4
  infra-cache-slabs: 4
  outgoing-range: 4096
  num-queries-per-thread: 2048
  root-hints: "{folder}/root.hints"
  do-not-query-localhost: no
  use-syslog: no
  do-daemonize: no
  chroot: ""
  username: ""
  directory: "{folder}"
  pidfile: "{folder}/unbound.pid"
  verbosity: 0
  minimal-responses: yes
remote-control:
  control-enable: no
""")
    return ["/usr/sbin/unbound", "-d", "-p", "-c", str(folder / "unbound.conf")]


def knot_resolver(folder, threads, anchor):
    trust = f"trust_anchors.add('{anchor}')" if anchor else ""
    (folder / "kresd.conf").write_text(f"""
net.listen('127.0.0.1', {PORT})
log_level('crit')
cache.open({CACHE_MIB} * MB, 'lmdb://{folder}/cache')
hints.root_file('{folder}/root.hints')
trust_anchors.remove('.')
{trust}
modules.unload('ta_update')
modules.unload('priming')
modules.unload('detect_time_skew')
modules.unload('ta_signal_query')
modules.unload('ta_sentinel')
""".replace("hints.root_file", "modules.load('hints')\nhints.root_file"))
    (folder / "cache").mkdir(exist_ok=True)
    return [["/usr/sbin/kresd", "-n", "-c", str(folder / "kresd.conf"), str(folder)] for _ in range(threads)]


def pdns_recursor(folder, threads, anchor):
    if anchor:
        digest = " ".join(anchor.split()[3:])
        (folder / "anchor.lua").write_text(f'clearDS(".")\naddDS(".", "{digest}")\n')
    dnssec, lua = ("validate", f"lua-config-file={folder}/anchor.lua") if anchor else ("off", "")
    (folder / "recursor.conf").write_text(f"""
local-address=127.0.0.1
local-port={PORT}
hint-file={folder}/root.hints
threads={threads}
pdns-distributes-queries=no
reuseport=yes
dnssec={dnssec}
{lua}
max-cache-entries=2000000
max-packetcache-entries=1000000
dont-query=
allow-from=127.0.0.0/8
socket-dir={folder}
daemon=no
write-pid=no
quiet=yes
loglevel=0
disable-syslog=yes
security-poll-suffix=
qname-minimization=yes
""")
    return ["/usr/sbin/pdns_recursor", f"--config-dir={folder}"]


def redoubt_settings(folder, threads, anchor):
    return {
        "listen": [{"address": f"127.0.0.1@{PORT}", "transports": ["udp"]}],
        "workers": threads,
        "state": str(folder / "state"),
        "control": {"socket": str(folder / "control.sock"), "http": "127.0.0.1@8053"},
        "cache": {"size": f"{CACHE_MIB}MiB"},
        "validation": {"trust-anchors": [anchor], "tracked-anchors": []} if anchor else {"enabled": False},
        "resolution": {"root-hints": {"ns.": [ROOT_SERVER]}, "do-not-query": []},
    }


PEERS = {"unbound": (unbound, "/usr/sbin/unbound"), "knot-resolver": (knot_resolver, "/usr/sbin/kresd"),
         "pdns-recursor": (pdns_recursor, "/usr/sbin/pdns_recursor")}


def be_prompt(authority):
    """The name servers, and whatever is started from now on, have the processor as soon as they have something to do: what else runs on the machine is
    then not measured as ours."""
    for pid in (0, authority.pid, *processes.descendants_of(authority.pid)):
        os.sched_setscheduler(pid, os.SCHED_RR, os.sched_param(1))


def cpu_of(pid):
    """Nanoseconds on a processor of a process and all its threads, and of those below it."""
    total = 0
    for one in (pid, *processes.descendants_of(pid)):
        try:
            for task in pathlib.Path(f"/proc/{one}/task").iterdir():
                total += int((task / "schedstat").read_text().split()[0])
        except (FileNotFoundError, ProcessLookupError):
            pass
    return total


def memory_of(pid):
    """Octets that a process and those below it hold for themselves or share (PSS)."""
    total = 0
    for one in (pid, *processes.descendants_of(pid)):
        try:
            for line in pathlib.Path(f"/proc/{one}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
        except (FileNotFoundError, ProcessLookupError):
            pass
    return total


class Program:
    """One that answers."""

    def __init__(self, name, started):
        self.name = name
        self.started = started

    def cpu(self):
        return sum(cpu_of(one.pid) for one in self.started)

    def memory(self):
        return sum(memory_of(one.pid) for one in self.started)

    def end(self):
        for one in self.started:
            one.send_signal(signal.SIGTERM)
        for one in self.started:
            try:
                one.wait(10)
            except subprocess.TimeoutExpired:
                for pid in processes.descendants_of(one.pid):
                    processes.send(pid, signal.SIGKILL)
                one.kill()
                one.wait()


class Bench:
    def __init__(self, options, folder, namespace):
        self.options = options
        self.folder = folder
        self.namespace = namespace
        folder.chmod(0o755)
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) < 2:
            raise LabError("needs two cores: one for the program, one for the load")
        self.cores = list(map(str, cores))
        self.server_cores = self.cores_of(options.threads)
        self.load_core = str(cores[1])
        for program in ("resolverd", "resolverctl"):
            shutil.copy(options.programs / program, folder / program)
        self.anchor = None  # of the signed Internet, while that is the one which runs
        self.authority = self._authority([options.programs / "tests/bench/bench_authority", *(f"{address}@53" for address in SERVERS)], 5)

    def cores_of(self, threads):
        return self.cores[0] if threads == 1 else ",".join(self.cores)

    def _authority(self, command, patience):
        log = self.folder / f"authority-{time.monotonic_ns()}.log"
        started = self._start([str(word) for word in command], log, self.load_core)
        processes.wait_until(lambda: "ready" in log.read_text(), patience, "the name servers")
        self.authority_log = log
        return started

    def serve_signed(self, zones):
        """Another Internet in place of the one there is, signed; for all cases from now on."""
        if self.anchor:
            return
        if not self.options.signed_authority.exists():
            raise LabError(f"{self.options.signed_authority} is not built: cmake --build build/debug --target bench_signed_authority")
        self.authority.terminate()
        self.authority.wait(10)
        self.authority = self._authority([self.options.signed_authority, *SERVERS, zones], 300)
        lines = self.authority_log.read_text().splitlines()
        self.anchor = next(line.removeprefix("anchor ") for line in lines if line.startswith("anchor "))

    def authority_queries(self):
        """Datagrams that the namespace's servers and clients got: with one load's own taken away, what went upstream."""
        text = subprocess.run(inside(self.namespace, ["cat", "/proc/net/snmp"]), capture_output=True, text=True).stdout
        rows = [line.split() for line in text.splitlines() if line.startswith("Udp:")]
        return int(rows[1][rows[0].index("InDatagrams")])

    def _start(self, command, log, cores):
        return processes.start(inside(self.namespace, ["taskset", "-c", cores, *command]), log, cwd=self.folder)

    def names(self):
        wanted = [name for name in self.options.peers.split(",") if name]
        missing = [name for name in wanted if not pathlib.Path(PEERS[name][1]).exists()]
        if missing:
            raise LabError(f"not installed: {' '.join(missing)}; scripts/deps bench")
        return ["redoubt", *wanted]

    def start(self, name, threads=None):
        threads = threads or self.options.threads
        folder = self.folder / f"{name}-{time.monotonic_ns()}"
        folder.mkdir()
        (folder / "root.hints").write_text(f". 3600000 IN NS ns.\nns. 3600000 IN A {ROOT_SERVER}\n")
        if name == "echo":
            commands = [[str(self.options.programs / "tests/bench/bench_echo_loop"), f"127.0.0.1@{PORT}"]] * threads
        elif name in MISS_LOOPS:
            servers = [f"{address}@53" for address in MISS_LOOPS[name]]
            how = ["--kept"] if name.endswith("kept") else []
            commands = [[str(self.options.programs / "tests/bench/bench_miss_loop"), *how, f"127.0.0.1@{PORT}", *servers]] * threads
        elif name == "uring":
            commands = [[str(self.options.programs / "tests/bench/bench_uring_echo_loop"), f"127.0.0.1@{PORT}"]]
        elif name == "redoubt":
            path = folder / "redoubt.yaml"
            path.write_text("".join(f"{key}: {json.dumps(value)}\n" for key, value in redoubt_settings(folder, threads, self.anchor).items()))
            commands = [[str(self.folder / "resolverd"), "--config", str(path)]]
        else:
            made = PEERS[name][0](folder, threads, self.anchor)
            commands = made if isinstance(made[0], list) else [made]
        cores = self.cores_of(threads)
        program = Program(name, [self._start(command, folder / "log", cores) for command in commands])
        try:
            processes.wait_until(lambda: name in ("echo", "uring", *MISS_LOOPS) or self.load("--patience-ms", 20, "--queries", 1, "--names", "www.z0.signed." if self.anchor else "ready.bench.")["answered"] == 1, 20,
                                 f"{name}'s first answer")
        except LabError as trouble:
            raise LabError("\n".join([str(trouble), *processes.tail(folder / "log")])) from None
        return program

    def load(self, *options, punctual=False):
        """punctual: before the name servers on its core whenever a question is due. It is the instrument, and not what is measured."""
        command = [str(self.options.programs / "tests/bench/bench_load"), f"127.0.0.1@{PORT}", *map(str, options)]
        at_once = ["chrt", "--rr", "2"] if punctual else []
        done = subprocess.run(inside(self.namespace, ["taskset", "-c", self.load_core, *at_once, *command]), capture_output=True, text=True)
        if done.returncode != 0:
            raise LabError(f"load: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def load_beside(self, *options):
        command = [str(self.options.programs / "tests/bench/bench_load"), f"127.0.0.1@{PORT}", *map(str, options)]
        return subprocess.Popen(inside(self.namespace, ["taskset", "-c", self.load_core, *command]), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def charged(self, program, *options):
        """A load, with the program's microseconds of CPU per answer."""
        before = program.cpu()
        result = self.load(*options)
        result["failed"] = result["answered"] - result["rcodes"].get("0", 0)
        result["cpu"] = (program.cpu() - before) / 1000 / max(result["answered"], 1)
        result["rate"] = result["answered"] / max(result["seconds"], 1e-9)
        return result
