"""Zones made by chance and signed by ldns, most of them spoilt after that; and questions whose answers they decide.

Everything follows from a seed, but for the keys and the octets of signatures.
"""
import base64
import dataclasses
import hashlib
import pathlib
import random
import shutil
import struct
import subprocess

from .processes import LabError

SECONDS = 60
PARENT = "random."
ALGORITHMS = {8: "RSASHA256", 10: "RSASHA512", 13: "ECDSAP256SHA256", 14: "ECDSAP384SHA384", 15: "ED25519", 16: "ED448"}
# Above what we take, and BIND and unbound too (150): between the two limits they differ on purpose.
ITERATIONS = (0, 0, 0, 0, 1, 10, 50, 200)
LONG_AGO, FAR_AHEAD = ("20200101000000", "20200201000000"), ("20370101000000", "20370201000000")


@dataclasses.dataclass
class Record:
    owner: str
    ttl: str
    type: str
    rdata: list  # its fields

    def __str__(self):
        return f"{self.owner} {self.ttl} IN {self.type} {' '.join(self.rdata)}"

    def covers(self):
        return self.rdata[0] if self.type == "RRSIG" else self.type


@dataclasses.dataclass
class Made:
    zone: str
    what: str         # for a person: how it is signed, and what was spoilt
    records: list     # as the server gets them
    ds: list          # as the parent gets them
    questions: list   # (name, type)


def run(command, cwd):
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=SECONDS)
    if done.returncode != 0:
        raise LabError(f"{' '.join(map(str, command))} ended with {done.returncode}: {done.stderr or done.stdout}")
    return done.stdout


# --- keys

@dataclasses.dataclass(frozen=True)
class Key:
    flags: int
    algorithm: int
    public: str   # base64
    private: str  # the file's text
    tag: int

    def rdata(self):
        return struct.pack("!HBB", self.flags, 3, self.algorithm) + base64.b64decode(self.public)

    def base_for(self, zone, folder):
        """Its files under the name of that zone: keys are shared by zones, for making them takes longer than signing."""
        base = folder / f"K{zone}+{self.algorithm:03}+{self.tag:05}"
        pathlib.Path(f"{base}.key").write_text(f"{zone} IN DNSKEY {self.flags} 3 {self.algorithm} {self.public}\n")
        pathlib.Path(f"{base}.private").write_text(self.private)
        return str(base)


def make_keys(folder):
    """{algorithm: (key-signing key, zone-signing key)}"""
    keys = {}
    for number, name in ALGORITHMS.items():
        pair = []
        for options in (["-f", "KSK"], []):
            size = ["-b", "2048"] if "RSA" in name else []
            base = run(["dnssec-keygen", "-q", "-a", name, *size, *options, "keys."], folder).strip()
            fields = next(line for line in (folder / f"{base}.key").read_text().splitlines() if " DNSKEY " in line).split()
            pair.append(Key(int(fields[3]), number, "".join(fields[6:]), (folder / f"{base}.private").read_text(),
                            int(base.rsplit("+", 1)[1])))
        keys[number] = tuple(pair)
    return keys


def wire_of(name):
    return b"".join(bytes([len(label)]) + label.lower().encode() for label in name.rstrip(".").split(".") if label) + b"\0"


def ds_of(zone, key, digest=2):
    hashed = {1: hashlib.sha1, 2: hashlib.sha256, 4: hashlib.sha384}[digest](wire_of(zone) + key.rdata()).hexdigest()
    return [str(key.tag), str(key.algorithm), str(digest), hashed]


# --- what is in a zone

def content(rng, zone, server):
    """Its unsigned text, and questions about it."""
    lines = [f"{zone} 60 SOA ns.{zone} hostmaster.{zone} 1 3600 900 604800 60", f"{zone} 60 NS ns.{zone}", f"ns.{zone} 60 A {server}",
             *(f"www.{zone} 60 A 192.0.2.{number}" for number in rng.sample(range(1, 250), rng.randint(1, 4)))]
    asked = [("", "SOA"), ("", "NS"), ("", "DNSKEY"), ("", "TXT"), ("www", "A"), ("www", "A"), ("www", "TXT"), ("missing", "A"), ("x.y.missing", "A"),
             ("0", "A"), ("zzz", "TXT"), ("a.www", "A"), ("", "DS")]
    parts = {
        "wild": ([f"*.wild.{zone} 60 A 192.0.2.7"], [("a.wild", "A"), ("a.b.wild", "A"), ("a.wild", "TXT"), ("wild", "A"), ("*.wild", "A")]),
        "between": ([f"leaf.deep.between.{zone} 60 A 192.0.2.8"], [("between", "A"), ("deep.between", "TXT"), ("leaf.deep.between", "A"),
                                                                    ("x.between", "A")]),
        "alias": ([f"alias.{zone} 60 CNAME www.{zone}", f"dangling.{zone} 60 CNAME nowhere.{zone}"],
                  [("alias", "A"), ("alias", "TXT"), ("dangling", "A"), ("alias", "CNAME")]),
        "star": ([f"*.{zone} 60 TXT \"any\""], [("whatever", "TXT"), ("whatever", "A"), ("what.ever", "TXT"), ("what.www", "TXT")]),
        "dname": ([f"old.{zone} 60 DNAME new.{zone}", f"www.new.{zone} 60 A 192.0.2.9"], [("www.old", "A"), ("old", "DNAME"), ("no.old", "A")]),
        "cut": ([f"sub.{zone} 60 NS ns.sub.{zone}", f"ns.sub.{zone} 60 A {server}"], [("sub", "DS"), ("sub", "DS")]),
        "mail": ([f"{zone} 60 MX 10 www.{zone}", f"{zone} 60 TXT \"v=spf1 -all\""], [("", "MX"), ("", "TXT")]),
        "many": ([f"n{number}.{zone} 60 AAAA 2001:db8::{number}" for number in range(rng.randint(5, 20))], [("n1", "AAAA"), ("n2", "A"), ("n99", "A")]),
    }
    for more_lines, more_asked in rng.sample(list(parts.values()), rng.randint(1, len(parts))):
        lines += more_lines
        asked += more_asked
    return lines, [(f"{host}.{zone}" if host else zone, type_name) for host, type_name in asked]


# --- how it is spoilt: each takes the signed records and changes them in place

def changed_octet(text, rng):
    octets = bytearray(base64.b64decode(text))
    octets[rng.randrange(len(octets))] ^= 1 << rng.randrange(8)
    return base64.b64encode(octets).decode()


def some(records, rng, test):
    """One that passes the test, or one that nobody will miss."""
    found = [record for record in records if test(record)]
    return rng.choice(found) if found else Record("none.", "60", "RRSIG", ["A", "8", "1", "60", LONG_AGO[1], LONG_AGO[0], "1", ".", "AAAA"])


def a_signature(records, rng):
    """Of any RRset, those of the apex and of www more often, for they are asked for."""
    kinds = rng.choice((("A",), ("DNSKEY",), ("SOA",), ("NSEC", "NSEC3"), ("A", "AAAA", "TXT", "CNAME", "DNAME", "MX", "NS")))
    return some(records, rng, lambda record: record.type == "RRSIG" and record.rdata[0] in kinds)


def set_field(number, value):
    def spoil(records, rng):
        signature = a_signature(records, rng)
        signature.rdata[number] = value(signature.rdata[number], rng)
    return spoil


def altered_data(records, rng):
    record = some(records, rng, lambda one: one.type == "A")
    record.rdata = ["192.0.2.251"]


def dropped(test):
    def spoil(records, rng):
        victim = some(records, rng, test)
        records[:] = [one for one in records if one is not victim]
    return spoil


def dropped_all(test):
    def spoil(records, _):
        records[:] = [one for one in records if not test(one)]
    return spoil


def added_unsigned(records, _):
    apex = next(record for record in records if record.type == "SOA").owner
    records.append(Record(f"missing.{apex}", "60", "A", ["192.0.2.252"]))


def other_next_name(records, rng):
    denial = some(records, rng, lambda one: one.type == "NSEC")
    denial.rdata[0] = "zzzz." + denial.rdata[0]


def other_bitmap(records, rng):
    denial = some(records, rng, lambda one: one.type in ("NSEC", "NSEC3"))
    denial.rdata = [field for field in denial.rdata if field != "A"] if rng.random() < 0.5 else [*denial.rdata, "LOC"]


def nsec3_field(number, value):
    def spoil(records, rng):
        denial = some(records, rng, lambda one: one.type == "NSEC3")
        denial.rdata[number] = value(denial.rdata[number])
    return spoil


def other_parameters(records, _):
    for record in records:
        if record.type == "NSEC3PARAM":
            record.rdata[2] = "3"


def other_key_flags(value):
    def spoil(records, rng):
        some(records, rng, lambda one: one.type == "DNSKEY").rdata[0] = value
    return spoil


def is_signature_over(*types):
    return lambda record: record.type == "RRSIG" and record.rdata[0] in types


SPOILS = {
    "a signature altered": set_field(8, changed_octet),
    "labels of a signature one more": set_field(2, lambda old, _: str(int(old) + 1)),
    "labels of a signature one less": set_field(2, lambda old, _: str(max(int(old) - 1, 0))),
    "original TTL of a signature": set_field(3, lambda old, _: "3600"),
    "a signature expired": set_field(4, lambda old, _: LONG_AGO[1]),
    "a signature not yet valid": set_field(5, lambda old, _: FAR_AHEAD[0]),
    "tag of a signature": set_field(6, lambda old, _: str((int(old) + 1) & 0xFFFF)),
    "signer of a signature": set_field(7, lambda old, rng: rng.choice((PARENT, "www." + old, ".", "other." + PARENT))),
    "algorithm of a signature": set_field(1, lambda old, _: "13" if old != "13" else "8"),
    "data altered": altered_data,
    "a signature dropped": dropped(lambda record: record.type == "RRSIG"),
    "signature of an address dropped": dropped(is_signature_over("A")),
    "all signatures dropped": dropped_all(lambda record: record.type == "RRSIG"),
    "signatures of keys dropped": dropped_all(is_signature_over("DNSKEY")),
    "signatures of denials dropped": dropped_all(is_signature_over("NSEC", "NSEC3")),
    "a denial dropped": dropped(lambda record: record.type in ("NSEC", "NSEC3")),
    "all denials dropped": dropped_all(lambda record: record.covers() in ("NSEC", "NSEC3")),
    "all keys dropped": dropped_all(lambda record: record.type == "DNSKEY"),
    "a key dropped": dropped(lambda record: record.type == "DNSKEY"),
    "a key revoked": other_key_flags("385"),
    "a key for no zone": other_key_flags("0"),
    "unsigned data added": added_unsigned,
    "next name of an NSEC": other_next_name,
    "types of a denial": other_bitmap,
    # Only what NSD survives: it ends when one zone's NSEC3 have different hashes, salts or iterations.
    "opt-out of an NSEC3": nsec3_field(1, lambda old: "1" if old == "0" else "0"),
    "next hash of an NSEC3": nsec3_field(4, lambda old: old[1:] + old[0]),
    "iterations in NSEC3PARAM of NSEC3": other_parameters,
}


def flipped(ds):
    digest = ds[3]
    return [*ds[:3], ("0" if digest[0] != "0" else "1") + digest[1:]]


# Of what the parent says: each takes (zone, key-signing key, another key).
DELEGATIONS = {
    "no DS": lambda zone, key, other: [],
    "DS of another key": lambda zone, key, other: [ds_of(zone, other)],
    "digest of DS altered": lambda zone, key, other: [flipped(ds_of(zone, key))],
    "tag of DS": lambda zone, key, other: [[str((key.tag + 1) & 0xFFFF), *ds_of(zone, key)[1:]]],
    "DS of unknown algorithm": lambda zone, key, other: [[str(key.tag), "200", *ds_of(zone, key)[2:]]],
    "DS of unknown digest": lambda zone, key, other: [[str(key.tag), str(key.algorithm), "200", "00" * 32]],
    "DS of unknown algorithm beside a good one": lambda zone, key, other: [[str(key.tag), "200", *ds_of(zone, key)[2:]], ds_of(zone, key)],
    "DS of another key beside a good one": lambda zone, key, other: [ds_of(zone, other), ds_of(zone, key)],
    "DS by SHA-1 alone": lambda zone, key, other: [ds_of(zone, key, 1)],
    "DS by SHA-1, and by SHA-256 altered": lambda zone, key, other: [ds_of(zone, key, 1), flipped(ds_of(zone, key))],
    "DS by SHA-384": lambda zone, key, other: [ds_of(zone, key, 4)],
    "DS of the zone-signing key": lambda zone, key, other: [ds_of(zone, dataclasses.replace(other, flags=256))],
}


# --- making them

def parse(text):
    records = []
    for line in text.splitlines():
        fields = line.split(" ;")[0].split("\t")
        fields = [part for field in fields for part in field.split()]
        if len(fields) >= 5 and not line.startswith(";"):
            records.append(Record(fields[0], fields[1], fields[3], fields[4:]))
    return records


class Maker:
    """folder: where keys and zone files are."""

    def __init__(self, folder, server):
        self.folder = folder
        self.server = server
        self.keys = make_keys(folder)
        self.others = make_keys(folder)

    def sign(self, zone, lines, keys, options=()):
        plain, out = self.folder / "plain", self.folder / "out"
        plain.write_text("\n".join(lines) + "\n")
        run(["ldns-signzone", *options, "-o", zone, "-f", str(out), str(plain), *(key.base_for(zone, self.folder) for key in keys)],
            self.folder)
        for key in keys:
            for kind in ("key", "private"):
                pathlib.Path(f"{key.base_for(zone, self.folder)}.{kind}").unlink(missing_ok=True)
        return parse(out.read_text())

    def make(self, number, seed):
        rng = random.Random(f"{seed} {number}")
        zone = f"z{number}.{PARENT}"
        algorithm = rng.choice(list(self.keys))
        key, zone_key = self.keys[algorithm]
        other = self.others[rng.choice(list(self.others))][0]
        lines, questions = content(rng, zone, self.server)
        what, options = [ALGORITHMS[algorithm]], []
        if rng.random() < 0.5:
            iterations = rng.choice(ITERATIONS)
            options += ["-n", "-t", str(iterations), *(["-s", "BEEF"] if rng.random() < 0.3 else []), *(["-p"] if rng.random() < 0.2 else [])]
            what.append(f"NSEC3 {' '.join(options[1:])}")
        if rng.random() < 0.15:
            lines += [f"{zone} 60 DNSKEY {rng.choice((256, 257))} 3 {one[0].algorithm} {one[0].public}"
                      for one in rng.sample(list(self.others.values()), rng.randint(1, 4))]
            what.append("keys that sign nothing")
        dates = rng.choice((LONG_AGO, FAR_AHEAD)) if rng.random() < 0.05 else ()
        if dates:
            options += ["-i", dates[0], "-e", dates[1]]
            what.append(f"signatures from {dates[0]} to {dates[1]}")
        both = rng.random() < 0.8
        records = self.sign(zone, lines, (key, zone_key) if both else (key,), options)
        unfit = "an NSEC" if "-n" in options else "NSEC3"  # spoils that this zone has nothing for
        fit = [name for name in SPOILS if not name.endswith(unfit)]
        for spoil in rng.sample(fit, rng.choice((0, 0, 1, 1, 1, 2))):
            SPOILS[spoil](records, rng)
            what.append(spoil)
        ds = [ds_of(zone, key)]
        if rng.random() < 0.2:
            kind = rng.choice(list(DELEGATIONS))
            ds = DELEGATIONS[kind](zone, key, zone_key if both and "zone-signing" in kind else other)
            what.append(kind)
        return Made(zone, ", ".join(what), records, ds, rng.sample(questions, min(5, len(questions))))

    def parent_of(self, made):
        """The parent's and the root's records, and the root's DS."""
        key, zone_key = self.keys[13]
        lines = [f"{PARENT} 60 SOA ns.{PARENT} hostmaster.{PARENT} 1 3600 900 604800 60", f"{PARENT} 60 NS ns.{PARENT}",
                 f"ns.{PARENT} 60 A {self.server}"]
        for one in made:
            lines += [f"{one.zone} 60 NS ns.{one.zone}", f"ns.{one.zone} 60 A {self.server}",
                      *(f"{one.zone} 60 DS {' '.join(ds)}" for ds in one.ds)]
        root = [". 60 SOA ns. hostmaster. 1 3600 900 604800 60", ". 60 NS ns.", f"ns. 60 A {self.server}", f"{PARENT} 60 NS ns.{PARENT}",
                f"ns.{PARENT} 60 A {self.server}", f"{PARENT} 60 DS {' '.join(ds_of(PARENT, key))}"]
        return self.sign(PARENT, lines, (key, zone_key)), self.sign(".", root, (key, zone_key)), ds_of(".", key)


def write(folder, zone, records):
    name = "root" if zone == "." else zone.rstrip(".")
    (folder / f"{name}.zone").write_text("".join(f"{record}\n" for record in records))
    return f"{name}.zone"


def make_all(folder, server, count, seed):
    """Writes `count` zones, their parent and the root: (what was made, {zone: file}, the root's DS)."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    maker = Maker(folder, server)
    made = [maker.make(number, seed) for number in range(count)]
    parent, root, anchor = maker.parent_of(made)
    files = {one.zone: write(folder, one.zone, one.records) for one in made}
    files |= {PARENT: write(folder, PARENT, parent), ".": write(folder, ".", root)}
    return made, files, anchor
