"""Signed and spoilt zones made by chance: our verdicts beside those of unbound and of BIND's delv.

REDOUBT_RANDOM_ZONES  how many zones (60)
REDOUBT_RANDOM_SEED   from which seed (1)
"""
import concurrent.futures
import contextlib
import os
import shutil
import socket
import struct
import subprocess

from kit import dns_client, processes, random_zones
from kit.processes import LabError
from kit.runner import check, needs_own_daemon, scenario
from kit.tools import delv_verdict

AUTHORITY, UNBOUND, UNBOUND_PORT = "127.0.0.60", "127.0.0.54", 5353
START_SECONDS = 60
ANSWER_SECONDS = 30
AT_ONCE = 8
TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "MX": 15, "TXT": 16, "AAAA": 28, "DNAME": 39, "DS": 43, "DNSKEY": 48}


class Site:
    """The zones, the server of all of them, and unbound."""

    def __init__(self, folder, count, seed):
        self.folder = folder
        self.running = []
        self.made, self.files, self.anchor = random_zones.make_all(folder / "zones", AUTHORITY, count, seed)

    def _start(self, command, log, address, port):
        program = shutil.which(command[0])
        if program is None:
            raise LabError(f"{command[0]} is missing; scripts/deps lab installs it")
        copy = self.folder / command[0]  # AppArmor profiles go by path
        shutil.copy(program, copy)
        process = processes.start([str(copy), *command[1:]], self.folder / log, cwd=self.folder)
        self.running.append(process)
        processes.wait_until(lambda: dns_client.exchange("random", "SOA", address, port, seconds=1.0) is not None, START_SECONDS,
                             f"{command[0]} to answer at {address}")

    def start_authority(self):
        zones = "".join(f'zone:\n  name: "{zone}"\n  zonefile: "{file}"\n' for zone, file in self.files.items())
        (self.folder / "nsd.conf").write_text(f"""server:
  ip-address: {AUTHORITY}
  server-count: 1
  username: ""
  chroot: ""
  database: ""
  zonesdir: "{self.folder}/zones"
  pidfile: "{self.folder}/nsd.pid"
  xfrdfile: "{self.folder}/nsd.xfrd"
  zonelistfile: "{self.folder}/nsd.list"
  xfrdir: "{self.folder}"
  rrl-ratelimit: 0
remote-control:
  control-enable: no
{zones}""")
        self._start(["nsd", "-d", "-c", str(self.folder / "nsd.conf")], "nsd.log", AUTHORITY, 53)

    def start_unbound(self):
        (self.folder / "root.hints").write_text(f". 60 NS ns.\nns. 60 A {AUTHORITY}\n")
        (self.folder / "anchor").write_text(f". DS {' '.join(self.anchor)}\n")
        (self.folder / "unbound.conf").write_text(f"""server:
  interface: {UNBOUND}
  port: {UNBOUND_PORT}
  username: ""
  chroot: ""
  use-syslog: no
  directory: "{self.folder}"
  pidfile: "{self.folder}/unbound.pid"
  root-hints: "{self.folder}/root.hints"
  trust-anchor-file: "{self.folder}/anchor"
  trust-anchor-signaling: no
  do-not-query-localhost: no
  aggressive-nsec: no
  num-threads: 1
remote-control:
  control-enable: no
""")
        self._start(["unbound", "-d", "-p", "-c", str(self.folder / "unbound.conf")], "unbound.log", UNBOUND, UNBOUND_PORT)

    def delv_anchors(self):
        key, algorithm, kind, digest = self.anchor
        path = self.folder / "delv.anchors"
        path.write_text(f'trust-anchors {{ . static-ds {key} {algorithm} {kind} "{digest}"; }};\n')
        return path

    def end(self):
        for process in self.running:
            process.terminate()
        for process in self.running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            processes.end(process)


def question(name, type_name, identifier):
    """With DO and without CD (RFC 4035 section 3.2)."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.rstrip(".").split(".") if label)
    return (struct.pack("!6H", identifier, 0x0100, 1, 0, 0, 1) + labels + b"\0" + struct.pack("!2H", TYPES[type_name], 1) +
            b"\0" + struct.pack("!2HIH", 41, 1232, 0x8000, 0))


def verdict(address, port, name, type_name):
    """Of a resolver that validates: secure, insecure or bogus."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as opened:  # TCP: nothing is lost or cut
        opened.settimeout(ANSWER_SECONDS)
        try:
            opened.connect((address, port))
            opened.sendall(dns_client.frame(question(name, type_name, 4711)))
            octets = dns_client.receive_framed(opened)
        except OSError as trouble:
            return f"no answer ({trouble})"
    if not octets:
        return "no answer (closed)"
    flags = struct.unpack("!H", octets[2:4])[0]
    if flags & 15 == 2:
        return "bogus"
    return "secure" if flags & 0x20 else "insecure"


def excused(zone, ours, unbound, delv):
    """Why we may be of another mind than both, or None."""
    if "-p" in zone.what and ours == "insecure" and "secure" in (unbound, delv):
        return "a span that opts out earns no AD (RFC 5155 section 9.2)"
    return None


@scenario
@needs_own_daemon
def verdicts_on_random_spoilt_zones_are_those_of_others(context):
    count, seed = int(os.environ.get("REDOUBT_RANDOM_ZONES", "60")), os.environ.get("REDOUBT_RANDOM_SEED", "1")
    folder = context.own_folder()
    folder.mkdir(parents=True)
    site = Site(folder, count, seed)
    settings = {"resolution": {"root-hints": {"ns.": [AUTHORITY]}, "do-not-query": []},
                "validation": {"trust-anchors": [f". DS {' '.join(site.anchor)}"], "aggressive": False}}
    try:
        site.start_authority()
        site.start_unbound()
        with context.daemon(settings=settings):
            compare(context, site)
    finally:
        site.end()


def compare(context, site):
    anchors = site.delv_anchors()

    def judge(asked):
        zone, (name, type_name) = asked
        return zone, name, type_name, (verdict("127.0.0.1", 5300, name, type_name), verdict(UNBOUND, UNBOUND_PORT, name, type_name),
                                       delv_verdict(name, type_name, UNBOUND, UNBOUND_PORT, anchors))

    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        judged = list(pool.map(judge, [(zone, one) for zone in site.made for one in zone.questions]))
    tally, trouble, split = {}, [], []
    for zone, name, type_name, (ours, unbound, delv) in judged:
        tally[ours] = tally.get(ours, 0) + 1
        told = f"{name} {type_name}: {ours} here, {unbound} by unbound, {delv} by delv; {zone.what}"
        if ours == unbound == delv:
            tally["of one mind"] = tally.get("of one mind", 0) + 1
        elif ours in (unbound, delv):
            tally["the others differ"] = tally.get("the others differ", 0) + 1
            split.append(told)
        elif not excused(zone, ours, unbound, delv):
            trouble.append(told)
    context.figure(f"{len(judged)} verdicts in {len(site.made)} zones: {tally}")
    for told in split:
        print(f"split {told}", flush=True)
    for kind in ("secure", "insecure", "bogus"):
        check(tally.get(kind, 0) >= len(site.made) // 20, f"hardly anything was {kind}: {tally}")
    check(not trouble, "\n".join(trouble))
