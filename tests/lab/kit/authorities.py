"""The name servers of the plan, started in the lab's Internet."""
import contextlib
import os
import pathlib
import shutil
import signal
import string
import sys

from . import dns_client, namespaces, plan, processes, signed
from .processes import LabError

LAB = pathlib.Path(__file__).resolve().parent.parent
ZONES = "zones"  # below the lab's folder: a copy, for servers that give up root's rights to read any file
PROGRAMS = {"nsd": "/usr/sbin/nsd", "knot": "/usr/sbin/knotd", "bind": "/usr/sbin/named"}
START_SECONDS = 30


def zone_file(zone):
    return "root.zone" if zone == "." else zone.rstrip(".") + ".zone"


def _nsd(server, folder, zones_folder):
    everybody = '  provide-xfr: 0.0.0.0/0 NOKEY\n  provide-xfr: ::/0 NOKEY'  # as some root servers do (RFC 8806)
    zones = "\n".join(f'zone:\n  name: "{zone}"\n  zonefile: "{zone_file(zone)}"\n{everybody}' for zone in server.zones)
    listen = "\n".join(f"  ip-address: {address}" for address in server.addresses)
    return "nsd.conf", listen, zones, ["-d", "-c", str(folder / "nsd.conf")]


def _knot(server, folder, zones_folder):
    zones = "\n".join(f'  - domain: "{zone}"\n    file: "{zone_file(zone)}"' for zone in server.zones)
    listen = "  listen: [ " + ", ".join(f'"{address}@53"' for address in server.addresses) + " ]"
    return "knot.conf", listen, zones, ["-c", str(folder / "knot.conf")]


def _bind(server, folder, zones_folder):
    zones = "\n".join(f'zone "{zone}" {{ type primary; file "{zones_folder}/{zone_file(zone)}"; }};' for zone in server.zones)
    four = "".join(f" {address};" for address in server.addresses if ":" not in address)
    six = "".join(f" {address};" for address in server.addresses if ":" in address)
    listen = f"  listen-on port 53 {{{four or ' none;'} }};\n  listen-on-v6 port 53 {{{six or ' none;'} }};"
    return "named.conf", listen, zones, ["-g", "-n", "1", "-c", str(folder / "named.conf")]


WRITERS = {"nsd": _nsd, "knot": _knot, "bind": _bind}


def _command(server, folder, zones_folder):
    if server.program == "mute":
        return [sys.executable, str(LAB / "kit" / "mute.py"), *server.addresses]
    template_name, listen, zones, arguments = WRITERS[server.program](server, folder, zones_folder)
    template = string.Template((LAB / "servers" / template_name).read_text())
    (folder / template_name).write_text(
        template.substitute(listen=listen, zones=zones, folder=folder, zones_folder=zones_folder))
    program = PROGRAMS[server.program]
    if not pathlib.Path(program).exists():
        raise LabError(f"{program} is missing; scripts/deps lab installs it")
    # A copy, for AppArmor profiles go by path: Debian's lets named read nothing outside its usual folders.
    copy = folder / pathlib.Path(program).name
    shutil.copy(program, copy)
    return [str(copy), *arguments]


def start(folder, far):
    """Starts all of the plan's servers and returns once each answers for each of its zones at each address."""
    zones_folder = folder / ZONES
    shutil.copytree(LAB / "zones", zones_folder)
    signed.sign_all(zones_folder)
    started = []
    for server in plan.SERVERS:
        own = folder / "servers" / server.name
        own.mkdir(parents=True)
        log = own / "log"
        process = processes.start(namespaces.inside(far, _command(server, own, zones_folder)), log, cwd=own)
        started.append((server, process, log))
    for server, process, log in started:
        for zone in server.zones:
            for address in server.addresses:
                _wait_for(server, process, log, zone, address)


@contextlib.contextmanager
def stopped(name):
    """All processes of that server of the plan stand still for a time: it hears and does not answer."""
    place = f"/servers/{name}/".encode()
    def lives_there(pid):
        try:
            return place in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return False
    pids = [pid for pid in processes.descendants_of(os.getpid()) if lives_there(pid)]
    if not pids:
        raise LabError(f"no process of {name} is there to be stopped")
    for pid in pids:
        processes.send(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            processes.send(pid, signal.SIGCONT)


def _wait_for(server, process, log, zone, address):
    def answers():
        if process.poll() is not None:
            raise LabError(f"{server.program} ({server.name}) ended with {process.returncode}:\n" +
                           "\n".join(processes.tail(log)))
        reply = dns_client.exchange(zone, "SOA", address, 53, seconds=0.5)
        return reply is not None and reply.authoritative and reply.answers == 1

    try:
        processes.wait_until(answers, START_SECONDS, f"{server.name} to answer for {zone} at {address}")
    except LabError as trouble:
        raise LabError(f"{trouble}\n" + "\n".join(processes.tail(log))) from None
