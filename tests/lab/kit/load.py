"""A steady stream of questions that counts what becomes of each."""
import random
import selectors
import socket
import statistics
import threading
import time

from . import dns_client, processes

CACHED = ["www.alpha.lab-tld", "www.beta.knot-tld", "www.gamma.bind-tld"]
WILD = ["wild.alpha.lab-tld", "wild.beta.knot-tld", "wild.gamma.bind-tld"]
PATIENCE = 5.0  # what dig and most stub resolvers wait


def questions():
    """Half of them cached names, half names that nobody asked for before, which have to be looked up."""
    while True:
        if random.getrandbits(1):
            yield random.choice(CACHED)
        else:
            yield f"n{random.getrandbits(60):x}.{random.choice(WILD)}"


class _Load(threading.Thread):
    """started, answered: counts of questions. latencies: of answered ones, seconds from first sending to the answer."""

    def __init__(self, rate):
        super().__init__(daemon=True)
        self.rate = rate
        self.sent = 0
        self.latencies = []
        self.rcodes = {}
        self._stop_asking = threading.Event()

    @property
    def lost(self):
        return self.sent - len(self.latencies)

    @property
    def slowest(self):
        return max(self.latencies, default=0.0)

    def count(self, reply, since):
        self.latencies.append(time.monotonic() - since)
        self.rcodes[reply.rcode] = self.rcodes.get(reply.rcode, 0) + 1

    def wait_for_more(self, answers):
        """Until so many have come after those that are there by now: whatever the machine's pace, it is under way."""
        wanted = len(self.latencies) + answers
        processes.wait_until(lambda: len(self.latencies) >= wanted, 5 + 5 * answers / self.rate, f"{answers} answers more")

    def finish(self):
        """Asks nothing more, waits for what is under way, and returns itself."""
        self._stop_asking.set()
        self.join(PATIENCE + 10)
        return self

    def summary(self):
        median = statistics.median(self.latencies) * 1000 if self.latencies else 0
        return (f"{self.sent} asked, {self.lost} lost, {self.rcodes}, "
                f"median {median:.1f} ms, slowest {self.slowest * 1000:.0f} ms")


class DatagramLoad(_Load):
    """UDP at a steady rate. repeat_after: seconds after which an unanswered question is sent again, as stub resolvers do;
    None: never, and every loss is seen."""

    def __init__(self, rate, address="127.0.0.1", port=5300, repeat_after=None):
        super().__init__(rate)
        self.server = (address, port)
        self.repeat_after = repeat_after

    def run(self):
        sockets = [dns_client.datagram_socket(*self.server) for _ in range(8)]
        ready = selectors.DefaultSelector()
        for opened in sockets:
            opened.setblocking(False)
            ready.register(opened, selectors.EVENT_READ)
        names = questions()
        waiting = {}  # (socket, id) -> [octets, first sent, last sent]
        due = time.monotonic()
        while not self._stop_asking.is_set() or waiting:
            now = time.monotonic()
            while due <= now and not self._stop_asking.is_set():
                self._ask(random.choice(sockets), next(names), waiting, now)
                due += 1 / self.rate
            for key, _ in ready.select(timeout=max(0.0, min(due - time.monotonic(), 0.02))):
                self._read(key.fileobj, waiting)
            self._look_after(waiting, time.monotonic())
        for opened in sockets:
            opened.close()

    def _ask(self, opened, name, waiting, now):
        identifier = random.getrandbits(16)
        while (opened, identifier) in waiting:
            identifier = random.getrandbits(16)
        octets = dns_client.query(name, "A", identifier)
        waiting[opened, identifier] = [octets, now, now]
        self.sent += 1
        self._send(opened, octets)

    @staticmethod
    def _send(opened, octets):
        try:
            opened.send(octets)
        except OSError:
            pass  # a refusal from before; the question counts as lost if nothing comes

    def _read(self, opened, waiting):
        while True:
            try:
                octets = opened.recv(65535)
            except BlockingIOError:
                return
            except ConnectionRefusedError:
                continue
            reply = dns_client.parse(octets)
            entry = waiting.pop((opened, reply.identifier), None) if reply else None
            if entry:
                self.count(reply, entry[1])

    def _look_after(self, waiting, now):
        for (opened, identifier), entry in list(waiting.items()):
            if now - entry[1] > PATIENCE:
                del waiting[opened, identifier]
            elif self.repeat_after and now - entry[2] > self.repeat_after:
                entry[2] = now
                self._send(opened, entry[0])


class StreamLoad(_Load):
    """TCP: one question at a time on a connection that is made again when it breaks, until the question's patience ends."""

    def __init__(self, rate, address="127.0.0.1", port=5300):
        super().__init__(rate)
        self.server = (address, port)

    def run(self):
        connection = None
        for name in questions():
            if self._stop_asking.is_set():
                break
            since = time.monotonic()
            self.sent += 1
            while time.monotonic() - since < PATIENCE:
                try:
                    if connection is None:
                        connection = socket.create_connection(self.server, timeout=PATIENCE)
                    connection.settimeout(max(0.01, PATIENCE - (time.monotonic() - since)))
                    reply = self._exchange(connection, name)
                    if reply:
                        self.count(reply, since)
                        break
                except OSError:
                    time.sleep(0.01)
                if connection is not None:
                    connection.close()
                    connection = None
            time.sleep(max(0.0, 1 / self.rate - (time.monotonic() - since)))
        if connection is not None:
            connection.close()

    @staticmethod
    def _exchange(connection, name):
        identifier = random.getrandbits(16)
        connection.sendall(dns_client.frame(dns_client.query(name, "A", identifier)))
        octets = dns_client.receive_framed(connection)
        reply = dns_client.parse(octets) if octets else None
        return reply if reply and reply.identifier == identifier else None
