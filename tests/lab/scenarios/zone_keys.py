"""Zone keys that only keykeeper has: resolverctl signs with them and never sees one."""
import base64
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import stat
import struct
import subprocess
import threading
import time

from kit import processes
from kit.processes import LabError
from kit.runner import check, check_equal, needs_own_daemon, scenario

from .encrypted import memory_holds

ZONE = "kept.example"
NAMES = 20_000


def write_zone(folder, names):
    text = "$TTL 60\n@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\nns A 192.0.2.53\n@ CAA 0 issue \";\"\n"
    (folder / "zone").write_text(text + "".join(f"n{number} A 192.0.2.{number % 256}\n" for number in range(names)))


def sign(daemon, *more, seconds=120):
    return daemon.ctl("zone", "sign", "zone", "--origin", ZONE, "--policy", "standard", "--keys", "keys", "--keykeeper", *more, seconds=seconds)


def signed(daemon, *more, what="zone sign"):
    """As sign(), which has to succeed: its output."""
    code, output, trouble = sign(daemon, *more)
    check_equal(code, 0, f"{what}: {output}{trouble}")
    return output


def verify_with_ldns(daemon):
    if shutil.which("ldns-verify-zone") is None:
        raise LabError("ldns-verify-zone is missing; scripts/deps lab installs it")
    done = subprocess.run(["ldns-verify-zone", str(daemon.folder / "zone.signed")], capture_output=True, text=True, timeout=60)
    check_equal(done.returncode, 0, f"ldns-verify-zone: {done.stdout[-500:]}{done.stderr[-500:]}")


@scenario
@needs_own_daemon
def a_zone_is_signed_with_keys_that_only_keykeeper_has(context):
    folder = context.folder / "vault-signs"
    with context.daemon(settings={"zone-keys": {"folder": str(folder)}}) as daemon:
        write_zone(daemon.folder, 300)
        signed(daemon)
        verify_with_ldns(daemon)
        code, output, trouble = daemon.ctl("zone", "verify", "zone.signed", "--origin", ZONE)
        check_equal(code, 0, f"zone verify: {output}{trouble}")
        here = sorted(path.suffix for path in (daemon.folder / "keys").glob("K*"))
        check_equal(here, [".key", ".key", ".keykeeper", ".keykeeper"], "files beside the zone")
        kept = sorted(path.suffix for path in folder.glob("K*"))
        check_equal(kept, [".key", ".key", ".sealed", ".sealed"], "keykeeper's files")
        check_equal(stat.S_IMODE(folder.stat().st_mode), 0o700, "mode of keykeeper's folder")
        for path in folder.glob("*.sealed"):
            check(path.read_text().startswith("redoubt-sealed-1 "), f"{path} is not sealed")
            check_equal(stat.S_IMODE(path.stat().st_mode), 0o600, f"mode of {path}")
        # Again, and after a new life of the daemon's keykeeper: nothing is due, and the keys are found.
        code, output, trouble = sign(daemon)
        check("nothing is due" in output, f"zone sign again: {output}{trouble}")
        os.kill(daemon.roles()["keykeeper"], signal.SIGKILL)
        signed(daemon, "--everything", what="zone sign after keykeeper began anew")
        verify_with_ldns(daemon)
        code, output, trouble = daemon.ctl("key", "export", next((daemon.folder / "keys").glob("*.key")).stem, "--keys", "keys")
        check(code != 0, f"a private half came out: {output}")


@scenario
@needs_own_daemon
def a_zone_key_is_in_no_memory_but_keykeepers(context):
    folder = context.folder / "vault-searched"
    passphrase = context.folder / "zone-passphrase"
    passphrase.write_text("correct horse battery staple\n")
    passphrase.chmod(0o600)
    with context.daemon(settings={"zone-keys": {"folder": str(folder), "passphrase-file": str(passphrase)}}) as daemon:
        write_zone(daemon.folder, 100)
        signed(daemon)
        # With the passphrase, the tool opens the same files: what is searched for.
        needles = []
        for path in sorted(folder.glob("*.sealed")):
            code, text, trouble = daemon.ctl("key", "export", path.stem, "--keys", str(folder), "--passphrase-file", str(passphrase))
            check_equal(code, 0, f"key export: {trouble}")
            number = base64.b64decode(re.search(r"^PrivateKey: (\S+)$", text, re.MULTILINE).group(1))
            check_equal(len(number), 32, "octets of the key")
            needles += [number, number[::-1], base64.b64encode(number)]
        signed(daemon, "--everything")
        holders = {role for role, pid in {**daemon.roles(), "monitor": daemon.process.pid}.items() if memory_holds(pid, needles)}
        check_equal(holders, {"keykeeper"}, "processes with a zone key in their memory")
        maps = pathlib.Path(f"/proc/{daemon.roles()['keykeeper']}/smaps").read_text()
        check(re.search(r"^VmFlags:.* lo( |$)", maps, re.MULTILINE), "keykeeper has no locked memory")
        # The passphrase's file is read again in each life, by the same descriptor.
        for life in range(2):
            os.kill(daemon.roles()["keykeeper"], signal.SIGKILL)
            signed(daemon, "--everything", what=f"zone sign in keykeeper's life {life + 2}")


@scenario
@needs_own_daemon
def keykeeper_killed_while_it_signs_leaves_the_old_output(context):
    with context.daemon(settings={"zone-keys": {"folder": str(context.folder / "vault-killed")}}) as daemon:
        write_zone(daemon.folder, 100)
        signed(daemon)
        before = (daemon.folder / "zone.signed").read_bytes()
        write_zone(daemon.folder, NAMES)
        stop = threading.Event()

        def kill_again_and_again():
            while not stop.wait(0.02):
                victim = daemon.roles().get("keykeeper")
                if victim:
                    processes.send(victim, signal.SIGKILL)

        killer = threading.Thread(target=kill_again_and_again)
        killer.start()
        try:
            code, output, trouble = sign(daemon)
        finally:
            stop.set()
            killer.join()
        check(code != 0, f"a run without its keys has signed: {output}")
        check("resolverd at" in output + trouble, f"the error says not who: {output}{trouble}")
        check_equal((daemon.folder / "zone.signed").read_bytes(), before, "the output")
        processes.wait_until(lambda: sign(daemon)[0] == 0, 60, "keykeeper to be back")
        verify_with_ldns(daemon)


@scenario
@needs_own_daemon
def a_zone_key_is_taken_away_and_not_while_the_zone_needs_it(context):
    folder = context.folder / "vault-deletes"
    with context.daemon(settings={"zone-keys": {"folder": str(folder)}}) as daemon:
        write_zone(daemon.folder, 20)
        output = signed(daemon)
        keys = {role: re.search(rf"made (\S+) \({role}\)", output).group(1) for role in ("ksk", "zsk")}
        daemon.wait_for_line(re.escape(f"{keys['ksk']} signed the DNSKEY RRset of {ZONE}."), 10)
        # One that the zone needs stays; one that nobody uses goes, and nobody takes it for another signer's afterwards.
        before = (daemon.folder / "zone.signed").read_bytes()
        for key in keys.values():
            code, output, trouble = daemon.ctl("key", "delete", key, "--keys", "keys")
            check(code != 0 and "DNSKEY RRset" in output + trouble, f"key delete of a key in use: {output}{trouble}")
            check((folder / f"{key}.sealed").exists(), f"{key} is gone")
        code, output, trouble = daemon.ctl("key", "generate", "--zone", ZONE, "--role", "zsk", "--keykeeper", "--keys", "keys")
        check_equal(code, 0, f"key generate: {output}{trouble}")
        spare = pathlib.Path(output.strip()).stem
        code, output, trouble = daemon.ctl("key", "delete", spare, "--keys", "keys")
        check_equal(code, 0, f"key delete of a spare key: {output}{trouble}")
        check_equal([path.name for path in folder.glob(f"{spare}*")], [], "what keykeeper has of it")
        check("; Retired: " in (daemon.folder / "keys" / f"{spare}.key").read_text(), f"{spare}.key does not say that it is retired")
        signed(daemon, what="zone sign without it")
        check_equal((daemon.folder / "zone.signed").read_bytes(), before, "the output")
        # A key whose file is taken out of the folder signs no more, open as it was; back again, it does.
        sealed = folder / f"{keys['zsk']}.sealed"
        sealed.rename(context.folder / "taken-out")
        code, output, trouble = sign(daemon, "--everything")
        check(code != 0 and "resolverd at" in output + trouble, f"a key without a file has signed: {output}{trouble}")
        check_equal((daemon.folder / "zone.signed").read_bytes(), before, "the output")
        (context.folder / "taken-out").rename(sealed)
        signed(daemon, "--everything", what="zone sign with the file back")
        code, output, trouble = daemon.ctl("key", "delete", keys["zsk"], "--keys", "keys", "--force")
        check_equal(code, 0, f"key delete --force: {output}{trouble}")
        check(not sealed.exists(), "the sealed file is still there")
        check(sign(daemon, "--everything")[0] != 0, "a key that was deleted has signed")


def signing_input(algorithm, tag, rr_type, rdata):
    """What is under a signature over one record at the apex (RFC 4034 §3.1.8.1), good for a day."""
    name = b"".join(bytes([len(label)]) + label.encode() for label in ZONE.split(".")) + b"\0"
    now = int(time.time())
    prefix = struct.pack("!HBBIIIH", rr_type, algorithm, ZONE.count(".") + 1, 60, now + 86400, now - 3600, tag) + name
    return prefix + name + struct.pack("!HHIH", rr_type, 1, 60, len(rdata)) + rdata


def ask_for_signature(socket_path, key, rr_type, rdata):
    """The status of control's answer to whoever can open its socket, without resolverctl."""
    algorithm, tag = (int(part) for part in key.split("+")[1:])
    body = json.dumps({"zone": ZONE, "algorithm": algorithm, "tag": tag,
                       "sets": [base64.b64encode(signing_input(algorithm, tag, rr_type, rdata)).decode()]}).encode()
    with socket.socket(socket.AF_UNIX) as talk:
        talk.settimeout(20)
        talk.connect(str(socket_path))
        talk.sendall(b"POST /v1/keys/sign HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        answer = b""
        while chunk := talk.recv(65536):
            answer += chunk
    return int(answer.split(b" ")[1]), answer


@scenario
@needs_own_daemon
def a_key_signs_what_its_role_signs_whoever_asks(context):
    with context.daemon(settings={"zone-keys": {"folder": str(context.folder / "vault-roles")}}) as daemon:
        write_zone(daemon.folder, 20)
        code, output, trouble = sign(daemon)
        check_equal(code, 0, f"zone sign: {output}{trouble}")
        keys = {role: re.search(rf"made (\S+) \({role}\)", output).group(1) for role in ("ksk", "zsk")}
        dnskey = base64.b64decode("".join((daemon.folder / "keys" / f"{keys['ksk']}.key").read_text().split()[7:]))
        dnskey = struct.pack("!HBB", 257, 3, 13) + dnskey
        for role, rr_type, rdata, expected in (("ksk", 48, dnskey, 200), ("zsk", 1, bytes(4), 200),
                                               ("zsk", 48, dnskey, 409), ("ksk", 1, bytes(4), 409)):
            status, answer = ask_for_signature(daemon.settings["control"]["socket"], keys[role], rr_type, rdata)
            check_equal(status, expected, f"a {role} and a set of type {rr_type}: {answer}")
            check(expected == 200 or b"and this key is a " in answer, f"another reason: {answer}")
