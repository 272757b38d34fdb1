"""Signed zones for the lab, by three implementations, and some that are spoilt. Keys are fresh at each start."""
import dataclasses
import pathlib
import re
import string
import subprocess

from . import plan, processes
from .processes import LabError

SECONDS = 30
ANCHORS = "root.ds"  # beside the zone files

CONTENT = string.Template("""$$ORIGIN $zone
$$TTL 3600
@ SOA ns.$zone hostmaster.lab-tld. 1 3600 900 604800 60
@               NS    ns
ns              A     $four
www             A     192.0.2.80
www             AAAA  2001:db8::80
alias           CNAME www
to-plain        CNAME www.plain.signed-tld.
*.wild          A     192.0.2.42
leaf.between    A     192.0.2.9
old             DNAME new.$zone
www.new         A     192.0.2.81
$more
""")


@dataclasses.dataclass(frozen=True)
class Signed:
    zone: str
    signer: str               # bind, ldns, knot; none: unsigned
    algorithm: str = "ECDSAP256SHA256"
    nsec3: bool = False
    iterations: int = 0
    opt_out: bool = False
    dates: tuple = ()         # inception and expiration, for ldns-signzone
    spoil: str = ""           # a name of SPOILERS
    children: bool = False    # delegates all others


ZONES = [
    Signed("bind.signed-tld.", "bind", "RSASHA256"),
    Signed("bind3.signed-tld.", "bind", "ECDSAP256SHA256", nsec3=True),
    Signed("ldns.signed-tld.", "ldns", "RSASHA512"),
    Signed("ldns3.signed-tld.", "ldns", "ED25519", nsec3=True),
    Signed("knot.signed-tld.", "knot", "ecdsap384sha384"),
    Signed("knot3.signed-tld.", "knot", "ed448", nsec3=True),
    Signed("sha1.signed-tld.", "bind", "RSASHA1"),
    Signed("sha1nsec3.signed-tld.", "bind", "NSEC3RSASHA1", nsec3=True),
    Signed("opt-out.signed-tld.", "bind", nsec3=True, opt_out=True),
    Signed("iterated.signed-tld.", "bind", nsec3=True, iterations=100),
    Signed("plain.signed-tld.", "none"),
    Signed("expired.signed-tld.", "ldns", dates=("20200101000000", "20200201000000")),
    Signed("early.signed-tld.", "ldns", dates=("20370101000000", "20370201000000")),
    Signed("altered.signed-tld.", "ldns", spoil="altered"),
    Signed("stripped.signed-tld.", "ldns", spoil="stripped"),
    Signed("keyless.signed-tld.", "ldns", spoil="keyless"),
    Signed("other-ds.signed-tld.", "ldns", spoil="other-ds"),
    Signed("signed-tld.", "bind", nsec3=True, children=True),
]

SPOILERS = {
    "altered": lambda text: re.sub(r"(?m)^(www\.\S+\s+\d+\s+IN\s+A\s+)192\.0\.2\.80", r"\g<1>192.0.2.66", text),
    "stripped": lambda text: re.sub(r"(?m)^www\.\S+\s+\d+\s+IN\s+RRSIG\s+A\s.*\n", "", text),
    "keyless": lambda text: re.sub(r"(?m)^\S+\s+\d+\s+IN\s+DNSKEY\s.*\n", "", text),
    "other-ds": lambda text: text,
}


def _run(command, cwd, stdin=None):
    result = subprocess.run(command, cwd=cwd, input=stdin, capture_output=True, text=True, timeout=SECONDS)
    if result.returncode != 0:
        raise LabError(f"{' '.join(map(str, command))} ended with {result.returncode}: {result.stderr or result.stdout}")
    return result.stdout


def _key(folder, zone, algorithm):
    """A key for everything, made by BIND: the base of its file names."""
    size = ["-b", "2048"] if "RSA" in algorithm else []
    return _run(["dnssec-keygen", "-q", "-a", algorithm, *size, "-f", "KSK", zone], folder).strip()


def _ds(folder, base):
    return _run(["dnssec-dsfromkey", "-2", f"{base}.key"], folder).strip()


def _by_bind(zone, folder, plain, out):
    base = _key(folder, zone.zone, zone.algorithm)
    denial = ["-3", "-", "-H", str(zone.iterations), *(["-A"] if zone.opt_out else [])] if zone.nsec3 else []
    _run(["dnssec-signzone", "-q", "-P", "-S", "-z", "-K", str(folder), "-d", str(folder), "-o", zone.zone, *denial,
          "-f", str(out), str(plain)], folder)
    return _ds(folder, base)


def _by_ldns(zone, folder, plain, out):
    base = _key(folder, zone.zone, zone.algorithm)
    dates = ["-i", zone.dates[0], "-e", zone.dates[1]] if zone.dates else []
    denial = ["-n"] if zone.nsec3 else []
    _run(["ldns-signzone", *dates, *denial, "-o", zone.zone, "-f", str(out), str(plain), str(folder / base)], folder)
    return _ds(folder, base)


def _by_knot(zone, folder, plain, out):
    configuration = folder / "knot.conf"
    configuration.write_text(f"""server:
  rundir: "{folder}"
database:
  storage: "{folder}"
policy:
  - id: lab
    algorithm: {zone.algorithm}
    single-type-signing: on
    nsec3: {"on" if zone.nsec3 else "off"}
    nsec3-salt-length: 0
zone:
  - domain: "{zone.zone}"
    storage: "{folder}"
    file: "{plain}"
    dnssec-signing: on
    dnssec-policy: lab
""")
    signed = folder / "out"
    signed.mkdir()
    _run(["kzonesign", "-c", str(configuration), "-o", str(signed), zone.zone], folder)
    made = list(signed.iterdir())
    if len(made) != 1:
        raise LabError(f"kzonesign made {made}")
    made[0].rename(out)
    lines = _run(["keymgr", "-c", str(configuration), zone.zone, "ds"], folder).splitlines()
    return next(line for line in lines if re.search(r"DS\s+\d+\s+\d+\s+2\s", line))


SIGNERS = {"bind": _by_bind, "ldns": _by_ldns, "knot": _by_knot}


def sign_all(zones_folder):
    """Writes all zones of ZONES, and signs the root. Their DS records are in their parents."""
    four = plan.SIGNED_ADDRESS
    ds = {}
    for zone in ZONES:
        folder = zones_folder / "signing" / zone.zone
        folder.mkdir(parents=True)
        delegations = []
        for child in ZONES if zone.children else ():
            if child is not zone:
                delegations += [f"{child.zone} NS ns.{child.zone}", f"ns.{child.zone} A {four}", ds.get(child.zone, "")]
        plain = folder / "plain"
        plain.write_text(CONTENT.substitute(zone=zone.zone, four=four, more="\n".join(delegations)))
        out = zones_folder / f"{zone.zone.rstrip('.')}.zone"
        if zone.signer == "none":
            plain.rename(out)
            continue
        ds[zone.zone] = SIGNERS[zone.signer](zone, folder, plain, out)
        if zone.spoil:
            out.write_text(SPOILERS[zone.spoil](out.read_text()))
        if zone.spoil == "other-ds":
            ds[zone.zone] = _ds(folder, _key(folder, zone.zone, zone.algorithm))
    plan.DS_OF.update(ds)
    sign_root(zones_folder, f"signed-tld. NS ns.signed-tld.\nns.signed-tld. A {four}\n{ds['signed-tld.']}\n")


def sign_root(zones_folder, more):
    """Signed, and with its digest (RFC 8976), by another implementation than the one under test."""
    root = zones_folder / "root.zone"
    root.write_text(root.read_text() + more)
    folder = zones_folder / "signing"
    base = _key(folder, ".", "RSASHA256")
    _run(["ldns-signzone", "-z", "simple:sha384", "-o", ".", "-f", f"{root}.sealed", str(root), str(folder / base)], folder)
    pathlib.Path(f"{root}.sealed").rename(root)
    (zones_folder / ANCHORS).write_text(_ds(folder, base) + "\n")
    plan.TRUST_ANCHORS[:] = [_ds(folder, base)]
