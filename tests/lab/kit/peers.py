"""Programs of others beside resolverd, for one scenario: certificates for them, a web server, a life that ends with it."""
import base64
import contextlib
import hashlib
import pathlib
import shutil
import subprocess

from . import namespaces, processes
from .processes import LabError

NAME = "dns.redoubt.example"
START_SECONDS = 20


def program(name):
    """Its path. A lab without one of its programs fails and says so: a scenario that skips itself tests nothing."""
    found = shutil.which(name, path="/usr/bin:/usr/sbin:/bin:/sbin")
    if not found:
        raise LabError(f"{name} is missing; scripts/deps lab installs it")
    return found


class Certificates:
    """An authority of the lab's own, and what it has certified: NAME and 127.0.0.0/8's addresses that the lab uses."""

    def __init__(self, folder, addresses=("127.0.0.1", "127.0.0.53")):
        folder.mkdir(parents=True)
        self.authority = folder / "authority.pem"
        self.certificate = folder / "server.pem"
        self.key = folder / "server.key"
        names = ",".join([f"DNS:{NAME}", *(f"IP:{address}" for address in addresses)])
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        self._openssl("req", "-x509", *curve, "-keyout", folder / "authority.key", "-out", self.authority, "-days", "30",
                      "-subj", "/CN=The lab's authority", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
        self._openssl("req", *curve, "-keyout", self.key, "-out", folder / "request.pem", "-subj", f"/CN={NAME}")
        (folder / "extensions").write_text(f"subjectAltName={names}\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n")
        self._openssl("x509", "-req", "-in", folder / "request.pem", "-CA", self.authority, "-CAkey", folder / "authority.key",
                      "-days", "20", "-extfile", folder / "extensions", "-out", self.certificate)
        self.key.chmod(0o600)

    @staticmethod
    def _openssl(*arguments):
        done = subprocess.run([program("openssl"), *map(str, arguments)], capture_output=True, text=True)
        if done.returncode != 0:
            raise LabError(f"openssl {arguments[0]}: {done.stderr.strip()}")

    def pin(self):
        """SHA-256 of the public key in base64 (RFC 7858 section 4.2)."""
        pipe = f"openssl x509 -in '{self.certificate}' -pubkey -noout | openssl pkey -pubin -outform der"
        der = subprocess.run(["sh", "-c", pipe], capture_output=True, check=True).stdout
        return base64.b64encode(hashlib.sha256(der).digest()).decode()


@contextlib.contextmanager
def running(context, name, arguments, ready, files=None):
    """A program in a folder of its own, from the moment that ready() is true on.

    arguments, files   texts in which @FOLDER@ stands for that folder; files: {name: content}
    The program is copied there, for AppArmor profiles go by path and keep Debian's unbound from files of the lab.
    """
    source = program(name)
    folder = context.own_folder()
    folder.mkdir(parents=True)
    for file, text in (files or {}).items():
        (folder / file).write_text(text.replace("@FOLDER@", str(folder)))
    copy = folder / pathlib.Path(source).name
    shutil.copy(source, copy)
    command = [str(copy), *(argument.replace("@FOLDER@", str(folder)) for argument in arguments)]
    process = processes.start(command, folder / "log", cwd=folder)

    def is_ready():
        if process.poll() is not None:
            raise LabError(f"{name} ended with {process.returncode}")
        return ready()

    try:
        processes.wait_until(is_ready, START_SECONDS, f"{name} to be ready")
        yield process
    except (AssertionError, LabError) as trouble:
        said = "\n".join(processes.tail(folder / "log", 20))
        raise type(trouble)(f"{trouble}\n{name} said:\n{said}") from None
    finally:
        processes.end(process)


@contextlib.contextmanager
def web_server(address, port, page):
    """Serves one page at an address that is this machine's for so long."""
    import http.server
    import threading

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            hosts.append(self.headers.get("host"))
            body = page.encode()
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    hosts = []
    namespaces.ip("address", "add", f"{address}/32", "dev", "lo")
    try:
        server = http.server.ThreadingHTTPServer((address, port), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield hosts
        finally:
            server.shutdown()
            server.server_close()
    finally:
        subprocess.run(["ip", "address", "delete", f"{address}/32", "dev", "lo"], capture_output=True)
