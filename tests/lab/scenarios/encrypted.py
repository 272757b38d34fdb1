"""DNS over TLS and HTTPS: real clients, certificates that change, and a key that only one process has."""
import base64
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import time

from kit import dns_client, plan, processes
from kit.processes import LabError
from kit.runner import check, check_equal, needs_own_daemon, scenario
from kit.tools import ask

NAME = "dns.redoubt.example"
DOT = 8853
DOH = 8443
LISTEN = [{"address": "127.0.0.1@5300", "transports": ["udp", "tcp"]},
          {"address": f"127.0.0.1@{DOT}", "transports": ["tls"]},
          {"address": f"127.0.0.1@{DOH}", "transports": ["https"], "path": "/dns-query"}]


def settings(**tls):
    return {"listen": LISTEN, "tls": {"names": [NAME], **tls}}


def ask_by_tls(name, *options):
    return ask(name, tool="kdig", port=DOT, tcp=True, options=["+tls", *options])


def own_certificate(daemon):
    return daemon.folder / "state" / "certificate.pem"


def strict(daemon):
    """Options of kdig that trust this server's own certificate, and nobody else's."""
    return [f"+tls-ca={own_certificate(daemon)}", f"+tls-hostname={NAME}"]


def s_client(*options, give=b""):
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{DOT}", "-servername", NAME, *options]
    result = subprocess.run(command, input=give, capture_output=True, timeout=60)
    return result.stdout.decode(errors="replace") + result.stderr.decode(errors="replace")


def serial():
    """The serial number of the certificate that is shown now."""
    shown = ssl.get_server_certificate(("127.0.0.1", DOT))
    return subprocess.run(["openssl", "x509", "-noout", "-serial"], input=shown, capture_output=True, text=True,
                          check=True).stdout.strip()


def make_files(folder, days="30"):
    """A key and a certificate of its own, as an ACME client leaves them."""
    folder.mkdir(exist_ok=True)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", str(folder / "new.key"), "-out", str(folder / "new.pem"), "-days", days, "-subj", "/CN=lab",
                    "-addext", f"subjectAltName=DNS:{NAME}"], check=True, capture_output=True)
    for name in ("key", "pem"):
        (folder / f"new.{name}").rename(folder / f"server.{name}")
    (folder / "server.key").chmod(0o600)


def tls_connection(context=None):
    context = context or ssl._create_unverified_context()
    context.set_alpn_protocols(["dot"])
    return context.wrap_socket(socket.create_connection(("127.0.0.1", DOT), timeout=30), server_hostname=NAME)


def exchange(connection, name, identifier=7):
    connection.sendall(dns_client.frame(dns_client.query(name, "A", identifier)))
    return dns_client.parse(dns_client.receive_framed(connection))


@scenario
@needs_own_daemon
def kdig_and_openssl_find_a_server_that_speaks_tls(context):
    with context.daemon(settings=settings()) as daemon:
        answer = ask_by_tls("www.alpha.lab-tld", *strict(daemon))
        check_equal((answer.status, answer.data("A")), ("NOERROR", ["192.0.2.80"]), "kdig with authentication by name")
        wrong = ask_by_tls("www.alpha.lab-tld", f"+tls-ca={own_certificate(daemon)}", "+tls-hostname=other.example")
        check_equal(wrong.status, "NONE", "kdig that expects another name")
        tls13 = s_client("-tls1_3", "-alpn", "dot", "-CAfile", str(own_certificate(daemon)), "-verify_hostname", NAME)
        for expected in ("Verification: OK", "TLSv1.3", "ALPN protocol: dot"):
            check(expected in tls13, f"s_client does not say {expected!r}: {tls13}")
        tls12 = s_client("-tls1_2", "-CAfile", str(own_certificate(daemon)), "-verify_hostname", NAME)
        check("Verification: OK" in tls12 and "ECDHE-ECDSA" in tls12, f"s_client with TLS 1.2: {tls12}")
        check("Secure Renegotiation IS supported" in tls12, "RFC 5746 is not offered")
        for old in ("-tls1", "-tls1_1"):
            said = s_client(old, "-cipher", "ALL:@SECLEVEL=0")
            check("New, (NONE)" in said, f"s_client {old} came through: {said}")
        refused = s_client("-tls1_2", give=b"R\n")
        check("RENEGOTIATING" not in refused or "no renegotiation" in refused or "error" in refused.lower(),
              f"renegotiation: {refused}")
        shown = [listener["transports"] for listener in daemon.ctl_json("status")["listeners"]]
        check_equal(shown, [listener["transports"] for listener in LISTEN], "what status says of the listeners")


@scenario
@needs_own_daemon
def the_same_certificate_is_shown_after_a_restart(context):
    with context.daemon(settings=settings()) as daemon:
        first = own_certificate(daemon).read_text()
        check_equal(ask_by_tls("www.alpha.lab-tld", *strict(daemon)).status, "NOERROR", "before")
        for role in ("keykeeper", "transport", "control"):
            old = daemon.roles()[role]
            processes.send(old, 9)
            processes.wait_until(lambda: daemon.roles().get(role) not in (None, old), 10, f"a new {role}")
            processes.wait_until(lambda: ask_by_tls("www.alpha.lab-tld", *strict(daemon)).status == "NOERROR", 15,
                                 f"an answer by TLS after {role} was killed")
            check_equal(own_certificate(daemon).read_text(), first, f"the certificate after {role} was killed")
    with daemon:
        check_equal(ask_by_tls("www.alpha.lab-tld", *strict(daemon)).status, "NOERROR", "after a restart")
        check_equal(own_certificate(daemon).read_text(), first, "the certificate after a restart")


@scenario
@needs_own_daemon
def files_that_change_are_used_without_losing_a_connection(context):
    folder = context.folder / "certificates"
    make_files(folder)
    files = {"certificate": str(folder / "server.pem"), "key": str(folder / "server.key")}
    # The files are looked at every ten seconds, which is as long as idle connections are kept to begin with.
    patient = settings(**files) | {"limits": {"stream-idle-time": 60_000}}
    with context.daemon(settings=patient) as daemon, tls_connection() as standing:
        before = serial()
        check_equal(exchange(standing, "www.alpha.lab-tld").rcode, "NOERROR", "before the change")
        make_files(folder)
        processes.wait_until(lambda: serial() != before, 25, "the new certificate to be shown")
        check_equal(exchange(standing, "www.beta.knot-tld").rcode, "NOERROR", "on the connection that was open meanwhile")
        # A file that does not fit its key changes nothing.
        fresh = serial()
        mark = daemon.mark()
        shutil.copy(folder / "server.pem", folder / "kept.pem")
        (folder / "server.pem").write_text("-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----\n")
        daemon.wait_for_line("the former certificate stays", 25, since=mark)
        check_equal(serial(), fresh, "the certificate after a faulty file")
        check_equal(exchange(standing, "www.alpha.lab-tld").rcode, "NOERROR", "after a faulty file")
        # Expiry is told.
        mark = daemon.mark()
        make_files(folder, days="5")
        daemon.wait_for_line(r"expires in [45] days", 25, since=mark)
        check(metric("redoubt_tls_certificate_expiry_seconds") > time.time(), "the metric of the certificate's end")


def metric(name):
    from kit.tools import http
    text = http("/metrics")[2]
    found = re.search(rf"^{name}(?:\{{[^\n]*\}})? ([0-9.e+]+)$", text, re.M)
    if not found:
        raise LabError(f"there is no metric {name}")
    return float(found.group(1))


@scenario
@needs_own_daemon
def sessions_are_resumed_and_answers_come_at_once(context):
    with context.daemon(settings=settings()) as daemon:
        client = ssl.create_default_context(cafile=str(own_certificate(daemon)))
        client.minimum_version = ssl.TLSVersion.TLSv1_3
        waits = []
        session = None
        daemon.answers()
        for _ in range(30):
            plain = socket.create_connection(("127.0.0.1", DOT), timeout=30)
            with client.wrap_socket(plain, server_hostname=NAME, session=session) as connection:
                began = time.monotonic()
                reply = exchange(connection, "www.alpha.lab-tld")
                waits.append(time.monotonic() - began)
                check_equal(reply.rcode, "NOERROR", "an answer")
                check(session is None or connection.session_reused, "the session was not resumed")
                session = connection.session
        median = sorted(waits)[len(waits) // 2]
        context.figure(f"first answer of a new TLS connection, median of {len(waits)}: {median * 1000:.2f} ms")
        # 40 ms is what a forgotten TCP_NODELAY costs, each time.
        check(min(waits) < 0.03, f"no first answer comes before {min(waits) * 1000:.1f} ms")
        check(metric("redoubt_tls_handshakes_resumed_total") >= 29, "resumed handshakes are not counted")


def private_number(key_file):
    """The secret scalar of a P-256 key: 32 octets, the most significant first."""
    text = subprocess.run(["openssl", "ec", "-in", str(key_file), "-noout", "-text"], capture_output=True, text=True,
                          check=True).stdout
    found = re.search(r"priv:\n((?:\s+[0-9a-f:]+\n)+)", text)
    return bytes.fromhex(re.sub(r"[\s:]", "", found.group(1)))[-32:]


def memory_holds(pid, needles):
    """Whether any of these octets is found in what that process can read."""
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, rights, *_ = line.split()
            first, last = (int(part, 16) for part in span.split("-"))
            if "r" not in rights or "[vvar]" in line or "[vsyscall]" in line:
                continue
            kept = b""
            while first < last:
                try:
                    memory.seek(first)
                    part = memory.read(min(1 << 20, last - first))
                except (OSError, ValueError, OverflowError):
                    break
                if not part:
                    break
                if any(needle in kept + part for needle in needles):
                    return True
                kept, first = part[-200:], first + len(part)
    return False


@scenario
@needs_own_daemon
def the_private_key_is_in_no_memory_but_keykeepers(context):
    folder = context.folder / "key-in-memory"
    make_files(folder)
    number = private_number(folder / "server.key")
    body = (folder / "server.key").read_text().splitlines()[1]
    check_equal(len(number), 32, "octets of the key")
    # As a number in either order, and as the file has it.
    needles = (number, number[::-1], body.encode())
    files = {"certificate": str(folder / "server.pem"), "key": str(folder / "server.key")}
    with context.daemon(settings=settings(**files)) as daemon:
        for _ in range(20):
            with tls_connection() as connection:
                check_equal(exchange(connection, "www.alpha.lab-tld").rcode, "NOERROR", "an answer")
        holders = {role for role, pid in {**daemon.roles(), "monitor": daemon.process.pid}.items()
                   if memory_holds(pid, needles)}
        check_equal(holders, {"keykeeper"}, "processes with the key in their memory")
        limits = pathlib.Path(f"/proc/{daemon.roles()['keykeeper']}/limits").read_text()
        check(re.search(r"Max core file size\s+0\s+0", limits), f"keykeeper may leave a core dump: {limits}")


def curl(daemon, *options, path="/dns-query", give=None):
    """(status line and fields, body) of one request by HTTP/2."""
    command = ["curl", "--silent", "--show-error", "--include", "--http2", "--max-time", "30", "--cacert",
               str(own_certificate(daemon)), *options, f"https://127.0.0.1:{DOH}{path}"]
    result = subprocess.run(command, input=give, capture_output=True, timeout=60)
    head, _, body = result.stdout.partition(b"\r\n\r\n")
    return head.decode(errors="replace").lower() + result.stderr.decode(errors="replace"), body


def base64url(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


@scenario
@needs_own_daemon
def kdig_asks_by_https_with_get_and_post(context):
    with context.daemon(settings=settings()) as daemon:
        for how in (["+https"], ["+https", "+https-get"]):
            options = [*how, *strict(daemon)]
            answer = ask("www.alpha.lab-tld", tool="kdig", port=DOH, tcp=True, options=options)
            check_equal((answer.status, answer.data("A")), ("NOERROR", ["192.0.2.80"]), f"kdig {how}")
            denied = ask("missing.beta.knot-tld", tool="kdig", port=DOH, tcp=True, options=options)
            check_equal(denied.status, "NXDOMAIN", f"kdig {how}, a name that does not exist")
            large = ask("large.beta.knot-tld", "TXT", tool="kdig", port=DOH, tcp=True, options=options)
            check(len(large.data("TXT")) > 20, f"kdig {how}, a large answer: {large.text[:300]}")
        dig = ask("www.alpha.lab-tld", port=DOH, tcp=True, options=["+https", f"+tls-ca={own_certificate(daemon)}",
                                                                    f"+tls-hostname={NAME}"])
        check_equal((dig.status, dig.data("A")), ("NOERROR", ["192.0.2.80"]), "dig +https")


@scenario
@needs_own_daemon
def curl_gets_answers_with_their_lifetime(context):
    message = dns_client.query("www.alpha.lab-tld", "A", 0)
    with context.daemon(settings=settings()) as daemon:
        known = ask("www.alpha.lab-tld").answers[0].ttl
        for options, path, give in (([], f"/dns-query?dns={base64url(message)}", None),
                                    (["--data-binary", "@-", "-H", "content-type: application/dns-message"], "/dns-query",
                                     message)):
            head, body = curl(daemon, *options, path=path, give=give)
            check("http/2 200" in head and "content-type: application/dns-message" in head, head)
            reply = dns_client.parse(body)
            check_equal((reply.identifier, reply.rcode, reply.answers), (0, "NOERROR", 1), "the answer")
            lifetime = int(re.search(r"cache-control: max-age=(\d+)", head).group(1))
            check(known - 5 <= lifetime <= known, f"max-age is {lifetime}, the TTL was {known}")
            check("access-control" not in head, f"other sites' pages may read answers: {head}")
        for path, status in (("/", 200), ("/nowhere", 404), ("/dns-query", 400), ("/dns-query?dns=***", 400)):
            head, body = curl(daemon, path=path)
            check(f"http/2 {status}" in head, f"{path}: {head}")
            check(path != "/" or b"/dns-query" in body, "the page does not name the path")
        head, _ = curl(daemon, "--http1.1", path=f"/dns-query?dns={base64url(message)}")
        check("http/1.1 426" in head and "upgrade: h2" in head and "connection: upgrade, close" in head, f"HTTP/1.1: {head}")


@scenario
@needs_own_daemon
def clients_outside_the_access_list_are_refused_by_every_transport(context):
    with context.daemon(settings={**settings(), "access": {"allow": ["192.0.2.0/24"]}}) as daemon:
        check_equal(ask("www.alpha.lab-tld").status, "REFUSED", "by UDP")
        check_equal(ask("www.alpha.lab-tld", tcp=True).status, "REFUSED", "by TCP")
        check_equal(ask_by_tls("www.alpha.lab-tld", *strict(daemon)).status, "REFUSED", "by TLS")
        answer = ask("www.alpha.lab-tld", tool="kdig", port=DOH, tcp=True, options=["+https", *strict(daemon)])
        check_equal(answer.status, "REFUSED", "by HTTPS")


@scenario
@needs_own_daemon
def encrypted_listeners_are_found_and_answers_are_padded(context):
    with context.daemon(settings=settings()) as daemon:
        found = ask("_dns.resolver.arpa", "SVCB")
        texts = " | ".join(record.data for record in found.answers)
        check_equal(len(found.answers), 2, f"records in {found.text}")
        for expected in (NAME, 'alpn="dot"', f"port={DOT}", 'alpn="h2"', f"port={DOH}", "ipv4hint=127.0.0.1", "/dns-query{?dns}"):
            check(expected in texts, f"{expected} is missing in {texts}")
        for port, how in ((DOT, "+tls"), (DOH, "+https")):
            for name in ("www.alpha.lab-tld", "tour.alpha.lab-tld", "missing.beta.knot-tld"):
                answer = ask(name, tool="kdig", port=port, tcp=True, options=[how, "+padding", *strict(daemon)])
                size = int(re.search(r"Received (\d+) B", answer.text).group(1))
                check_equal(size % 468, 0, f"{how} {name}: {size} octets, what is beyond blocks of 468")
            bare = ask("www.alpha.lab-tld", tool="kdig", port=port, tcp=True, options=[how, "+nopadding", *strict(daemon)])
            check(int(re.search(r"Received (\d+) B", bare.text).group(1)) < 468, f"{how}: padded although nobody asked")
        plain = ask("www.alpha.lab-tld", tool="kdig", tcp=True, options=["+padding=128"])
        check(int(re.search(r"Received (\d+) B", plain.text).group(1)) < 468, "padded in the clear")


def exchange_until(connection, name, wanted, patience=30):
    """Asks by this connection until the answer has that code."""
    end = time.monotonic() + patience
    while (answer := exchange(connection, name)).rcode != wanted and time.monotonic() < end:
        time.sleep(0.02)
    return answer


@scenario
@needs_own_daemon
def what_transport_answers_by_itself_follows_flushes_reloads_and_crashes(context):
    """By one long connection: after its third question a name is answered without the resolver, which must not be seen."""
    name = "www.alpha.lab-tld"
    near = "redoubt_stream_near_answers_total"  # its first row: NOERROR
    with context.daemon(settings=settings()) as daemon, tls_connection() as connection:

        def asked_often():
            for _ in range(8):
                answer = exchange(connection, name)
                check_equal((answer.rcode, answer.octets[-4:]), ("NOERROR", bytes([192, 0, 2, 80])), "its answer")

        def reload(access):
            daemon.settings["access"] = access
            daemon.configure()
            code, output, trouble = daemon.ctl("reload")
            check_equal(code, 0, f"exit code of reload ({output}{trouble})")

        asked_often()
        answered = metric(near)
        check(answered >= 4, f"{answered} of eight answers came without the resolver")
        check(metric("redoubt_answers_total") >= 8, "answers of transport are not counted with the others")
        misses = metric("redoubt_cache_misses_total")
        code, output, trouble = daemon.ctl("cache", "flush", name)
        check_equal(code, 0, f"exit code of cache flush ({output}{trouble})")
        asked_often()
        check(metric("redoubt_cache_misses_total") > misses, "a flushed name is answered from what transport kept")
        check(metric(near) > answered, "nothing is left to transport after a flush")
        reload({"allow": ["192.0.2.0/24"]})
        check_equal(exchange_until(connection, name, "REFUSED").rcode, "REFUSED", "after a reload that lets nobody in")
        reload({"allow": ["127.0.0.0/8"]})
        exchange_until(connection, name, "NOERROR")
        asked_often()
        before = daemon.roles()["resolver"]
        os.kill(before, signal.SIGKILL)
        asked_often()
        processes.wait_until(lambda: daemon.roles().get("resolver") not in (None, before), 5, "the resolver to be started again")
        asked_often()
