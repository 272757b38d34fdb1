"""A zone that resolverctl signs, below a parent that BIND signs and serves, which takes over CDS with BIND's own dnssec-cds."""
import json
import subprocess

from kit import processes
from kit.runner import check, check_equal, scenario
from kit.tools import ask

from . import signing
from .signing import (APEX, CHILD, CHILD_SERVER, DATA, DELEGATION, PARENT, PARENT_SERVER, PORT, VALIDATOR, VALIDATOR_PORT, Site, at_rest,
                      trust_file, turn_until)

AN_HOUR_OF_BACKDATING = "-7200"  # signatures begin an hour ago; dnssec-cds wants none from before the last DS set


def plain(ds):
    """In one form, however a tool breaks up the digest."""
    tag, algorithm, kind, *digest = ds.split()
    return f"{tag} {algorithm} {kind} {''.join(digest).upper()}"


class BindSite(Site):
    """named signs the parent zone with a key of its own."""

    def __init__(self, context):
        super().__init__(context)
        self.serial = 1
        self.taken_over = 0

    def publish_parent(self, ds):
        self.serial += 1
        text = (APEX.format(server=PARENT_SERVER).replace("hostmaster 1 ", f"hostmaster {self.serial} ") + DELEGATION +
                "".join(f"child DS {one}\n" for one in sorted(ds)))
        (self.folder / f"{PARENT}.zone").write_text(text)
        self.reload(PARENT)
        if any(name == PARENT for name, _ in self.running):
            processes.wait_until(lambda: self.served() == {plain(one) for one in ds}, 20, "named to serve the new DS")

    def served(self):
        return {plain(one) for one in ask(CHILD, "DS", PARENT_SERVER, PORT).data("DS")}

    def start_parent(self):
        """Returns a trust anchor."""
        # named listens at addresses that an interface has; others of 127.0.0.0/8 only work for those who bind them.
        subprocess.run(["ip", "address", "replace", f"{PARENT_SERVER}/8", "dev", "lo"], check=True)
        self.publish_parent(set())
        (self.folder / f"{PARENT}.run").mkdir()
        (self.folder / "named.conf").write_text(f"""options {{
  directory "{self.folder}/{PARENT}.run";
  pid-file "{self.folder}/named.pid";
  session-keyfile "{self.folder}/session.key";
  managed-keys-directory "{self.folder}/{PARENT}.run";
  listen-on port {PORT} {{ {PARENT_SERVER}; }};
  listen-on-v6 {{ none; }};
  recursion no;
  dnssec-validation no;
  notify no;
}};
controls {{ }};
zone "{PARENT}" {{
  type primary;
  file "{self.folder}/{PARENT}.zone";
  dnssec-policy default;
  inline-signing yes;
}};
""")
        self.start(PARENT, ["named", "-g", "-c", str(self.folder / "named.conf")], PARENT_SERVER, PORT)
        processes.wait_until(lambda: ask(PARENT, "SOA", PARENT_SERVER, PORT, options=("+dnssec",)).data("RRSIG"), 20, "named to sign")
        key = next((self.folder / f"{PARENT}.run").glob("K*.key"))
        return subprocess.run(["dnssec-dsfromkey", "-2", str(key)], capture_output=True, text=True, check=True).stdout.strip()

    def child_says(self):
        """DNSKEY, CDS and CDNSKEY with their signatures, as the child's server has them."""
        lines = []
        for kind in ("DNSKEY", "CDS", "CDNSKEY"):
            lines.append(subprocess.run(["dig", f"@{CHILD_SERVER}", "-p", str(PORT), "+dnssec", "+norec", "+noall", "+answer", CHILD, kind],
                                        capture_output=True, text=True, check=True).stdout)
        return "".join(lines)

    def obey(self):
        there = self.served()
        if not there:  # a first DS needs a person, or RFC 9615
            return super().obey()
        (self.folder / "child.answers").write_text(self.child_says())
        known = self.folder / f"dsset-{CHILD}."
        known.write_text("".join(f"{CHILD}. 2 IN DS {one}\n" for one in sorted(there)))
        run = subprocess.run(["dnssec-cds", "-s", AN_HOUR_OF_BACKDATING, "-f", str(self.folder / "child.answers"), "-d", str(known), CHILD],
                             capture_output=True, text=True, timeout=30)
        check_equal(run.returncode, 0, f"dnssec-cds: {run.stdout}{run.stderr}")
        wanted = {plain(line.split(" DS ")[1]) for line in run.stdout.splitlines() if " DS " in line}
        if wanted != there:
            self.taken_over += 1
            self.publish_parent(wanted)
        return None

    def check_resolves(self, secure):
        super().check_resolves(secure)
        if not secure:
            return
        delv = subprocess.run(["delv", f"@{VALIDATOR}", "-p", str(VALIDATOR_PORT), "-a", str(trust_file(self)), f"+root={PARENT}",
                               f"www.{CHILD}", "A"], capture_output=True, text=True, timeout=30)
        check("; fully validated" in delv.stdout, f"delv: {delv.stdout}{delv.stderr}")


@scenario
def keys_and_algorithms_roll_below_a_parent_that_bind_signs(context):
    made = BindSite(context)
    try:
        (made.folder / f"{CHILD}.zone").write_text(APEX.format(server=CHILD_SERVER) + DATA)
        made.sign(CHILD, str(made.folder / "child.yaml"))
        anchor = made.start_parent()
        made.start_nsd(CHILD, CHILD_SERVER)
        made.start_validator(anchor)
        turn_until(made, at_rest, "the first DS", secure=False)
        made.wait_until_secure()
        ksk = next(str(key["tag"]) for key in made.sign_child()["keys"] if key["role"] == "ksk")
        made.ctl("zone", "rollover", "start", CHILD, ksk, "--keys", str(made.folder / f"{CHILD}.keys"))
        turn_until(made, lambda result: at_rest(result) and all(str(key["tag"]) != ksk for key in result["keys"]), "the roll of the KSK", secure=True)
        check(made.taken_over >= 1, "dnssec-cds took nothing over")
        (made.folder / "child.yaml").write_text("base: fast\nalgorithm: ED25519\n")
        turn_until(made, lambda result: at_rest(result) and {key["algorithm"] for key in result["keys"]} == {"ED25519"},
                   "the roll to another algorithm", secure=True)
        check(made.taken_over >= 2, f"dnssec-cds took over {made.taken_over} DS sets only")
        context.figure(f"{made.taken_over} DS sets taken over by dnssec-cds, {json.dumps(signing.ROLL_SECONDS)} s allowed for each roll")
    finally:
        made.end()
