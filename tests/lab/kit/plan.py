"""The lab's Internet: which program serves which zones at which addresses.

The zone files are in tests/lab/zones, named after their zones; the comments there say what each zone is for.
Two network namespaces are joined by one cable: the servers live in one, resolverd and its clients in the other.
"""
import dataclasses

PREFIX_LENGTH_4 = 16
PREFIX_LENGTH_6 = 32

# Addresses of the side of resolverd and its clients.
CLIENT_ADDRESSES = ["10.53.255.1", "10.53.255.2", "fd00:53:ff::1", "fd00:53:ff::2"]
# Clients that cannot be private ones (RFC 5737, RFC 3849): the access list refuses them.
FOREIGN_ADDRESSES = ["192.0.2.200", "2001:db8::200"]
# Resolvers that scenarios start beside resolverd. BIND listens only at addresses that an interface has.
RESOLVER_ADDRESSES = ["127.0.0.53", "127.0.0.54"]

ROOT_HINTS = {"a.root.": ["10.53.0.1", "fd00:53::1"]}
TRUST_ANCHORS = []  # the root's DS, once its zone is signed
DS_OF = {}          # of the other signed zones
SIGNED_ADDRESS = "10.53.4.1"
SIGNED_ZONES = ("signed-tld.", "bind.signed-tld.", "bind3.signed-tld.", "ldns.signed-tld.", "ldns3.signed-tld.",
                "knot.signed-tld.", "knot3.signed-tld.", "sha1.signed-tld.", "sha1nsec3.signed-tld.",
                "opt-out.signed-tld.", "iterated.signed-tld.", "plain.signed-tld.", "expired.signed-tld.",
                "early.signed-tld.", "altered.signed-tld.", "stripped.signed-tld.", "keyless.signed-tld.",
                "other-ds.signed-tld.")


@dataclasses.dataclass(frozen=True)
class Server:
    name: str
    program: str  # nsd, knot, bind, or mute: takes questions and never answers
    addresses: tuple
    zones: tuple


SERVERS = [
    Server("root", "nsd", ("10.53.0.1", "fd00:53::1"), (".",)),
    Server("tld-nsd", "nsd", ("10.53.1.1", "fd00:53:1::1"), ("lab-tld.",)),
    Server("tld-knot", "knot", ("10.53.1.2", "fd00:53:1::2"), ("knot-tld.",)),
    Server("tld-bind", "bind", ("10.53.1.3", "fd00:53:1::3"), ("bind-tld.",)),
    Server("zones-nsd", "nsd", ("10.53.2.1", "fd00:53:2::1"), ("alpha.lab-tld.", "delta.lab-tld.")),
    Server("zones-nsd-two", "nsd", ("10.53.2.2",), ("epsilon.lab-tld.", "zeta.lab-tld.")),
    Server("zones-knot", "knot", ("10.53.2.3", "fd00:53:2::3"), ("beta.knot-tld.", "iota.knot-tld.")),
    Server("zones-bind", "bind", ("10.53.2.4", "fd00:53:2::4"),
           ("gamma.bind-tld.", "hosting.bind-tld.", "kappa.iota.knot-tld.")),
    Server("zones-six", "nsd", ("fd00:53:2::6",), ("six.lab-tld.",)),
    Server("lame", "nsd", ("10.53.3.1",), ("unrelated.lab-tld.",)),
    Server("signed", "nsd", (SIGNED_ADDRESS,), SIGNED_ZONES),
    Server("mute", "mute", ("10.53.3.2", "10.53.3.3"), ()),
]
