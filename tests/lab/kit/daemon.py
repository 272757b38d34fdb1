"""One resolverd under test: its configuration, its life, its roles, its tool."""
import json
import os
import pathlib
import re
import signal
import subprocess
import time

from . import dns_client, plan, processes
from .processes import LabError

NOBODY = 65534
ROLES = ("control", "keykeeper", "transport", "resolver")
DEFAULT_LISTEN = ("127.0.0.1@5300", "::1@5300")
START_SECONDS = 10
END_SECONDS = 60  # of patience with an orderly end


def to_yaml(settings):
    """One key a line; values in JSON's notation, which YAML reads."""
    return "".join(f"{key}: {json.dumps(value)}\n" for key, value in settings.items())


def lab_settings(folder, listen=DEFAULT_LISTEN, http="127.0.0.1@8053"):
    """What makes a resolverd one of the lab: its root servers, and everything it writes in one folder."""
    return {
        "listen": [{"address": address, "transports": ["udp", "tcp"]} for address in listen],
        "workers": 2,
        "state": str(folder / "state"),
        "control": {"socket": str(folder / "control.sock"), "http": http},
        "resolution": {"root-hints": plan.ROOT_HINTS},
        "validation": {"trust-anchors": plan.TRUST_ANCHORS},
    }


class Daemon:
    """Use as a context: it starts resolverd, and its end leaves no process behind.

    settings   keys that are set beside, or instead of, those of lab_settings()
    user       a numeric user to run as; None: as the lab itself (root)
    arguments  of resolverd, behind its configuration
    """

    def __init__(self, programs, folder, settings=None, user=None, listen=DEFAULT_LISTEN, arguments=()):
        self.arguments = arguments
        self.programs = programs
        self.folder = folder
        self.user = user
        self.settings = lab_settings(folder, listen) | (settings or {})
        self.configuration = folder / "redoubt.yaml"
        self.log_path = folder / "resolverd.log"
        self.process = None
        folder.mkdir(parents=True)
        if user is not None:
            os.chown(folder, user, user)
        self.configure()

    def configure(self, text=None):
        """Writes the configuration: the settings, or this text. Takes effect at start or reload."""
        fresh = self.configuration.with_suffix(".new")
        fresh.write_text(to_yaml(self.settings) if text is None else text)
        fresh.rename(self.configuration)

    def launch(self):
        """Executes resolverd and returns at once."""
        identity = {} if self.user is None else {"user": self.user, "group": self.user, "extra_groups": []}
        command = [str(self.programs / "resolverd"), "--config", str(self.configuration), *self.arguments]
        self.launched_at = self.mark()  # an earlier run's lines are no news
        self.process = processes.start(command, self.log_path, cwd=self.folder, **identity)

    def __enter__(self):
        self.launch()
        try:
            self.wait_for_line(r"\bready\b", START_SECONDS, since=self.launched_at)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
        self.remove_leftovers()

    def kill(self):
        """Without asking. Its roles have to notice by themselves."""
        self.process.kill()
        self.process.wait()

    def leftovers(self):
        """Processes of resolverd that have lost their monitor: they became our children."""
        return [pid for pid, command in processes.children_of(os.getpid()).items()
                if pid != self.process.pid and any(word.startswith("--role") for word in command)]

    def remove_leftovers(self):
        for pid in self.leftovers():
            processes.send(pid, signal.SIGKILL)
        processes.wait_until(lambda: not self.leftovers(), 5, "killed roles to be gone")

    # --- what it says

    def lines(self):
        return self.log_path.read_text(errors="replace").splitlines() if self.log_path.exists() else []

    def mark(self):
        """A place in the log, for lines_since()."""
        return len(self.lines())

    def wait_for_line(self, pattern, seconds, since=0):
        def found():
            for line in self.lines()[since:]:
                if re.search(pattern, line):
                    return line
            if self.process.poll() is not None:
                raise LabError(f"resolverd ended with {self.process.returncode}: " + " | ".join(self.lines()[-3:]))
            return None

        return processes.wait_until(found, seconds, f"a log line with {pattern!r}")

    # --- its roles

    def roles(self):
        """{role: pid} of the children that live now."""
        found = {}
        for pid, command in processes.children_of(self.process.pid).items():
            text = " ".join(command)
            match = re.search(r"--role[= ](\w+)", text)
            if match:
                found[match.group(1)] = pid
        return found

    def wait_for_roles(self, seconds=START_SECONDS):
        return processes.wait_until(lambda: (lambda now: now if set(now) == set(ROLES) else None)(self.roles()), seconds,
                                    "all roles to live")

    # --- its tool

    def ctl(self, *arguments, seconds=60, as_user=None):
        """Runs resolverctl against this daemon's socket: (exit code, standard output, standard error)."""
        command = [str(self.programs / "resolverctl"), "--socket", self.settings["control"]["socket"], *arguments]
        user = self.user if as_user is None else as_user
        identity = {} if user is None else {"user": user, "group": user, "extra_groups": []}
        result = subprocess.run(command, capture_output=True, text=True, timeout=seconds, cwd=self.folder, **identity)
        return result.returncode, result.stdout, result.stderr

    def ctl_json(self, *arguments):
        code, output, trouble = self.ctl("--json", *arguments)
        if code != 0:
            raise AssertionError(f"resolverctl --json {' '.join(arguments)} ended with {code}: {output}{trouble}")
        return json.loads(output)

    def trace_json(self, *arguments):
        """What `resolverctl --json trace` tells: {"steps": [...], and what its last line has}."""
        code, output, trouble = self.ctl("--json", "trace", *arguments)
        if code != 0:
            raise AssertionError(f"resolverctl --json trace {' '.join(arguments)} ended with {code}: {output}{trouble}")
        *steps, result = [json.loads(line) for line in output.splitlines()]
        return {"steps": steps, **result}

    # --- what it answers

    def answers(self, name="www.alpha.lab-tld", type_name="A", address="127.0.0.1", port=5300, seconds=5.0):
        reply = dns_client.exchange(name, type_name, address, port, seconds)
        return reply is not None and reply.rcode == "NOERROR" and reply.answers > 0


def first_answer_seconds(daemon, name="www.alpha.lab-tld"):
    """From exec to the first answer that a client gets which asks every millisecond."""
    with dns_client.datagram_socket("127.0.0.1", 5300) as opened:
        octets = dns_client.query(name, "A", 4711)
        opened.settimeout(0.001)
        began = time.monotonic()
        daemon.launch()
        while time.monotonic() - began < processes.LOADED * START_SECONDS:
            try:
                opened.send(octets)
                reply = dns_client.parse(opened.recv(65535))
                if reply and reply.rcode == "NOERROR" and reply.answers:
                    return time.monotonic() - began
            except (ConnectionRefusedError, TimeoutError):
                if daemon.process.poll() is not None:
                    raise LabError("resolverd ended: " + " | ".join(daemon.lines()[-3:])) from None
                time.sleep(0.0005)
    raise LabError(f"no answer within {processes.LOADED * START_SECONDS} s")
