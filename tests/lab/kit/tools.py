"""Real clients: dig, kdig and drill, and what their output says."""
import dataclasses
import re
import subprocess

from .processes import LabError

SECONDS = 12


@dataclasses.dataclass(frozen=True)
class Record:
    owner: str
    ttl: int
    type: str
    data: str


@dataclasses.dataclass(frozen=True)
class Answer:
    status: str  # NOERROR, NXDOMAIN, ...; NONE when the client got no reply
    flags: frozenset
    answers: tuple
    authority: tuple
    text: str

    def data(self, type_name):
        return sorted(record.data for record in self.answers if record.type == type_name)


def _records(text, section):
    """The records under `;; ANSWER SECTION:`, in the layout that all three clients print."""
    match = re.search(rf"^;; {section} SECTION:[^\n]*\n(.*?)(?:\n\s*\n|\Z)", text, re.M | re.S)
    records = []
    for line in match.group(1).splitlines() if match else ():
        fields = line.split(None, 4)
        if len(fields) == 5 and not line.startswith(";") and fields[1].isdigit():
            records.append(Record(fields[0], int(fields[1]), fields[3], fields[4].strip()))
    return tuple(records)


def _parse(text):
    status = re.search(r"(?:status|rcode): ([A-Z]\w*)", text)  # kdig tells an HTTP status, too
    flags = re.search(r"flags: ?([a-z ]*)", text.lower())
    return Answer(status.group(1) if status else "NONE", frozenset(flags.group(1).split()) if flags else frozenset(),
                  _records(text, "ANSWER"), _records(text, "AUTHORITY"), text)


def delv_verdict(name, type_name, server, port, anchors):
    """BIND's validator on records of that server, which it asks with CD: secure, insecure, bogus, or all that it said."""
    command = ["delv", f"@{server}", "-p", str(port), "-a", str(anchors), "+root=.", name, type_name]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    text = done.stdout + done.stderr
    if "fully validated" in text:
        return "secure"
    if "unsigned answer" in text:
        return "insecure"
    return "bogus" if "resolution failed" in text else text


def ask(name, type_name="A", server="127.0.0.1", port=5300, tool="dig", tcp=False, options=()):
    """Asks once, with one of the tools. Extra options are that tool's own."""
    if tool == "drill":
        command = ["drill", "-p", str(port), *(["-t"] if tcp else ["-u"]), *options, f"@{server}", name, type_name]
    else:
        command = [tool, f"@{server}", "-p", str(port), name, type_name, "+tcp" if tcp else "+notcp",
                   "+tries=1" if tool == "dig" else "+retry=0", "+time=8", *options]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, errors="replace")
    except subprocess.TimeoutExpired:
        return Answer("NONE", frozenset(), (), (), f"{' '.join(command)}: no end after {SECONDS} s")
    except FileNotFoundError:
        raise LabError(f"{tool} is missing; scripts/deps lab installs it") from None
    return _parse(result.stdout + result.stderr)


def metrics():
    """{series with its labels: value}, of the page that Prometheus reads."""
    code, _, body = http("/metrics")
    if code != 200:
        raise LabError(f"/metrics: status {code}")
    values = {}
    for line in body.splitlines():
        if line and not line.startswith("#"):
            match = re.fullmatch(r"([a-zA-Z_:][a-zA-Z0-9_:]*(?:\{[^}]*\})?) ([0-9.eE+-]+|NaN|\+Inf)", line)
            if not match:
                raise AssertionError(f"not a line of Prometheus: {line}")
            values[match.group(1)] = float(match.group(2))
    return values


def http(path, address="127.0.0.1", port=8053):
    """(status code, content type, body) by curl; code 0 when there is no server."""
    host = f"[{address}]" if ":" in address else address
    result = subprocess.run(["curl", "--silent", "--max-time", "30", "--write-out", r"\n%{http_code} %{content_type}",
                             f"http://{host}:{port}{path}"], capture_output=True, text=True)
    body, _, trailer = result.stdout.rpartition("\n")
    code, _, content_type = trailer.partition(" ")
    return int(code or 0), content_type, body
