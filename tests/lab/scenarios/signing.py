"""Zones that resolverctl signs: served by NSD, validated by Unbound and delv, while keys roll with a parent in the loop."""
import contextlib
import json
import pathlib
import shutil
import subprocess
import time

from kit import dns_client, processes
from kit.processes import LabError
from kit.runner import check, check_equal, scenario
from kit.tools import ask

PARENT, CHILD = "parent-sign", "child.parent-sign"
PARENT_SERVER, CHILD_SERVER, VALIDATOR = "127.53.0.1", "127.53.0.2", "127.53.0.3"
PORT, VALIDATOR_PORT = 5400, 5401
START_SECONDS = 20
ROLL_SECONDS = 120

APEX = """$TTL 2
@ SOA ns hostmaster 1 3600 600 86400 2
@ NS ns
ns A {server}
@ CAA 0 issue ";"
"""
DATA = 'www A 192.0.2.80\n* TXT "wild"\nalias CNAME www\na.empty A 192.0.2.81\n'
DELEGATION = f"child NS ns.child\nns.child A {CHILD_SERVER}\n"


class Site:
    """Two zones below one folder, their servers, and a validator that trusts the parent's key."""

    def __init__(self, context):
        self.folder = context.own_folder()
        self.folder.mkdir(parents=True)
        self.tool = pathlib.Path(context.programs) / "resolverctl"
        self.running = []
        (self.folder / "child.yaml").write_text("base: fast\n")

    def ctl(self, *arguments):
        result = subprocess.run([str(self.tool), "--json", *arguments], capture_output=True, text=True, timeout=60)
        check_equal(result.returncode, 0, f"resolverctl {' '.join(arguments)}: {result.stdout}{result.stderr}")
        return json.loads(result.stdout)

    def sign(self, zone, policy, *more):
        result = self.ctl("zone", "sign", str(self.folder / f"{zone}.zone"), "--policy", policy,
                          "--keys", str(self.folder / f"{zone}.keys"), "--origin", zone, *more)
        if result["written"]:
            self.reload(zone)
        return result

    def sign_child(self):
        return self.sign(CHILD, str(self.folder / "child.yaml"), "--parent", f"{PARENT_SERVER}@{PORT}",
                         "--secondary", f"{CHILD_SERVER}@{PORT}")

    def publish_parent(self, ds):
        text = APEX.format(server=PARENT_SERVER) + DELEGATION + "".join(f"child DS {one}\n" for one in sorted(ds))
        (self.folder / f"{PARENT}.zone").write_text(text)
        return self.sign(PARENT, "csk")

    def obey(self):
        """What a registry does: takes over the CDS that the child publishes (RFC 7344, RFC 8078)."""
        wanted = set(ask(CHILD, "CDS", CHILD_SERVER, PORT).data("CDS"))
        there = set(ask(CHILD, "DS", PARENT_SERVER, PORT).data("DS"))
        if wanted and wanted != there:
            self.publish_parent(set() if wanted == {"0 0 0 00"} else wanted)

    def reload(self, zone):
        for name, process in self.running:
            if name == zone:
                process.send_signal(1)  # SIGHUP: NSD reads its zone again

    def start(self, name, command, address, port):
        folder = self.folder / f"{name}.run"
        folder.mkdir(exist_ok=True)
        program = shutil.which(command[0])
        if program is None:
            raise LabError(f"{command[0]} is missing; scripts/deps lab installs it")
        copy = folder / command[0]  # AppArmor profiles go by path
        shutil.copy(program, copy)
        process = processes.start([str(copy), *command[1:]], folder / "log", cwd=folder)
        self.running.append((name, process))
        processes.wait_until(lambda: dns_client.exchange(CHILD, "SOA", address, port, seconds=0.2) is not None,
                             START_SECONDS, f"{command[0]} to answer at {address}")

    def start_nsd(self, zone, address):
        (self.folder / f"{zone}.conf").write_text(f"""server:
  ip-address: {address}@{PORT}
  server-count: 1
  username: ""
  chroot: ""
  database: ""
  zonesdir: "{self.folder}"
  pidfile: "{self.folder}/{zone}.pid"
  xfrdfile: "{self.folder}/{zone}.xfrd"
  zonelistfile: "{self.folder}/{zone}.list"
  xfrdir: "{self.folder}"
remote-control:
  control-enable: no
zone:
  name: "{zone}"
  zonefile: "{self.folder}/{zone}.zone.signed"
""")
        self.start(zone, ["nsd", "-d", "-c", str(self.folder / f"{zone}.conf")], address, PORT)

    def start_validator(self, anchor):
        (self.folder / "anchor").write_text(anchor + "\n")
        (self.folder / "unbound.conf").write_text(f"""server:
  interface: {VALIDATOR}
  port: {VALIDATOR_PORT}
  username: ""
  chroot: ""
  use-syslog: no
  directory: "{self.folder}"
  pidfile: "{self.folder}/unbound.pid"
  do-not-query-localhost: no
  trust-anchor-file: "{self.folder}/anchor"
  local-zone: "{PARENT}." nodefault
  harden-algo-downgrade: yes
  val-log-level: 2
  num-threads: 1
stub-zone:
  name: "{PARENT}"
  stub-addr: {PARENT_SERVER}@{PORT}
stub-zone:
  name: "{CHILD}"
  stub-addr: {CHILD_SERVER}@{PORT}
remote-control:
  control-enable: no
""")
        self.start("unbound", ["unbound", "-d", "-p", "-c", str(self.folder / "unbound.conf")], VALIDATOR, VALIDATOR_PORT)

    def end(self):
        for _, process in self.running:
            processes.send(process.pid, 15)
        for _, process in self.running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5)
            processes.end(process)

    def resolve(self, name, type_name):
        return ask(f"{name}{'.' if name else ''}{CHILD}", type_name, VALIDATOR, VALIDATOR_PORT, options=("+dnssec",))

    def wait_until_secure(self):
        """Each name that was asked for before by itself: the validator remembers of each that it was not."""
        for name, type_name in (("www", "A"), ("alias", "A"), ("www", "AAAA")):
            processes.wait_until(lambda: "ad" in self.resolve(name, type_name).flags, 30, f"a secure answer for {name} {type_name}")

    def check_resolves(self, secure):
        """Cached names and names that nobody asked for: an answer, a wildcard, an alias, and two proofs."""
        fresh = f"n{time.monotonic_ns()}"
        for name, type_name, status in (("www", "A", "NOERROR"), (fresh, "TXT", "NOERROR"), ("alias", "A", "NOERROR"),
                                        (f"{fresh}.www", "A", "NXDOMAIN"), ("www", "AAAA", "NOERROR")):
            answer = self.resolve(name, type_name)
            check_equal(answer.status, status, f"{name} {type_name} through the validator: {answer.text}")
            if secure:
                check("ad" in answer.flags, f"{name} {type_name} is not secure: {answer.text}")


@contextlib.contextmanager
def site(context):
    made = Site(context)
    try:
        (made.folder / f"{CHILD}.zone").write_text(APEX.format(server=CHILD_SERVER) + DATA)
        made.sign(CHILD, str(made.folder / "child.yaml"))
        anchor = made.publish_parent(set())["ds"][0]
        made.start_nsd(PARENT, PARENT_SERVER)
        made.start_nsd(CHILD, CHILD_SERVER)
        made.start_validator(anchor)
        yield made
    finally:
        made.end()


def turn_until(made, done, what, secure):
    """Runs the tool again and again, as a timer would, and asks the validator in between: there is always an answer."""
    deadline = time.monotonic() + ROLL_SECONDS
    while True:
        result = made.sign_child()
        if done(result):
            return result
        check(time.monotonic() < deadline, f"{what} took too long: {json.dumps(result, indent=1)}")
        made.obey()
        made.check_resolves(secure)
        time.sleep(0.5)  # the pace of the timer; nothing is synchronised by it


def at_rest(result):
    return result["parent-settled"] and not result["waiting"] and not any(key["leaving"] for key in result["keys"])


@scenario
def a_signed_zone_comes_under_its_parent_and_rolls_all_its_keys(context):
    with site(context) as made:
        made.check_resolves(secure=False)
        turn_until(made, at_rest, "the first DS", secure=False)
        made.wait_until_secure()
        before = {key["tag"]: key["role"] for key in made.sign_child()["keys"]}
        for role in ("zsk", "ksk"):
            tag = next(str(tag) for tag, its_role in before.items() if its_role == role)
            made.ctl("zone", "rollover", "start", CHILD, tag, "--keys", str(made.folder / f"{CHILD}.keys"))
            turn_until(made, lambda result: at_rest(result) and all(str(key["tag"]) != tag for key in result["keys"]),
                       f"the roll of the {role}", secure=True)
        made.check_resolves(secure=True)
        delv = subprocess.run(["delv", f"@{VALIDATOR}", "-p", str(VALIDATOR_PORT), "-a", str(trust_file(made)),
                               f"+root={PARENT}", f"www.{CHILD}", "A"], capture_output=True, text=True, timeout=30)
        check("; fully validated" in delv.stdout, f"delv: {delv.stdout}{delv.stderr}")


@scenario
def a_zone_goes_to_another_algorithm_and_out_of_dnssec_without_a_gap(context):
    with site(context) as made:
        turn_until(made, at_rest, "the first DS", secure=False)
        made.wait_until_secure()
        (made.folder / "child.yaml").write_text("base: fast\nalgorithm: ED25519\nlayout: csk\n")
        turn_until(made, lambda result: at_rest(result) and {key["algorithm"] for key in result["keys"]} == {"ED25519"},
                   "the roll to another algorithm", secure=True)
        made.check_resolves(secure=True)
        (made.folder / "child.yaml").write_text("base: fast\nlayout: unsigned\n")
        turn_until(made, lambda result: not result["keys"], "the way out of DNSSEC", secure=False)
        made.check_resolves(secure=False)
        check_equal(ask(CHILD, "DS", PARENT_SERVER, PORT).data("DS"), [], "the DS at the parent")


def verdicts_of_dnsviz(made, *names):
    """(Every status that dnsviz gives, every error and warning) for these names, asked at the zones' own servers."""
    def run(*arguments):
        done = subprocess.run(["dnsviz", *arguments], capture_output=True, text=True, timeout=120, cwd=made.folder)
        check_equal(done.returncode, 0, f"dnsviz {' '.join(arguments)}: {done.stderr}")
        return done.stdout

    run("probe", "-4", "-A", "-x", f"{PARENT}+:ns.{PARENT}={PARENT_SERVER}:{PORT}", "-x", f"{CHILD}:ns.{CHILD}={CHILD_SERVER}:{PORT}",
        "-o", "probe.json", *names)
    statuses, troubles = [], []

    def walk(value, path):
        if isinstance(value, list):
            for one in value:
                walk(one, path)
        elif isinstance(value, dict):
            for key, inner in value.items():
                if key == "status":
                    statuses.append((path, inner))
                elif key in ("errors", "warnings"):
                    troubles.append(f"{path}: {json.dumps(inner)}")
                else:
                    walk(inner, f"{path}/{key}")

    walk(json.loads(run("grok", "-l", "info", "-t", "anchor", "-r", "probe.json")), "")
    return statuses, troubles


@scenario
def dnsviz_finds_nothing_wrong_with_a_signed_zone_and_what_is_spoilt(context):
    if shutil.which("dnsviz") is None:
        raise LabError("dnsviz is missing; scripts/deps lab installs it")
    with site(context) as made:
        turn_until(made, at_rest, "the first DS", secure=False)
        made.wait_until_secure()
        made.ctl("zone", "sign", str(made.folder / f"{CHILD}.zone"), "--policy", "csk", "--keys", str(made.folder / "other.keys"),
                 "--origin", CHILD, "-o", str(made.folder / "foreign"))  # of other keys, for later
        statuses, troubles = verdicts_of_dnsviz(made, CHILD, f"www.{CHILD}", f"alias.{CHILD}")
        check_equal(troubles, [], "what dnsviz finds")
        said = [status for path, status in statuses if path.endswith("/delegation")]
        check_equal(said, ["SECURE"], f"the delegation: {statuses}")
        valid = [path for path, status in statuses if path.endswith("/rrsig") and status == "VALID"]
        check(len(valid) >= 10, f"hardly anything was looked at: {statuses}")
        context.figure(f"dnsviz: {len(valid)} sets of signatures valid, nothing found")
        shutil.copy(made.folder / "foreign", made.folder / f"{CHILD}.zone.signed")  # the DS fits none of these keys
        made.reload(CHILD)
        processes.wait_until(lambda: verdicts_of_dnsviz(made, CHILD)[1] != [], 60, "dnsviz to find what is wrong now")


def trust_file(made):
    """delv's own form of a trust anchor."""
    owner, _, _, tag, algorithm, kind, digest = (made.folder / "anchor").read_text().split()[:7]
    path = made.folder / "delv.anchors"
    path.write_text(f'trust-anchors {{ "{owner}" static-ds {tag} {algorithm} {kind} "{digest}"; }};\n')
    return path
