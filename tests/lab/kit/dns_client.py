"""As much DNS as load and readiness need, independent of the product's own code. Real clients (tools.py) do the rest."""
import dataclasses
import random
import socket
import struct
import time

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "TXT": 16, "AAAA": 28}
RCODES = {0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED"}


@dataclasses.dataclass(frozen=True)
class Reply:
    identifier: int
    rcode: str
    authoritative: bool
    truncated: bool
    answers: int
    octets: bytes


def query(name, type_name, identifier, recursion_desired=True):
    """The octets of a question; name is plain text without escapes."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.rstrip(".").split(".") if label)
    flags = 0x0100 if recursion_desired else 0
    return struct.pack("!6H", identifier, flags, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!2H", TYPES[type_name], 1)


def parse(octets):
    """None for what is too short to be a reply, or is none."""
    if len(octets) < 12:
        return None
    identifier, flags, _, answers, _, _ = struct.unpack("!6H", octets[:12])
    if not flags & 0x8000:
        return None
    return Reply(identifier, RCODES.get(flags & 15, str(flags & 15)), bool(flags & 0x0400), bool(flags & 0x0200), answers, octets)


def datagram_socket(address, port, source=None):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_DGRAM)
    if source:
        opened.bind((source, 0))
    opened.connect((address, port))
    return opened


def exchange(name, type_name, address, port, seconds=5.0):
    """One question by datagram, asked once; None when nobody answers in time or nobody listens."""
    identifier = random.getrandbits(16)
    deadline = time.monotonic() + seconds
    with datagram_socket(address, port) as opened:
        try:
            opened.send(query(name, type_name, identifier))
            while (left := deadline - time.monotonic()) > 0:
                opened.settimeout(left)
                reply = parse(opened.recv(65535))
                if reply and reply.identifier == identifier:
                    return reply
        except (ConnectionRefusedError, socket.timeout):
            pass
    return None


def receive_framed(opened):
    """One message of a TCP connection (RFC 1035 §4.2.2), or None at its end."""
    def exactly(count):
        octets = b""
        while len(octets) < count:
            part = opened.recv(count - len(octets))
            if not part:
                return None
            octets += part
        return octets

    size = exactly(2)
    return None if size is None else exactly(struct.unpack("!H", size)[0])


def frame(octets):
    return struct.pack("!H", len(octets)) + octets
